"""Density of a star's distance modulus: space density of stars, parallax, light of a companion, wrong matches.

The magnitudes of a star and of a track sample give a distance modulus with a Gaussian error that is common to all
samples. The integral over the distance therefore depends on that modulus alone and is tabulated once per star.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.special import ndtr

#: Scale length of the density of stars, pc: dN proportional to d^2 exp(-d / L) dd (Bailer-Jones 2015, PASP 127, 994).
SCALE_LENGTH = 1350.0
#: Light of an unresolved companion, mag, and the share of stars with it (after Raghavan et al. 2010, ApJS 190, 1).
COMPANION_LIGHT = np.array([0.0, 0.1, 0.3, 0.5, 0.7])
COMPANION_SHARE = np.array([0.78, 0.10, 0.05, 0.04, 0.03])
#: A companion of this light or more changes the answer, mag.
BRIGHT_COMPANION = 0.3
#: Share of parallaxes that belong to another star or are wrong for other reasons. Their density is that of values
#: equally likely per decade above this scale, mas, and flat below.
WRONG_SHARE, WRONG_SCALE, WRONG_NORM = 0.01, 0.3, 16.0
#: Distance moduli of the table, mag: 1 pc to 100 kpc.
STEP = 0.02
MODULI = np.arange(-5.0, 20.0, STEP)
DISTANCES = 10.0 ** (1.0 + 0.2 * MODULI)
_EDGES = 10.0 ** (2.0 - 0.2 * (np.append(MODULI, 20.0) - 0.5 * STEP))  # mas, descending
_LOG_VOLUME = 3.0 * np.log(DISTANCES) - DISTANCES / SCALE_LENGTH
_LOG_VOLUME -= np.log(np.exp(_LOG_VOLUME).sum())


def _with_companions(density: np.ndarray) -> np.ndarray:
    """(n_companion, n_modulus) ``density`` of stars at the modulus of their light, by `COMPANION_LIGHT`."""
    steps = np.rint(COMPANION_LIGHT / STEP).astype(int)
    padded = np.append(density, np.full(steps[-1], density[-1]))
    return np.stack([share * padded[k : k + MODULI.size] for k, share in zip(steps, COMPANION_SHARE)])


_VOLUMES = _with_companions(np.exp(_LOG_VOLUME))


@dataclass(frozen=True)
class DistanceModulus:
    """What is known of the distance of one star apart from its magnitudes.

    Attributes
    ----------
    spread : float
        Error of the modulus that the magnitudes give, mag.
    parallax, parallax_error : float or None
        mas.
    """

    spread: float
    parallax: float | None = None
    parallax_error: float | None = None

    @cached_property
    def parts(self) -> np.ndarray:
        """(2, n_modulus) density of the modulus, with the right parallax and with a wrong one; not normalised."""
        if self.parallax is None:
            return np.stack([np.exp(_LOG_VOLUME), np.zeros(MODULI.size)])
        right = (1.0 - WRONG_SHARE) * np.exp(_LOG_VOLUME + self._log_parallax())
        return np.stack([right, self._wrong * np.exp(_LOG_VOLUME)])

    @cached_property
    def blurred(self) -> np.ndarray:
        """(2, n_companion, n_modulus) `parts` at the modulus that the magnitudes give, by `COMPANION_LIGHT`."""
        if self.parallax is None:
            return np.stack([_VOLUMES, np.zeros_like(_VOLUMES)])
        # the density of stars is so smooth that the error of the modulus does not matter
        right = _with_companions(np.convolve(self.parts[0], self._kernel, mode="same"))
        return np.stack([right, self._wrong * _VOLUMES])

    @property
    def _kernel(self) -> np.ndarray:
        half = int(np.ceil(5.0 * self.spread / STEP))
        kernel = np.exp(-0.5 * (np.arange(-half, half + 1) * STEP / self.spread) ** 2)
        return kernel / kernel.sum()

    @property
    def _wrong(self) -> float:
        """Density of the parallax if it is wrong, times the share of those, 1/mas."""
        return WRONG_SHARE / (WRONG_NORM * (abs(self.parallax) + np.hypot(WRONG_SCALE, self.parallax_error)))

    @cached_property
    def log_integral(self) -> np.ndarray:
        """(n_modulus,) log of the integral over distance and companions, at the modulus of the magnitudes."""
        return np.log(np.maximum(self.blurred.sum(axis=(0, 1)), 1e-290))

    @property
    def depth(self) -> float:
        """Depth (natural log) below the best star at which the parallax is rather wrong than right."""
        if self.parallax is None:
            return np.inf
        right, wrong = self.blurred.sum(axis=1)
        best = int(right.argmax())
        return float(np.log(right[best] / max(wrong[best], 1e-290)))

    def limits(self, depth: float) -> tuple[float, float]:
        """Smallest and largest modulus of the magnitudes within ``depth`` (natural log) of the most probable one.

        With a parallax, that it is wrong is left out.
        """
        found = self.blurred[0].sum(axis=0)
        near = np.flatnonzero(found >= found.max() * np.exp(-depth))
        return float(MODULI[near[0]]), float(MODULI[near[-1]])

    def distances(self, shares: np.ndarray) -> np.ndarray:
        """(n_modulus,) probability of each distance of `DISTANCES`, from the posterior ``shares`` (n_modulus,) of the
        modulus that the magnitudes give."""
        inferred = shares / np.exp(self.log_integral)
        spread = np.convolve(inferred, self._kernel, mode="same")
        light = zip(COMPANION_LIGHT, COMPANION_SHARE)
        density = self.parts.sum(axis=0) * sum(share * np.interp(MODULI - one, MODULI, spread) for one, share in light)
        return density / density.sum()

    def fraction(self, shares: np.ndarray, *, wrong: bool = False, light: float = 0.0) -> float:
        """Posterior probability of a wrong parallax, or of a companion of ``light`` (mag) or more."""
        part = self.blurred[1:] if wrong else self.blurred
        part = part[:, COMPANION_LIGHT >= light].sum(axis=(0, 1))
        return float(shares @ (part / np.maximum(self.blurred.sum(axis=(0, 1)), 1e-290)) / shares.sum())

    def _log_parallax(self) -> np.ndarray:
        """(n_modulus,) log density of the parallax (1/mas), averaged over a step, however precise the parallax."""
        z = (_EDGES - self.parallax) / self.parallax_error
        side = np.where(z > 0, -1.0, 1.0)  # the far tail is precise on its own side only
        below = ndtr(side * z)
        same = side[:-1] == side[1:]
        inside = np.where(same, np.abs(below[:-1] - below[1:]), 1.0 - below[:-1] - below[1:])
        return np.log(np.maximum(inside, 1e-290) / (_EDGES[:-1] - _EDGES[1:]))
