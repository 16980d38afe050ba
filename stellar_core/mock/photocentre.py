"""Motion of the light centre of MOCK pairs, and what a fit of a single star makes of it.

The positions that Gaia measures along its scans are computed for an orbit, and position, proper motion and parallax
are fitted to them (Penoyre, Belokurov & Evans 2022, MNRAS 513, 2437). What is left raises RUWE, what the fit absorbs
shifts the parallax: most for periods of about a year. Two stars so close that their images overlap in some scans only
disturb the fit as well (Holl et al. 2023, A&A 674, A25).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

#: Visits of a typical star in Gaia DR3, measurements on each, and years between the first and the last.
VISITS, MEASUREMENTS, SPAN = 20, 12, 2.84
#: Standard deviation of an image along the scan, mas: 1.8 pixels of 58.9 mas full width at half maximum.
IMAGE_WIDTH = 45.0
#: Separation from which Gaia lists two stars, mas (Fabricius et al. 2021, A&A 649, A5).
RESOLUTION = 600.0
#: Days of a year.
YEAR = 365.25


@dataclass(frozen=True)
class Orbits:
    """Circular orbits of random orientation; arrays have shape (n,).

    Attributes
    ----------
    separation : radius of the relative orbit on the sky, mas
    log_period : log10(days)
    inclination_cosine, node, phase : orientation, the angles in radians
    """

    separation: np.ndarray
    log_period: np.ndarray
    inclination_cosine: np.ndarray
    node: np.ndarray
    phase: np.ndarray

    @classmethod
    def draw(
        cls, total_mass: np.ndarray, log_period: np.ndarray, parallax: np.ndarray, rng: np.random.Generator
    ) -> Orbits:
        """Orbits of pairs of ``total_mass`` (Msun) and ``log_period`` (log10 days) at ``parallax`` (mas)."""
        radius = np.cbrt(total_mass * (10.0**log_period / YEAR) ** 2)  # au
        cosine, node, phase = rng.random((3, len(radius)))
        return cls(radius * parallax, log_period, 2.0 * cosine - 1.0, 2.0 * np.pi * node, 2.0 * np.pi * phase)

    def position(self, years: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Position of the companion relative to the primary, (n, k) mas on each axis, at ``years`` (n, k)."""
        angle = self.phase[:, None] + 2.0 * np.pi * years * YEAR / 10.0 ** self.log_period[:, None]
        along, across = np.cos(angle), np.sin(angle) * self.inclination_cosine[:, None]
        cosine, sine = np.cos(self.node)[:, None], np.sin(self.node)[:, None]
        radius = self.separation[:, None]
        return radius * (along * cosine - across * sine), radius * (along * sine + across * cosine)

    @property
    def resolved(self) -> np.ndarray:
        """(n,) bool: pairs that Gaia lists as two stars."""
        x, y = self.position(np.zeros((len(self.phase), 1)))
        return np.hypot(x, y)[:, 0] > RESOLUTION

    def photocentre(self, mass_ratio: np.ndarray, light: np.ndarray) -> np.ndarray:
        """(n,) radius of the orbit of the light centre about the centre of mass, mas."""
        return self.separation * np.abs(mass_ratio / (1.0 + mass_ratio) - light / (1.0 + light))


def fit_single_stars(
    orbits: Orbits, mass_ratio: np.ndarray, light: np.ndarray, error: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Fit pairs as single stars.

    Parameters
    ----------
    orbits : Orbits
    mass_ratio, light : (n,) float
        Mass of the companion over that of the primary, and the same for the light in G.
    error : (n,) float
        Error of the parallax of a single star of the same brightness, mas.
    rng : numpy.random.Generator

    Returns
    -------
    shift : (n,) float64
        What the orbit adds to the parallax, mas.
    excess : (n,) float64
        What the residuals add to the square of RUWE.
    """
    years = SPAN * (rng.random((len(error), VISITS)) - 0.5)
    angle = 2.0 * np.pi * rng.random((len(error), VISITS))
    season = 2.0 * np.pi * (years + rng.random((len(error), 1)))
    latitude_sine = 0.9 * rng.random((len(error), 1))
    sine, cosine = np.sin(angle), np.cos(angle)
    factor = sine * np.sin(season) + cosine * latitude_sine * np.cos(season)
    design = np.stack([sine, cosine, years * sine, years * cosine, factor], axis=-1)  # (n, visit, 5)
    inverse = np.linalg.inv(design.swapaxes(1, 2) @ design)

    x, y = orbits.position(years)
    along = x * sine + y * cosine
    # The fit of one image to two moves by the share of light of the second, if that lies within the image.
    overlap = np.exp(-((along / (2.0 * IMAGE_WIDTH)) ** 2))
    share = (light / (1.0 + light))[:, None] * overlap
    offset = along * (share - (mass_ratio / (1.0 + mass_ratio))[:, None])
    found = inverse @ (design.swapaxes(1, 2) @ offset[:, :, None])  # (n, 5, 1)
    left = offset - (design @ found)[:, :, 0]
    of_visit = error / np.sqrt(inverse[:, 4, 4])  # error of the mean of the measurements of a visit
    return found[:, 4, 0], np.mean(left**2, axis=1) / (MEASUREMENTS * of_visit**2)
