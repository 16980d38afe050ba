"""Linear model of an observed MOCK spectrum: components of the star, and everything else that changes the pixels.

Each nuisance is a column of pixel values with a normal prior of unit variance. Most scale with the flux of the star and
are taken at a fiducial star, whose residuals are small.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np

from stellar_core.bolometric_corrections import RV
from stellar_core.constants import POGSON, SPEED_OF_LIGHT
from stellar_core.evaluation.bayes_limit.pixel_noise import band_of_correlation
from stellar_core.evaluation.bayes_limit.spectral_basis import SpectralBasis
from stellar_core.mock.emulator import SpectralEmulator
from stellar_core.mock.instrument import Instrument, load_instrument
from stellar_core.mock.light import R_BAND
from stellar_core.mock.optics import FluxCalibration, broaden_lightly, hat_matrix, rest_matrix, shift_and_resample
from stellar_core.mock.photometry import reddening_curve
from stellar_core.mock.residuals import interstellar
from stellar_core.mock.spectrograph import LOGLAM_STEP, NODES, SKY_RANGES, sdss_fwhm
from stellar_core.preprocessing.grid import GRID

#: Prior of ln(flux scale), and step in velocity, km/s, of numerical derivatives.
SCALE, STEP = 1.0, 15.0
#: Draws of the interstellar lines, and components kept of them.
_DRAWS, _LINES = 1000, 4


@dataclass(frozen=True)
class Fiducial:
    """The star and the conditions at which the nuisances are taken.

    Attributes
    ----------
    coefficients : (k,) float
        Of its spectrum in `SpectralBasis`.
    atmosphere : (3,) float
        Teff [K], log g, [Fe/H].
    velocity_kms, velocity_error : float
        Radial velocity, and the width of its prior, km/s.
    ebv, ebv_error : float
        E(B-V) and its prior, mag.
    """

    coefficients: np.ndarray
    atmosphere: Sequence[float]
    velocity_kms: float
    velocity_error: float
    ebv: float
    ebv_error: float


@dataclass(frozen=True)
class Design:
    """Pixel values of the linear model.

    Attributes
    ----------
    model : (p,) float
        Spectrum of the fiducial star, scaled to the data.
    basis : (k, p) float
        Change of the spectrum with each coefficient.
    nuisances : (m, p) float
        The first is the scale, the second the velocity, the third dust; the rest in no order that matters.
    """

    model: np.ndarray
    basis: np.ndarray
    nuisances: np.ndarray


#: Rows of `Design.nuisances`.
VELOCITY, DUST = 1, 2


@dataclass(frozen=True)
class ObservationModel:
    """One spectrograph; use `load_model`.

    Attributes
    ----------
    tool : Instrument
    wavelength : (p,) float64
        Observed vacuum wavelength, A.
    hats : (n_node, p) float
        Interpolation from the nodes to the pixels.
    band : (4, p) float
        Correlation of the noise, see `band_of_correlation`.
    components : (1 + k + 32, 6800) float32
        Mean and components of the basis, and the residual components of the emulator, at rest, with the mean line
        spread of the spectrograph.
    spread : (3, 6800) float32
        Variance of the convolution from emulated to observed spectra, pixels squared: at the mean, and one sigma away
        along each of its components.
    transmission : (p,) float
        Mean factor of the flux.
    factors : (15, p) float
        Changes of that factor: tilt, flux calibration, telluric bands.
    lines, line_factors : (p,), (c, p) float
        Mean factor of the interstellar lines, and its changes.
    sky : (7, p) float
        Residuals of the sky lines over the median sky.
    residual_scale : (2, p) float
        Components of ln(scatter over ``ivar``), 1 sigma each.
    """

    tool: Instrument
    wavelength: np.ndarray = field(repr=False)
    hats: np.ndarray = field(repr=False)
    band: np.ndarray = field(repr=False)
    components: np.ndarray = field(repr=False)
    spread: np.ndarray = field(repr=False)
    transmission: np.ndarray = field(repr=False)
    factors: np.ndarray = field(repr=False)
    lines: np.ndarray = field(repr=False)
    line_factors: np.ndarray = field(repr=False)
    sky: np.ndarray = field(repr=False)
    residual_scale: np.ndarray = field(repr=False)

    def sky_level(self, mean_sky: float) -> float:
        """Median sky of a star from the mean over all pixels (`RawSpectra.sky`)."""
        return mean_sky / float(self.tool.sky[self.tool.pixels].mean())

    def design(self, at: Fiducial, flux: np.ndarray, ivar: np.ndarray, sky_level: float) -> Design:
        """Linear model about the fiducial star ``at``, scaled to ``flux`` (p,) with weights ``ivar`` (p,)."""
        basis, emulator = SpectralBasis.load(), SpectralEmulator.load()
        k = len(basis.components)
        rest = basis.spectra(at.coefficients.astype(np.float32)[None])
        widened = broaden_lightly(np.repeat(rest, 3, axis=0), self.spread)
        continuum = emulator.continuum(*(np.array([value]) for value in at.atmosphere))
        rows = np.concatenate([self.components, widened[1:] - widened[:1], continuum])
        moved = self._at_velocity(rows, at.velocity_kms)
        faster, slower = (self._at_velocity(widened[:1], at.velocity_kms + step)[0] for step in (STEP, -STEP))
        slope = np.interp(self.wavelength / (1.0 + at.velocity_kms / SPEED_OF_LIGHT), GRID, reddening_curve())
        slope *= -RV / POGSON
        shape = np.exp(slope * at.ebv) * self.transmission * self.lines
        model = moved[0] + at.coefficients @ moved[1 : k + 1]
        weight = ivar * model * shape
        shape = shape * float(flux @ weight) / float(model * shape @ weight)
        model = model * shape
        # Residuals of the emulator are those of the line spectrum, over its continuum.
        lines = emulator.lines(*(np.array([value]) for value in at.atmosphere))
        continuum = moved[-1] * rest[0, R_BAND].mean() / (lines * continuum)[0, R_BAND].mean()
        nuisances = [
            SCALE * model[None],
            (at.velocity_error * (faster - slower) / (2.0 * STEP) * shape)[None],
            (at.ebv_error * slope * model)[None],
            self.factors * (model / self.transmission),
            self.line_factors * (model / self.lines),
            moved[k + 1 : -3] * (_amplitudes(at.atmosphere[0])[:, None] * continuum * shape),
            moved[-3:-1] * shape,
            self.sky * sky_level,
        ]
        return Design(model, moved[1 : k + 1] * shape, np.concatenate(nuisances))

    def _at_velocity(self, rows: np.ndarray, velocity: float) -> np.ndarray:
        """Spectra (n, 6800) at rest on the pixels, (n, p) float64."""
        return shift_and_resample(rows, self.wavelength, np.full(len(rows), velocity)).astype(float)


def _amplitudes(teff: float) -> np.ndarray:
    """Standard deviations (32,) of the residual components of the emulator at ``teff``, K."""
    weights = SpectralEmulator.load().weights
    tables = [weights[f"spread.{part}_amplitude"] for part in ("blue", "red")]
    return np.concatenate([[np.interp(teff, weights["spread.teff"], row) for row in table.T] for table in tables])


@lru_cache(maxsize=2)
def load_model(name: str) -> ObservationModel:
    """The model of the spectrograph ``name``, "SDSS" or "BOSS"."""
    tool, basis, weights = load_instrument(name), SpectralBasis.load(), SpectralEmulator.load().weights
    use, left = tool.pixels, tool.residuals
    hats = hat_matrix(NODES, tool.loglam)
    nodes = np.stack([tool.wdisp, *(tool.wdisp + tool.wdisp_components)]).clip(0.5, 3.0)
    fwhm = 2.0 * np.sqrt(2.0 * np.log(2.0))
    extra = (nodes * 10**NODES * np.log(10.0) * LOGLAM_STEP) ** 2 - (sdss_fwhm(10**NODES) / fwhm) ** 2
    spread = (extra.clip(-0.4, 1.5) @ rest_matrix()).astype(np.float32)
    rows = np.concatenate([basis.mean[None], basis.components, weights["spread.blue"], weights["spread.red"]])
    tilt = FluxCalibration().tilt * (tool.loglam - np.log10(5657.0)) / np.log10(2.0)
    lines, line_factors = _interstellar_lines(10**tool.loglam, nodes[0] @ hats)
    return ObservationModel(
        tool,
        10**tool.loglam,
        hats,
        band_of_correlation(left, hats),
        broaden_lightly(rows, np.broadcast_to(spread[0], rows.shape)),
        spread,
        1.0 + left.telluric[use].astype(float),
        np.concatenate([tilt[None], left.calibration @ hats, left.telluric_components[:, use]]).astype(float),
        lines,
        line_factors,
        _sky_residuals(tool),
        (left.scale_components @ hats).astype(float),
    )


def _interstellar_lines(wavelength: np.ndarray, wdisp: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean factor (p,) of the interstellar lines and its components (c, p), from draws of the mock's own."""
    spread = np.broadcast_to(wdisp, (_DRAWS, wdisp.size))
    factors = np.ones((_DRAWS, wavelength.size))
    for near, factor in interstellar(_DRAWS, wavelength, spread, np.random.default_rng(0)):
        factors[:, near] *= factor
    mean = factors.mean(axis=0)
    _, size, vectors = np.linalg.svd(factors - mean, full_matrices=False)
    return mean, (size[:_LINES, None] / np.sqrt(_DRAWS)) * vectors[:_LINES]


def _sky_residuals(tool: Instrument) -> np.ndarray:
    """Columns (7, p) with the covariance of the residuals of the sky lines between ranges, over the median sky."""
    gains = tool.residuals.sky_gains.astype(float)
    size, vectors = np.linalg.eigh(gains.T @ gains / len(gains))
    columns = np.zeros((len(SKY_RANGES), tool.loglam.size))
    for index, (low, high) in enumerate(SKY_RANGES):
        inside = slice(*np.searchsorted(10**tool.loglam, (low, high)))
        columns[:, inside] = (np.sqrt(np.maximum(size, 0.0)) * vectors[index])[:, None]
    return columns * tool.sky_lines[tool.pixels]
