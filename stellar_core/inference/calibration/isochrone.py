"""How far to trust Model 9: one temperature for each kind of input, then weights that make intervals true.

On calibration stars, which the network never saw, each log likelihood is divided by the
temperature under which the true atmospheres are most probable (Guo et al. 2017,
arXiv:1706.04599): above 1 where the network is surer than it should be. The prior of that fit is
the density of the calibration stars themselves, since they are drawn as a survey finds stars
and not from the prior of the isochrones.

The posterior under the prior that is asked for is then levelled, see `stellar_core.inference.calibration.pit_recalibration`:
its points are weighted until, among the `Peers` of a star, the truth falls as often in each part
of it as that part claims. This leans on the mock survey's mix of ages and metallicities as on a
prior. Without it (`IsochroneEstimator.plain`) the answer is as true as the prior it is given.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import torch

from stellar_core.inference.calibration.local_set import Peers
from stellar_core.inference.calibration.pit_recalibration import level, place_of
from stellar_core.inference.isochrone_posterior import CellPosteriors
from stellar_core.models.isochrone_head import SMOOTHING, scaled
from stellar_core.stages import STAGES

#: What the network is shown: index into `CellCalibration.temperature`.
SPECTRUM, BOTH, PHOTOMETRY = 0, 1, 2
VIEWS = {"spectrum alone": SPECTRUM, "spectrum and photometry": BOTH, "photometry alone": PHOTOMETRY}
#: Quantities in the order in which they are levelled, by the field of the cells; the last come out best.
STEPS = ("log_teff", "logg", "feh_surface", "log_lifetime", "log_age", "log_teff", "log_lifetime", "log_age")
#: Columns of the truth that levels are fitted to.
TRUTH = ("log_teff", "logg", "feh_surface", "log_age", "log_lifetime")
#: Temperatures tried.
_GRID = np.geomspace(0.4, 4.0, 47)
#: Stars whose voxels are summed at a time: bounds the memory.
_AT_ONCE = 50


@dataclass(frozen=True)
class CellCalibration:
    """Temperatures of the likelihood, and where the truth fell in the posteriors of calibration stars.

    Attributes
    ----------
    temperature : (3,) float32
        For spectra alone, both, photometry alone.
    places : (n, n_step) float32
        Probability below the truth, by star and by step of `STEPS`, each after the steps before it.
    peers : Peers
        Of the same stars; the view is one of `VIEWS`.
    """

    temperature: np.ndarray
    places: np.ndarray
    peers: Peers

    @classmethod
    def fit(
        cls, engine: CellPosteriors, embeddings: Mapping[int, np.ndarray], truth: np.ndarray, survey: np.ndarray
    ) -> CellCalibration:
        """Fit on calibration stars.

        Parameters
        ----------
        engine : CellPosteriors
        embeddings : mapping of int to (n, width) float32
            The stars seen in each of `VIEWS`.
        truth : (n, 3) float
            True Teff [K], log g, [Fe/H].
        survey : (m, 3) float
            Atmospheres of many stars drawn as the calibration stars are, for their density.
        """
        boxes = engine.head.boxes
        ratio = boxes.density_ratio(_log_teff(survey), SMOOTHING)
        prior = torch.from_numpy(np.log(np.maximum(ratio, 1e-4)).astype(np.float32) + boxes.log_prior)
        place = scaled(torch.from_numpy(_log_teff(truth).astype(np.float32)))
        found = [_best(engine, embeddings[view], place, prior) for view in (SPECTRUM, BOTH, PHOTOMETRY)]
        return cls(np.array(found, dtype=np.float32), *_NOTHING)

    def fit_levels(
        self, engine: CellPosteriors, embeddings: Mapping[int, np.ndarray], truth: np.ndarray, snr: np.ndarray
    ) -> CellCalibration:
        """The same temperatures with levels fitted on calibration stars under the prior of the isochrones.

        Parameters
        ----------
        engine : CellPosteriors
        embeddings : mapping of int to (n, width) float32
            As for `fit`; a view may hold only the first of the stars.
        truth : (n, n_field) float
            True log Teff, log g, [Fe/H], log age, log lifetime of the track: the columns of `TRUTH`.
        snr : (n,) float
            S/N per pixel.
        """
        stars, sets, views, stages, ratios = [], [], [], [], []
        for view, embedding in embeddings.items():
            weights = posterior_weights(engine, embedding, self.temperature[view])
            found = [(index.astype(np.int32), weight.astype(np.float32)) for index, weight in weights]
            views.append(np.full(len(found), view))
            stages.append(np.array([predicted_stage(engine, *star) for star in found]))
            ratios.append(snr[: len(found)] if view != PHOTOMETRY else np.full(len(found), 10.0))
            sets.append(truth[: len(found)])
            stars += found
        peers, true = Peers.join(views, stages, ratios), np.concatenate(sets)
        groups = [peers.of(int(v), int(s), float(np.exp(r))) for v, s, r in zip(peers.view, peers.stage, peers.log_snr)]
        found_places = np.empty((len(stars), len(STEPS)), dtype=np.float32)
        for step, name in enumerate(STEPS):
            values = getattr(engine.cells.stars, name)
            column = TRUTH.index(name)
            for row, (index, weight) in enumerate(stars):
                found_places[row, step] = place_of(true[row, column], values[index], weight)
            for row, (index, weight) in enumerate(stars):
                others = groups[row][groups[row] != row]
                stars[row] = (
                    index,
                    level(engine.order(name, index), weight, found_places[others, step]).astype(np.float32),
                )
        return CellCalibration(self.temperature, found_places, peers)

    def level(self, engine: CellPosteriors, index: np.ndarray, weight: np.ndarray, view: int, snr: float) -> np.ndarray:
        """(n,) weights of the cells ``index`` of one star, levelled; unchanged where the view was not calibrated."""
        rows = self.peers.of(view, predicted_stage(engine, index, weight), snr if view != PHOTOMETRY else 10.0)
        if not rows.size:
            return weight
        orders = {name: engine.order(name, index) for name in dict.fromkeys(STEPS)}
        for step, name in enumerate(STEPS):
            weight = level(orders[name], weight, self.places[rows, step])
        return weight

    def arrays(self) -> dict[str, np.ndarray]:
        """For the weights file, under ``calibration.`` and ``peers.``."""
        places = self.places.astype(np.float16)
        return {"calibration.temperature": self.temperature, "calibration.places": places, **self.peers.arrays()}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray]) -> CellCalibration:
        """The inverse of `arrays`; without places there is nothing to level by."""
        temperature = np.asarray(arrays["calibration.temperature"], dtype=np.float32)
        if "calibration.places" not in arrays:
            return cls(temperature, *_NOTHING)
        return cls(temperature, np.asarray(arrays["calibration.places"], dtype=np.float32), Peers.from_arrays(arrays))


_NOTHING = (
    np.empty((0, len(STEPS)), np.float32),
    Peers(*(np.empty(0, kind) for kind in (np.int8, np.int8, np.float32))),
)


def posterior_weights(
    engine: CellPosteriors, embedding: np.ndarray, temperature: np.ndarray | float
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Cells and probabilities of each star, as `CellPosteriors.weights`, from its embedding (n, width)."""
    for start in range(0, len(embedding), _AT_ONCE):
        with torch.inference_mode():
            found = engine.head.likelihood(torch.from_numpy(embedding[start : start + _AT_ONCE]))
        yield from engine.weights(found, temperature)


def predicted_stage(engine: CellPosteriors, index: np.ndarray, weight: np.ndarray) -> int:
    """The most probable stage of one star."""
    return int(np.bincount(engine.cells.stage[index], weights=weight, minlength=len(STAGES)).argmax())


def views_of(coverage: np.ndarray, features: np.ndarray) -> np.ndarray:
    """(n,) which of `VIEWS` each star is, from ``coverage`` (n, 6800) and ``features`` (n, 29)."""
    photometry = np.isfinite(features).all(axis=1)
    return np.where(coverage.any(axis=1), np.where(photometry, BOTH, SPECTRUM), PHOTOMETRY)


def _log_teff(atmosphere: np.ndarray) -> np.ndarray:
    return np.column_stack([np.log10(atmosphere[:, 0]), atmosphere[:, 1:]])


@torch.inference_mode()
def _best(engine: CellPosteriors, embedding: np.ndarray, place: torch.Tensor, prior: torch.Tensor) -> float:
    """Temperature of least negative log density of the true ``place`` (n, 3)."""
    scores, place = np.zeros(len(_GRID)), place[: len(embedding)]
    for start in range(0, len(embedding), _AT_ONCE):
        part = slice(start, start + _AT_ONCE)
        found = engine.head.likelihood(torch.from_numpy(embedding[part]))
        voxels = engine.voxel_log_likelihood(found)
        true = engine.log_likelihood_at(found, place[part])
        for k, temperature in enumerate(_GRID):
            scores[k] += float((torch.logsumexp(voxels / temperature + prior, dim=1) - true / temperature).sum())
    return float(_GRID[int(np.argmin(scores))])
