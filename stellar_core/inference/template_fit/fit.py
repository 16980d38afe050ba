"""Fit Teff, log g and [Fe/H] of a star to emulated line spectra by chi-square, without any network.

The spectrum and the templates are divided by their running means, which removes dust and smooth errors of the flux
calibration. Light that fills in the lines is marginalised region by region, see
`stellar_core.inference.template_fit.regions`. Velocity and resolution are adjusted at the best template, outliers are
dropped, and the posterior is summed over the lattice, interpolated by cubic splines.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

import numpy as np

from stellar_core.constants import SPEED_OF_LIGHT
from stellar_core.errors import SpectrumError
from stellar_core.inference.template_fit.regions import EDGES, REGIONS, RegionFit, fit_regions, model_error
from stellar_core.inference.template_fit.templates import (
    AXES,
    BIN,
    INDEPENDENT,
    REGION,
    WAVELENGTH,
    Templates,
    star_lines,
)
from stellar_core.intervals import Interval
from stellar_core.mock.emulator import SpectralEmulator
from stellar_core.preprocessing.spectra import PreparedSpectrum, prepare
from stellar_core.spectrum import Spectrum

#: From the emulator's scale to that of the SSPP and LASP: at clipped [Fe/H] x, offset + slope x is subtracted from
#: Teff [K], log g, [Fe/H] [dex]. Fitted to every second of 98 REAL stars with labels of either; the other half gives
#: the same within 11 K, 0.01 and 0.01 dex.
OFFSET, SLOPE, CLIP = np.array([31.5, -0.097, -0.150]), np.array([92.2, 0.0, -0.108]), (-1.5, 0.0)
#: Part of the posterior's variance that repeated observations do not share, beyond that of the noise: differences of
#: 78 pairs of REAL spectra of one star. Errors added in quadrature, the scatter of labelled stars beyond that.
CALIBRATION, SYSTEMATIC = 0.3, np.array([60.0, 0.10, 0.10])
#: Largest adjustment of velocity (km/s) and of the width of lines (A, standard deviation); rounds.
MAX_VELOCITY, MAX_BLUR, ROUNDS = 250.0, 1.6, 2
#: Deviation, in sigma, at which a bin is dropped; fewest measured regions.
OUTLIER, FEWEST = 5.0, 4
#: Chi-square per degree of freedom of a poor fit, and velocity (km/s) beyond which there is a note.
POOR, FAST = 3.0, 100.0
#: Points per node of the lattice along each axis in the final sum; difference of -2 ln posterior from the best at which
#: a node cannot matter, before velocity and resolution are adjusted.
_FINE, _FAR = 4, 40.0
SHAPE = tuple(axis.size for axis in AXES)


@dataclass(frozen=True)
class TemplateFit:
    """Result of the fit.

    Attributes
    ----------
    teff, logg, feh : float
        Posterior means, K, dex(cm/s2), dex.
    errors : (3,) float64
        Standard deviations in the same order and units: ``statistical`` and `SYSTEMATIC`.
    statistical : (3,) float64
        The part of them that differs between observations of one star.
    chi2 : float
        Chi-square per degree of freedom of the best template, of noise and emulator error.
    dilution : mapping of str to (float, float)
        Fraction of the depth of lines that is filled in, and its error, by region; only measured regions.
    velocity : float
        Adjustment to the redshift, km/s.
    blur : float
        Additional width of the lines, standard deviation in Angstrom.
    notes : tuple of str
        Remarks in words.
    """

    teff: float
    logg: float
    feh: float
    errors: np.ndarray
    statistical: np.ndarray
    chi2: float
    dilution: Mapping[str, tuple[float, float]]
    velocity: float
    blur: float
    notes: tuple[str, ...] = ()

    def intervals(self) -> dict[str, dict[str, float]]:
        """Interval objects of ``teff``, ``logg`` and ``feh``, of a Gaussian with `errors`."""
        return {
            name: Interval.gaussian(getattr(self, name), float(error)).to_dict()
            for name, error in zip(("teff", "logg", "feh"), self.errors)
        }

    def to_dict(self) -> dict[str, object]:
        """The object ``template_fit`` of ``predict --json``."""
        return {
            **self.intervals(),
            "chi2": self.chi2,
            "dilution": {name: {"fraction": value, "error": error} for name, (value, error) in self.dilution.items()},
            "velocity_kms": self.velocity,
            "blur_A": self.blur,
            "notes": list(self.notes),
        }


@cache
def _velocity_templates() -> np.ndarray:
    labels = Templates.load().labels[::281]
    return SpectralEmulator.load().spectra(np.exp(labels[:, 0]), labels[:, 1], labels[:, 2])


def fit_templates(spectrum: Spectrum | PreparedSpectrum) -> TemplateFit:
    """Fit a spectrum; about 0.04 s of processor, after some two seconds for the templates, once in a process.

    Parameters
    ----------
    spectrum : Spectrum or PreparedSpectrum
        A `PreparedSpectrum` must have its ``ivar``.

    Returns
    -------
    TemplateFit

    Raises
    ------
    SpectrumError
        If it cannot be prepared, or fewer than `FEWEST` regions between 4000 and 6800 Angstrom are measured.
    """
    prepared = spectrum if isinstance(spectrum, PreparedSpectrum) else prepare(spectrum, _velocity_templates())
    if prepared.ivar is None:
        raise SpectrumError("The prepared spectrum has no errors: a fit of templates needs its inverse variance.")
    lattice = Templates.load()
    lines, weight = star_lines(prepared)
    found = fit_regions(lattice.lines, lines, weight, REGION)
    measured = np.flatnonzero(np.isfinite(found.factor[:, 0]))
    if measured.size < FEWEST:
        raise SpectrumError(
            f"Only {measured.size} of the {len(REGIONS)} regions between {EDGES[0]:.0f} and {EDGES[-1]:.0f} Angstrom "
            f"are measured; {FEWEST} are needed for a fit of templates.",
            value=measured.size,
        )
    box = _box(found.chi2 - 2 * lattice.log_prior)
    nodes = np.arange(len(lattice.labels)).reshape(SHAPE)[box].ravel()
    templates, log_prior = lattice.lines[nodes], lattice.log_prior[nodes]
    found = RegionFit(found.chi2[nodes], found.factor[:, nodes], found.error[:, nodes])
    velocity = blur = 0.0
    dropped = np.zeros(lines.size, bool)
    for _ in range(ROUNDS):
        best = int(np.argmin(found.chi2 - 2 * log_prior))
        velocity, blur = _adjust(lines, weight, _model(templates[best], found, best), velocity)
        shifted, blurred = _shift(lines, velocity), _blurred(templates, blur)
        dropped |= _outliers(shifted, weight, _model(blurred[best], found, best))
        lines, weight = star_lines(prepared, dropped)
        shifted = _shift(lines, velocity)
        found = fit_regions(blurred, shifted, weight, REGION)
    best = int(np.argmin(found.chi2 - 2 * log_prior))
    used = np.isin(REGION, measured) & (weight > 0)
    residual = (shifted - _model(blurred[best], found, best))[used]
    reduced = float(weight[used] @ residual**2) / max(np.count_nonzero(used) * INDEPENDENT, 1.0)
    mean, spread = _posterior(found.chi2 / max(reduced, 1.0), log_prior, box)
    noise = 1.0 - np.median(weight[used] * model_error(WAVELENGTH[used]) ** 2) / INDEPENDENT
    statistical = spread * np.sqrt(noise + CALIBRATION)
    values = (float(one) for one in mean - OFFSET - SLOPE * np.clip(mean[2], *CLIP))
    dilution = {
        REGIONS[k]: (1.0 - float(found.factor[k, best]), float(found.error[k, best]))
        for k in measured
        if np.isfinite(found.factor[k, best])
    }
    notes = _notes(reduced, dilution, velocity)
    errors = np.hypot(statistical, SYSTEMATIC)
    return TemplateFit(*values, errors, statistical, reduced, dilution, velocity, blur, notes)


def _notes(reduced: float, dilution: Mapping[str, tuple[float, float]], velocity: float) -> tuple[str, ...]:
    """Remarks on the fit in words."""
    found = []
    if reduced > POOR:
        found.append(f"No template resembles the lines: chi-square per degree of freedom is {reduced:.1f}.")
    filled = {name: value for name, (value, error) in dilution.items() if value > max(0.15, 3 * error)}
    if filled:
        worst = max(filled, key=filled.__getitem__)
        where, share = worst.removesuffix(" A"), 100 * filled[worst]
        found.append(f"Lines are filled in: at {where} Angstrom by {share:.0f} % of their depth.")
    if abs(velocity) > FAST:
        found.append(f"The lines are {velocity:+.0f} km/s from the given redshift.")
    return tuple(found)


def _model(template: np.ndarray, found: RegionFit, best: int) -> np.ndarray:
    """Lines of a template (n_bin,) with its factors."""
    return template * np.nan_to_num(found.factor[:, best], nan=1.0)[REGION]


def _shift(lines: np.ndarray, velocity: float) -> np.ndarray:
    """Lines in the frame of a star that moves ``velocity`` km/s faster than the redshift says."""
    return np.interp(WAVELENGTH * (1.0 + velocity / SPEED_OF_LIGHT), WAVELENGTH, lines)


def _blurred(lines: np.ndarray, blur: float) -> np.ndarray:
    """Lines (..., n_bin) convolved with a kernel of three bins of the variance ``blur**2``."""
    side = np.float32(0.5 * (blur / BIN) ** 2)
    if not side:
        return lines
    out = (1 - 2 * side) * lines
    out[..., 1:] += side * lines[..., :-1]
    out[..., :-1] += side * lines[..., 1:]
    return out


def _adjust(lines: np.ndarray, weight: np.ndarray, model: np.ndarray, velocity: float) -> tuple[float, float]:
    """Velocity (km/s) and blur (A) by linearised least squares, from three rounds."""
    wavelength, blur = WAVELENGTH, 0.0
    for _ in range(3):
        star, like = _shift(lines, velocity), _blurred(model, blur)
        slope = np.gradient(like, wavelength) * wavelength / SPEED_OF_LIGHT
        bend = np.zeros_like(model)
        bend[1:-1] = 0.5 * np.diff(model, 2) / BIN**2
        # A star moving v faster has lines L(w (1 - v/c)); the residual of the shifted lines is -v dL/dlnw / c.
        design = np.column_stack([-slope, bend]) * np.sqrt(weight)[:, None]
        step = np.linalg.lstsq(design, (star - like) * np.sqrt(weight), rcond=None)[0]
        velocity = float(np.clip(velocity + step[0], -MAX_VELOCITY, MAX_VELOCITY))
        blur = float(np.sqrt(np.clip(blur**2 + step[1], 0.0, MAX_BLUR**2)))
    return velocity, blur


def _box(total: np.ndarray) -> tuple[slice, slice, slice]:
    """The part of the lattice with the nodes that matter and two more on each side, from -2 ln posterior (n,)."""
    near = np.argwhere(total.reshape(SHAPE) < total.min() + _FAR)
    return tuple(slice(max(low - 2, 0), high + 3) for low, high in zip(near.min(axis=0), near.max(axis=0)))


def _posterior(
    chi2: np.ndarray, log_prior: np.ndarray, box: tuple[slice, slice, slice]
) -> tuple[np.ndarray, np.ndarray]:
    """Mean (3,) and standard deviation (3,) of Teff [K], log g, [Fe/H] from -2 ln likelihood and prior in a box."""
    from scipy.interpolate import CubicSpline

    nodes = [axis[part] for axis, part in zip(AXES, box)]
    shape = [axis.size for axis in nodes]
    axes = [np.linspace(axis[0], axis[-1], (axis.size - 1) * _FINE + 1) for axis in nodes]
    cubic = [CubicSpline(old, np.eye(old.size))(new) for old, new in zip(nodes, axes)]
    linear = [np.array([np.interp(new, old, one) for one in np.eye(old.size)]).T for old, new in zip(nodes, axes)]
    total = np.einsum("abc,ia,jb,kc->ijk", chi2.reshape(shape), *cubic, optimize=True)
    total -= 2 * np.einsum("abc,ia,jb,kc->ijk", log_prior.reshape(shape), *linear, optimize=True)
    chance = np.exp(-0.5 * (total - total.min()))
    chance /= chance.sum()
    axes[0] = np.exp(axes[0])
    mean, spread = np.empty(3), np.empty(3)
    for number, values in enumerate(axes):
        share = chance.sum(axis=tuple(k for k in range(3) if k != number))
        mean[number] = share @ values
        spread[number] = np.sqrt(share @ (values - mean[number]) ** 2)
    return mean, spread


def _outliers(lines: np.ndarray, weight: np.ndarray, model: np.ndarray) -> np.ndarray:
    """(n_bin,) bool: the star deviates by more than `OUTLIER` sigma of the expected and of the actual scatter, here or
    one bin away."""
    deviation = np.abs(lines - model) * np.sqrt(weight / INDEPENDENT)
    scatter = max(1.4826 * float(np.median(deviation[weight > 0])), 1.0)
    far = deviation > OUTLIER * scatter
    return far | np.append(far[1:], False) | np.append(False, far[:-1])
