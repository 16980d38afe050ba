"""Rebuild the parts of ``trained/`` that the MOCK survey is made of, from a data folder.

The data folder holds ``mist/``, ``photometry/``, ``catalogue/``, ``sdss/`` and ``library/``.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from stellar_core.errors import ParameterError
from stellar_core.model_store import write_model
from stellar_core.paths import TRAINED_DIR

#: Catalogue of real stars in the data folder.
CATALOGUE = Path("catalogue") / "sdss_colours_feh.csv"


def build_tracks(data: Path, out: Path) -> None:
    """``track-emulator``: the table of MIST's tracks.

    From ``mist/*.npz`` of the data folder; or ``data`` is itself such a file, or a folder of MIST's own archives
    (``.txz``, as ``fetch mist`` leaves them) or ``.track.eep`` files.
    """
    from stellar_core.isochrones.eep_files import read_eep_files
    from stellar_core.isochrones.mist import read_archive
    from stellar_core.isochrones.track_table import build

    folder = data / "mist" if (data / "mist").is_dir() else data
    archives = [folder] if folder.suffix == ".npz" else sorted(folder.glob("*.npz"))
    packed = sorted(folder.glob("*.txz"))
    if archives:
        tracks = read_archive(archives[0])
    elif packed or any(folder.rglob("*.track.eep")):
        tracks = read_eep_files(packed or folder)
    else:
        raise ParameterError(f"There is no archive of tracks in {data / 'mist'}.", value=str(data))
    build(tracks, out / "track-emulator")


def build_photometry(data: Path, out: Path) -> None:
    """``mock-photometry`` and ``gaia-photometry``: bolometric corrections, extinctions and zero points."""
    from stellar_core.mock.fit.photometry import build, build_gaia

    for name, make in (("mock-photometry", build), ("gaia-photometry", build_gaia)):
        weights, card = make(data)
        write_model(out / name, weights, {**card, "name": name})


def build_population(data: Path, out: Path) -> None:
    """``mock-population``: the selection of the survey by colour."""
    from stellar_core.mock.fit.population import fit_selection

    weights, card = fit_selection(data / CATALOGUE)
    write_model(out / "mock-population", weights, {**card, "name": "mock-population"})


def build_comparison(data: Path, out: Path) -> None:
    """``mock-population/comparison``: the MOCK catalogue, drawn from ``trained/``, compared with the real one."""
    from stellar_core.mock.fit.population_comparison import compare, mock_catalogue, real_catalogue
    from stellar_core.mock.population_comparison import write_comparison

    write_comparison(compare(real_catalogue(data / CATALOGUE), mock_catalogue()), out / "mock-population")


def build_instrument(data: Path, out: Path) -> None:
    """``mock-instrument``: noise, resolution, sky and gaps."""
    from stellar_core.mock.fit.instrument import fit_instruments

    weights, card = fit_instruments(data / "sdss")
    write_model(out / "mock-instrument", weights, {**card, "name": "mock-instrument"})


def build_emulator(data: Path, out: Path) -> None:
    """``spectral-emulator``: the line spectra, their errors and the stars held out."""
    from stellar_core.mock.fit.emulator import build

    build(data, out / "spectral-emulator")


#: Name -> function that makes it, in this order: the comparison needs photometry, population and instrument.
PARTS: dict[str, Callable[[Path, Path], None]] = {
    "tracks": build_tracks,
    "photometry": build_photometry,
    "population": build_population,
    "instrument": build_instrument,
    "emulator": build_emulator,
    "comparison": build_comparison,
}


def build_parts(
    data: Path | None,
    only: Sequence[str] = (),
    out: Path = TRAINED_DIR,
    report: Callable[[str], None] = lambda text: None,
    libraries: Mapping[str, Path] | None = None,
    ck04: Path | None = None,
) -> dict[str, float]:
    """Rebuild the parts of ``only``, or all.

    Parameters
    ----------
    data : Path, optional
        Data folder; may be absent where ``libraries`` and ``ck04`` suffice.
    only : sequence of str
        Keys of `PARTS`; none for all. They are made in the order of `PARTS`.
    out : Path
        Folder that the parts are written to.
    report : callable
        Takes a line before and after each part.
    libraries : mapping of str to Path, optional
        Public distributions of ``miles``, ``stelib``, ``boss`` and ``kurucz``, for the emulator alone; the formats
        are those of `stellar_core.mock.fit.public_libraries`.
    ck04 : Path, optional
        Folder ``ck04models`` of STScI's CDBS, for the emulator alone.

    Returns
    -------
    dict of str to float
        Seconds that each part took.

    Raises
    ------
    ParameterError
        If a part is unknown or its data are missing.
    """
    unknown = [name for name in only if name not in PARTS]
    if unknown:
        raise ParameterError(f"There is no part {unknown[0]!r}; there are {', '.join(PARTS)}.", value=unknown[0])
    if libraries or ck04 is not None:
        if list(only) != ["emulator"]:
            raise ParameterError("Public libraries are for the part emulator alone.", value=", ".join(only) or "all")
        from stellar_core.mock.fit.library_folder import Sources, data_folder

        with data_folder(Sources(data, libraries or {}, ck04), report) as folder:
            return build_parts(folder, only, out, report)
    if data is None or not Path(data).exists():
        raise ParameterError(f"There is no data folder at {data}.", value=str(data))
    seconds = {}
    for name, part in PARTS.items():
        if not only or name in only:
            report(f"{name}: {(part.__doc__ or '').splitlines()[0]}")
            start = time.monotonic()
            try:
                part(Path(data), Path(out))
            except FileNotFoundError as error:
                raise ParameterError(f"The part {name} needs {error.filename}.", value=error.filename) from None
            seconds[name] = time.monotonic() - start
            report(f"{name}: done in {seconds[name]:.0f} s")
    return seconds
