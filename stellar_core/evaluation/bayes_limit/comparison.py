"""A network between the constant predictor and the Bayes limit, on the same MOCK test stars, against the truth.

The constant predictor gives every star the distribution of the whole survey; its point estimate is the mean. The limit
knows the emulator and the mock's own distributions of stars, noise and nuisances, so that no method reaches it on real
stars.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from stellar_core.datasets.config import DataConfig
from stellar_core.datasets.mock_stars import StarSet, make_stars
from stellar_core.evaluation.bayes_limit.observed_star import observed_star
from stellar_core.evaluation.bayes_limit.population_samples import PopulationSamples, draw_samples
from stellar_core.evaluation.bayes_limit.star_posterior import BayesLimit, StarPosterior
from stellar_core.evaluation.metrics import classification, regression
from stellar_core.evaluation.parallax import parallax_terms
from stellar_core.evaluation.predictions import predict_stars, summaries, truth_of
from stellar_core.evaluation.reliability import SNR_BINS, covered
from stellar_core.inference.isochrone import IsochroneEstimator
from stellar_core.inference.mc_dropout import QUANTITIES
from stellar_core.mock.gaia import ZERO_POINT
from stellar_core.progress import Progress

#: Test stars, stars drawn for the prior, and the seed of the latter, which no other stars have.
STARS, SAMPLES, SEED = 600, 3_000_000, 190
#: Samples of the distribution that the constant predictor gives.
CONSTANT_SAMPLES = 4000
#: Effective samples below which the covariance of a posterior is not used.
FEWEST = 20
METHODS = ("constant", "network", "limit", "network with parallax", "limit with parallax")


@dataclass(frozen=True)
class Answers:
    """Distributions of n stars against the truth; quantities in the order of `QUANTITIES`.

    Attributes
    ----------
    mean, u, crps : (n, 5) float
        Mean, PIT value and CRPS.
    stage : (n,) int
        Most probable stage.
    """

    mean: np.ndarray
    u: np.ndarray
    crps: np.ndarray
    stage: np.ndarray


def measure(
    estimator: IsochroneEstimator,
    stars: int = STARS,
    samples: int = SAMPLES,
    progress: Progress = lambda name, done, total: None,
) -> dict[str, object]:
    """Compare Model 9 with the constant predictor and the limit, with and without parallaxes.

    Parameters
    ----------
    estimator : IsochroneEstimator
    stars, samples : int
        Test stars, and stars for the prior, before those that cannot be used are left out.
    progress : Progress

    Returns
    -------
    dict
        ``methods``: for each of `METHODS` and each group of stars (all, single, pairs) RMSE, R2, CRPS and coverage of
        log age and log lifetime (of the track), macro F1 and accuracy of the stage. ``gap``: (network - limit) /
        (constant - limit) in CRPS. ``atmosphere_by_snr``: RMSE and scatter (1.4826 MAD) of Teff, log g and [Fe/H].
        ``check``: mean chi-square of the true atmosphere over 3, and the coverage of the limit.
    """
    data = DataConfig(seed=int(estimator.card["config"]["data"]["seed"]))
    test = make_stars(stars, data, "test", progress, raw=True)
    truth = truth_of(test, tracks=True)
    progress("stars estimated by the network", 0, len(test))
    network = [
        predict_stars(estimator, test, "spectrum and photometry", terms=terms)
        for terms in ([None] * len(test), parallax_terms(test, photometry=True))
    ]
    prior = draw_samples(samples, SEED, progress)
    limit, begun, posteriors = BayesLimit(prior), time.process_time(), []
    for row in range(len(test)):
        progress("posteriors of the limit", row, len(test))
        posteriors.append(limit.posterior(observed_star(test, row, data)))
    progress("posteriors of the limit", len(test), len(test))
    seconds = (time.process_time() - begun) / len(test)
    answers = {
        "constant": _constant(prior, truth),
        "network": Answers(network[0].mean, network[0].u, network[0].crps, network[0].predicted),
        "limit": _limit(prior, posteriors, truth),
        "network with parallax": Answers(network[1].mean, network[1].u, network[1].crps, network[1].predicted),
        "limit with parallax": _limit(
            prior, [with_parallax(one, test, row) for row, one in enumerate(posteriors)], truth
        ),
    }
    effective = np.array([one.effective for one in posteriors])
    chi2 = np.array([_chi2(prior, one, truth[row, :3]) for row, one in enumerate(posteriors)])
    return {
        "what": "MOCK test stars as a survey finds them, S/N 5-80, spectrum and photometry, against the truth",
        "stars": len(test),
        "samples": len(prior),
        "seconds_per_star": seconds,
        "effective_samples": {"p05": float(np.quantile(effective, 0.05)), "median": float(np.median(effective))},
        **compare(answers, truth, test, chi2, effective >= FEWEST),
    }


def compare(
    answers: Mapping[str, Answers], truth: np.ndarray, test: StarSet, chi2: np.ndarray, enough: np.ndarray
) -> dict[str, object]:
    """The parts of `measure` from the answers of each method.

    Parameters
    ----------
    answers : mapping of str to Answers
    truth : (n, 5) float
    test : StarSet
        The stars, with the light of their companions.
    chi2 : (n,) float
        Squared distance of the true atmosphere from the mean of the limit, in errors.
    enough : (n,) bool
        Stars with samples enough for ``chi2``.
    """
    stage, single = np.asarray(test.truth.stage), test.companion_light == 0
    groups = {"all": np.ones(len(stage), bool), "single": single, "pairs": ~single}
    methods = {
        method: {group: _scores(found, truth, stage, rows) for group, rows in groups.items() if rows.any()}
        for method, found in answers.items()
    }
    gap = {
        group: {
            f"{name}{part}": _gap(*(methods[method][group][name]["crps"] for method in ("constant", *both)))
            for name in ("log_age", "log_lifetime")
            for part, both in (
                ("", ("network", "limit")),
                ("_with_parallax", ("network with parallax", "limit with parallax")),
            )
        }
        for group in methods["limit"]
    }
    by_snr = [
        {
            "snr": f"{low}-{high}",
            "group": group,
            "n": int(rows.sum()),
            **{method: _errors(answers[method].mean[rows] - truth[rows]) for method in ("network", "limit")},
        }
        for group, members in groups.items()
        for low, high in SNR_BINS
        if (rows := members & (test.truth.snr >= low) & (test.truth.snr < high)).any()
    ]
    check = {
        group: {
            "chi2_per_parameter": float(chi2[rows & enough].mean() / 3.0) if (rows & enough).any() else None,
            "stars_with_few_samples": int((rows & ~enough).sum()),
            **{name: covered(answers["limit"].u[rows, column]) for column, name in enumerate(QUANTITIES)},
        }
        for group, rows in groups.items()
        if rows.any()
    }
    return {"methods": methods, "gap": gap, "atmosphere_by_snr": by_snr, "check": check}


def with_parallax(found: StarPosterior, test: StarSet, row: int) -> StarPosterior:
    """Multiply by the likelihood of the star's parallax, if it has one; the orbits of pairs are left out."""
    if not test.gaia.has_parallax[row]:
        return found
    expected = 10.0 ** (2.0 - 0.2 * found.modulus) + ZERO_POINT
    distance = (test.gaia.parallax[row] - expected) / test.gaia.parallax_error[row]
    return found.reweighted(-0.5 * distance**2)


def _constant(prior: PopulationSamples, truth: np.ndarray) -> Answers:
    """The distribution of the survey for every star."""
    weight = prior.weight.astype(float)
    weight /= weight.sum()
    rng, even = np.random.default_rng(SEED), np.full(CONSTANT_SAMPLES, 1.0 / CONSTANT_SAMPLES)
    points = prior.points(rng.choice(weight.size, CONSTANT_SAMPLES, p=weight))
    found = [summaries(points, even, one) for one in truth]
    common = int(np.bincount(prior.stage, weights=weight).argmax())
    return _answers(found, np.full(len(truth), common))


def _limit(prior: PopulationSamples, posteriors: list[StarPosterior], truth: np.ndarray) -> Answers:
    found = [summaries(prior.points(one.rows), one.weight, true) for one, true in zip(posteriors, truth)]
    stage = [np.bincount(prior.stage[one.rows], weights=one.weight).argmax() for one in posteriors]
    return _answers(found, np.array(stage))


def _answers(found: list[dict[str, np.ndarray]], stage: np.ndarray) -> Answers:
    return Answers(*(np.array([one[name] for one in found]) for name in ("mean", "u", "crps")), stage)


def _chi2(prior: PopulationSamples, found: StarPosterior, truth: np.ndarray) -> float:
    """Squared distance of the true atmosphere (3,) from the mean, in errors; infinite with too few samples."""
    points = prior.points(found.rows)[:, :3]
    offset = truth - found.weight @ points
    moved = points - found.weight @ points
    covariance = (moved * found.weight[:, None]).T @ moved
    return float(offset @ np.linalg.solve(covariance, offset)) if found.rows.size > 4 else np.inf


def _scores(found: Answers, truth: np.ndarray, stage: np.ndarray, rows: np.ndarray) -> dict[str, object]:
    out: dict[str, object] = {"n": int(rows.sum())}
    for name in ("log_age", "log_lifetime"):
        column = QUANTITIES.index(name)
        metrics = regression(found.mean[rows, column], truth[rows, column])
        crps = found.crps[rows, column]
        out[name] = {
            "rmse": metrics["rmse"],
            "r2": metrics["r2"],
            "crps": float(crps.mean()),
            "crps_se": float(crps.std() / np.sqrt(crps.size)),
            "coverage": covered(found.u[rows, column]),
        }
    metrics = classification(found.stage[rows], stage[rows])
    return {**out, "stage": {key: metrics[key] for key in ("macro_f1", "accuracy")}}


def _gap(constant: float, network: float, limit: float) -> float:
    return (network - limit) / (constant - limit)


def _errors(difference: np.ndarray) -> dict[str, dict[str, float]]:
    """RMSE and scatter of Teff, log g and [Fe/H] from ``difference`` (n, 5)."""
    return {
        name: {
            "rmse": float(np.sqrt(np.mean(difference[:, column] ** 2))),
            "scatter": float(1.4826 * np.median(np.abs(difference[:, column]))),
        }
        for column, name in enumerate(QUANTITIES[:3])
    }
