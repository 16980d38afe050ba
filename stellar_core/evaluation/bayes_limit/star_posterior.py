"""Near-exact posterior of a MOCK star from all pixels of its spectrum and its five magnitudes.

The likelihood is that of `StarFit`, the prior the mock's population, `PopulationSamples`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from stellar_core.bolometric_corrections import RV, load_bolometric
from stellar_core.evaluation.bayes_limit.observed_star import ObservedStar
from stellar_core.evaluation.bayes_limit.population_samples import PopulationSamples
from stellar_core.evaluation.bayes_limit.star_fit import StarFit
from stellar_core.mock.selection import Selection

#: Every how many samples are used to find the range of Teff, and most samples evaluated within a range; if there are
#: more, the errors are large, and every second or third is enough.
THIN, MOST = 40, 120_000
#: Samples with a chi-square this far above the smallest, or of the `NEAREST`, set the range of Teff.
FAR, NEAREST = 40.0, 40
#: Relative margins of the first and the second range.
MARGINS = (0.012, 0.004)
#: Samples this far below the most probable one in ln(probability) are dropped.
_DROPPED = 20.0
#: Weights below this fraction of the largest are dropped.
_SMALL = 1e-6


@dataclass(frozen=True)
class StarPosterior:
    """Weighted samples of one star.

    Attributes
    ----------
    rows : (m,) int
        Rows of the samples.
    weight : (m,) float
        Probabilities.
    modulus : (m,) float
        Distance modulus of each, mag.
    chi2 : float
        Smallest chi-square of the samples.
    degrees : int
        Number of pixels and magnitudes.
    edge : float
        Probability near the ends of the searched range of Teff.
    """

    rows: np.ndarray
    weight: np.ndarray
    modulus: np.ndarray
    chi2: float
    degrees: int
    edge: float

    @property
    def effective(self) -> float:
        """Effective number of samples."""
        return float(1.0 / (self.weight**2).sum())

    def reweighted(self, log_factor: np.ndarray) -> StarPosterior:
        """The posterior times a factor, given by its ln (m,)."""
        weight = self.weight * np.exp(log_factor - log_factor.max())
        return replace(self, weight=weight / weight.sum())


class BayesLimit:
    """Posterior of MOCK stars by importance-weighted samples of their population.

    Parameters
    ----------
    samples : PopulationSamples
    """

    def __init__(self, samples: PopulationSamples) -> None:
        self.samples = samples
        self._log_weight = np.log(samples.weight)
        self._thin = samples.select(slice(THIN // 2, None, THIN))

    def posterior(self, star: ObservedStar) -> StarPosterior:
        """Posterior of ``star`` over the samples."""
        fit = StarFit(star, self._thin, self._nearest_in_colour(star))
        for _ in range(2):
            found = fit.quadratic()
            chi2 = found.of(self._thin, fit.at.coefficients, fit.absolute)
            best, thin = int(chi2.argmin()), self._thin
            atmosphere = np.array([thin.teff[best], thin.logg[best], thin.feh[best]], float)
            fit.move(found, thin.coefficients[best].astype(float), thin.absolute[best].astype(float), atmosphere)
        rows = self._range(chi2, self._thin.teff, MARGINS[0])
        for last in (False, True):
            part = self.samples.select(rows)
            found = fit.quadratic()
            chi2 = found.of(part, fit.at.coefficients, fit.absolute)
            logarithm = self._log_weight[rows] - 0.5 * chi2
            near = np.flatnonzero(logarithm > logarithm.max() - _DROPPED)
            some = part.select(near)
            modulus = fit.modulus(some.absolute)
            logarithm = logarithm[near] + some.log_distance_density(modulus)
            weight = np.exp(logarithm - logarithm.max())
            weight /= weight.sum()
            if not last:
                mean = lambda values: weight @ values
                atmosphere = np.array([mean(some.teff), mean(some.logg), mean(some.feh)])
                fit.move(found, mean(some.coefficients), mean(some.absolute), atmosphere)
                rows = self._range(chi2, part.teff, MARGINS[1])
        at_edge = (near < 0.03 * chi2.size) | (near > 0.97 * chi2.size)
        kept = weight > _SMALL * weight.max()
        return StarPosterior(
            rows.start + rows.step * near[kept],
            weight[kept] / weight[kept].sum(),
            modulus[kept],
            float(chi2.min()),
            found.data.size,
            float(weight[at_edge].sum()),
        )

    def _nearest_in_colour(self, star: ObservedStar) -> int:
        """Row of the thinned samples with the most similar colours."""
        extinction = RV * load_bolometric().at(*(np.array([value]) for value in (5800.0, 4.3, -0.5)))[1][0]
        offset = star.magnitudes - (star.ebv - Selection().ebv) * extinction - self._thin.absolute
        error = np.hypot(star.errors, 0.02)
        offset -= (offset @ error**-2.0 / (error**-2.0).sum())[:, None]
        return int(((offset / error) ** 2).sum(axis=1).argmin())

    def _range(self, chi2: np.ndarray, teff: np.ndarray, margin: float) -> slice:
        """Samples in the range of Teff of the likely ones among samples of ``chi2`` (n,) and ``teff`` (n,)."""
        likely = teff[chi2 <= max(chi2.min() + FAR, np.partition(chi2, NEAREST)[NEAREST])]
        limits = likely.min() * (1.0 - margin), likely.max() * (1.0 + margin)
        first, last = np.searchsorted(self.samples.teff, limits).tolist()
        return slice(first, last, 1 + (last - first) // MOST)
