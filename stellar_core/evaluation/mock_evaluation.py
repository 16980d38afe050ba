"""Evaluate a network on MOCK stars, with its baselines."""

from __future__ import annotations

import numpy as np
from torch import nn

from stellar_core.datasets.config import DataConfig
from stellar_core.datasets.mock_stars import StarSet, make_stars
from stellar_core.evaluation.baselines import exact_posterior_metrics
from stellar_core.evaluation.metrics import classification, regression
from stellar_core.evaluation.predictions import PASSES, Predictions, predict_stars
from stellar_core.evaluation.reliability import by_group, calibration_error, covered, crps_constant, kolmogorov_smirnov
from stellar_core.inference.estimator import Estimator
from stellar_core.inference.isochrone import IsochroneEstimator
from stellar_core.inference.mc_dropout import QUANTITIES, Passes, run_passes
from stellar_core.inference.out_of_distribution import SCORES
from stellar_core.inference.spectral_diagnostics import diagnose
from stellar_core.mock.emulator import SpectralEmulator


def dropout_passes(network: nn.Module, stars: StarSet, photometry: bool, seed: int, n: int | None = None) -> Passes:
    """Run MC dropout on the first ``n`` mock stars (all by default), with or without their photometry.

    A network that reads photometry alone always gets it.
    """
    inputs, first = stars.inputs, slice(n)
    photometry = photometry or network.architecture.requires_photometry
    features = inputs.features[first] if photometry else np.full_like(inputs.features[first], np.nan)
    return run_passes(network, inputs.flux[first], inputs.coverage[first], features, PASSES, seed)


def diagnose_stars(stars: StarSet, atmosphere: np.ndarray, photometry: bool) -> np.ndarray:
    """Compute the spectral diagnostics (m, 10) of the first m stars for ``atmosphere`` (m, 3): K, dex, dex."""
    inputs, parts = stars.inputs, []
    for start in range(0, len(atmosphere), 200):
        rows = slice(start, min(start + 200, len(atmosphere)))
        ivar = inputs.root_ivar[rows].astype(np.float32) ** 2
        features = inputs.features[rows] if photometry else np.full_like(inputs.features[rows], np.nan)
        arrays = inputs.flux[rows].astype(np.float32), inputs.coverage[rows], ivar, features
        parts.append(diagnose(SpectralEmulator.load(), *arrays, atmosphere[rows], stars.truth.snr[rows]))
    return np.concatenate(parts)


def measure(found: Predictions, stars: StarSet, labels: bool) -> dict[str, object]:
    """Compute all metrics of test stars against the truth; with ``labels``, also against the network's own labels."""
    label = {"log_age": stars.labels.log_age, "log_lifetime": stars.labels.log_lifetime}
    out: dict[str, object] = {"n": len(found)}
    for column, name in enumerate(QUANTITIES):
        metrics = regression(found.mean[:, column], found.truth[:, column])
        if labels and name in label:
            metrics["against_label"] = regression(found.plain_mean[:, column], label[name][: len(found)])
        metrics["coverage"] = covered(found.u[:, column])
        metrics["coverage_plain_mc_dropout" if labels else "coverage_flat_prior"] = covered(found.plain_u[:, column])
        metrics["pit_ks"] = kolmogorov_smirnov(found.u[:, column])
        metrics["crps"] = float(found.crps[:, column].mean())
        metrics["crps_plain_mc_dropout" if labels else "crps_flat_prior"] = float(found.plain_crps[:, column].mean())
        metrics["sharpness"] = float(np.median(found.quantiles[:, column, 4] - found.quantiles[:, column, 2]) / 2)
        if name in label:
            metrics["coverage_by_group"] = by_group(found.u[:, column], found.snr, found.predicted, found.stage)
        out[name] = metrics
    out["stage"] = classification(found.predicted, found.stage)
    out["stage"]["calibration_error"] = calibration_error(found.probability, found.stage)
    if labels:
        out["stage"]["against_label"] = classification(found.predicted, stars.labels.stage[: len(found)])
    out["age_range_gyr"] = [10.0 ** (age - 9.0) for age in found.log_age_range]
    out["points_older_than_their_lifetime"] = found.older
    out["gate_speaks"] = {name: float(share) for name, share in zip(SCORES, (found.scores > 1.0).mean(axis=0))}
    whole = found.scores[:, SCORES.index("lost")] <= 1.0
    out["false_alarms_of_the_gate"] = float(found.flagged[whole].mean()) if whole.any() else None
    return out


def main_view(estimator: Estimator) -> str:
    """The view with all inputs that a model reads."""
    return (
        "spectrum and photometry" if isinstance(estimator, IsochroneEstimator) else readable_views(estimator.network)[0]
    )


def readable_views(network: nn.Module) -> list[str]:
    """Views of one of the paper's networks, the most complete first."""
    architecture = network.architecture
    if architecture.requires_photometry:
        return ["photometry alone"]
    return ["spectrum and photometry", "spectrum alone"] if architecture.uses_photometry else ["spectrum alone"]


def evaluate(estimator: Estimator, n: int) -> dict[str, object]:
    """Evaluate a trained model on ``n`` MOCK test stars.

    Returns
    -------
    dict
        The output of ``evaluate --json``: accuracies of the calibrated means against the truth, coverage of log age;
        ``crps_constant`` of the distribution of all these stars, and ``crps_bayes_limit`` as recorded on the card by
        the suite ``limit`` (of other stars of the same distribution), None without it.
    """
    data = DataConfig.from_dict(estimator.card["config"]["data"])
    stars = make_stars(n, data, "test")
    isochrone = isinstance(estimator, IsochroneEstimator)
    predictions = predict_stars(estimator, stars, main_view(estimator))
    found = measure(predictions, stars, not isochrone)
    exact = exact_posterior_metrics(stars, data.spp_errors)
    limit = estimator.card.get("bayes_limit_mock_test", {}).get("methods", {}).get("limit", {}).get("all", {})
    ages = {
        name: {
            **{key: found[name][key] for key in ("rmse", "mae", "r2", "rmse_constant")},
            "rmse_exact_posterior": exact[name]["rmse"],
            "crps": found[name]["crps"],
            "crps_constant": crps_constant(predictions.truth[:, QUANTITIES.index(name)]),
            "crps_bayes_limit": limit.get(name, {}).get("crps"),
        }
        for name in ("log_age", "log_lifetime")
    }
    return {
        "model": estimator.name,
        "data": "MOCK test stars",
        "n": len(stars),
        **ages,
        "stage": {key: found["stage"][key] for key in ("macro_f1", "accuracy")},
        "coverage": found["log_age"]["coverage"],
        "age_range_gyr": found["age_range_gyr"],
        "details": found,
        "exact_posterior": exact,
    }
