"""Readers of the stellar libraries in the formats of their authors.

=============  ==================================================================================
MILES          the folder of ``MILES_library_v9.1_FITS.tar.gz`` (miles.iac.es): ``s0001.fits`` to
               ``s0985.fits`` and the table ``paramsMILES_v9.1.txt``
STELIB         the folder of ``stelib_V3.2_corr_fits.tar.gz`` (ast.obs-mip.fr): one FITS file per
               star; its labels are a page on the web: ``labels.csv`` beside the files, or the
               header keywords TEFF, LOGG and FEH
BOSS_TEMPLATE  the folder of ``resources/templates`` of PyHammer, or ``fits`` of VizieR
               J/ApJS/230/16: ``G2_+0.0_Dwarf.fits``; Teff and log g by ``labels.csv``
KURUCZ_STD     ``kurucz_stds_v5.fit`` or ``kurucz_stds_raw_v5.fits`` of SDSS's idlspec2d
=============  ==================================================================================

``labels.csv`` has the columns name, teff_K, logg_dex, feh_dex; empty fields are unknown. MILES and
STELIB have air wavelengths, the others vacuum wavelengths.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from stellar_core.errors import ParameterError
from stellar_core.preprocessing.grid import GRID
from stellar_core.spectral_lines import air_to_vacuum

#: Range (A) whose median flux is 1.
NORMALISED = (4500, 7000)
#: Full width at half maximum, A, of the libraries that state one.
FWHM = {"MILES": 2.5, "STELIB": 3.0}
_UNKNOWN = (np.nan, np.nan, np.nan)
#: A line of MILES's table: star, number of its file from column 24, then Teff, log g and [Fe/H] after the type.
_MILES_LINE = re.compile(
    r"^(?P<name>.{23})(?P<file>\d{3}[\d.])\s.*?\s(?P<teff>\d{4,5}|-+)\s+(?P<logg>-?\d\.\d+|-+)\s+(?P<feh>[+-]?\d\.\d+|-+)(\s|$)"
)


@dataclass(frozen=True)
class LibraryStar:
    """One spectrum of a library.

    Attributes
    ----------
    source, ident, name : str
        Library, file or model, and star.
    labels : (float, float, float)
        Teff [K], log g [dex], [Fe/H] [dex]; NaN where unknown.
    flux : (6800,) float32
        Flux on `GRID` (vacuum, rest frame), median 1 over 4500-7000 A, NaN where not covered.
    """

    source: str
    ident: str
    name: str
    labels: tuple[float, float, float]
    flux: np.ndarray

    def __post_init__(self) -> None:
        if np.shape(self.flux) != GRID.shape:
            raise ParameterError(f"{self.ident}: a library spectrum has {GRID.size} pixels, not {np.shape(self.flux)}.")


def to_grid(wavelength: np.ndarray, flux: np.ndarray) -> np.ndarray:
    """Linear interpolation onto `GRID`, normalised.

    Parameters
    ----------
    wavelength : (n,) float
        Vacuum, ascending, A.
    flux : (n,) float
        Per Angstrom; 0, negative values and NaN are not covered.

    Returns
    -------
    (6800,) float32

    Raises
    ------
    ParameterError
        If nothing of 4500-7000 A is covered.
    """
    flux = np.asarray(flux, float)
    missing = ~(np.isfinite(flux) & (flux > 0))
    out = np.interp(GRID, wavelength, np.where(missing, 0.0, flux), left=np.nan, right=np.nan)
    # Pixels next to a missing one are missing too.
    out[np.interp(GRID, wavelength, missing.astype(float)) > 0] = np.nan
    middle = out[(GRID >= NORMALISED[0]) & (GRID < NORMALISED[1])]
    if not np.isfinite(middle).any():
        raise ParameterError("A library spectrum covers nothing of 4500-7000 A.")
    return (out / np.nanmedian(middle)).astype(np.float32)


def read_image(path: Path) -> tuple[np.ndarray, np.ndarray, dict[str, object]]:
    """Wavelengths (n,), flux (n,) and header of a spectrum in the primary image of a FITS file.

    The axis is CRVAL1 + (pixel - CRPIX1) CDELT1 (or CD1_1), logarithmic where DC-FLAG is 1.

    Raises
    ------
    ParameterError
        If there is no such image.
    """
    from astropy.io import fits

    try:
        with fits.open(path) as hdus:
            header, data = dict(hdus[0].header), hdus[0].data
    except OSError as error:
        raise ParameterError(f"{path.name} is not a FITS file ({error}).", value=str(path)) from None
    step = header.get("CDELT1", header.get("CD1_1"))
    if data is None or step is None or "CRVAL1" not in header:
        raise ParameterError(
            f"{path.name} has no spectrum with CRVAL1 and CDELT1 in its primary image.", value=str(path)
        )
    flux = np.asarray(data, float).reshape(-1, np.shape(data)[-1])[0]
    axis = header["CRVAL1"] + (np.arange(flux.size) + 1 - header.get("CRPIX1", 1)) * step
    return (10.0**axis if header.get("DC-FLAG") == 1 else axis), flux, header


def read_labels(folder: Path) -> dict[str, tuple[float, float, float]]:
    """Labels by star (without spaces, capitals) from ``labels.csv``; empty where there is none."""
    path = Path(folder) / "labels.csv"
    if not path.exists():
        return {}
    with open(path, newline="") as lines:
        rows = csv.DictReader(lines)
        wanted = ("name", "teff_K", "logg_dex", "feh_dex")
        if not set(wanted) <= set(rows.fieldnames or ()):
            raise ParameterError(f"labels.csv needs the columns {', '.join(wanted)}.", value=str(path))
        return {
            _key(row["name"]): tuple(float(row[column]) if row[column] else np.nan for column in wanted[1:])
            for row in rows
        }


def _key(name: str) -> str:
    return "".join(name.split()).upper()


def read_miles(folder: Path) -> Iterator[LibraryStar]:
    """MILES, in the order of its table.

    Raises
    ------
    ParameterError
        If the table or a file it names is missing.
    """
    tables = sorted(Path(folder).glob("paramsMILES*.txt"))
    if not tables:
        raise ParameterError(f"There is no paramsMILES_v9.1.txt in {folder}.", value=str(folder))
    for line in tables[0].read_text(encoding="latin-1").splitlines():
        found = _MILES_LINE.match(line)
        if found is None:
            continue
        # The table of version 9.1 writes 022. for 0221.
        number = found["file"].replace(".", "1")
        wavelength, flux, _ = read_image(Path(folder) / f"s{number}.fits")
        labels = tuple(
            np.nan if found[part].startswith("--") else float(found[part]) for part in ("teff", "logg", "feh")
        )
        yield LibraryStar("MILES", number, found["name"].strip(), labels, to_grid(air_to_vacuum(wavelength), flux))


def read_stelib(folder: Path) -> Iterator[LibraryStar]:
    """STELIB; its files are assumed to be in the rest frame, as the archive ``_corr_`` states.

    Raises
    ------
    ParameterError
        If the folder holds no FITS file.
    """
    known = read_labels(folder)
    for path in _files(folder, "*.fits"):
        name = re.sub(r"^STELIB_v[\d.]+_", "", path.stem)
        wavelength, flux, header = read_image(path)
        written = tuple(float(header.get(word, np.nan)) for word in ("TEFF", "LOGG", "FEH"))
        yield LibraryStar(
            "STELIB", path.name, name, known.get(_key(name), written), to_grid(air_to_vacuum(wavelength), flux)
        )


def read_boss_templates(folder: Path) -> Iterator[LibraryStar]:
    """Mean SDSS/BOSS dwarfs (Kesseli et al. 2017); [Fe/H] is in the file's name.

    Raises
    ------
    ParameterError
        If the folder holds no template, or one without the columns LogLam and Flux.
    """
    from astropy.io import fits

    known = read_labels(folder)
    for path in _files(folder, "[OBAFGKM][0-9]*.fits"):
        if "Giant" in path.stem:
            continue
        with fits.open(path) as hdus:
            table = hdus[1].data
            columns = {name.lower(): name for name in table.names}
            if not {"loglam", "flux"} <= set(columns):
                raise ParameterError(f"{path.name} has no columns LogLam and Flux.", value=str(path))
            wavelength, flux = (np.array(table[columns[name]], float) for name in ("loglam", "flux"))
        teff, logg, feh = known.get(_key(path.stem), _UNKNOWN)
        metals = re.search(r"_([+-]\d\.\d)", path.stem)
        feh = float(metals[1]) if metals and not np.isfinite(feh) else feh
        yield LibraryStar("BOSS_TEMPLATE", path.stem, path.stem, (teff, logg, feh), to_grid(10.0**wavelength, flux))


def read_kurucz_standards(path: Path) -> Iterator[LibraryStar]:
    """Models of the SDSS pipeline's standard stars: image of all fluxes, and a table MODEL, TEFF, G, FEH.

    Raises
    ------
    ParameterError
        If the file is not of that form.
    """
    from astropy.io import fits

    try:
        with fits.open(path) as hdus:
            header, flux = hdus[0].header, np.array(hdus[0].data, float)
            tables = [hdu.data for hdu in hdus[1:] if {"TEFF", "G", "FEH"} <= {n.upper() for n in _columns(hdu)}]
            if flux.ndim != 2 or not tables or "CRVAL1" not in header:
                raise ParameterError(
                    f"{Path(path).name} holds no table of models with TEFF, G and FEH.", value=str(path)
                )
            axis = header["CRVAL1"] + np.arange(flux.shape[1]) * header.get("CD1_1", header.get("CDELT1", 1e-4))
            rows = [
                (str(row["MODEL"]).strip(), float(row["TEFF"]), float(row["G"]), float(row["FEH"])) for row in tables[0]
            ]
    except OSError as error:
        raise ParameterError(f"{Path(path).name} cannot be read ({error}).", value=str(path)) from None
    for (model, *labels), one in zip(rows, flux):
        yield LibraryStar("KURUCZ_STD", model, model, tuple(labels), to_grid(10.0**axis, one))


def _columns(hdu: object) -> list[str]:
    return list(getattr(getattr(hdu, "columns", None), "names", None) or ())


def _files(folder: Path, pattern: str) -> list[Path]:
    found = sorted(Path(folder).glob(pattern))
    if not found:
        raise ParameterError(f"There is no {pattern} in {folder}.", value=str(folder))
    return found
