"""Calibration and score of posteriors that are known by five quantiles, against truths with errors of their own.

Between the quantiles the posterior is a monotone cubic in normal scores (Fritsch & Butland 1984), beyond them linear:
exact for a Gaussian, and right within 0.02 in probability for the skew posteriors of ages.
"""

from __future__ import annotations

import numpy as np

from stellar_core.intervals import LEVELS

#: Levels at which the quantile function is evaluated: the middles of 400 equal parts.
_FINE = (np.arange(400) + 0.5) / 400
#: Normal scores beyond which nothing is extrapolated.
_FARTHEST = 4.0


def fine_quantiles(quantiles: np.ndarray) -> np.ndarray:
    """Quantiles (n, 400) of equal probability, sorted, from those (n, 5) at `LEVELS`."""
    from scipy.interpolate import PchipInterpolator
    from scipy.special import ndtri

    score, fine = ndtri(LEVELS), ndtri(_FINE)
    quantiles = np.asarray(quantiles, float)
    slopes = np.diff(quantiles, axis=1)[:, [0, -1]] / np.diff(score)[[0, -1]]
    low = quantiles[:, :1] - slopes[:, :1] * (_FARTHEST + score[0])
    high = quantiles[:, -1:] + slopes[:, 1:] * (_FARTHEST - score[-1])
    nodes = np.concatenate([low, quantiles, high], axis=1)
    padded = np.concatenate([[-_FARTHEST], score, [_FARTHEST]])
    return PchipInterpolator(padded, nodes, axis=1)(fine) if len(nodes) else np.empty((0, len(_FINE)))


def pit(quantiles: np.ndarray, truth: np.ndarray, low_error: np.ndarray, high_error: np.ndarray) -> np.ndarray:
    """Probability integral transform of truths with errors.

    The probability that a draw from the posterior lies below a draw from the truth, which is a Gaussian with another
    width on each side. For Gaussians this is the probability of the published value under the posterior convolved
    with the error of the truth. The truth is in the central 68 % interval if |u - 0.5| <= 0.34.

    Parameters
    ----------
    quantiles : (n, 5) float
        Of the posterior, at `stellar_core.intervals.LEVELS`.
    truth, low_error, high_error : (n,) float
        Published value and its 68 % errors, in the same unit; the result is NaN where one is NaN.

    Returns
    -------
    (n,) float
        In 0-1.
    """
    from scipy.special import ndtr

    fine = fine_quantiles(quantiles)
    error = np.where(fine > truth[:, None], high_error[:, None], low_error[:, None])
    return ndtr((truth[:, None] - fine) / np.maximum(error, 1e-9)).mean(axis=1)


def crps(quantiles: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Continuous ranked probability score (n,) of posteriors at published values, in their unit; 0 is best.

    Twice the mean pinball loss over all levels (Gneiting & Raftery 2007); errors of the truth are not removed.

    Parameters
    ----------
    quantiles : (n, 5) float
        At `stellar_core.intervals.LEVELS`.
    truth : (n,) float
    """
    fine = fine_quantiles(quantiles)
    above = fine - truth[:, None]
    return 2.0 * (((above > 0) - _FINE) * above).mean(axis=1)


def sample_crps(truth: np.ndarray) -> float:
    """Mean CRPS of the distribution of the truths (n,) themselves, the same for every star: a baseline."""
    return 0.5 * float(np.abs(truth[:, None] - truth[None, :]).mean())
