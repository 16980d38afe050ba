"""Distance, extinction and doubts of many stars with magnitudes."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from stellar_core.intervals import weighted_quantiles
from stellar_core.isochrones.photometric_likelihood import PhotometricLikelihood
from stellar_core.isochrones.posterior import WeighedSamples, colours_fit

#: Quantities with an interval, and probabilities of doubts, as columns of a table.
QUANTITIES, DOUBTS = ("distance_pc", "av_mag"), ("wrong_parallax", "companion")
#: Samples below this fraction of the most probable one are left out.
NEGLIGIBLE = 1e-4


@dataclass(frozen=True)
class PhotometricSummaries:
    """Summaries of many stars; NaN for stars without magnitudes.

    Attributes
    ----------
    mean, std : mapping of str to (n_star,)
        Of `QUANTITIES`.
    quantiles : mapping of str to (n_star, n_level)
    doubts : mapping of str to (n_star,)
        Probabilities, see `PhotometricLikelihood.doubts`.
    colours_fit : (n_star,) bool
        False where the colours fit no star of that atmosphere.
    """

    mean: dict[str, np.ndarray]
    std: dict[str, np.ndarray]
    quantiles: dict[str, np.ndarray]
    doubts: dict[str, np.ndarray]
    colours_fit: np.ndarray = field(repr=False)

    @classmethod
    def empty(cls, n_star: int, n_level: int) -> PhotometricSummaries:
        """Summaries to be filled."""

        def numbers(names: tuple[str, ...], *shape: int) -> dict[str, np.ndarray]:
            return {name: np.full((n_star, *shape), np.nan) for name in names}

        quantiles = numbers(QUANTITIES, n_level)
        return cls(numbers(QUANTITIES), numbers(QUANTITIES), quantiles, numbers(DOUBTS), np.ones(n_star, bool))

    def fill(self, rows: np.ndarray, other: PhotometricSummaries) -> None:
        """Write the summaries ``other`` (m stars) into ``rows`` (m,)."""
        for name in ("mean", "std", "quantiles", "doubts"):
            for key, values in getattr(other, name).items():
                getattr(self, name)[key][rows] = values
        self.colours_fit[rows] = other.colours_fit

    def fill_star(
        self, row: int, photometry: PhotometricLikelihood, found: WeighedSamples, levels: tuple[float, ...]
    ) -> None:
        """Write the summary of one star."""
        kept = found.weight > NEGLIGIBLE * found.weight.max()
        *intervals, doubts = photometry.summary(found.samples.select(kept), found.weight[kept] / found.weight.sum())
        for name, (values, probability) in zip(QUANTITIES, intervals):
            mean = (probability * values).sum()
            self.mean[name][row] = mean
            self.std[name][row] = np.sqrt((probability * (values - mean) ** 2).sum())
            self.quantiles[name][row] = weighted_quantiles(values, probability, levels)
        for name, probability in doubts.items():
            self.doubts[name][row] = probability
        self.colours_fit[row] = colours_fit(photometry, found.colour_chi2)
