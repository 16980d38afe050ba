"""Spec-lite FITS files of MOCK spectra, in the layout of SDSS."""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import TypeAlias

import numpy as np

from stellar_core.constants import POGSON
from stellar_core.errors import SpectrumError
from stellar_core.files import atomic_path
from stellar_core.mock.plates import object_id
from stellar_core.photometry import Photometry
from stellar_core.sdss.readers.photometric_rows import NANOMAGGY, SOFTENING
from stellar_core.sdss.specobjid import FIRST_BOSS_PLATE
from stellar_core.spectrum import Spectrum

#: Pipeline version in real files of the SDSS spectrograph; readers identify files by it.
LEGACY_VERSION = "v5_3_12"
#: Size of a FITS block, bytes.
BLOCK = 2880
#: Bits of the pixel masks (SPPIXMASK): sky brighter than its surroundings, no data.
BRIGHTSKY, NODATA = 1 << 23, 1 << 24
#: Names and vacuum wavelengths (A) of the hydrogen lines as in the line table of the pipeline.
HYDROGEN = (("H_delta", 4102.89), ("H_gamma", 4341.68), ("H_beta", 4862.68), ("H_alpha", 6564.61))
#: Name, FITS format and one value per row.
_Column: TypeAlias = tuple[str, str, Sequence]


def write_spec_lite(
    spectrum: Spectrum, path: str | os.PathLike, wdisp: np.ndarray | None = None, sky: np.ndarray | None = None
) -> Path:
    """Write ``spectrum`` as a spec-lite file: primary header, COADD, SPECOBJ or SPALL, SPZLINE.

    Files of the SDSS spectrograph have a SPECOBJ row that names the instrument, files of BOSS a SPALL
    row that does not. Real SPECOBJ rows hold no imaging photometry; MOCK ones do, in SPALL's columns.

    Parameters
    ----------
    spectrum : Spectrum
        With ``plate``, ``mjd``, ``fiber`` and ``run2d`` in its metadata, on pixels of 1e-4 in
        log10 wavelength.
    path : path-like
        Written to a temporary file first, then renamed.
    wdisp, sky : (n_pixel,) float, optional
        Line spread in pixels and subtracted sky, 1e-17 erg/s/cm2/A; by default 1 and 0.

    Returns
    -------
    Path

    Raises
    ------
    SpectrumError
        If the metadata are incomplete or the pixels differ from those of SDSS.
    """
    meta = spectrum.meta
    missing = [key for key in ("plate", "mjd", "fiber", "run2d", "specobjid") if key not in meta]
    if missing:
        raise SpectrumError(f"A spec-lite file needs {', '.join(missing)} in the metadata of the spectrum.")
    loglam = np.log10(spectrum.wavelength)
    if not np.allclose(np.diff(loglam), 1e-4, atol=2e-6):
        raise SpectrumError("A spec-lite file needs pixels of 1e-4 in log10 of the wavelength.")
    boss = meta.get("instrument", "BOSS" if meta["plate"] >= FIRST_BOSS_PLATE else "SDSS") == "BOSS"
    parts = (
        _primary(spectrum, loglam, boss),
        _table("COADD", _coadd(spectrum, loglam, wdisp, sky)),
        _table("SPALL" if boss else "SPECOBJ", _row(spectrum, boss)),
        _table("SPZLINE", _lines(spectrum)),
    )
    target = Path(path)
    with atomic_path(target) as draft:
        draft.write_bytes(b"".join(parts))
    return target


def _table(name: str, columns: Sequence[_Column]) -> bytes:
    """Bytes of a binary table; astropy makes the header once per layout."""
    rows = len(columns[0][2])
    header, dtype = _layout(name, tuple((column, form) for column, form, _ in columns), rows)
    data = np.zeros(rows, dtype)
    for column, form, values in columns:
        # FITS holds unsigned numbers as signed ones 2^63 lower.
        data[column] = values if form != "K" else (np.asarray(values, np.uint64) ^ np.uint64(1 << 63)).view(np.int64)
    return header + data.tobytes() + bytes(-data.nbytes % BLOCK)


@lru_cache(maxsize=512)
def _layout(name: str, forms: tuple[tuple[str, str], ...], rows: int) -> tuple[bytes, np.dtype]:
    """Header and row dtype of a table of columns (name, FITS format; K is unsigned here)."""
    from astropy.io import fits

    columns = [fits.Column(column, form, bzero=1 << 63 if form == "K" else None) for column, form in forms]
    table = fits.BinTableHDU.from_columns(columns, nrows=rows, name=name)
    return table.header.tostring().encode("ascii"), table.columns.dtype.newbyteorder(">")


def _primary(spectrum: Spectrum, loglam: np.ndarray, boss: bool) -> bytes:
    from astropy.io import fits

    meta = spectrum.meta
    cards = [
        ("SIMPLE", True, "conforms to FITS standard"),
        ("BITPIX", 8, "array data type"),
        ("NAXIS", 0, "number of array dimensions"),
        ("EXTEND", True, ""),
        ("TELESCOP", "SDSS 2.5-M", "Imitated: see MOCK"),
        ("MOCK", spectrum.source == "mock", "True: made by an emulator, never observed"),
        ("FLAVOR", "science", "exposure type, SDSS spectro style"),
        ("MJD", meta["mjd"], "MJD of the observation"),
        ("PLATEID", meta["plate"], "Plate"),
        ("FIBERID", meta["fiber"], "Fiber"),
        ("SPEC_ID", meta["specobjid"], "Unique object identifier"),
        ("RUN2D", meta["run2d"], "Spectro-2D reduction name"),
        ("VERS2D", meta["run2d"] if boss else LEGACY_VERSION, "Version of idlspec2d for 2D reduction"),
        ("PLUG_RA", meta.get("ra", 0.0), "RA of object [deg]"),
        ("PLUG_DEC", meta.get("dec", 0.0), "dec of object [deg]"),
        ("EQUINOX", 2000.0, ""),
        ("RADECSYS", "FK5", ""),
        ("VACUUM", True, "Wavelengths are in vacuum"),
        ("COEFF0", round(float(loglam[0]), 4), "Central wavelength (log10) of first pixel"),
        ("COEFF1", 1e-4, "Log10 dispersion per pixel"),
        ("NWORDER", 2, "Linear-log10 coefficients"),
        ("DC-FLAG", 1, "Log-linear flag"),
        ("BUNIT", "1E-17 erg/cm^2/s/Ang", ""),
    ]
    if "mock_edition" in meta:
        cards.append(("MOCKEDIT", meta["mock_edition"], "Edition of the MOCK survey"))
    return fits.Header([fits.Card(*card) for card in cards]).tostring().encode("ascii")


def _coadd(
    spectrum: Spectrum, loglam: np.ndarray, wdisp: np.ndarray | None, sky: np.ndarray | None
) -> tuple[_Column, ...]:
    n = loglam.size
    wdisp = np.ones(n) if wdisp is None else np.asarray(wdisp)
    sky = np.zeros(n) if sky is None else np.asarray(sky)
    mask = np.where(spectrum.good, 0, NODATA)
    mask |= np.where((sky > 0) & (sky > 5 * np.median(sky)), BRIGHTSKY, 0)
    model = np.zeros(n) if spectrum.model is None else spectrum.model
    return (
        ("flux", "E", spectrum.flux),
        ("loglam", "E", loglam),
        ("ivar", "E", spectrum.ivar),
        ("and_mask", "J", mask),
        ("or_mask", "J", mask),
        ("wdisp", "E", wdisp),
        ("sky", "E", sky),
        ("model", "E", model),
    )


def _row(spectrum: Spectrum, boss: bool) -> list[_Column]:
    """Columns of SPALL or SPECOBJ: identifiers and measurements of the object."""
    meta, good = spectrum.meta, spectrum.good
    own = object_id(meta["plate"], meta["fiber"]) if spectrum.source == "mock" else ""
    program = "MOCK" if spectrum.source == "mock" else ""
    ra, dec = meta.get("ra", 0.0), meta.get("dec", 0.0)
    if boss:
        names = (
            ("PROGRAMNAME", "27A", program),
            ("SPECOBJID", "K", np.uint64(meta["specobjid"])),
            ("OBJID", "19A", str(own)),
            ("RA", "D", ra),
            ("DEC", "D", dec),
        )
    else:
        names = (
            ("SURVEY", "6A", "sdss"),
            ("INSTRUMENT", "4A", "SDSS"),
            ("PROGRAMNAME", "23A", program),
            ("SPECOBJID", "22A", f"{meta['specobjid']:>22}"),
            ("BESTOBJID", "19A", f"{own:>19}"),
        )
    scalars = (
        *names,
        ("PLATE", "J", meta["plate"]),
        ("MJD", "J", meta["mjd"]),
        ("FIBERID", "J", meta["fiber"]),
        ("RUN2D", f"{len(meta['run2d'])}A", meta["run2d"]),
        ("PLUG_RA", "D", ra),
        ("PLUG_DEC", "D", dec),
        ("CLASS", "6A", meta.get("class", "")),
        ("SUBCLASS", "21A", meta.get("subclass", "")),
        ("Z", "E", np.nan if spectrum.redshift is None else spectrum.redshift),
        ("Z_ERR", "E", meta.get("z_err", -1.0)),
        ("ZWARNING", "J", meta.get("zwarning", 0)),
        ("SN_MEDIAN_ALL", "E", meta.get("sn_median", spectrum.snr)),
        ("WAVEMIN", "E", spectrum.wavelength[good][0]),
        ("WAVEMAX", "E", spectrum.wavelength[good][-1]),
        ("WCOVERAGE", "E", 1e-4 * np.count_nonzero(good)),
    )
    columns = [(name, form, [value]) for name, form, value in scalars]
    if spectrum.photometry is not None:
        columns += [(name, "5E", value[None, :]) for name, value in _photometric_columns(spectrum.photometry)]
    return columns


def _photometric_columns(photometry: Photometry) -> list[tuple[str, np.ndarray]]:
    """PSF and model fluxes (nanomaggies) with inverse variances, magnitudes and extinction, each (5,)."""
    columns = [("EXTINCTION", photometry.extinction)]
    for name, magnitude in (("PSF", photometry.psf_mag), ("MODEL", photometry.model_mag)):
        scaled = np.sinh(-magnitude / POGSON - np.log(SOFTENING))
        flux = 2 * SOFTENING * scaled / NANOMAGGY
        sigma = photometry.psf_mag_err / POGSON * 2 * SOFTENING / NANOMAGGY * np.hypot(1.0, scaled)
        known = np.isfinite(flux) & np.isfinite(sigma) & (sigma > 0)
        ivar = np.where(known, 1.0 / np.where(known, sigma, 1.0) ** 2, 0.0)
        columns += [
            (f"{name}FLUX", np.where(known, flux, 0.0)),
            (f"{name}FLUX_IVAR", ivar),
            (f"{name}MAG", magnitude),
            (f"{name}MAGERR", photometry.psf_mag_err),
        ]
    return columns


def _lines(spectrum: Spectrum) -> list[_Column]:
    """SPZLINE rows of the hydrogen lines, marked as not fitted (errors -1), as in files of real stars."""
    meta, n = spectrum.meta, len(HYDROGEN)
    fixed = {"PLATE": meta["plate"], "MJD": meta["mjd"], "FIBERID": meta["fiber"]}
    columns: list[_Column] = [(name, "J", np.full(n, value)) for name, value in fixed.items()]
    columns.append(("LINENAME", "13A", [name for name, _ in HYDROGEN]))
    columns.append(("LINEWAVE", "D", [wave for _, wave in HYDROGEN]))
    for name in ("LINEZ", "LINESIGMA", "LINEAREA", "LINEEW", "LINECONTLEVEL"):
        columns.append((name, "E", np.zeros(n)))
        columns.append((f"{name}_ERR", "E", np.full(n, -1.0)))
    for name in ("LINENPIXLEFT", "LINENPIXRIGHT"):
        columns.append((name, "J", np.zeros(n)))
    columns.append(("LINEDOF", "E", np.zeros(n)))
    columns.append(("LINECHI2", "E", np.full(n, -1.0)))
    return columns
