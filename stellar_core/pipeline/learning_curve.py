"""How the error on REAL stars falls with the number of MOCK stars a network is trained on.

``python -m stellar_core.pipeline.learning_curve DATA_FOLDER --stars 1000 --stars 4000`` trains one
network per size and writes its errors beside those already in ``trained/mock-realism``.
If the error still falls at the largest size more mock stars are needed, if not a better mock.
"""

from __future__ import annotations

import datetime
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated

import typer

from stellar_core.datasets.config import DataConfig
from stellar_core.datasets.mock_stars import make_stars
from stellar_core.errors import ParameterError
from stellar_core.evaluation.atmospheres import spectrum_atmosphere
from stellar_core.evaluation.real_stars import compare, load_samples
from stellar_core.files import write_text
from stellar_core.models.zoo import ModelConfig
from stellar_core.paths import TRAINED_DIR
from stellar_core.training.config import TrainingConfig
from stellar_core.training.loop import train

CARD = TRAINED_DIR / "mock-realism" / "card.json"
#: A small Model 6 for the comparison of sizes, and the spectra it sees at every size.
COMPACT = ModelConfig(
    spectrum_depth=2, spectrum_width=128, heads=4, photometry_width=64, fusion_depth=2, fusion_width=128
)
SPECTRA_SEEN = 64_000


def recipe(stars: int, seed: int) -> TrainingConfig:
    """The same number of steps for every number of stars, so that only the stars' variety differs.

    Raises
    ------
    ParameterError
        If there are more stars than spectra to be seen.
    """
    if not 100 <= stars <= SPECTRA_SEEN:
        raise ParameterError(f"The comparison takes 100 to {SPECTRA_SEEN} stars; got {stars}.", value=stars)
    return TrainingConfig(
        name=f"growth-{stars}",
        epochs=round(SPECTRA_SEEN / stars),
        learning_rate=1e-3,
        photometry_dropout=1.0,
        seed=seed,
        model=COMPACT,
        data=DataConfig(stars=stars),
    )


def grow(
    data: Path, stars: Sequence[int], seed: int = 0, say: Callable[[str], None] = lambda text: None
) -> list[dict[str, object]]:
    """Train the compact Model 6 on each number of mock stars and compare it with all real samples.

    Parameters
    ----------
    data : Path
        Folder with ``sdss/`` and ``library/``.
    stars : sequence of int
    seed : int
        Of weights, order and dropout.
    say : callable
        Gets lines of progress.

    Returns
    -------
    list of dict
        One per size and sample: ``stars``, ``seed``, ``epochs`` and what `compare` gives.
    """
    samples = load_samples(data)
    rows: list[dict[str, object]] = []
    for n in stars:
        config = recipe(n, seed)

        def report(state: dict[str, object], n: int = n) -> None:
            say(
                f"{n} stars: epoch {state['epoch']} of {config.epochs}, {float(state['seconds_left']) / 60:.1f} min left"
            )

        trained = train(config, make_stars(n, config.data, "train"), progress=report, report_seconds=20.0)
        of = spectrum_atmosphere(trained.network.cpu().eval())
        about = {"stars": n, "seed": seed, "epochs": config.epochs}
        rows += [about | compare(sample, of) for sample in samples]
    return rows


def record(rows: Sequence[dict[str, object]], card: Path = CARD) -> None:
    """Put ``rows`` into the card, in place of those of the same size, seed and sample."""
    found = json.loads(card.read_text()) if card.exists() else {"name": "mock-realism"}
    kept = {(row["stars"], row["seed"], row["sample"]): row for row in [*found.get("growth", []), *rows]}
    found["growth"] = [kept[key] for key in sorted(kept, key=lambda key: (key[2], key[0], key[1]))]
    found["growth_note"] = (
        "a small Model 6 (2 layers, width 128) trained on MOCK stars alone, 64,000 spectra seen at every size, "
        "spectrum alone; median difference and 1.4826 MAD to the labels of REAL stars"
    )
    found["date"] = datetime.date.today().isoformat()
    card.parent.mkdir(parents=True, exist_ok=True)
    write_text(card, json.dumps(found, indent=1) + "\n")


def main() -> None:
    """Command line of this module."""

    def run(
        data: Annotated[Path, typer.Argument(help="Folder with sdss/ and library/.")],
        stars: Annotated[list[int], typer.Option(help="Training stars; may be repeated.")] = [1000, 4000, 16000, 64000],
        seed: Annotated[int, typer.Option(help="Seed of the training.")] = 0,
        card: Annotated[Path, typer.Option(help="Card to write to.")] = CARD,
    ) -> None:
        """Error on REAL stars against the number of MOCK training stars."""
        rows = grow(data, stars, seed, lambda text: typer.echo(text, err=True))
        record(rows, card)
        sys.stdout.write(json.dumps(rows, indent=1) + "\n")

    typer.run(run)


if __name__ == "__main__":
    main()
