"""Spectral emulator: from Teff, log g and [Fe/H] to a spectrum at SDSS resolution.

The spectrum is a continuum times a line spectrum. The continuum follows the
Castelli & Kurucz (2004) surface fluxes; the line spectrum is a small network
(three labels in, 6800 pixels out, as in The Payne, Ting et al. 2019) fitted to
MILES, STELIB, the BOSS templates and the Kurucz standards by
`stellar_core.mock.fit.emulator`. The scatter of library stars about their emulation
is kept as a residual covariance, so that MOCK stars of equal labels differ as real
ones do.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from stellar_core.mock.streams import StarStreams, row_products
from stellar_core.model_store import read_model
from stellar_core.paths import TRAINED_DIR
from stellar_core.preprocessing.grid import GRID

EMULATOR_DIR = TRAINED_DIR / "spectral-emulator"

#: Labels are scaled as (x - centre) / width before the networks; Teff enters as 5040 K / Teff.
LABEL_CENTRE = np.array([0.9, 3.0, -0.6])
LABEL_WIDTH = np.array([0.25, 1.2, 0.8])

#: Units of distance to library stars in 5040/Teff, log g and [Fe/H].
DOMAIN_STEP = np.array([0.04, 0.5, 0.4])

#: Spacing (A) of the nodes of the continuum.
CONTINUUM_STEP = 20


def scale_labels(teff: np.ndarray, logg: np.ndarray, feh: np.ndarray) -> np.ndarray:
    """(n, 3) float32 network inputs from Teff [K], log g [dex], [Fe/H] [dex]."""
    labels = np.stack(np.broadcast_arrays(5040.0 / np.asarray(teff, float), logg, feh), axis=-1)
    return ((np.atleast_2d(labels) - LABEL_CENTRE) / LABEL_WIDTH).astype(np.float32)


def _evaluate(weights: Mapping[str, np.ndarray], prefix: str, x: np.ndarray) -> np.ndarray:
    """A multilayer perceptron with SiLU between its layers."""
    depth = sum(key.startswith(f"{prefix}.weight") for key in weights)
    for layer in range(depth):
        x = row_products(x, weights[f"{prefix}.weight{layer}"].T) + weights[f"{prefix}.bias{layer}"]
        if layer < depth - 1:
            x = x / (1.0 + np.exp(-x))
    return x


@dataclass(frozen=True)
class SpectralEmulator:
    """The fitted emulator; use `load`.

    Attributes
    ----------
    weights : mapping of str to float32 arrays
        ``line.*`` and ``continuum.*`` layers; ``spread.blue`` and ``spread.red``
        residual components, ``spread.*_amplitude`` (n_node, n_component) and
        ``spread.teff`` (n_node,) K; ``domain.labels`` (n_star, 3).
    card : mapping
        Sources, errors and the domain, as in ``card.json``.
    """

    weights: Mapping[str, np.ndarray]
    card: Mapping[str, object]

    @staticmethod
    @cache
    def load(folder: Path = EMULATOR_DIR) -> SpectralEmulator:
        """Load the shipped emulator (about 2 MB).

        Raises
        ------
        ModelError
            If the weights are missing or damaged.
        """
        weights, card = read_model(folder)
        return SpectralEmulator({key: value.astype(np.float32) for key, value in weights.items()}, card)

    def lines(self, teff: np.ndarray, logg: np.ndarray, feh: np.ndarray) -> np.ndarray:
        """(n, 6800) float32 flux divided by its 100 A continuum."""
        return np.maximum(_evaluate(self.weights, "line", scale_labels(teff, logg, feh)), 0.02)

    def continuum(self, teff: np.ndarray, logg: np.ndarray, feh: np.ndarray) -> np.ndarray:
        """(n, 6800) float32 unreddened continuum, flux per Angstrom, arbitrary scale."""
        coarse = _evaluate(self.weights, "continuum", scale_labels(teff, logg, feh))
        position = np.arange(GRID.size) / CONTINUUM_STEP
        low = np.minimum(position.astype(int), coarse.shape[1] - 2)
        fraction = (position - low).astype(np.float32)
        return np.exp(coarse[:, low] * (1 - fraction) + coarse[:, low + 1] * fraction)

    def spectra(
        self,
        teff: np.ndarray,
        logg: np.ndarray,
        feh: np.ndarray,
        rng: np.random.Generator | StarStreams | None = None,
        scores: np.ndarray | None = None,
    ) -> np.ndarray:
        """Emulated spectra.

        Parameters
        ----------
        teff, logg, feh : (n,) array_like
            Teff in K, log g in dex(cm/s2), [Fe/H] in dex.
        rng : numpy.random.Generator or StarStreams, optional
            If given, each spectrum gets its own draw from the residual covariance.
        scores : (n, n_component) float, optional
            That draw, as `draw_scores` makes it, instead of ``rng``.

        Returns
        -------
        (n, 6800) float32
            Flux per Angstrom on `GRID`: vacuum, rest frame, unreddened, median 1
            over 4500-7000 A, at the resolution of `stellar_core.mock.spectrograph.sdss_fwhm`.
        """
        lines = self.lines(teff, logg, feh)
        if rng is not None:
            scores = self.draw_scores(len(lines), rng)
        if scores is not None:
            lines = np.maximum(lines + self._residuals(np.atleast_1d(teff), scores), 0.02)
        flux = lines * self.continuum(teff, logg, feh)
        return flux / np.median(flux[:, 900:3400], axis=1, keepdims=True)

    def draw_scores(self, n: int, rng: np.random.Generator | StarStreams) -> np.ndarray:
        """Draw the residuals of ``n`` spectra: standard normal scores of the components, (n, n_component)."""
        counts = [len(self.weights[f"spread.{part}"]) for part in ("blue", "red")]
        return np.concatenate([rng.standard_normal((n, count)) for count in counts], axis=1)

    def _residuals(self, teff: np.ndarray, scores: np.ndarray) -> np.ndarray:
        nodes = self.weights["spread.teff"]
        out, first = np.zeros((len(teff), GRID.size), dtype=np.float32), 0
        for part in ("blue", "red"):
            components = self.weights[f"spread.{part}"]
            amplitude = self.weights[f"spread.{part}_amplitude"]
            scale = np.stack([np.interp(teff, nodes, column) for column in amplitude.T], axis=1)
            own = scores[:, first : first + len(components)]
            out += row_products((own * scale).astype(np.float32), components)
            first += len(components)
        return out

    def domain(self, teff: np.ndarray, logg: np.ndarray, feh: np.ndarray) -> np.ndarray:
        """(n,) bool: True where the third nearest library star is within the largest distance on the card."""
        labels = np.stack(np.broadcast_arrays(5040.0 / np.asarray(teff, float), logg, feh), axis=-1)
        distance, _ = _library_tree(self).query(np.atleast_2d(labels) / DOMAIN_STEP, k=3)
        return distance[:, 2] <= float(self.card["domain"]["largest_distance"])

    def __hash__(self) -> int:
        return id(self)


@cache
def _library_tree(emulator: SpectralEmulator):
    from scipy.spatial import cKDTree

    return cKDTree(emulator.weights["domain.labels"] / DOMAIN_STEP)
