"""Running a phase: stars, baselines, trials, findings and tables; finished parts are not repeated."""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

from stellar_core.datasets.config import DataConfig
from stellar_core.datasets.memmap_stars import make_phase_stars, open_phase_stars, select
from stellar_core.experiments.phases import PhaseConfig, phase_1, phase_2, phase_3, undersampled_epochs
from stellar_core.experiments.sweep import Result, Say, sweep
from stellar_core.experiments.trial import Trial, rows_of_test_sets
from stellar_core.files import write_text
from stellar_core.paths import TRAINED_DIR

#: What the paper does not state and what is assumed here; the presets; the baselines.
NOTES = (
    "All stars are MOCK: drawn from MIST tracks as a survey selects them, S/N 20 to 80, the paper's quality cuts, "
    "labels by the nearest track point to pipeline parameters with the errors in the settings.",
    "The paper states no split: here 80 % of the stars are for training, 10 % for validation and 10 % (or the minimum "
    "in the settings) for the test.",
    "Each experiment is scored on natural and on balanced test stars; the paper's B is taken to have balanced ones.",
    "Phases I and II weight the three losses equally; the architecture of Phase I, and the start of Phase II, is depth "
    "2 and width 256 for the spectrum, 3 layers of 256 for photometry, 3 of 512 for the fusion: the paper states "
    "neither.",
    "Undersampled runs take as many steps as the others, that is, more epochs of fewer stars.",
    "Preset paper: learning rate 1e-5, ReduceLROnPlateau, the best epoch by validation loss, unbounded heads. Preset "
    "ours: cosine schedule from a higher rate, running average of the weights, bounded heads. Both: AdamW with weight "
    "decay 0.01; batch size, dropout and attention heads, which the paper does not state, as in the settings.",
    "The exact posterior is given the pipeline's parameters, from which the labels are made, and can therefore be "
    "better than the floor on labels. The floor is given the true atmosphere but not the pipeline's errors, like a "
    "perfect network on MOCK stars, whose pipeline errors are independent of the spectrum.",
)


def run_phase(
    config: PhaseConfig,
    out: Path,
    workers: int = 1,
    cluster: str | None = None,
    threads: int = 1,
    publish: bool = False,
    say: Say = lambda text: None,
) -> dict[str, object]:
    """Run a phase, or the unfinished part of it, and write its tables.

    Parameters
    ----------
    config : PhaseConfig
    out : Path
        Folder for ``stars/``, ``trials/``, ``results.json`` and ``tables/``.
    workers, cluster, threads
        As for `stellar_core.experiments.sweep.sweep`.
    publish : bool
        Also write ``trained/experiments/phase<N>.json`` for the Experiments page.
    say : callable, optional
        Called with lines of text.

    Returns
    -------
    dict
        ``settings``, ``data``, ``trials``, ``yardsticks``, ``floor_by_error``, ``findings``, ``tables`` and, in
        Phase II, ``ascent``.
    """
    import numpy as np

    from stellar_core.experiments.findings import findings
    from stellar_core.experiments.tables import compact, tables, write_tables

    out = Path(out)
    out.mkdir(parents=True, exist_ok=True)
    data = DataConfig.paper(seed=config.data_seed, spp_errors=config.spp_errors)
    make_phase_stars(out / "stars", config.train_stars, config.test_stars, data, say)
    stars = open_phase_stars(out / "stars")
    baselines = _baselines(config, out)
    stages = np.bincount(stars.train.labels.stage, minlength=1)

    def run(trials: Iterable[Trial]) -> list[Result]:
        return sweep(list(trials), out / "stars", out / "trials", workers, cluster, threads, say)

    results: dict[str, object] = {
        "phase": config.phase,
        "data_kind": "MOCK",
        "date": datetime.date.today().isoformat(),
        "notes": list(NOTES),
        "settings": {**asdict(config), "train_stars": config.train_stars, "test_stars": config.test_stars},
        "data": stars.summary,
        **baselines,
    }
    if config.phase == 1:
        results["trials"] = run(phase_1(config, undersampled_epochs(config, stages)))
    elif config.phase == 2:
        results["trials"], results["ascent"] = phase_2(config, undersampled_epochs(config, stages), run)
    else:
        results["trials"] = run(phase_3(config))
    results["findings"] = findings(results)
    results["tables"] = write_tables(tables(results), out / "tables")
    write_text(out / "results.json", json.dumps(results, allow_nan=False) + "\n")
    if publish:
        folder = TRAINED_DIR / "experiments"
        folder.mkdir(exist_ok=True)
        text = json.dumps(compact(results), separators=(",", ":"), allow_nan=False)
        write_text(folder / f"phase{config.phase}.json", text + "\n")
    return results


def _baselines(config: PhaseConfig, out: Path) -> dict[str, object]:
    """Scores of the baselines, computed once per folder."""
    import numpy as np

    from stellar_core.evaluation.baselines import floor_by_error, score_baselines

    path = out / "yardsticks.json"
    if path.exists():
        return json.loads(path.read_text())
    stars = open_phase_stars(out / "stars")
    test = select(stars.test, np.arange(len(stars.test)))
    sets = rows_of_test_sets(test.labels.stage, config.data_seed)
    found = {
        "yardsticks": score_baselines(stars.train.labels, test, sets, config.spp_errors, config.data_seed),
        "floor_by_error": floor_by_error(test, config.spp_errors, config.data_seed),
    }
    write_text(path, json.dumps(found, allow_nan=False) + "\n")
    return found
