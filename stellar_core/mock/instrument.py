"""The two mock spectrographs: observe rest-frame spectra as SDSS and BOSS do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, fields
from functools import cached_property, lru_cache
from pathlib import Path

import numpy as np

from stellar_core.errors import ParameterError
from stellar_core.mock.optics import (
    FIRST,
    N_REST,
    FluxCalibration,
    broaden_lightly,
    hat_matrix,
    rest_matrix,
    shift_and_resample,
)
from stellar_core.mock.residuals import Residuals, interstellar
from stellar_core.mock.spectrograph import LOGLAM_STEP, LOGLAM_ZERO, N_NODE, N_PIXEL, NODES, sdss_fwhm
from stellar_core.mock.streams import StarStreams, row_products
from stellar_core.model_store import read_model
from stellar_core.paths import TRAINED_DIR

INSTRUMENTS = ("SDSS", "BOSS")
#: Spectra treated at once.
_CHUNK = 128
_FWHM = 2.0 * np.sqrt(2.0 * np.log(2.0))


@dataclass(frozen=True)
class Instrument:
    """One spectrograph, measured on real files by `stellar_core.mock.fit.instrument`.

    All pixel arrays lie on the common SDSS pixels, log10 lambda = 3.55 + k 1e-4 (vacuum).

    Attributes
    ----------
    name : {"SDSS", "BOSS"}
    photon : (N_PIXEL,)
        Variance per unit of light, relative.
    background : (N_PIXEL,)
        Variance of sky and read-out per unit of the median sky flux, in the units of ``photon``.
    variance_components : (3, N_NODE)
        Components of the logarithm of the variance between files, 1 sigma each.
    noise_scale : (N_PIXEL,)
        Scatter of the flux over that implied by ``ivar``.
    wdisp, wdisp_components : (N_NODE,), (2, N_NODE)
        Line spread, standard deviation in pixels, and components of its variation between fibers.
    sky, sky_lines : (N_PIXEL,)
        Sky over its median flux, and the lines of the sky alone.
    log_sky, log_exposure : (2,)
        Location and spread of ln(median sky flux, 1e-17 erg/s/cm2/A) and of ln t, where
        S/N^2 = t f^2 / (f + sky).
    extent : (n_file, 2)
        First pixel and number of pixels of real files.
    gaps : (n_run, 3)
        File, first pixel and length of each run of bad pixels in real files.
    residuals : Residuals
        Residuals of calibration, sky, atmosphere and detector.
    """

    name: str
    photon: np.ndarray = field(repr=False)
    background: np.ndarray = field(repr=False)
    variance_components: np.ndarray = field(repr=False)
    noise_scale: np.ndarray = field(repr=False)
    wdisp: np.ndarray = field(repr=False)
    wdisp_components: np.ndarray = field(repr=False)
    sky: np.ndarray = field(repr=False)
    sky_lines: np.ndarray = field(repr=False)
    log_sky: np.ndarray = field(repr=False)
    log_exposure: np.ndarray = field(repr=False)
    extent: np.ndarray = field(repr=False)
    gaps: np.ndarray = field(repr=False)
    residuals: Residuals = field(repr=False)

    def __post_init__(self) -> None:
        for name in ("photon", "background", "noise_scale", "sky", "sky_lines"):
            if getattr(self, name).shape != (N_PIXEL,):
                raise ParameterError(f"{name} needs {N_PIXEL} values; got {getattr(self, name).shape}.")
        if self.wdisp.shape != (N_NODE,):
            raise ParameterError(f"wdisp needs {N_NODE} values; got {self.wdisp.shape}.")

    @cached_property
    def pixels(self) -> slice:
        """Common pixels covered by any file of this instrument, within 3602-10396 A."""
        low = max(int(self.extent[:, 0].min()), _pixel(FIRST + 2))
        high = min(int(self.extent.sum(axis=1).max()), _pixel(FIRST + N_REST - 4))
        return slice(low, high)

    @cached_property
    def loglam(self) -> np.ndarray:
        """(p,) float64: log10 of the vacuum wavelength in Angstrom of `pixels`."""
        return LOGLAM_ZERO + LOGLAM_STEP * np.arange(self.pixels.start, self.pixels.stop)

    def snr(self, flux: np.ndarray, sky: np.ndarray, exposure: np.ndarray) -> np.ndarray:
        """Median S/N per pixel of a star of median ``flux`` over a ``sky``, 1e-17 erg/s/cm2/A."""
        return np.sqrt(exposure * flux**2 / (flux + sky))

    def conditions(self, n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Draw (n,) sky fluxes (1e-17 erg/s/cm2/A) and (n,) exposure factors of `snr`."""
        draws = [
            np.exp(location + spread * np.clip(rng.standard_normal(n), -2.5, 2.5))
            for location, spread in (self.log_sky, self.log_exposure)
        ]
        return draws[0], draws[1]


def _pixel(wavelength: float) -> int:
    return int(np.ceil((np.log10(wavelength) - LOGLAM_ZERO) / LOGLAM_STEP))


@lru_cache(maxsize=4)
def load_instrument(name: str, folder: Path = TRAINED_DIR) -> Instrument:
    """The shipped spectrograph ``name``, "SDSS" or "BOSS".

    Raises
    ------
    ParameterError
        If there is no such instrument.
    """
    if name not in INSTRUMENTS:
        raise ParameterError(f"There is no instrument {name!r}.", value=name, remedy="Use SDSS or BOSS.")
    arrays, _ = read_model(folder / "mock-instrument")
    left = Residuals(**{item.name: arrays[f"{name}.residuals.{item.name}"] for item in fields(Residuals)})
    own = [item.name for item in fields(Instrument) if item.name not in ("name", "residuals")]
    return Instrument(name=name, residuals=left, **{key: arrays[f"{name}.{key}"] for key in own})


@dataclass(frozen=True)
class Observation:
    """A batch of observed spectra.

    Attributes
    ----------
    wavelength : (p,) float64
        Vacuum Angstrom; the same pixels for every spectrum of the batch.
    flux, ivar : (n, p) float32
        In the units of the input; ``ivar`` is 0 for bad pixels and beyond the ends of the
        file of the star, where the flux is 0 too.
    wdisp : (n, p) float32
        Line spread, standard deviation in pixels.
    sky : (n, p) float32
        Sky that was subtracted, in the units of the flux.
    model : (n, p) float32
        The same spectrum without noise and sky residuals.
    """

    wavelength: np.ndarray
    flux: np.ndarray
    ivar: np.ndarray
    wdisp: np.ndarray
    sky: np.ndarray
    model: np.ndarray


def observe(
    flux_rest: np.ndarray,
    velocity_kms: np.ndarray,
    snr: np.ndarray,
    instrument: Instrument | str,
    rng: np.random.Generator | StarStreams,
    *,
    sky: np.ndarray | None = None,
    first_pixel: int | np.ndarray | None = None,
    resolution: Callable[[np.ndarray], np.ndarray] = sdss_fwhm,
    calibration: FluxCalibration = FluxCalibration(),
) -> Observation:
    """Observe rest-frame spectra.

    Parameters
    ----------
    flux_rest : (n, 6800) float
        Flux per Angstrom at 3600..10399 A, vacuum, rest frame; reddened beforehand.
    velocity_kms : (n,) float
        Heliocentric radial velocity.
    snr : (n,) float
        Median S/N per pixel, as SN_MEDIAN_ALL of SDSS; positive.
    instrument : Instrument or {"SDSS", "BOSS"}
    rng : numpy.random.Generator or StarStreams
        With `StarStreams` each spectrum has its own random numbers and is the same, bit for bit, in any
        batch: no arithmetic here may combine rows.
    sky : (n,) float, optional
        Median sky over the median flux of the star; by default drawn as in real files of that S/N.
    first_pixel : int or (n,) int, optional
        First pixel (common grid) of the files; by default drawn from real files for each star.
    resolution : callable
        FWHM of ``flux_rest`` in Angstrom at given wavelengths in Angstrom; by default that of
        emulated spectra. Where a fiber is sharper, the spectrum is sharpened by at most 0.4 A^2 in
        the variance of the line spread.
    calibration : FluxCalibration

    Returns
    -------
    Observation

    Raises
    ------
    ParameterError
        If the shape is wrong or an S/N is not positive.
    """
    tool = load_instrument(instrument) if isinstance(instrument, str) else instrument
    rest = np.asarray(flux_rest, dtype=np.float32)
    if rest.ndim != 2 or rest.shape[1] != N_REST:
        raise ParameterError(f"Rest-frame spectra need the shape (n, {N_REST}); got {rest.shape}.")
    velocity, wanted = (np.broadcast_to(np.asarray(a, float), len(rest)) for a in (velocity_kms, snr))
    if not np.all(wanted > 0):
        raise ParameterError("Every S/N must be positive.", value=float(np.min(wanted)))
    if sky is None:
        level, exposure = tool.conditions(len(rest), rng)
        flux = (wanted**2 + np.sqrt(wanted**4 + 4 * exposure * wanted**2 * level)) / (2 * exposure)
        sky = level / flux
    sky = np.broadcast_to(np.asarray(sky, float), len(rest))
    first = None if first_pixel is None else np.broadcast_to(first_pixel, len(rest))
    parts = []
    for at in (slice(i, i + _CHUNK) for i in range(0, max(len(rest), 1), _CHUNK)):
        own = rng[at] if isinstance(rng, StarStreams) else rng
        start = None if first is None else first[at]
        parts.append(_observe(rest[at], velocity[at], wanted[at], sky[at], tool, own, start, resolution, calibration))
    columns = [np.concatenate(column) for column in zip(*parts)]
    return Observation(10**tool.loglam, *columns)


def _observe(rest, velocity, snr, sky, tool, rng, first_pixel, resolution, calibration):
    """Observe one chunk: flux, ivar, wdisp, sky and model, each (n, p) float32."""
    n, use, loglam = len(rest), tool.pixels, tool.loglam
    hats = hat_matrix(NODES, loglam)
    nodes = tool.wdisp + row_products(rng.standard_normal((n, 2)), tool.wdisp_components)
    wdisp = row_products(np.clip(nodes, 0.5, 3.0).astype(np.float32), hats)

    extra = (nodes * 10**NODES * np.log(10.0) * LOGLAM_STEP) ** 2 - (resolution(10**NODES) / _FWHM) ** 2
    broad = broaden_lightly(rest, row_products(np.clip(extra, -0.4, 1.5).astype(np.float32), rest_matrix()))
    clean = shift_and_resample(broad, 10**loglam, velocity)
    for near, factor in interstellar(n, 10**loglam, wdisp, rng):
        clean[:, near] *= factor
    clean *= calibration.curves(loglam, n, rng)
    clean *= tool.residuals.transmission(n, use, hats, rng)

    inside = _inside(tool, n, rng, first_pixel)
    good = inside & ~_bad(tool, n, rng)
    middle = np.array([np.median(row[ok]) for row, ok in zip(clean, good)], np.float32)[:, None]
    level = np.abs(middle) * sky[:, None].astype(np.float32)
    variance = tool.photon[use] * np.maximum(clean, 0.0) + tool.background[use] * level
    mixing = row_products(np.clip(rng.standard_normal((n, 3)), -2.5, 2.5), tool.variance_components)
    variance *= np.exp(row_products(mixing.astype(np.float32), hats))
    reached = np.array([np.median(row[ok]) for row, ok in zip(clean / np.sqrt(variance), good)])
    sigma = np.sqrt(variance) * (reached / snr).astype(np.float32)[:, None]

    noise, ripple = tool.residuals.noise(n, hats, rng)
    tool.residuals.add_bumps(ripple, use.start, rng)
    sigma *= np.exp(ripple)
    noise *= tool.noise_scale[use]
    tool.residuals.add_spikes(noise, use.start, rng)
    left = tool.residuals.sky_left(n, 10**loglam, rng)
    flux = clean + sigma * noise + left * tool.sky_lines[use] * level
    ivar = np.where(good, 1.0 / sigma**2, np.float32(0.0))
    flux = np.where(inside, flux, np.float32(0.0))
    return flux, ivar, wdisp, tool.sky[use] * level, clean


def _inside(
    tool: Instrument, n: int, rng: np.random.Generator | StarStreams, first_pixel: np.ndarray | None
) -> np.ndarray:
    """(n, p) bool: pixels between the ends of the file of each star."""
    chosen = tool.extent[rng.integers(len(tool.extent), size=n)]
    first = chosen[:, :1] if first_pixel is None else first_pixel[:, None]
    pixel = np.arange(tool.pixels.start, tool.pixels.stop)[None, :]
    return (pixel >= first) & (pixel < first + chosen[:, 1:])


def _bad(tool: Instrument, n: int, rng: np.random.Generator | StarStreams) -> np.ndarray:
    """(n, p) bool: bad pixels; each star has the gaps of a real file, moved by up to 200 pixels."""
    bad = np.zeros((n, tool.pixels.stop - tool.pixels.start), bool)
    source = rng.integers(len(tool.extent), size=n)
    move = rng.integers(-200, 201, size=n)
    for star, (file, shift) in enumerate(zip(source, move)):
        for _, start, length in tool.gaps[tool.gaps[:, 0] == file]:
            low = start + shift - tool.pixels.start
            bad[star, max(low, 0) : max(low + length, 0)] = True
    return bad
