"""Calibrate Model 9: one temperature for each kind of input, then a PIT recalibration of the posterior.

On calibration stars, which the network has never seen, the log likelihoods are divided by the temperature under which
the true atmospheres are most probable (Guo et al. 2017, arXiv:1706.04599); above 1, the network is overconfident. The
prior of that fit is the density of the calibration stars themselves, since they follow the survey and not the prior
of the isochrones.

The posterior is then recalibrated, see `stellar_core.inference.calibration.pit_recalibration`: its points are
reweighted such that the true values of the `LocalCalibrationSet` of a star are uniform in their PIT. This adopts the
mock survey's mix of ages and metallicities as a prior. Without it (`IsochroneEstimator.without_recalibration`) the
posterior follows from the given prior.

A parallax multiplies the recalibrated posterior (`stellar_core.inference.parallax_term`). Lifetime and age are then
recalibrated once more, on calibration stars of similar parallax over error; files of models without such stars leave
that out. A second recalibration of the atmosphere is worse than none: it moves probability to the wrong side of gaps
that the parallax has opened.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import torch

from stellar_core.inference.calibration.local_set import LocalCalibrationSet
from stellar_core.inference.calibration.pit_recalibration import pit, recalibrate
from stellar_core.inference.isochrone_posterior import PosteriorEngine
from stellar_core.inference.parallax_term import ParallaxTerm
from stellar_core.models.isochrone_head import SMOOTHING, scaled
from stellar_core.stages import STAGES

#: Inputs of the network: index into `IsochroneCalibration.temperature`.
SPECTRUM, BOTH, PHOTOMETRY, LINES, LINES_BOTH = 0, 1, 2, 5, 6
VIEWS = {
    "spectrum alone": SPECTRUM,
    "spectrum and photometry": BOTH,
    "photometry alone": PHOTOMETRY,
    "lines alone": LINES,
    "lines and photometry": LINES_BOTH,
}
#: Views with a parallax -> the view of the network.
PARALLAX_VIEWS = {"spectrum and parallax": SPECTRUM, "spectrum, photometry and parallax": BOTH}
#: View of the network -> the view of the recalibration where there is a parallax.
WITH_PARALLAX = {SPECTRUM: 3, BOTH: 4}
#: Quantities in the order of their recalibration, by the field of the cells; the last ones are the most accurate.
STEPS = ("log_teff", "logg", "feh_surface", "log_lifetime", "log_age", "log_teff", "log_lifetime", "log_age")
#: Steps of the second recalibration, with a parallax.
PARALLAX_STEPS = STEPS[-2:]
#: Columns of the truth in `IsochroneCalibration.fit_recalibration`.
TRUTH = ("log_teff", "logg", "feh_surface", "log_age", "log_lifetime")
#: Quantities in which the weight of a cell is spread over its segment of the track.
SPREAD = ("log_age", "log_lifetime")
#: Trial temperatures.
_GRID = np.geomspace(0.4, 4.0, 47)
#: Stars per batch: bounds the memory.
_AT_ONCE = 50


@dataclass(frozen=True)
class IsochroneCalibration:
    """Temperatures of the likelihood, and PIT values of calibration stars.

    Attributes
    ----------
    temperature : (3,) or (7,) float32
        By view; only the first three for networks that were not trained on lines alone.
    pit : (n, n_step) float32
        Posterior probability below the truth, by star and by step of `STEPS`, after the steps before it; with a
        parallax -1, not measured, except for `PARALLAX_STEPS`.
    local_set : LocalCalibrationSet
        The same stars; the view is one of `VIEWS`, or of `WITH_PARALLAX`: then with parallax over error as its S/N.
    """

    temperature: np.ndarray
    pit: np.ndarray
    local_set: LocalCalibrationSet

    @classmethod
    def fit(
        cls, engine: PosteriorEngine, embeddings: Mapping[int, np.ndarray], truth: np.ndarray, survey: np.ndarray
    ) -> IsochroneCalibration:
        """Fit the temperatures on calibration stars.

        Parameters
        ----------
        engine : PosteriorEngine
        embeddings : mapping of int to (n, width) float32
            The stars in each of `VIEWS`.
        truth : (n, 3) float
            True Teff [K], log g, [Fe/H].
        survey : (m, 3) float
            Atmospheres of many stars of the same distribution, for its density.
        """
        voxels = engine.head.voxel_table
        ratio = voxels.density_ratio(_log_teff(survey), SMOOTHING)
        prior = torch.from_numpy(np.log(np.maximum(ratio, 1e-4)).astype(np.float32) + voxels.log_prior)
        position = scaled(torch.from_numpy(_log_teff(truth).astype(np.float32)))
        found = np.ones(max(embeddings) + 1, dtype=np.float32)
        for view, embedding in embeddings.items():
            found[view] = _best_temperature(engine, embedding, position, prior)
        # MOCK errors of other instruments are a guess: it may widen the posteriors, but not narrow them.
        found[LINES:] = np.maximum(found[LINES:], 1.0)
        return cls(found, *_UNCALIBRATED)

    def fit_recalibration(
        self,
        engine: PosteriorEngine,
        embeddings: Mapping[int, np.ndarray],
        truth: np.ndarray,
        snr: np.ndarray,
        terms: Mapping[int, Sequence[ParallaxTerm | None]] = MappingProxyType({}),
    ) -> IsochroneCalibration:
        """Add the PIT recalibration, fitted on calibration stars under the prior of the isochrones.

        Parameters
        ----------
        engine : PosteriorEngine
        embeddings : mapping of int to (n, width) float32
            As for `fit`; a view may have only the first stars.
        truth : (n, n_field) float
            True log Teff, log g, [Fe/H], log age, log lifetime of the track: the columns of `TRUTH`.
        snr : (n,) float
            S/N per pixel.
        terms : mapping of int to sequence of ParallaxTerm or None
            By view of `WITH_PARALLAX`: the parallaxes of its stars.
        """
        sets = []
        for view, embedding in embeddings.items():
            weights = posterior_weights(engine, embedding, self.temperature[view])
            found = [(index.astype(np.int32), weight.astype(np.float32)) for index, weight in weights]
            ratio = snr[: len(found)] if view != PHOTOMETRY else np.full(len(found), 10.0)
            sets.append(_Stars(view, found, truth[: len(found)], ratio))
        measured, local_set = _fit_steps(engine, sets)
        with_parallax = [one.with_parallax(engine, terms[one.view]) for one in sets if one.view in terms]
        if with_parallax:
            more, further = _fit_steps(engine, with_parallax, PARALLAX_STEPS)
            measured, local_set = np.concatenate([measured, more]), local_set.extended(further)
        return IsochroneCalibration(self.temperature, measured, local_set)

    @property
    def reads_lines(self) -> bool:
        """True if the network can rest on the lines of a spectrum alone."""
        return self.temperature.size > LINES

    @property
    def views(self) -> tuple[str, ...]:
        """The names of the calibrated `VIEWS`."""
        return tuple(name for name, view in VIEWS.items() if self.reads_lines or view < LINES)

    def recalibrate(
        self, engine: PosteriorEngine, index: np.ndarray, weight: np.ndarray, view: int, snr: float
    ) -> np.ndarray:
        """Recalibrate the weights (n,) of the cells ``index`` of one star; unchanged if the view was not calibrated.

        ``snr`` is the S/N, for views of `WITH_PARALLAX` the parallax over its error.
        """
        rows = self.local_set.nearest(view, predicted_stage(engine, index, weight), snr if view != PHOTOMETRY else 10.0)
        if not rows.size:
            return weight
        steps = PARALLAX_STEPS if view in WITH_PARALLAX.values() else STEPS
        orders = {name: engine.order(name, index) for name in dict.fromkeys(steps)}
        for step, name in enumerate(steps, len(STEPS) - len(steps)):
            weight = recalibrate(orders[name], weight, self.pit[rows, step])
        return weight

    def arrays(self) -> dict[str, np.ndarray]:
        """For the weights file, under ``calibration.`` and ``peers.``."""
        stored = {"calibration.temperature": self.temperature, "calibration.places": self.pit.astype(np.float16)}
        return stored | self.local_set.arrays()

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray]) -> IsochroneCalibration:
        """Invert `arrays`; without PIT values there is no recalibration."""
        temperature = np.asarray(arrays["calibration.temperature"], dtype=np.float32)
        if "calibration.places" not in arrays:
            return cls(temperature, *_UNCALIBRATED)
        measured = np.asarray(arrays["calibration.places"], dtype=np.float32)
        return cls(temperature, measured, LocalCalibrationSet.from_arrays(arrays))


@dataclass
class _Stars:
    """Calibration stars of one view: cells and probabilities, true values (n, n_field), S/N or parallax/error (n,)."""

    view: int
    found: list[tuple[np.ndarray, np.ndarray]]
    true_values: np.ndarray
    snr: np.ndarray

    def with_parallax(self, engine: PosteriorEngine, terms: Sequence[ParallaxTerm | None]) -> _Stars:
        """The stars that have a parallax, their posteriors multiplied by its factor."""
        rows = [row for row, (_, term) in enumerate(zip(self.found, terms)) if term is not None]
        weighed = [terms[row].weigh(engine.cells.stars, *self.found[row])[:2] for row in rows]
        found = [(index.astype(np.int32), weight.astype(np.float32)) for index, weight in weighed]
        significance = np.array([terms[row].astrometry.significance for row in rows])
        return _Stars(WITH_PARALLAX[self.view], found, self.true_values[rows], significance)


def _fit_steps(
    engine: PosteriorEngine, sets: Sequence[_Stars], steps: Sequence[str] = STEPS
) -> tuple[np.ndarray, LocalCalibrationSet]:
    """PIT values (n, n_step) of all stars; their posteriors in ``sets`` are recalibrated, each without its own."""
    stars = [star for one in sets for star in one.found]
    stages = [np.array([predicted_stage(engine, *star) for star in one.found], dtype=int) for one in sets]
    views = [np.full(len(one.found), one.view) for one in sets]
    local_set = LocalCalibrationSet.join(views, stages, [one.snr for one in sets])
    true = np.concatenate([one.true_values for one in sets])
    described = zip(local_set.view, local_set.stage, local_set.log_snr)
    groups = [local_set.nearest(int(v), int(s), float(np.exp(r))) for v, s, r in described]
    measured = np.full((len(stars), len(STEPS)), -1.0, dtype=np.float32)
    for step, name in enumerate(steps, len(STEPS) - len(steps)):
        values, half_width = getattr(engine.cells.stars, name), None
        if name in SPREAD:
            half_width = engine.cells.segments.half_width_of(name, engine.cells.stars)
        column = TRUTH.index(name)
        for row, (index, weight) in enumerate(stars):
            measured[row, step] = pit(
                true[row, column], values[index], weight, None if half_width is None else half_width[index]
            )
        for row, (index, weight) in enumerate(stars):
            others = groups[row][groups[row] != row]
            corrected = recalibrate(engine.order(name, index), weight, measured[others, step])
            stars[row] = index, corrected.astype(np.float32)
    first = 0
    for one in sets:
        one.found, first = stars[first : first + len(one.found)], first + len(one.found)
    return measured, local_set


_UNCALIBRATED = (
    np.empty((0, len(STEPS)), np.float32),
    LocalCalibrationSet(*(np.empty(0, kind) for kind in (np.int8, np.int8, np.float32))),
)


def posterior_weights(
    engine: PosteriorEngine, embedding: np.ndarray, temperature: np.ndarray | float
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield the cells and probabilities of each star, as `PosteriorEngine.weights`, from embeddings (n, width)."""
    for start in range(0, len(embedding), _AT_ONCE):
        with torch.inference_mode():
            found = engine.head.likelihood(torch.from_numpy(embedding[start : start + _AT_ONCE]))
        yield from engine.weights(found, temperature)


def predicted_stage(engine: PosteriorEngine, index: np.ndarray, weight: np.ndarray) -> int:
    """The most probable stage of one star."""
    return int(np.bincount(engine.cells.stage[index], weights=weight, minlength=len(STAGES)).argmax())


def views_of(coverage: np.ndarray, features: np.ndarray, lines: np.ndarray | bool = False) -> np.ndarray:
    """(n,) index into `VIEWS` of each star, from ``coverage`` (n, 6800), ``features`` (n, 29), and whether it rests on
    ``lines`` alone (n,)."""
    photometry = np.isfinite(features).all(axis=1)
    with_spectrum = np.where(lines, np.where(photometry, LINES_BOTH, LINES), np.where(photometry, BOTH, SPECTRUM))
    return np.where(coverage.any(axis=1), with_spectrum, PHOTOMETRY)


def _log_teff(atmosphere: np.ndarray) -> np.ndarray:
    return np.column_stack([np.log10(atmosphere[:, 0]), atmosphere[:, 1:]])


@torch.inference_mode()
def _best_temperature(
    engine: PosteriorEngine, embedding: np.ndarray, position: torch.Tensor, prior: torch.Tensor
) -> float:
    """Temperature with the least negative log density of the true ``position`` (n, 3)."""
    scores, position = np.zeros(len(_GRID)), position[: len(embedding)]
    for start in range(0, len(embedding), _AT_ONCE):
        part = slice(start, start + _AT_ONCE)
        found = engine.head.likelihood(torch.from_numpy(embedding[part]))
        voxels = engine.voxel_log_likelihood(found)
        true = engine.log_likelihood_at(found, position[part])
        for k, temperature in enumerate(_GRID):
            scores[k] += float((torch.logsumexp(voxels / temperature + prior, dim=1) - true / temperature).sum())
    return float(_GRID[int(np.argmin(scores))])
