"""Line spread, Doppler shift and flux calibration on the way to the pixels."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from stellar_core.constants import SPEED_OF_LIGHT
from stellar_core.mock.spectrograph import NODES
from stellar_core.mock.streams import StarStreams

#: First wavelength (A) and number of points of the rest-frame grid (that of the preprocessing).
FIRST, N_REST = 3600.0, 6800


@dataclass(frozen=True)
class FluxCalibration:
    """Tilt of the flux calibration: errors of ln flux that are linear in log wavelength.

    Sized so that synthetic g - r has an error of about 5 % and r - i of 3 %, as found for SDSS
    spectra by Adelman-McCarthy et al. (2008, ApJS 175, 297). Errors of other shapes are measured on
    real files (`stellar_core.mock.residuals`); a tilt cannot be, because the models of the pipeline follow it.

    Attributes
    ----------
    tilt : float
        1 sigma between 4000 and 8000 A.
    """

    tilt: float = 0.05

    def curves(self, loglam: np.ndarray, n: int, rng: np.random.Generator | StarStreams) -> np.ndarray:
        """Factors of shape (n, n_pixel), float32, for the flux at ``loglam`` (log10 Angstrom)."""
        slope = ((loglam - np.log10(5657.0)) / np.log10(2.0)).astype(np.float32)
        return np.exp((self.tilt * rng.standard_normal((n, 1))).astype(np.float32) * slope)


def hat_matrix(nodes: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Linear interpolation from ``nodes`` (evenly spaced) to ``at`` as a matrix (n_node, n_at) float32."""
    return _hat_matrix(np.asarray(nodes, float).tobytes(), np.asarray(at, float).tobytes())


@lru_cache(maxsize=8)
def _hat_matrix(nodes: bytes, at: bytes) -> np.ndarray:
    nodes, at = np.frombuffer(nodes), np.frombuffer(at)
    place = np.clip((at - nodes[0]) / (nodes[1] - nodes[0]), 0, nodes.size - 1)
    return np.maximum(0.0, 1.0 - np.abs(place[None, :] - np.arange(nodes.size)[:, None])).astype(np.float32)


@lru_cache(maxsize=1)
def rest_matrix() -> np.ndarray:
    """`hat_matrix` from the nodes to the rest-frame grid."""
    return hat_matrix(NODES, np.log10(FIRST + np.arange(N_REST)))


def broaden_lightly(flux: np.ndarray, variance: np.ndarray) -> np.ndarray:
    """Convolve with five taps that match the second and fourth moments of a narrow Gaussian.

    A negative variance reverses such a convolution to the same order.

    Parameters
    ----------
    flux : (n, m) float32
    variance : (n, m) float32
        Variance of the Gaussian in pixels squared, between -0.4 and 1.5.
    """
    outer = (3 * variance**2 - variance) / 24
    inner = variance / 2 - 4 * outer
    padded = np.pad(flux, ((0, 0), (2, 2)), mode="edge")
    near = padded[:, 1:-3] + padded[:, 3:-1] - 2 * flux
    far = padded[:, :-4] + padded[:, 4:] - 2 * flux
    return flux + inner * near + outer * far


def shift_and_resample(flux: np.ndarray, wavelength: np.ndarray, velocity: np.ndarray) -> np.ndarray:
    """Doppler-shift by ``velocity`` (km/s) and interpolate at ``wavelength`` (A) by cubic convolution (Keys 1981)."""
    place = wavelength[None, :] / (1.0 + velocity[:, None] / SPEED_OF_LIGHT) - FIRST
    place = np.clip(place, 0, N_REST - 1)
    base = np.clip(place.astype(np.int64), 1, N_REST - 3)
    t = (place - base).astype(np.float32)
    flat = base + N_REST * np.arange(len(flux))[:, None]
    a, b, c, d = (flux.ravel().take(flat + k) for k in (-1, 0, 1, 2))
    return b + 0.5 * t * (c - a + t * (2 * a - 5 * b + 4 * c - d + t * (3 * (b - c) + d - a)))
