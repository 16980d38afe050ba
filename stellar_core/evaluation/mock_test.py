"""Testing a network on mock stars: every figure beside its baselines."""

from __future__ import annotations

import numpy as np
from torch import nn

from stellar_core.evaluation.metrics import classification, coverage, regression
from stellar_core.inference.calibration import Calibration
from stellar_core.inference.domain import misfit
from stellar_core.inference.estimator import Estimator
from stellar_core.inference.mc_dropout import QUANTITIES, Passes, run_passes
from stellar_core.isochrones import posterior
from stellar_core.mock.emulator import SpectralEmulator
from stellar_core.models.isochrone_config import IsochroneConfig
from stellar_core.training.config import TrainingConfig
from stellar_core.training.data import StarSet, make_stars

#: Passes per star for calibration and test.
PASSES = 10
#: Test stars for which the exact posterior is computed beside the network, at most.
POSTERIOR_STARS = 400


def passes_of(network: nn.Module, stars: StarSet, photometry: bool, seed: int) -> Passes:
    """MC-dropout passes of a set of mock stars, with or without their photometry.

    A network that reads photometry alone is always given it.
    """
    inputs = stars.inputs
    photometry = photometry or network.architecture.requires_photometry
    features = inputs.features if photometry else np.full_like(inputs.features, np.nan)
    return run_passes(network, inputs.flux, inputs.coverage, features, PASSES, seed)


def truth_of(stars: StarSet) -> np.ndarray:
    """(n, 5) true values in the order of `QUANTITIES`."""
    truth = stars.truth
    return np.column_stack([truth.atmosphere, truth.log_age, truth.log_lifetime])


def misfits_of(stars: StarSet, atmosphere: np.ndarray) -> np.ndarray:
    """(n,) misfit of each star's spectrum to the one emulated at ``atmosphere`` (n, 3): K, dex, dex."""
    inputs, parts = stars.inputs, []
    for start in range(0, len(stars), 200):
        rows = slice(start, start + 200)
        flux = inputs.flux[rows].astype(np.float32)
        parts.append(
            misfit(SpectralEmulator.load(), flux, inputs.coverage[rows], atmosphere[rows], stars.truth.snr[rows])
        )
    return np.concatenate(parts)


def exact_posterior(stars: StarSet, errors: tuple[float, float, float], n: int) -> tuple[np.ndarray, np.ndarray]:
    """Posterior means of log age, and of log10(10 Gyr M^-2.5), from the mock pipeline's parameters.

    Returns
    -------
    mean : (n, 2) float
    inside : (n,) bool
        False where the star lies outside the models.
    """
    mean, inside = np.full((n, 2), np.nan), np.zeros(n, dtype=bool)
    for row in range(n):
        found = posterior(*stars.labels.atmosphere[row].astype(float), errors)
        inside[row] = found.inside_models
        if found.inside_models:
            lifetime = 10.0 - 2.5 * np.log10(found.values("mass"))
            mean[row] = found.interval("log_age").mean, float(found.probability @ lifetime)
    return mean, inside


def measure(
    network: nn.Module, calibration: Calibration, stars: StarSet, config: TrainingConfig, photometry: bool
) -> dict[str, object]:
    """All figures on the test stars, against labels and against truth, beside their baselines."""
    passes = passes_of(network, stars, photometry, config.seed)
    stage = passes.stage.mean(axis=1)
    predicted = stage.argmax(axis=1)
    truth, point = truth_of(stars), passes.values.mean(axis=1)
    draws = np.stack([calibration.draws(v, int(p), photometry) for v, p in zip(passes.values, predicted)])
    label = {"log_age": stars.labels.log_age, "log_lifetime": stars.labels.log_lifetime}
    out: dict[str, object] = {"n": len(stars)}
    for column, name in enumerate(QUANTITIES):
        figures = regression(draws[:, :, column].mean(axis=1), truth[:, column])
        if name in label:
            figures["against_label"] = regression(point[:, column], label[name])
        figures["coverage"] = coverage(draws[:, :, column], truth[:, column])
        figures["coverage_plain_mc_dropout"] = coverage(passes.values[:, :, column], truth[:, column])
        out[name] = figures
    out["stage"] = classification(predicted, stars.truth.stage)
    out["stage"]["against_label"] = classification(predicted, stars.labels.stage)
    ages = 10.0 ** (draws[:, :, 3] - 9.0)
    out["age_range_gyr"] = [float(ages.min()), float(ages.max())]
    groups = {}
    for low, high in ((5, 10), (10, 20), (20, 40), (40, 80)):
        rows = (stars.truth.snr >= low) & (stars.truth.snr < high)
        groups[f"S/N {low}-{high}"] = coverage(draws[rows, :, 3], truth[rows, 3]) | {"n": int(rows.sum())}
    for index in np.unique(stars.truth.stage):
        rows = stars.truth.stage == index
        groups[f"stage {index}"] = coverage(draws[rows, :, 3], truth[rows, 3]) | {"n": int(rows.sum())}
    out["log_age_coverage_by_group"] = groups
    return out


def baselines(stars: StarSet, errors: tuple[float, float, float]) -> dict[str, object]:
    """What the exact posterior, and the paper's look-up, make of the same stars' pipeline parameters."""
    n = min(POSTERIOR_STARS, len(stars))
    mean, inside = exact_posterior(stars, errors, n)
    truth, labels = truth_of(stars)[:n][inside], stars.labels
    return {
        "stars": int(inside.sum()),
        "log_age": regression(mean[inside, 0], truth[:, 3]),
        "log_lifetime": regression(mean[inside, 1], truth[:, 4]),
        "paper_lookup_log_age": regression(labels.log_age[:n][inside], truth[:, 3]),
        "paper_lookup_log_lifetime": regression(labels.log_lifetime[:n][inside], truth[:, 4]),
    }


def evaluate(estimator: Estimator, n: int) -> dict[str, object]:
    """Test a trained model on ``n`` MOCK test stars.

    Returns
    -------
    dict
        The object that ``evaluate --json`` prints; accuracies are those of the delivered
        (calibrated) means against the truth, coverage that of log age.
    """
    config = TrainingConfig.from_dict(estimator.card["config"])
    stars = make_stars(n, config.data, "test")
    if isinstance(config.model, IsochroneConfig):
        from stellar_core.evaluation.cell_test import measure_cells

        found = measure_cells(estimator, stars, "spectrum and photometry")
    else:
        found = measure(estimator.network, estimator.calibration, stars, config, True)
    exact = baselines(stars, config.data.spp_errors)
    names = ("rmse", "mae", "r2", "rmse_constant")
    ages = {
        name: {key: found[name][key] for key in names} | {"rmse_exact_posterior": exact[name]["rmse"]}
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
