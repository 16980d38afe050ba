"""Model 9: posteriors and training steps per second, and ten million draws without an impossible star.

``python -m pytest -s -n 0 tests/benchmarks/bench_isochrone_model.py``, with MOCK stars; each test prints its figures.
"""

import json
import sys
import time

import numpy as np
import pytest
import torch

from stellar_core import Estimator
from stellar_core.datasets.config import DataConfig
from stellar_core.datasets.memmap_stars import select
from stellar_core.datasets.mock_stars import make_stars
from stellar_core.errors import StellarError
from stellar_core.evaluation.parallax import parallax_terms
from stellar_core.evaluation.views import views
from stellar_core.mock.survey import MockSurvey
from stellar_core.models.zoo import build
from stellar_core.training.config import TrainingConfig
from stellar_core.training.losses import loss_parts

DRAWS = 10_000_000


@pytest.fixture(scope="module")
def estimator():
    return Estimator.load("isochrone")


@pytest.fixture(scope="module")
def stars():
    return make_stars(1000, DataConfig(seed=9), "test")


def report(name, **numbers):
    sys.stdout.write(f"\n{name}: {json.dumps(numbers)}\n")


def seconds(call):
    wall, processor = time.perf_counter(), time.process_time()
    result = call()
    return result, time.perf_counter() - wall, time.process_time() - processor


@pytest.mark.parametrize("view", ["spectrum and photometry", "spectrum alone", "photometry alone"])
def test_posteriors_per_second(estimator, stars, view):
    arrays = tuple(part[:400] for part in views(stars)[view])
    estimator.posteriors(*(part[:8] for part in arrays))
    _, wall, processor = seconds(lambda: estimator.posteriors(*arrays))
    n = len(arrays[0])
    report(f"posteriors, {view}", stars_per_s=n / wall, stars_per_cpu_s=n / processor, threads=torch.get_num_threads())
    assert n / wall >= 100


def test_parallaxes_beside_the_network(estimator, stars):
    """Measure the factor of the parallax beside the posterior without it, and for 10,000 stars."""
    known = select(stars, np.flatnonzero(stars.gaia.has_parallax)[:400])
    arrays = views(known)["spectrum and photometry"]
    posteriors = lambda terms: estimator.posteriors(*arrays, terms)
    terms = parallax_terms(known, photometry=True)
    estimator.posteriors(*(part[:8] for part in arrays), terms[:8])
    _, _, alone = seconds(lambda: posteriors(None))
    fresh = parallax_terms(known, photometry=True)
    _, _, beside = seconds(lambda: posteriors(fresh))
    more = (beside - alone) / len(known)
    report(
        "parallaxes",
        network_cpu_ms=1e3 * alone / len(known),
        parallax_cpu_ms=1e3 * more,
        share=more * len(known) / alone,
        cpu_s_for_10000=1e4 * more,
    )
    assert more * len(known) < 0.3 * alone


def test_spectra_to_results_per_second(estimator):
    """Measure from a spectrum on its own pixels to the result with its verdict."""
    survey = MockSurvey()
    spectra = [survey.spectrum(star) for plate in (16001, 16002) for star in survey.star_ids(plate)[:128]]
    list(estimator.estimate_many(spectra[:4]))
    found, wall, processor = seconds(lambda: list(estimator.estimate_many(spectra)))
    answered = sum(not isinstance(item, StellarError) for item in found)
    report(
        "results",
        stars=len(found),
        answered=answered,
        stars_per_s=len(found) / wall,
        stars_per_cpu_s=len(found) / processor,
    )
    assert len(found) == len(spectra) and len(found) / wall >= 100


def test_ten_million_draws_hold_no_impossible_star(estimator, stars):
    rng, older, outside, drawn, oldest, youngest = np.random.default_rng(0), 0, 0, 0, 0.0, np.inf
    parts = views(stars)
    each = -(-DRAWS // (len(parts) * len(stars)))
    for arrays in parts.values():
        for found in estimator.posteriors(*arrays):
            cells = found.draws(each, rng)
            age = 10.0 ** cells.log_age.astype(float)
            older += int((cells.log_age > cells.log_lifetime).sum())
            outside += int(((age <= 0) | (age > 13.8e9)).sum())
            oldest, youngest, drawn = max(oldest, age.max()), min(youngest, age.min()), drawn + each
    report(
        "draws",
        draws=drawn,
        older_than_lifetime=older,
        outside_0_to_13p8_gyr=outside,
        gyr=[youngest / 1e9, oldest / 1e9],
    )
    assert drawn >= DRAWS and older == 0 and outside == 0


def test_training_spectra_per_second(stars):
    config = TrainingConfig.isochrone()
    network = build(config.model, torch.Generator().manual_seed(0))
    network.set_population(stars.labels.reference, config.data.teacher_errors)
    optimiser, dropout = torch.optim.AdamW(network.parameters(), 1e-3, fused=True), torch.Generator().manual_seed(0)
    inputs = stars.inputs

    def step(k: int) -> None:
        rows = slice(64 * k, 64 * (k + 1))
        flux, coverage, root = (
            torch.from_numpy(x[rows].astype(np.float32)) for x in (inputs.flux, inputs.coverage, inputs.root_ivar)
        )
        with torch.autocast("cpu", dtype=torch.bfloat16):
            predicted = network(flux, coverage, torch.from_numpy(inputs.features[rows]), dropout, root.square())
        loss = loss_parts(predicted, {"reference": torch.from_numpy(stars.labels.reference[rows])})["cells"]
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()

    step(0)
    _, wall, processor = seconds(lambda: [step(k) for k in range(1, 11)])
    report("training", spectra_per_s=640 / wall, spectra_per_cpu_s=640 / processor, parameters=network.n_parameter)
    assert 640 / processor >= 75
