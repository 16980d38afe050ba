"""A whole training run: mock stars, network, calibration, domain gate, test, card."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Callable

import numpy as np
from torch import nn

from stellar_core.cards import TRAINED_DIR
from stellar_core.evaluation.metrics import classification, coverage, regression
from stellar_core.inference.calibration import Calibration
from stellar_core.inference.domain import DomainGate, misfit
from stellar_core.inference.mc_dropout import QUANTITIES, Passes, run_passes
from stellar_core.isochrones import posterior
from stellar_core.mock.emulator import SpectralEmulator
from stellar_core.models.checkpoints import save_network
from stellar_core.training.config import TrainingConfig
from stellar_core.training.data import StarSet, make_stars
from stellar_core.training.loop import train

#: Passes per star for calibration and test; the spread of the passes needs no more.
PASSES = 20
#: Test stars for which the exact posterior is computed beside the network.
POSTERIOR_STARS = 600

Say = Callable[[str], None]


def passes_of(network: nn.Module, stars: StarSet, photometry: bool, seed: int) -> Passes:
    """MC-dropout passes of a set of mock stars, with or without their photometry."""
    inputs = stars.inputs
    features = inputs.features if photometry else np.full_like(inputs.features, np.nan)
    return run_passes(network, inputs.flux, inputs.coverage, features, PASSES, seed)


def truth_of(stars: StarSet) -> np.ndarray:
    """(n, 5) true values in the order of `QUANTITIES`."""
    truth = stars.truth
    return np.column_stack([truth.atmosphere, truth.log_age, truth.log_lifetime])


def misfits_of(network: nn.Module, stars: StarSet, passes: Passes) -> np.ndarray:
    """(n,) misfit of each star's spectrum to its emulated one."""
    inputs, parts = stars.inputs, []
    atmosphere = passes.values[:, :, :3].mean(axis=1)
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


def run(config: TrainingConfig, out: Path | None = None, say: Say = lambda text: None) -> dict[str, object]:
    """Carry out ``config`` and write the model.

    Parameters
    ----------
    config : TrainingConfig
    out : Path, optional
        Folder of the model, ``trained/<name>`` by default. A checkpoint is kept beside the
        weights while training and removed at the end.
    say : callable, optional
        Gets lines of progress.

    Returns
    -------
    dict
        The card.
    """
    folder = TRAINED_DIR / config.name if out is None else Path(out)
    folder.mkdir(parents=True, exist_ok=True)
    checkpoint = folder / "checkpoint.tmp"
    say(f"Making {config.data.stars} mock stars.")
    stars = make_stars(config.data.stars, config.data, "train")

    def report(state: dict[str, float]) -> None:
        losses = ", ".join(f"{name} {state[name]:.4f}" for name in ("age", "lifetime", "stage", "atmosphere"))
        say(f"step {state['step']} of {state['total']}: {losses}; {state['seconds_left'] / 60:.1f} minutes left")

    network = train(config, stars, checkpoint, report)
    used = len(stars)
    del stars
    say("Calibrating.")
    held = make_stars(config.data.calibration, config.data, "calibration")
    passes = {known: passes_of(network, held, known, config.seed) for known in (False, True)}
    calibration = Calibration.fit(passes, truth_of(held), held.truth.stage, config.seed)
    gate = DomainGate.fit(
        np.concatenate([passes[False].embedding, passes[True].embedding]), misfits_of(network, held, passes[False])
    )
    say("Testing.")
    test = make_stars(config.data.test, config.data, "test")
    results = {
        "spectrum and photometry": measure(network, calibration, test, config, True),
        "spectrum alone": measure(network, calibration, test, config, False),
    }
    n = min(POSTERIOR_STARS, len(test))
    mean, inside = exact_posterior(test, config.data.spp_errors, n)
    truth = truth_of(test)[:n][inside]
    baseline = {
        "stars": int(inside.sum()),
        "log_age": regression(mean[inside, 0], truth[:, 3]),
        "log_lifetime": regression(mean[inside, 1], truth[:, 4]),
        "paper_lookup_log_age": regression(test.labels.log_age[:n][inside], truth[:, 3]),
        "paper_lookup_log_lifetime": regression(test.labels.log_lifetime[:n][inside], truth[:, 4]),
    }
    card = {
        "name": config.name,
        "what": "Model 6 of the paper (MLP+CNN+Transformer) with an atmosphere head, trained on MOCK spectra",
        "data": "MOCK: emulated spectra of stars drawn from MIST; labels by the paper's nearest-point look-up",
        "config": config.to_dict(),
        "training_stars": used,
        "date": datetime.date.today().isoformat(),
        "metrics_mock_test": results,
        "exact_posterior_from_pipeline_parameters_mock_test": baseline,
    }
    card = save_network(folder, network, {**calibration.arrays(), **gate.arrays()}, _rounded(card))
    checkpoint.unlink(missing_ok=True)
    return card


def _rounded(value):
    """Floats to five significant digits, in any nesting."""
    if isinstance(value, dict):
        return {key: _rounded(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_rounded(item) for item in value]
    return float(f"{value:.5g}") if isinstance(value, float) else value
