"""Calibration of Model 9: temperatures of overconfident likelihoods, and the PIT recalibration."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from stellar_core.astrometry import Astrometry
from stellar_core.inference.calibration.isochrone import (
    _UNCALIBRATED,
    BOTH,
    PHOTOMETRY,
    SPECTRUM,
    STEPS,
    WITH_PARALLAX,
    IsochroneCalibration,
    posterior_weights,
    predicted_stage,
    views_of,
)
from stellar_core.inference.calibration.pit_recalibration import pit
from stellar_core.inference.isochrone_posterior import PosteriorEngine
from stellar_core.models.isochrone_head import IsochroneHead, Likelihood, scaled

pytestmark = pytest.mark.slow

#: Scaled width of the likelihoods, and their true errors in units of it: overconfident by a factor of two.
WIDTH, FACTOR, N = 0.04, 2.0, 120


class GaussianHead(IsochroneHead):
    """A head whose embedding is the scaled mean of a Gaussian likelihood of fixed width."""

    def likelihood(self, embedding: torch.Tensor) -> Likelihood:
        factor = torch.eye(3).expand(len(embedding), 3, 3) / WIDTH
        return Likelihood(embedding, factor, torch.zeros(len(embedding), self.weights.out_features))

    def free(self, voxels: torch.Tensor) -> torch.Tensor:
        return voxels.new_zeros(len(voxels), self.weights.out_features)


@pytest.fixture(scope="module")
def engine() -> PosteriorEngine:
    torch.manual_seed(0)
    return PosteriorEngine(GaussianHead(3, 1).eval().requires_grad_(False))


def observed(engine: PosteriorEngine, n: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Embeddings of stars drawn from the cells, their atmospheres (K, dex, dex) and the columns of `TRUTH`."""
    rng, cells = np.random.default_rng(seed), engine.cells.stars
    weight = np.asarray(cells.weight, float)
    rows = rng.choice(weight.size, n, p=weight / weight.sum())
    atmosphere = np.column_stack([cells.log_teff[rows], cells.logg[rows], cells.feh_surface[rows]]).astype(float)
    mean = scaled(torch.from_numpy(atmosphere.astype(np.float32))).numpy()
    mean = mean + (FACTOR * WIDTH * rng.standard_normal((n, 3))).astype(np.float32)
    truth = np.column_stack([atmosphere, cells.log_age[rows], cells.log_lifetime[rows]])
    return mean, np.column_stack([10.0 ** atmosphere[:, 0], atmosphere[:, 1:]]), truth


@pytest.fixture(scope="module")
def fitted(engine) -> IsochroneCalibration:
    mean, atmosphere, truth = observed(engine, N, 0)
    few = dict.fromkeys((SPECTRUM, BOTH, PHOTOMETRY), mean[:40])
    calibration = IsochroneCalibration.fit(engine, few, atmosphere, observed(engine, 4000, 1)[1])
    return calibration.fit_recalibration(engine, {BOTH: mean}, truth, np.full(N, 20.0))


def test_the_temperature_is_the_square_of_the_overconfidence(fitted):
    assert fitted.temperature.shape == (3,)
    assert np.allclose(fitted.temperature, FACTOR**2, rtol=0.35)
    assert len(set(fitted.temperature.tolist())) == 1, "equal inputs in every view"


def test_pit_values_of_the_recalibrated_posteriors_are_closer_to_uniform(engine, fitted):
    mean, _, truth = observed(engine, N, 0)
    overconfident = replace(fitted, temperature=np.ones(3, np.float32))
    fitted = overconfident.fit_recalibration(engine, {BOTH: mean}, truth, np.full(N, 20.0))
    mean, _, truth = observed(engine, 60, 2)
    cells, before, after = engine.cells.stars, [], []
    for row, (index, weight) in enumerate(posterior_weights(engine, mean, 1.0)):
        corrected = fitted.recalibrate(engine, index, weight, BOTH, 20.0)
        assert corrected.sum() == pytest.approx(1) and corrected.min() >= 0
        before.append(pit(truth[row, 1], cells.logg[index], weight))
        after.append(pit(truth[row, 1], cells.logg[index], corrected))
    inside = [np.mean(np.abs(np.array(u) - 0.5) <= 0.34) for u in (before, after)]
    assert inside[0] < 0.6 and inside[1] > inside[0] + 0.05


def test_a_view_without_calibration_stars_is_left_unchanged(engine, fitted):
    (index, weight), *_ = posterior_weights(engine, observed(engine, 1, 3)[0], 4.0)
    assert fitted.recalibrate(engine, index, weight, SPECTRUM, 20.0) is weight


def test_a_parallax_has_a_recalibration_of_its_own(engine):
    class Logg:
        """In place of a `ParallaxTerm`: keeps the upper half in log g of a posterior."""

        astrometry = Astrometry(2.0, 0.1)

        def weigh(self, stars, index, probability):
            keep = stars.logg[index] >= np.median(stars.logg[index])
            return index[keep], probability[keep] / probability[keep].sum(), np.zeros(keep.sum())

    mean, _, truth = observed(engine, N, 0)
    plain = IsochroneCalibration(np.full(3, 4.0, np.float32), *_UNCALIBRATED)
    terms = {BOTH: [Logg() if row % 4 else None for row in range(N)]}
    snr = np.full(N, 20.0)
    without = plain.fit_recalibration(engine, {BOTH: mean}, truth, snr)
    beside = plain.fit_recalibration(engine, {BOTH: mean}, truth, snr, terms)
    assert np.array_equal(beside.pit[:N], without.pit), "answers without a parallax stay as they are"
    assert np.isfinite(beside.pit[N:, -2:]).all() and (beside.pit[N:, :-2] == -1.0).all(), "lifetime and age alone"
    assert np.allclose(np.exp(beside.local_set.log_snr[N:]), 20.0), "parallax over error"
    assert (beside.local_set.view[N:] == WITH_PARALLAX[BOTH]).all() and len(beside.pit) == N + 3 * N // 4
    (index, weight), *_ = posterior_weights(engine, observed(engine, 1, 3)[0], 4.0)
    view = WITH_PARALLAX[BOTH]
    assert without.recalibrate(engine, index, weight, view, 20.0) is weight, "files of former models have no such stars"
    assert not np.allclose(beside.recalibrate(engine, index, weight, view, 20.0), weight)
    again = IsochroneCalibration.from_arrays(beside.arrays())
    assert np.array_equal(again.local_set.view, beside.local_set.view)


def test_arrays_survive_a_round_trip(fitted):
    again = IsochroneCalibration.from_arrays(fitted.arrays())
    assert np.array_equal(again.temperature, fitted.temperature)
    assert np.allclose(again.pit, fitted.pit, atol=1e-3) and again.pit.shape == (N, len(STEPS))
    assert np.array_equal(again.local_set.stage, fitted.local_set.stage)
    alone = IsochroneCalibration.from_arrays({"calibration.temperature": fitted.temperature})
    assert alone.pit.shape == (0, len(STEPS)) and alone.local_set.stage.size == 0


def test_the_predicted_stage_has_the_largest_probability(engine):
    index = np.flatnonzero(engine.cells.stage == 3)[:5]
    other = np.flatnonzero(engine.cells.stage == 1)[:1]
    weight = np.r_[np.full(5, 0.15), 0.25]
    assert predicted_stage(engine, np.r_[index, other], weight) == 3


def test_views_follow_from_coverage_and_features():
    coverage = np.array([[True], [True], [False]])
    features = np.array([[1.0], [np.nan], [1.0]])
    assert views_of(coverage, features).tolist() == [BOTH, SPECTRUM, PHOTOMETRY]
