"""Spec-lite FITS files of mock spectra, laid out as SDSS's own."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from stellar_core.errors import SpectrumError
from stellar_core.photometry import Photometry
from stellar_core.sdss.photometric_rows import NANOMAGGY, SOFTENING
from stellar_core.spectrum import Spectrum

#: Bits of the pixel masks (SPPIXMASK): sky brighter than its surroundings, no data.
BRIGHTSKY, NODATA = 1 << 23, 1 << 24
#: Names and vacuum wavelengths (A) of the hydrogen lines as the pipeline's table of lines has them.
HYDROGEN = (("H_delta", 4102.89), ("H_gamma", 4341.68), ("H_beta", 4862.68), ("H_alpha", 6564.61))
_POGSON = 2.5 / np.log(10.0)


def write_spec_lite(
    spectrum: Spectrum, path: str | os.PathLike, wdisp: np.ndarray | None = None, sky: np.ndarray | None = None
) -> Path:
    """Write ``spectrum`` as a spec-lite file: primary header, COADD, SPALL, SPZLINE.

    Parameters
    ----------
    spectrum : Spectrum
        With ``plate``, ``mjd``, ``fiber`` and ``run2d`` in its metadata, on pixels even in
        log wavelength as SDSS's are.
    path : path-like
        Written to a temporary file first, then renamed.
    wdisp, sky : (n_pixel,) float, optional
        Line-spread in pixels and subtracted sky, 1e-17 erg/s/cm2/A; 1 and 0 where not given.

    Returns
    -------
    Path

    Raises
    ------
    SpectrumError
        If the spectrum has no name of plate, MJD and fiber, or its pixels are uneven.
    """
    from astropy.io import fits

    meta = spectrum.meta
    missing = [key for key in ("plate", "mjd", "fiber", "run2d", "specobjid") if key not in meta]
    if missing:
        raise SpectrumError(f"A spec-lite file needs {', '.join(missing)} in the metadata of the spectrum.")
    loglam = np.log10(spectrum.wavelength)
    if not np.allclose(np.diff(loglam), 1e-4, atol=2e-6):
        raise SpectrumError("A spec-lite file needs pixels of 1e-4 in log10 of the wavelength.")
    hdus = [_primary(spectrum, loglam), _coadd(spectrum, loglam, wdisp, sky), _row(spectrum), _lines(spectrum)]
    target = Path(path)
    temporary = target.with_name(f"{target.name}.tmp")
    fits.HDUList(hdus).writeto(temporary, overwrite=True)
    os.replace(temporary, target)
    return target


def _primary(spectrum: Spectrum, loglam: np.ndarray):
    from astropy.io import fits

    meta = spectrum.meta
    cards = [
        ("TELESCOP", "SDSS 2.5-M", "Imitated: see MOCK"),
        ("MOCK", spectrum.source == "mock", "True: made by an emulator, never observed"),
        ("FLAVOR", "science", "exposure type, SDSS spectro style"),
        ("MJD", meta["mjd"], "MJD of the observation"),
        ("PLATEID", meta["plate"], "Plate"),
        ("FIBERID", meta["fiber"], "Fiber"),
        ("SPEC_ID", meta["specobjid"], "Unique object identifier"),
        ("RUN2D", meta["run2d"], "Spectro-2D reduction name"),
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
    return fits.PrimaryHDU(header=fits.Header([fits.Card(*card) for card in cards]))


def _coadd(spectrum: Spectrum, loglam: np.ndarray, wdisp: np.ndarray | None, sky: np.ndarray | None):
    from astropy.io import fits

    n = loglam.size
    wdisp = np.ones(n) if wdisp is None else np.asarray(wdisp)
    sky = np.zeros(n) if sky is None else np.asarray(sky)
    mask = np.where(spectrum.good, 0, NODATA)
    mask |= np.where((sky > 0) & (sky > 5 * np.median(sky)), BRIGHTSKY, 0)
    model = np.zeros(n) if spectrum.model is None else spectrum.model
    columns = (
        ("flux", "E", spectrum.flux), ("loglam", "E", loglam), ("ivar", "E", spectrum.ivar), ("and_mask", "J", mask),
        ("or_mask", "J", mask), ("wdisp", "E", wdisp), ("sky", "E", sky), ("model", "E", model),
    )  # fmt: skip
    table = fits.BinTableHDU.from_columns([fits.Column(name, form, array=array) for name, form, array in columns])
    table.name = "COADD"
    return table


def _row(spectrum: Spectrum):
    """The SPALL row: the columns of BOSS files that name the object and give its measurements."""
    from astropy.io import fits

    meta, good = spectrum.meta, spectrum.good
    scalars = (
        ("PLATE", "J", meta["plate"]),
        ("MJD", "J", meta["mjd"]),
        ("FIBERID", "J", meta["fiber"]),
        ("RUN2D", f"{len(meta['run2d'])}A", meta["run2d"]),
        ("SPECOBJID", "22A", meta["specobjid"]),
        ("PROGRAMNAME", "4A", "MOCK" if spectrum.source == "mock" else ""),
        ("INSTRUMENT", "4A", meta.get("instrument", "")),
        ("PLUG_RA", "D", meta.get("ra", 0.0)),
        ("PLUG_DEC", "D", meta.get("dec", 0.0)),
        ("RA", "D", meta.get("ra", 0.0)),
        ("DEC", "D", meta.get("dec", 0.0)),
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
    columns = [fits.Column(name, form, array=[value]) for name, form, value in scalars]
    if spectrum.photometry is not None:
        columns += [
            fits.Column(name, "5E", array=value[None, :]) for name, value in _photometric_columns(spectrum.photometry)
        ]
    table = fits.BinTableHDU.from_columns(columns)
    table.name = "SPALL"
    return table


def _photometric_columns(photometry: Photometry) -> list[tuple[str, np.ndarray]]:
    """PSF and model fluxes (nanomaggies) with inverse variances, magnitudes and extinction, each (5,)."""
    columns = [("EXTINCTION", photometry.extinction)]
    for name, magnitude in (("PSF", photometry.psf_mag), ("MODEL", photometry.model_mag)):
        scaled = np.sinh(-magnitude / _POGSON - np.log(SOFTENING))
        flux = 2 * SOFTENING * scaled / NANOMAGGY
        sigma = photometry.psf_mag_err / _POGSON * 2 * SOFTENING / NANOMAGGY * np.hypot(1.0, scaled)
        known = np.isfinite(flux) & np.isfinite(sigma) & (sigma > 0)
        ivar = np.where(known, 1.0 / np.where(known, sigma, 1.0) ** 2, 0.0)
        columns += [
            (f"{name}FLUX", np.where(known, flux, 0.0)),
            (f"{name}FLUX_IVAR", ivar),
            (f"{name}MAG", magnitude),
            (f"{name}MAGERR", photometry.psf_mag_err),
        ]
    return columns


def _lines(spectrum: Spectrum):
    """SPZLINE rows of the hydrogen lines, marked as not fitted (errors -1), as in files of real stars."""
    from astropy.io import fits

    meta = spectrum.meta
    n = len(HYDROGEN)
    fixed = {"PLATE": meta["plate"], "MJD": meta["mjd"], "FIBERID": meta["fiber"]}
    columns = [fits.Column(name, "J", array=np.full(n, value)) for name, value in fixed.items()]
    columns.append(fits.Column("LINENAME", "13A", array=[name for name, _ in HYDROGEN]))
    columns.append(fits.Column("LINEWAVE", "D", array=[wave for _, wave in HYDROGEN]))
    for name in ("LINEZ", "LINESIGMA", "LINEAREA", "LINEEW", "LINECONTLEVEL"):
        columns.append(fits.Column(name, "E", array=np.zeros(n)))
        columns.append(fits.Column(f"{name}_ERR", "E", array=np.full(n, -1.0)))
    for name in ("LINENPIXLEFT", "LINENPIXRIGHT"):
        columns.append(fits.Column(name, "J", array=np.zeros(n, np.int32)))
    columns.append(fits.Column("LINEDOF", "E", array=np.zeros(n)))
    columns.append(fits.Column("LINECHI2", "E", array=np.full(n, -1.0)))
    table = fits.BinTableHDU.from_columns(columns)
    table.name = "SPZLINE"
    return table
