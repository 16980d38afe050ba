"""A warm-up of seconds that tells how fast a run will be."""

from __future__ import annotations

import resource
import sys
import time
from dataclasses import replace

import numpy as np

from stellar_core.jobs.speed import Speed
from stellar_core.models.isochrone_config import IsochroneConfig
from stellar_core.training.config import TrainingConfig

#: Seconds of steps that are timed, and steps at least.
STEP_SECONDS, STEPS = 3.0, 2
#: MOCK stars made to time their making; stars answered; posteriors.
STARS, ANSWERED, POSTERIORS = 200, 16, 4


def peak_bytes() -> float:
    """Most memory this process has taken."""
    unit = 1 if sys.platform == "darwin" else 1024
    return float(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit)


def measure(training: TrainingConfig, threads: int) -> Speed:
    """Make some stars, take some steps, answer for some stars, and time each.

    Parameters
    ----------
    training : TrainingConfig
        Its network and its size of a step.
    threads : int
        Torch's, set for this process.
    """
    started = time.perf_counter()
    import torch

    from stellar_core.evaluation.mock_test import exact_posterior
    from stellar_core.training.batches import Batches
    from stellar_core.training.data import make_stars
    from stellar_core.training.distributed import processes
    from stellar_core.training.learner import Learner
    from stellar_core.training.mapped_stars import select

    torch.set_num_threads(threads)
    data = training.data
    make_stars(100, data, "train")
    load = time.perf_counter() - started
    star, stars = _timed(lambda: make_stars(STARS, data, "train"))
    exact_posterior(stars, data.spp_errors, 1)
    posterior, _ = _timed(lambda: exact_posterior(stars, data.spp_errors, POSTERIORS))

    before = peak_bytes()
    config, process = replace(training, start_from="", validation=0.0, patience=0, schedule="cosine"), processes(training.device)
    learner = Learner(config, process, stars, np.arange(len(stars)), None, 1000)
    batches, rows = Batches(stars, process.device), np.arange(training.batch) % len(stars)
    learner.step(0, batches(rows))
    steps, since = 0, time.perf_counter()
    while steps < STEPS or time.perf_counter() - since < STEP_SECONDS:
        steps += 1
        learner.step(steps, batches(rows))
    learn = (time.perf_counter() - since) / steps / training.batch
    answer, _ = _timed(lambda: learner.evaluate(batches(rows), torch.zeros(len(rows), dtype=torch.bool)))
    network = learner.average.cpu().eval()
    few = select(stars, np.arange(ANSWERED))
    passes = _isochrone_seconds(network, few) if isinstance(training.model, IsochroneConfig) else _dropout_seconds(network, few)
    return Speed(
        load=load, star=star / STARS, learn=learn, answer=answer / training.batch, passes=passes,
        posterior=posterior / POSTERIORS, parameters=sum(weights.numel() for weights in network.parameters()),
        network_bytes=max(0.0, peak_bytes() - before), when=time.time(),
    )  # fmt: skip


def _timed(work):
    since = time.perf_counter()
    found = work()
    return time.perf_counter() - since, found


def _dropout_seconds(network, stars) -> float:
    """Seconds per star of the passes with and without photometry."""
    from stellar_core.evaluation.mock_test import passes_of

    seconds, _ = _timed(lambda: [passes_of(network, stars, known, 0) for known in (False, True)])
    return seconds / len(stars)


def _isochrone_seconds(network, stars) -> float:
    """Seconds per star of the posteriors of all three views; tables are loaded before."""
    from stellar_core.evaluation.cell_test import views
    from stellar_core.inference.cell_calibration import CellCalibration
    from stellar_core.inference.isochrone_estimator import IsochroneEstimator

    estimator = IsochroneEstimator("", network, None, {}, CellCalibration(np.ones(3, np.float32)))
    estimator.posteriors(*(array[:1] for array in views(stars)["spectrum alone"]))
    seconds, _ = _timed(lambda: [estimator.posteriors(*arrays) for arrays in views(stars).values()])
    return seconds / len(stars)
