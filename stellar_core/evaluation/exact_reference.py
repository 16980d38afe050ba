"""The exact posterior from pipeline parameters as a distribution, scored like a network's.

The isochrone engine is given what the mock pipeline measured, Teff, log g and [Fe/H] with SSPP-like
errors (75 K, 0.20, 0.10 dex), under its flat age prior; and once more levelled on calibration stars exactly as
Model 9 is, which gives both the same knowledge of the mock survey's mixture of ages.
"""

from __future__ import annotations

import numpy as np

from stellar_core.datasets.mock_stars import StarSet
from stellar_core.evaluation.baselines import engine_grid
from stellar_core.evaluation.reliability import SNR_BINS, covered, crps
from stellar_core.inference.calibration.local_set import LocalCalibrationSet
from stellar_core.inference.calibration.pit_recalibration import pit, recalibrate
from stellar_core.isochrones.catalogue_posterior import diagonal_covariance

#: Draws of each posterior.
DRAWS = 400
FIELDS = ("log_lifetime", "log_age")
#: Order in which they are levelled.
_STEPS = ("log_lifetime", "log_age", "log_lifetime", "log_age")


def reference(held: StarSet, test: StarSet, errors: tuple[float, float, float], seed: int) -> dict[str, object]:
    """Mean CRPS and coverage of log age and log lifetime (of the track), and for which test stars.

    Parameters
    ----------
    held, test : StarSet
        Calibration and test stars.
    errors : (float, float, float)
        Of the pipeline, K, dex, dex.

    Returns
    -------
    dict
        ``rows`` (n,) of the test stars that lie inside the models; for each of `FIELDS` ``crps``, ``crps_levelled``
        (n,) and ``coverage_levelled``.
    """
    cells = engine_grid().samples
    even = np.full(DRAWS, 1.0 / DRAWS)
    rows, drawn, stage = _drawn(held, errors, seed)
    peers = LocalCalibrationSet.join([np.zeros(rows.size)], [stage], [np.full(rows.size, 10.0)])
    truth = _truth(held)
    weights = [even] * rows.size
    steps = []
    for name in _STEPS:
        values = getattr(cells, name)[drawn].astype(float)
        order = np.argsort(values, axis=1, kind="stable")
        found = np.array([pit(truth[name][row], values[k], weights[k]) for k, row in enumerate(rows)])
        weights = [recalibrate(order[k], weights[k], found[peers.nearest(0, int(stage[k]), 10.0)]) for k in range(rows.size)]
        steps.append(found)
    rows, drawn, stage = _drawn(test, errors, seed + 1)
    truth = _truth(test)
    out: dict[str, object] = {"rows": rows}
    weights = [even] * rows.size
    for name, found in zip(_STEPS, steps):
        order = np.argsort(getattr(cells, name)[drawn], axis=1, kind="stable")
        weights = [recalibrate(order[k], weights[k], found[peers.nearest(0, int(stage[k]), 10.0)]) for k in range(rows.size)]
    for name in FIELDS:
        values, true = getattr(cells, name)[drawn].astype(float), truth[name][rows]
        u = np.array([pit(true[k], values[k], weights[k]) for k in range(rows.size)])
        out[name] = {
            "crps": np.array([crps(values[k], even, true[k]) for k in range(rows.size)]),
            "crps_levelled": np.array([crps(values[k], weights[k], true[k]) for k in range(rows.size)]),
            "coverage_levelled": covered(u),
        }
    return out


def _truth(stars: StarSet) -> dict[str, np.ndarray]:
    return {"log_age": np.asarray(stars.truth.log_age), "log_lifetime": np.asarray(stars.truth.track_log_lifetime)}


def _drawn(stars: StarSet, errors: tuple[float, float, float], seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Stars inside the models, the cells of their draws (n, `DRAWS`) and their most probable stages."""
    atmosphere, covariance, grid = (
        np.asarray(stars.labels.atmosphere, float),
        diagonal_covariance(np.asarray(errors)),
        engine_grid(),
    )
    rows = np.flatnonzero(grid.supports(atmosphere[:, 0], covariance))
    found = grid.evaluate(*atmosphere[rows].T, covariance)
    drawn = grid.draws(*atmosphere[rows].T, covariance, DRAWS, np.random.default_rng([seed, 3]))
    known = found.inside_models & (drawn >= 0).all(axis=1)
    return rows[known], drawn[known], found.stage[known].argmax(axis=1)


def compare(mine: np.ndarray, plain: np.ndarray, snr: np.ndarray, exact: dict[str, object]) -> dict[str, object]:
    """Mean CRPS of a model, (n, 2) in the order of `FIELDS` after and before levelling, beside the exact posterior's.

    The exact posterior is given parameters with the same errors at any S/N (n,), the model a spectrum: the ratio
    stands for each of `SNR_BINS` too.
    """
    rows = exact["rows"]
    out: dict[str, object] = {
        "stars": int(rows.size),
        "prior": "flat in age; levelled: with the mock survey's mixture of ages",
    }
    for column, name in enumerate(FIELDS):
        theirs = exact[name]
        out[name] = {
            "model": float(mine[rows, column].mean()),
            "exact_posterior_levelled": float(theirs["crps_levelled"].mean()),
            "ratio_levelled": float(mine[rows, column].mean() / theirs["crps_levelled"].mean()),
            "model_before": float(plain[rows, column].mean()),
            "exact_posterior_flat_prior": float(theirs["crps"].mean()),
            "ratio_before": float(plain[rows, column].mean() / theirs["crps"].mean()),
            "ratio_levelled_by_snr": {
                f"S/N {low}-{high}": float(mine[rows[here], column].mean() / theirs["crps_levelled"][here].mean())
                for low, high in SNR_BINS
                if (here := (snr[rows] >= low) & (snr[rows] < high)).any()
            },
            "exact_posterior_levelled_coverage": theirs["coverage_levelled"],
        }
    return out
