"""Lattice of emulated line spectra, and the lines of a star on the same bins."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np

from stellar_core.inference.template_fit.regions import EDGES, model_error
from stellar_core.mock.emulator import SpectralEmulator
from stellar_core.mock.population import draw
from stellar_core.preprocessing.grid import GRID
from stellar_core.preprocessing.smoothing import KERNEL
from stellar_core.preprocessing.spectra import PreparedSpectrum

#: Nodes of the lattice: ln(Teff / K), log g, [Fe/H].
AXES = (np.log(3900.0) + 0.04 * np.arange(24), np.arange(0.5, 5.2, 0.5), np.arange(-2.75, 0.51, 0.25))
#: Half width (A) of the running mean; bin (A); margin (A) around the regions within which the mean is taken.
HALF_WIDTH, BIN, MARGIN = 100, 2, 200
#: Fraction of the running mean's window that must be measured: templates have all of it.
COMPLETE = 0.75
#: Independent values per bin: the smoothing of prepared spectra correlates the noise over some 4.7 Angstrom.
INDEPENDENT = BIN / 4.7
#: Observed-frame ranges without weight, Angstrom: [O I] and Na D sky lines; and the interstellar Na D, rest frame.
_SKY = ((5570.0, 5590.0), (6296.0, 6308.0), (6360.0, 6368.0))
_SODIUM = (5884.0, 5904.0)
#: Stars drawn for the prior; share of them that is spread over all log g; smoothing of the histogram, in nodes.
_DRAWN, _EVEN, _SMOOTH = 30_000, 0.03, (0.9, 0.5, 1.0)
#: Prior of nodes without stars in the emulator's library, natural log.
_OUTSIDE = -15.0

_PART = slice(int(EDGES[0] - GRID[0]) - MARGIN, int(EDGES[-1] - GRID[0]) + MARGIN)
_WAVELENGTH = GRID[_PART]
_BINS = np.flatnonzero((_WAVELENGTH >= EDGES[0]) & (_WAVELENGTH < EDGES[-1]))[::BIN]
#: (n_bin,) rest wavelength of the bins, Angstrom, and their regions.
WAVELENGTH = _WAVELENGTH[_BINS]
REGION = np.digitize(WAVELENGTH, EDGES) - 1


def _running_mean(flux: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Mean of ``flux`` (..., n) over `HALF_WIDTH` on each side, where ``known`` (n,) is 1."""
    size = flux.shape[-1]
    low = np.maximum(np.arange(size) - HALF_WIDTH, 0)
    high = np.minimum(np.arange(size) + HALF_WIDTH + 1, size)

    def window(values: np.ndarray) -> np.ndarray:
        total = np.concatenate([np.zeros((*values.shape[:-1], 1)), np.cumsum(values, axis=-1, dtype=float)], axis=-1)
        return total[..., high] - total[..., low]

    return window(flux * known) / np.maximum(window(known), 1e-9)


@dataclass(frozen=True)
class Templates:
    """The lattice.

    Attributes
    ----------
    labels : (n, 3) float64
        ln(Teff / K), log g, [Fe/H] of the nodes, in the order of `AXES`.
    lines : (n, n_bin) float32
        Flux over running mean, minus 1.
    log_prior : (n,) float64
        Log of the probability of log g at the Teff and [Fe/H] of the node, in the population of the MOCK survey, of
        which 3 % is spread over all log g; lower where the emulator's library has no stars.
    """

    labels: np.ndarray
    lines: np.ndarray
    log_prior: np.ndarray

    @staticmethod
    @cache
    def load() -> Templates:
        """Emulate the lattice; about two seconds of processor, once in a process."""
        emulator = SpectralEmulator.load()
        labels = np.stack(np.meshgrid(*AXES, indexing="ij"), axis=-1).reshape(-1, 3)
        parts = [line_spectra(emulator, labels[start : start + 200]) for start in range(0, len(labels), 200)]
        return Templates(labels, np.concatenate(parts), _log_prior(emulator, labels))


def line_spectra(emulator: SpectralEmulator, labels: np.ndarray) -> np.ndarray:
    """(n, n_bin) float32 lines of ``labels`` (n, 3): ln(Teff / K), log g, [Fe/H]; smoothed as prepared spectra are."""
    from scipy.ndimage import convolve1d

    star = np.exp(labels[:, 0]), labels[:, 1], labels[:, 2]
    flux = convolve1d(emulator.lines(*star)[:, _PART] * emulator.continuum(*star)[:, _PART], KERNEL, axis=1)
    return (flux / _running_mean(flux, np.ones(flux.shape[1])) - 1.0)[:, _BINS].astype(np.float32)


def star_lines(prepared: PreparedSpectrum, dropped: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Lines of a star on the bins, with the errors of the noise and of the emulator.

    Parameters
    ----------
    prepared : PreparedSpectrum
    dropped : (n_bin,) bool, optional
        Bins to leave out, of the running mean too.

    Returns
    -------
    lines : (n_bin,) float64
        Flux over running mean, minus 1.
    weight : (n_bin,) float64
        Inverse variance; 0 where not measured, or where too much of the running mean is missing.
    """
    observed = _WAVELENGTH * (1.0 + prepared.redshift)
    known = prepared.coverage[_PART].copy()
    for low, high in _SKY:
        known &= (observed < low) | (observed > high)
    known &= (_WAVELENGTH < _SODIUM[0]) | (_WAVELENGTH > _SODIUM[1])
    if dropped is not None:
        for shift in range(BIN):
            known[_BINS[dropped] + shift] = False
    flux, share = prepared.flux[_PART].astype(float), known.astype(float)
    level = np.maximum(_running_mean(flux, share), 1e-3)
    complete = _running_mean(share, np.ones(share.size)) > COMPLETE
    precision = np.where(known & complete, prepared.ivar[_PART] * level**2, 0.0)[_BINS]
    variance = 1.0 / np.maximum(precision, 1e-9) + model_error(WAVELENGTH) ** 2
    lines = np.where(precision > 0, (flux / level - 1.0)[_BINS], 0.0)
    return lines, np.where(precision > 0, INDEPENDENT / variance, 0.0)


def _log_prior(emulator: SpectralEmulator, labels: np.ndarray) -> np.ndarray:
    from scipy.ndimage import gaussian_filter

    stars = draw(_DRAWN, np.random.default_rng(0))
    edges = [np.append(axis - (axis[1] - axis[0]) / 2, axis[-1] + (axis[1] - axis[0]) / 2) for axis in AXES]
    count, _ = np.histogramdd(np.column_stack([np.log(stars.teff), stars.logg, stars.feh]), edges)
    count = gaussian_filter(count, _SMOOTH)
    share = count / np.maximum(count.sum(axis=1, keepdims=True), 1e-9)
    known = emulator.domain(np.exp(labels[:, 0]), labels[:, 1], labels[:, 2])
    even = _EVEN / len(AXES[1])
    return np.log(even + (1.0 - _EVEN) * share).reshape(-1) + np.where(known, 0.0, _OUTSIDE)
