"""Everything the MOCK survey is made of, rebuilt from a data folder by one command.

``python -m stellar_core.mock.fit.rebuild DATA_FOLDER`` writes the folders of ``trained/`` named in
`STEPS`, in this order; ``--only NAME`` (may be repeated) makes some of them. DATA_FOLDER holds
``mist/``, ``photometry/``, ``catalogue/``, ``sdss/`` and ``library/``.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from stellar_core.errors import ParameterError, StellarError
from stellar_core.model_store import write_model
from stellar_core.paths import TRAINED_DIR

#: A file of DATA_FOLDER.
CATALOGUE = Path("catalogue") / "sdss_colours_feh.csv"


def rebuild_tracks(data: Path, out: Path) -> None:
    """``track-emulator``: the compact table of MIST's tracks."""
    from stellar_core.isochrones.mist import read_archive
    from stellar_core.isochrones.track_table import build

    archives = sorted((data / "mist").glob("*.npz"))
    if not archives:
        raise ParameterError(f"There is no archive of tracks in {data / 'mist'}.", value=str(data))
    build(read_archive(archives[0]), out / "track-emulator")


def rebuild_photometry(data: Path, out: Path) -> None:
    """``mock-photometry``: bolometric corrections, extinctions and zero points."""
    from stellar_core.mock.fit.photometry import build

    weights, card = build(data)
    write_model(out / "mock-photometry", weights, {**card, "name": "mock-photometry"})


def rebuild_population(data: Path, out: Path) -> None:
    """``mock-population``: the survey's choice of colours."""
    from stellar_core.mock.fit.population import learn

    weights, card = learn(data / CATALOGUE)
    write_model(out / "mock-population", weights, {**card, "name": "mock-population"})


def rebuild_comparison(data: Path, out: Path) -> None:
    """``mock-population/comparison``: the MOCK catalogue, drawn from what is in ``trained/``, beside the real one."""
    from stellar_core.mock.fit.population_report import compare, mock_catalogue, real_catalogue, write_comparison

    write_comparison(compare(real_catalogue(data / CATALOGUE), mock_catalogue()), out / "mock-population")


def rebuild_instrument(data: Path, out: Path) -> None:
    """``mock-instrument``: noise, resolution, sky and gaps."""
    from stellar_core.mock.fit.instrument import learn

    weights, card = learn(data / "sdss")
    write_model(out / "mock-instrument", weights, {**card, "name": "mock-instrument"})


def rebuild_emulator(data: Path, out: Path) -> None:
    """``spectral-emulator``: the line spectra, their errors and the stars held out."""
    from stellar_core.mock.fit.emulator import build

    build(data, out / "spectral-emulator")


#: Name -> what makes it; the comparison needs the photometry, the population and the instrument.
STEPS: dict[str, Callable[[Path, Path], None]] = {
    "tracks": rebuild_tracks,
    "photometry": rebuild_photometry,
    "population": rebuild_population,
    "instrument": rebuild_instrument,
    "emulator": rebuild_emulator,
    "comparison": rebuild_comparison,
}


def rebuild(
    data: Path, only: Sequence[str] = (), out: Path = TRAINED_DIR, say: Callable[[str], None] = lambda text: None
) -> dict[str, float]:
    """Rebuild the steps of ``only``, or all.

    Parameters
    ----------
    data : Path
        Data folder.
    only : sequence of str
        Keys of `STEPS`; none for all. Their order is that of `STEPS`.
    out : Path
        Where the folders go.
    say : callable
        Gets a line before and after each step.

    Returns
    -------
    dict of str to float
        Seconds that each step took.

    Raises
    ------
    ParameterError
        If a step is unknown or its data are missing.
    """
    unknown = [name for name in only if name not in STEPS]
    if unknown:
        raise ParameterError(f"There is no step {unknown[0]!r}; there are {', '.join(STEPS)}.", value=unknown[0])
    if not Path(data).is_dir():
        raise ParameterError(f"There is no data folder at {data}.", value=str(data))
    seconds = {}
    for name, step in STEPS.items():
        if not only or name in only:
            say(f"{name}: {(step.__doc__ or '').strip()}")
            start = time.monotonic()
            try:
                step(Path(data), Path(out))
            except FileNotFoundError as error:
                raise ParameterError(f"The step {name} needs {error.filename}.", value=error.filename) from None
            seconds[name] = time.monotonic() - start
            say(f"{name}: done in {seconds[name]:.0f} s")
    return seconds


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m stellar_core.mock.fit.rebuild", description=__doc__)
    parser.add_argument("data", type=Path, metavar="DATA_FOLDER")
    parser.add_argument("--only", action="append", default=[], choices=list(STEPS))
    given = parser.parse_args()
    try:
        rebuild(given.data, given.only, say=lambda text: sys.stderr.write(text + "\n"))
    except StellarError as error:
        raise SystemExit(f"error: {error}") from None
