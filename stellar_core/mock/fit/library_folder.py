"""A data folder for the emulator, gathered from the public distributions of the libraries.

The folder has the layout that `stellar_core.mock.fit.library` and `stellar_core.mock.fit.emulator`
read: ``library/stellar_library.npz`` and ``.csv``, ``photometry/ck04_sed.npz``.
"""

from __future__ import annotations

import csv
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from stellar_core.errors import ParameterError
from stellar_core.files import atomic_path
from stellar_core.mock.fit.public_libraries import (
    FWHM,
    LibraryStar,
    read_boss_templates,
    read_kurucz_standards,
    read_miles,
    read_stelib,
)
from stellar_core.preprocessing.grid import GRID

#: Option of the command line -> library and its reader.
READERS = {
    "miles": ("MILES", read_miles),
    "stelib": ("STELIB", read_stelib),
    "boss": ("BOSS_TEMPLATE", read_boss_templates),
    "kurucz": ("KURUCZ_STD", read_kurucz_standards),
}
COLUMNS = ("row", "source", "id", "name", "spectral_type", "teff_K", "logg_dex", "feh_dex", "fwhm_A")
#: Ranges of wavelength (A) and Teff (K) kept of the Castelli & Kurucz (2004) models.
CK04_WAVELENGTH, CK04_TEFF = (2900.0, 11500.0), (3500.0, 15000.0)


@dataclass(frozen=True)
class Sources:
    """Sources of the data of the emulator.

    Attributes
    ----------
    base : Path, optional
        A data folder, used for everything that no other source provides.
    libraries : mapping of str to Path
        Public distributions by the keys of `READERS`.
    ck04 : Path, optional
        Folder ``ck04models`` of STScI's CDBS.
    """

    base: Path | None = None
    libraries: Mapping[str, Path] = field(default_factory=dict)
    ck04: Path | None = None

    def __post_init__(self) -> None:
        unknown = set(self.libraries) - set(READERS)
        if unknown:
            raise ParameterError(f"There is no library {sorted(unknown)[0]!r}; there are {', '.join(READERS)}.")
        if self.base is None and "miles" not in self.libraries:
            raise ParameterError("The emulator needs MILES: give DATA_FOLDER or --miles FOLDER.")
        if self.base is None and not {"stelib", "boss"} & set(self.libraries):
            raise ParameterError("Above 7400 A the emulator needs --stelib or --boss, or DATA_FOLDER.")
        if self.base is None and self.ck04 is None:
            raise ParameterError("The continuum needs the Castelli & Kurucz fluxes: give DATA_FOLDER or --ck04 FOLDER.")


def gather(sources: Sources, out: Path) -> list[str]:
    """Write a data folder to ``out``.

    Returns
    -------
    list of str
        A sentence per library: number of spectra and source, or that it was left out.

    Raises
    ------
    ParameterError
        If a source cannot be read.
    """
    stars, notes = [], []
    for option, (library, reader) in READERS.items():
        if option in sources.libraries:
            found = list(reader(sources.libraries[option]))
            notes.append(f"{library}: {len(found)} spectra from its public distribution.")
        elif sources.base is not None:
            found = list(_from_folder(sources.base / "library", library))
            notes.append(f"{library}: {len(found)} spectra from the data folder.")
        else:
            found = []
            notes.append(f"{library}: left out, because --{option} was not given.")
        stars += found
    write_library(stars, Path(out) / "library")
    (Path(out) / "photometry").mkdir(parents=True, exist_ok=True)
    target = Path(out) / "photometry" / "ck04_sed.npz"
    if sources.ck04 is None:
        shutil.copyfile(sources.base / "photometry" / "ck04_sed.npz", target)
    else:
        np.savez_compressed(target, **read_ck04(sources.ck04))
    return notes


def _from_folder(folder: Path, library: str) -> Iterator[LibraryStar]:
    """The spectra of one library in a data folder."""
    with open(folder / "stellar_library.csv", newline="") as lines:
        rows = [row for row in csv.DictReader(lines) if row["source"] == library]
    with np.load(folder / "stellar_library.npz") as archive:
        flux = archive["flux"]
    for row in rows:
        labels = tuple(float(row[name]) if row[name] else np.nan for name in ("teff_K", "logg_dex", "feh_dex"))
        yield LibraryStar(library, row["id"], row["name"], labels, flux[int(row["row"])].astype(np.float32))


def write_library(stars: Sequence[LibraryStar], folder: Path) -> None:
    """Write ``stellar_library.npz`` (flux in half precision) and ``.csv``."""
    folder.mkdir(parents=True, exist_ok=True)
    flux = np.array([star.flux for star in stars], np.float16).reshape(-1, GRID.size)
    with atomic_path(folder / "stellar_library.npz") as draft, draft.open("wb") as out:
        np.savez_compressed(out, wavelength_A=GRID.astype(np.float32), flux=flux)
    with atomic_path(folder / "stellar_library.csv") as draft, draft.open("w", newline="") as lines:
        table = csv.writer(lines)
        table.writerow(COLUMNS)
        for row, star in enumerate(stars):
            labels = ["" if np.isnan(value) else repr(float(value)) for value in star.labels]
            table.writerow([row, star.source, star.ident, star.name, "", *labels, FWHM.get(star.source, "")])


def read_ck04(folder: Path) -> dict[str, np.ndarray]:
    """Castelli & Kurucz (2004) fluxes from STScI's tables, ``ckp00/ckp00_5500.fits`` and so on.

    Each table has a column WAVELENGTH (A) and one per gravity, g00 to g50 (log g times 10), in
    erg/s/cm2/A at the surface; a column of zeros means that there is no model.

    Returns
    -------
    dict
        ``wavelength_A`` (n,), ``teff_logg_mh`` (m, 3), ``surface_flux`` (m, n), float32.

    Raises
    ------
    ParameterError
        If no such table is found.
    """
    from astropy.io import fits

    labels, fluxes, wavelength = [], [], None
    for path in sorted(Path(folder).glob("**/ck[mp]??_*.fits")):
        sign, metals, teff = re.match(r"ck([mp])(\d\d)_(\d+)", path.stem).groups()
        if not CK04_TEFF[0] <= float(teff) <= CK04_TEFF[1]:
            continue
        with fits.open(path) as hdus:
            table = hdus[1].data
            here = np.array(table["WAVELENGTH"], float)
            use = (here >= CK04_WAVELENGTH[0]) & (here <= CK04_WAVELENGTH[1])
            wavelength = here[use] if wavelength is None else wavelength
            for name in (name for name in table.names if re.fullmatch(r"g\d\d", name.lower())):
                flux = np.array(table[name], float)[use]
                if flux.min() > 0:
                    labels.append((float(teff), int(name[1:]) / 10, (-1 if sign == "m" else 1) * int(metals) / 10))
                    fluxes.append(flux)
    if not fluxes:
        raise ParameterError(f"There is no table such as ckp00/ckp00_5500.fits in {folder}.", value=str(folder))
    return {
        "wavelength_A": wavelength.astype(np.float32),
        "surface_flux": np.array(fluxes, np.float32),
        "teff_logg_mh": np.array(labels, np.float32),
    }


@contextmanager
def data_folder(sources: Sources, report: Callable[[str], None] = lambda text: None) -> Iterator[Path]:
    """The data folder of ``sources``: its base, or a temporary one gathered from public distributions.

    Parameters
    ----------
    sources : Sources
    report : callable
        Takes a sentence per library.

    Raises
    ------
    ParameterError
        If a source cannot be read.
    """
    if not sources.libraries and sources.ck04 is None:
        yield sources.base
        return
    with tempfile.TemporaryDirectory() as out:
        for note in gather(sources, Path(out)):
            report(note)
        yield Path(out)
