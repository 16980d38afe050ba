"""Accuracy and coverage of inferred ages and masses of REAL stars, by stage."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from stellar_core.evaluation.metrics import regression
from stellar_core.evaluation.real_ages.interval_scores import crps, pit, sample_crps
from stellar_core.evaluation.real_ages.tables import GROUPS
from stellar_core.evaluation.reliability import covered

if TYPE_CHECKING:
    import pandas

#: Columns of the five quantiles in the output of `stellar_core.isochrones.label.label_table`.
QUANTILES = ("p025", "p16", "median", "p84", "p975")
#: "all", and the stages.
STAGES = ("all", *dict.fromkeys(GROUPS))


def by_stage(stars: pandas.DataFrame) -> dict[str, dict[str, dict[str, float | None]]]:
    """Compute `age_accuracy` and `mass_accuracy` of all stars and of each stage; empty ones are omitted.

    Parameters
    ----------
    stars : DataFrame
        `tables.read_stars`, labelled by `stellar_core.isochrones.label.label_table`.

    Returns
    -------
    dict
        ``age`` and ``mass``; in each ``all``, ``dwarf``, ``subgiant`` and ``giant``.
    """
    found: dict[str, dict[str, dict[str, float | None]]] = {}
    for name, truth, measure in (("age", "true_log_age", age_accuracy), ("mass", "true_mass_msun", mass_accuracy)):
        usable = stars[stars["inside_models"] & stars[truth].notna()]
        parts = {stage: usable if stage == "all" else usable[usable["stage"] == stage] for stage in STAGES}
        found[name] = {stage: measure(part) for stage, part in parts.items() if len(part)}
    return found


def age_accuracy(stars: pandas.DataFrame) -> dict[str, float | None]:
    """Compute the accuracy of log age for stars that all have one.

    Returns
    -------
    dict
        ``n``; of the posterior mean minus the truth, dex: ``rmse``, ``mae``, ``bias``, and ``scatter`` about the
        bias; ``rmse_constant``, the RMSE of one age for all (the mean of these truths), and ``r2``; ``coverage_68``
        and ``coverage_95`` with the error of the truth included (`interval_scores.pit`), of ``n_coverage`` stars;
        ``crps`` and, as its baseline, ``crps_sample``; ``half_width``, the median half width of the 68 % interval;
        ``truth_error``, the RMS error of the truth, and ``pipelines_scatter``, that of seven seismic pipelines.
        Quotients that need more stars are None.
    """
    truth = stars["true_log_age"].to_numpy(float)
    quantiles = _quantiles(stars, "log_age")
    sides = [stars[f"true_log_age_err_{side}"].to_numpy(float) for side in ("lo", "hi")]
    metrics = _regression(stars["log_age_mean"].to_numpy(float), truth)
    return {
        "n": len(stars),
        **metrics,
        "scatter": float(np.sqrt(max(metrics["rmse"] ** 2 - metrics["bias"] ** 2, 0.0))),
        **_coverage(pit(quantiles, truth, *sides)),
        "crps": float(crps(quantiles, truth).mean()),
        "crps_sample": sample_crps(truth),
        "half_width": float(np.median(quantiles[:, 3] - quantiles[:, 1]) / 2),
        "truth_error": _rms(stars["true_log_age_err"]),
        "pipelines_scatter": _rms(stars["age_pipelines_std_dex"]),
    }


def mass_accuracy(stars: pandas.DataFrame) -> dict[str, float | None]:
    """Compute the accuracy of the mass for stars that all have one.

    Returns
    -------
    dict
        ``n``; of the posterior median over the truth, in per cent: ``bias`` (median), ``scatter`` (half of the
        range of the central 68 %) and ``rms``; ``coverage_68``, ``coverage_95``, ``n_coverage`` as for ages;
        ``half_width``, the median half width of the 68 % interval, and ``truth_error``, the RMS error of the truth,
        both in per cent.
    """
    truth, error = stars["true_mass_msun"].to_numpy(float), stars["true_mass_err_msun"].to_numpy(float)
    quantiles = _quantiles(stars, "mass")
    off = 100.0 * (quantiles[:, 2] / truth - 1.0)
    low, middle, high = np.quantile(off, (0.16, 0.5, 0.84))
    return {
        "n": len(stars),
        "bias": float(middle),
        "scatter": float(high - low) / 2,
        "rms": float(np.sqrt((off**2).mean())),
        **_coverage(pit(quantiles, truth, error, error)),
        "half_width": float(np.median(50.0 * (quantiles[:, 3] - quantiles[:, 1]) / truth)),
        "truth_error": _rms(100.0 * stars["true_mass_err_msun"] / stars["true_mass_msun"]),
    }


def _quantiles(stars: pandas.DataFrame, quantity: str) -> np.ndarray:
    return stars[[f"{quantity}_{part}" for part in QUANTILES]].to_numpy(float)


def _regression(predicted: np.ndarray, truth: np.ndarray) -> dict[str, float | None]:
    """`regression`; where all truths are the same, as of a single star, R2 is None."""
    if np.ptp(truth) > 0:
        return regression(predicted, truth)
    error = predicted - truth
    rmse, mae = float(np.sqrt((error**2).mean())), float(np.abs(error).mean())
    return {"rmse": rmse, "mae": mae, "bias": float(error.mean()), "r2": None, "rmse_constant": 0.0}


def _coverage(u: np.ndarray) -> dict[str, float | None]:
    u = u[np.isfinite(u)]
    share = covered(u) if len(u) else {"68": None, "95": None}
    return {"n_coverage": len(u), "coverage_68": share["68"], "coverage_95": share["95"]}


def _rms(values: pandas.Series) -> float | None:
    """Root mean square of what is known; None if nothing is."""
    known = values.dropna().to_numpy(float)
    return float(np.sqrt((known**2).mean())) if len(known) else None
