"""A warm-up of seconds that tells how fast a run will be."""

from __future__ import annotations

import resource
import sys
import time
from dataclasses import replace

import numpy as np

from stellar_core.jobs.speed import Speed
from stellar_core.model_store import model_folder
from stellar_core.models.isochrone_config import IsochroneConfig
from stellar_core.training.config import TrainingConfig

#: Seconds of steps that are timed, and steps at least.
STEP_SECONDS, STEPS = 3.0, 2
#: MOCK stars made to time their making; stars calibrated on, and answered; posteriors.
STARS, CALIBRATED, ANSWERED, POSTERIORS = 200, 40, 20, 4
#: Shipped network that answers in place of a Model 9 that has learned nothing.
STAND_IN = "isochrone"


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

    from stellar_core.datasets.mock_stars import make_stars
    from stellar_core.evaluation.mock_evaluation import exact_posterior
    from stellar_core.training.batches import Batches
    from stellar_core.training.distributed import processes
    from stellar_core.training.learner import Learner

    torch.set_num_threads(threads)
    data = training.data
    make_stars(100, data, "train")
    load = time.perf_counter() - started
    star, stars = _timed(lambda: make_stars(STARS, data, "train"))
    exact_posterior(stars, data.spp_errors, 1)
    posterior, _ = _timed(lambda: exact_posterior(stars, data.spp_errors, POSTERIORS))

    before = peak_bytes()
    config, process = (
        replace(training, start_from="", validation=0.0, patience=0, schedule="cosine"),
        processes(training.device),
    )
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
    calibrate, passes, views = _finishing(training, network, stars)
    return Speed(
        load=load,
        star=star / STARS,
        learn=learn,
        answer=answer / training.batch,
        calibrate=calibrate,
        passes=passes,
        views=views,
        posterior=posterior / POSTERIORS,
        parameters=sum(weights.numel() for weights in network.parameters()),
        network_bytes=max(0.0, peak_bytes() - before),
        when=time.time(),
    )


def _timed(work):
    since = time.perf_counter()
    found = work()
    return time.perf_counter() - since, found


def _finishing(training: TrainingConfig, network, stars) -> tuple[float, float, float]:
    """Seconds to calibrate on a star and to test one in a view; views of a star, where all but the first see half of them.

    Model 9's time goes by how many points its posteriors hold. Those of a network that has learned nothing are far
    broader than they will be, so the shipped network stands in.
    """
    from stellar_core.datasets.memmap_stars import select
    from stellar_core.evaluation.mock_evaluation import readable_views
    from stellar_core.evaluation.predictions import predict_stars
    from stellar_core.inference.dropout import DropoutEstimator
    from stellar_core.inference.isochrone import IsochroneEstimator
    from stellar_core.pipeline.calibrate_isochrone import calibrate_isochrone
    from stellar_core.pipeline.train_model import calibrate_dropout

    if isinstance(training.model, IsochroneConfig):
        from stellar_core.models.checkpoints import load_network

        network, kind, names = (
            load_network(model_folder(STAND_IN))[0],
            IsochroneEstimator,
            ("spectrum and photometry", "", ""),
        )
        seconds, (calibration, gate) = _timed(
            lambda: calibrate_isochrone(network, select(stars, np.arange(CALIBRATED)))
        )
    else:
        kind, names = DropoutEstimator, readable_views(network)
        seconds, (calibration, gate) = _timed(
            lambda: calibrate_dropout(network, select(stars, np.arange(CALIBRATED)), 0)
        )
    estimator, few = kind("", network, gate, {}, calibration), select(stars, np.arange(ANSWERED))
    predict_stars(estimator, select(stars, np.arange(2)), names[0])
    passes, _ = _timed(lambda: predict_stars(estimator, few, names[0]))
    return seconds / CALIBRATED, passes / ANSWERED, 0.5 + 0.5 * len(names)
