"""Testing Model 9 on mock stars: its posteriors against the truth, beside the same stars' baselines."""

from __future__ import annotations

import numpy as np

from stellar_core.evaluation.metrics import classification, coverage, regression
from stellar_core.evaluation.mock_test import truth_of
from stellar_core.inference.isochrone_estimator import FIELDS, IsochroneEstimator
from stellar_core.inference.mc_dropout import QUANTITIES
from stellar_core.isochrones.summary import stage_probabilities
from stellar_core.stages import STAGES
from stellar_core.training.data import StarSet

#: Draws from each star's posterior that coverage is measured on.
DRAWS = 400


def views(stars: StarSet) -> dict[str, tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]]:
    """Flux, coverage, ivar and features of the stars with both, without photometry, without spectrum."""
    inputs = stars.inputs
    flux, coverage_, ivar = inputs.flux, inputs.coverage, inputs.root_ivar.astype(np.float32) ** 2
    hidden = np.full_like(inputs.features, np.nan)
    dark = np.zeros_like(coverage_)
    return {
        "spectrum and photometry": (flux, coverage_, ivar, inputs.features),
        "spectrum alone": (flux, coverage_, ivar, hidden),
        "photometry alone": (np.ones_like(flux), dark, np.zeros_like(ivar), inputs.features),
    }


def measure_cells(estimator: IsochroneEstimator, stars: StarSet, view: str, seed: int = 0) -> dict[str, object]:
    """All figures of one view of the test stars, against the truth.

    The lifetime is that of the star's own track.
    """
    truth = truth_of(stars)
    truth[:, QUANTITIES.index("log_lifetime")] = stars.truth.track_log_lifetime
    found = estimator.posteriors(*views(stars)[view])
    rng = np.random.default_rng(seed)
    means = np.array([[item.interval(FIELDS[name]).mean for name in QUANTITIES] for item in found])
    draws = np.empty((len(stars), DRAWS, len(QUANTITIES)))
    stage = np.empty((len(stars), len(STAGES)))
    older = 0
    for row, item in enumerate(found):
        drawn = item.draws(DRAWS, rng)
        columns = (10.0**drawn.log_teff, drawn.logg, drawn.feh_surface, drawn.log_age, drawn.log_lifetime)
        draws[row] = np.stack([np.asarray(column, float) for column in columns], axis=1)
        older += int((drawn.log_age > drawn.log_lifetime + 1e-6).sum())
        share = stage_probabilities(item.values("teff"), item.cells.logg, item.probability)
        stage[row] = [share[name] for name in STAGES]
    out: dict[str, object] = {"n": len(stars)}
    for column, name in enumerate(QUANTITIES):
        out[name] = regression(means[:, column], truth[:, column])
        out[name]["coverage"] = coverage(draws[:, :, column], truth[:, column])
    predicted = stage.argmax(axis=1)
    out["stage"] = classification(predicted, stars.truth.stage)
    ages = 10.0 ** (draws[:, :, 3] - 9.0)
    out["age_range_gyr"] = [float(ages.min()), float(ages.max())]
    out["draws_older_than_their_lifetime"] = older
    groups = {}
    for low, high in ((5, 10), (10, 20), (20, 40), (40, 80)):
        rows = (stars.truth.snr >= low) & (stars.truth.snr < high)
        groups[f"S/N {low}-{high}"] = coverage(draws[rows, :, 3], truth[rows, 3]) | {"n": int(rows.sum())}
    for index in np.unique(stars.truth.stage):
        rows = stars.truth.stage == index
        groups[f"stage {index}"] = coverage(draws[rows, :, 3], truth[rows, 3]) | {"n": int(rows.sum())}
    out["log_age_coverage_by_group"] = groups
    return out
