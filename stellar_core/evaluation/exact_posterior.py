"""Baseline: the exact posterior of the isochrones from what the mock pipeline measured.

The isochrones are given Teff, log g and [Fe/H] with SSPP-like errors, under a flat age prior. `recalibrated_baseline`
also recalibrates these posteriors on calibration stars like Model 9's, so that both know the mock survey's mixture of
ages.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from stellar_core.datasets.mock_stars import StarSet
from stellar_core.evaluation.reliability import SNR_BINS, covered, crps
from stellar_core.evaluation.scores import PointPredictions
from stellar_core.inference.calibration.local_set import LocalCalibrationSet
from stellar_core.inference.calibration.pit_recalibration import pit, recalibrate
from stellar_core.isochrones import power_law_log_lifetime
from stellar_core.isochrones.catalogue_posterior import CataloguePosterior, diagonal_covariance

#: Errors of the pipeline's Teff, log g and [Fe/H]: K, dex, dex.
Errors = tuple[float, float, float]
#: Draws from each posterior.
DRAWS = 400
#: Quantities of `recalibrated_baseline`; the lifetime is that of the track.
FIELDS = ("log_lifetime", "log_age")
#: Order of their recalibration.
_STEPS = ("log_lifetime", "log_age", "log_lifetime", "log_age")


@lru_cache(maxsize=1)
def _engine() -> CataloguePosterior:
    return CataloguePosterior(systematics=False, workers=1)  # MOCK stars are stars of the tracks


@dataclass(frozen=True)
class DrawnPosteriors:
    """Posteriors of the stars inside the models.

    Attributes
    ----------
    rows : (m,) int
        Their rows in the table.
    drawn : mapping of str to (m, n_draw) float32
        Draws of log_age, mass and log_lifetime.
    log_age : (m,) float
        Posterior mean, log10(yr).
    stage : (m,) int
        Most probable stage.
    """

    rows: np.ndarray
    drawn: dict[str, np.ndarray]
    log_age: np.ndarray
    stage: np.ndarray

    def values(self, name: str) -> np.ndarray:
        """(m, n_draw) draws of log_age, mass or log_lifetime."""
        return self.drawn[name]


def draw_posteriors(atmosphere: np.ndarray, errors: Errors, seed: int, draws: int = DRAWS) -> DrawnPosteriors:
    """Compute the posteriors of all stars inside the models.

    Parameters
    ----------
    atmosphere : (n, 3) float
        Teff [K], log g, [Fe/H] [dex] as measured.
    errors : (float, float, float)
        Their errors, K, dex, dex.
    seed, draws : int
        Seed and number of the draws.
    """
    atmosphere, covariance = np.asarray(atmosphere, float), diagonal_covariance(np.asarray(errors))
    found = _engine().evaluate(*atmosphere.T, covariance)
    drawn = _engine().draws(*atmosphere.T, covariance, draws, np.random.default_rng([seed, 3]))
    inside = found.inside_models & np.isfinite(drawn["log_age"]).all(axis=1)
    return DrawnPosteriors(
        np.flatnonzero(inside),
        {name: values[inside] for name, values in drawn.items()},
        found.mean["log_age"][inside],
        found.stage[inside].argmax(axis=1),
    )


def mean_log_age(atmosphere: np.ndarray, errors: Errors) -> np.ndarray:
    """Posterior mean of log age of each star, log10(yr); arguments as for `draw_posteriors`; NaN outside the models."""
    found = _engine().evaluate(*np.asarray(atmosphere, float).T, diagonal_covariance(np.asarray(errors)))
    return np.where(found.inside_models, found.mean["log_age"], np.nan)


def exact_posterior(
    atmosphere: np.ndarray, errors: Errors, seed: int, draws: int = DRAWS, tracks: bool = False
) -> tuple[PointPredictions, np.ndarray]:
    """Compute posterior means and most probable stages.

    Parameters
    ----------
    atmosphere, errors, seed, draws
        As for `draw_posteriors`.
    tracks : bool
        True for the lifetime of the track, False for the paper's 10 Gyr M^-2.5.

    Returns
    -------
    predictions : PointPredictions
        NaN and stage -1 outside the models.
    inside : (n,) bool
    """
    atmosphere = np.asarray(atmosphere, float)
    n = len(atmosphere)
    age, lifetime, stage = np.full(n, np.nan), np.full(n, np.nan), np.full(n, -1)
    found = draw_posteriors(atmosphere, errors, seed, draws)
    age[found.rows], stage[found.rows] = found.log_age, found.stage
    lifetimes = found.values("log_lifetime") if tracks else power_law_log_lifetime(found.values("mass"))
    lifetime[found.rows] = lifetimes.mean(axis=1)
    return PointPredictions(age, lifetime, stage), stage >= 0


def recalibrated_baseline(held: StarSet, test: StarSet, errors: Errors, seed: int) -> dict[str, object]:
    """Score the exact posterior as a distribution, before and after recalibration.

    Parameters
    ----------
    held, test : StarSet
        Calibration and test stars.
    errors : (float, float, float)
        Errors of the pipeline, K, dex, dex.
    seed : int

    Returns
    -------
    dict
        ``rows`` (m,) of the test stars inside the models; for each of `FIELDS` ``crps``, ``crps_levelled`` (after
        recalibration) (m,) and ``coverage_levelled``.
    """
    even = np.full(DRAWS, 1.0 / DRAWS)
    found, truth = draw_posteriors(held.labels.atmosphere, errors, seed), _truth(held)
    n = found.rows.size
    local = LocalCalibrationSet.join([np.zeros(n)], [found.stage], [np.full(n, 10.0)])
    weights, measured = [even] * n, []
    for name in _STEPS:
        values = found.values(name).astype(float)
        order = np.argsort(values, axis=1, kind="stable")
        u = np.array([pit(truth[name][row], values[k], weights[k]) for k, row in enumerate(found.rows)])
        weights = _recalibrate(order, weights, u, local, found.stage)
        measured.append(u)
    found, truth = draw_posteriors(test.labels.atmosphere, errors, seed + 1), _truth(test)
    n = found.rows.size
    out: dict[str, object] = {"rows": found.rows}
    weights = [even] * n
    for name, u in zip(_STEPS, measured):
        order = np.argsort(found.values(name), axis=1, kind="stable")
        weights = _recalibrate(order, weights, u, local, found.stage)
    for name in FIELDS:
        values, true = found.values(name).astype(float), truth[name][found.rows]
        out[name] = {
            "crps": np.array([crps(values[k], even, true[k]) for k in range(n)]),
            "crps_levelled": np.array([crps(values[k], weights[k], true[k]) for k in range(n)]),
            "coverage_levelled": covered(np.array([pit(true[k], values[k], weights[k]) for k in range(n)])),
        }
    return out


def _recalibrate(
    order: np.ndarray, weights: list[np.ndarray], measured: np.ndarray, local: LocalCalibrationSet, stage: np.ndarray
) -> list[np.ndarray]:
    """Recalibrate the ``weights`` of each star by the PIT values ``measured`` of its local calibration set."""
    sets = (measured[local.nearest(0, int(one), 10.0)] for one in stage)
    return [recalibrate(*star) for star in zip(order, weights, sets)]


def _truth(stars: StarSet) -> dict[str, np.ndarray]:
    return {"log_age": np.asarray(stars.truth.log_age), "log_lifetime": np.asarray(stars.truth.track_log_lifetime)}


def compare_crps(model: np.ndarray, plain: np.ndarray, snr: np.ndarray, exact: dict[str, object]) -> dict[str, object]:
    """Compare the mean CRPS of a model with that of the exact posterior.

    The exact posterior has parameters with the same errors at any S/N, the model a spectrum: ratios are given by S/N
    too.

    Parameters
    ----------
    model, plain : (n, 2) float
        CRPS after and before recalibration, columns in the order of `FIELDS`.
    snr : (n,) float
    exact : dict
        The output of `recalibrated_baseline`.
    """
    rows = exact["rows"]
    out: dict[str, object] = {
        "stars": int(rows.size),
        "prior": "flat in age; levelled: with the mock survey's mixture of ages",
    }
    for column, name in enumerate(FIELDS):
        theirs = exact[name]
        out[name] = {
            "model": float(model[rows, column].mean()),
            "exact_posterior_levelled": float(theirs["crps_levelled"].mean()),
            "ratio_levelled": float(model[rows, column].mean() / theirs["crps_levelled"].mean()),
            "model_before": float(plain[rows, column].mean()),
            "exact_posterior_flat_prior": float(theirs["crps"].mean()),
            "ratio_before": float(plain[rows, column].mean() / theirs["crps"].mean()),
            "ratio_levelled_by_snr": {
                f"S/N {low}-{high}": float(model[rows[here], column].mean() / theirs["crps_levelled"][here].mean())
                for low, high in SNR_BINS
                if (here := (snr[rows] >= low) & (snr[rows] < high)).any()
            },
            "exact_posterior_levelled_coverage": theirs["coverage_levelled"],
        }
    return out
