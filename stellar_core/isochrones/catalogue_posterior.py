"""Posteriors of many stars.

A star with small errors meets few track samples: its posterior is the sum over them, as in
`stellar_core.isochrones.posterior`. A star with large errors meets a hundred thousand; so do its neighbours. If there
are enough stars of similar errors, the samples are first gathered into bins about one error wide. Each bin has its
prior weight, its mean position and covariance, and the histograms of age, mass, lifetime, stage and phase of its
samples, with their gradients: the posterior of a star is the sum over a thousand of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import lru_cache
from itertools import product

import numpy as np

from stellar_core.errors import ParameterError
from stellar_core.intervals import LEVELS
from stellar_core.isochrones.alpha_enhancement import METALLICITIES, AlphaEnhancement
from stellar_core.isochrones.bin_likelihood import REACH, sum_bins
from stellar_core.isochrones.mesh import AGE_RESOLUTION, Window, mesh_of
from stellar_core.isochrones.observable_bins import ObservableBins, bin_samples, merge
from stellar_core.isochrones.observation import UNKNOWN_ERRORS
from stellar_core.isochrones.photometric_likelihood import PhotometricLikelihood
from stellar_core.isochrones.photometric_summaries import PhotometricSummaries
from stellar_core.isochrones.posterior import WeighedSamples, weigh_samples
from stellar_core.isochrones.posterior_summaries import PosteriorSummaries, summarise
from stellar_core.isochrones.priors import Priors
from stellar_core.isochrones.systematics import load_model_errors
from stellar_core.isochrones.track_table import coarse, load_tracks
from stellar_core.isochrones.tracks import Tracks
from stellar_core.progress import Progress

#: Extent of the samples of a single star in units of its errors.
SPACING = 1.6
#: The same of a star with magnitudes, whose likelihood is smooth over several samples; their extent in log age, dex,
#: and how fast they grow with the distance from the star.
WITH_LIGHT = (2.4, 0.1, 1.7)
#: Error of Teff above which the tracks on fewer EEPs serve for such a star, K.
BROAD = 60.0
#: Width of the bins at power 0: log10 Teff, log g, surface [Fe/H]; the other widths are powers of two of it.
BIN_SIZE = np.array([0.0060, 0.19, 0.095])
#: Largest width of a bin in units of the error, and extent of its samples in units of the width.
BIN_WIDTH, SAMPLE_WIDTH = 1.0, 1.0
#: Cuts of a block of the mesh along an axis for the samples of the bins, and samples gathered at a time.
MOST_CUTS, SAMPLES_AT_ONCE = 8, 1_500_000
#: Finest and coarsest power of two of the bins.
POWERS = (-1, 3)
#: Hottest samples of the bins, log10(K).
MAX_LOG_TEFF = 4.0
#: Stars farther from the bins than this chi-square are summed one by one.
EDGE = 7.0
#: Fewer stars than this, of one width of the bins, are summed one by one, and fewer than `MANY_STARS` use finer bins
#: that are made anyway: making bins costs more.
FEW_STARS, MANY_STARS = 500, 50_000
#: Stars between reports of progress: summed one by one, and from bins.
STEP, STARS_SUMMED = 50, 5000


class CataloguePosterior:
    """Posteriors of many stars.

    Parameters
    ----------
    priors : Priors
    alpha : AlphaEnhancement
        [alpha/Fe] of all stars.
    systematics : bool
        As for `infer_posterior`.
    tracks : Tracks, optional
        The shipped tracks by default.
    workers : int
        Threads.
    """

    def __init__(
        self,
        priors: Priors = Priors(),
        alpha: AlphaEnhancement = AlphaEnhancement(),
        systematics: bool = True,
        tracks: Tracks | None = None,
        workers: int = 2,
    ) -> None:
        self.priors, self.alpha, self.workers = priors, alpha, workers
        self.tracks = tracks if tracks is not None else load_tracks()
        self._errors = load_model_errors() if systematics else None
        if self._errors is not None:
            self.tracks = self._errors.corrected(self.tracks)

    def evaluate(
        self,
        teff: np.ndarray,
        logg: np.ndarray,
        feh: np.ndarray,
        covariance: np.ndarray,
        levels: tuple[float, ...] = LEVELS,
        progress: Progress | None = None,
        photometry: Sequence[PhotometricLikelihood | None] | None = None,
    ) -> PosteriorSummaries:
        """Summarise the posterior of every star.

        Parameters
        ----------
        teff, logg, feh : (n_star,) float
            K, dex(cm/s2), dex; finite.
        covariance : (n_star, 3, 3) or (3, 3) float
            In K and dex; positive definite. `diagonal_covariance` makes one.
        levels : tuple of float
            Probabilities of the quantiles.
        progress : Progress
            Called as stars are done.
        photometry : sequence of PhotometricLikelihood or None
            Magnitudes and parallaxes of the stars, if any.
        """
        mean, covariance = self._check(teff, logg, feh, covariance)
        photometry = photometry if photometry is not None else [None] * len(mean)
        found = PosteriorSummaries.empty(len(mean), len(levels))
        if any(one is not None for one in photometry):
            found = replace(found, photometry=PhotometricSummaries.empty(len(mean), len(levels)))
        known = np.array([one is None for one in photometry], bool)
        known &= (np.sqrt(np.diagonal(covariance, axis1=1, axis2=2)) < 0.5 * np.array(UNKNOWN_ERRORS)).all(axis=1)
        power, binned = self._powers(mean, covariance, known)
        done = 0

        def report(done: int) -> None:
            if progress is not None:
                progress("stars", done, len(mean))

        with ThreadPoolExecutor(self.workers) as pool:
            for key in np.unique(power[binned], axis=0):
                rows = np.flatnonzero(binned & (power == key).all(axis=1))
                bins = _bins(self.tracks, self.priors, self.alpha, tuple(key.tolist()), self.workers)
                for start in range(0, rows.size, STARS_SUMMED):
                    part = rows[start : start + STARS_SUMMED]
                    shares = np.array_split(part, self.workers)
                    sums = pool.map(lambda rows, bins=bins: sum_bins(bins, mean[rows], covariance[rows]), shares)
                    columns, chi2 = (np.concatenate(x) for x in zip(*sums))
                    found.fill(part, summarise(columns, chi2, levels))
                    done += int((found.chi2_min[part] <= EDGE).sum())
                    report(done)

            def single(row: int) -> None:
                star = self._star(mean[row], covariance[row], photometry[row])
                found.chi2_min[row] = star.chi2_min
                if star.weight.size:
                    found.fill_star(row, star.samples, star.weight, levels)
                    if photometry[row] is not None:
                        found.photometry.fill_star(row, photometry[row], star, levels)

            # distances from bins are those of their centres: too large near the edge of the models
            rows = np.flatnonzero(~binned | (found.chi2_min > EDGE))
            found.fill(rows, PosteriorSummaries.empty(rows.size, len(levels)))
            for start in range(0, rows.size, STEP):
                part = rows[start : start + STEP]
                list(pool.map(single, part))
                done += part.size
                report(done)
        return found

    def draws(
        self,
        teff: np.ndarray,
        logg: np.ndarray,
        feh: np.ndarray,
        covariance: np.ndarray,
        n_draw: int,
        rng: np.random.Generator,
        names: tuple[str, ...] = ("log_age", "mass", "log_lifetime"),
    ) -> dict[str, np.ndarray]:
        """Draw stars from the posterior of every star.

        Arguments as for `evaluate`.

        Returns
        -------
        dict
            ``names``, fields of `TrackSamples`, to (n_star, n_draw) float32; NaN outside the models.
        """
        mean, covariance = self._check(teff, logg, feh, covariance)
        uniform = rng.random((len(mean), n_draw))
        drawn = {name: np.full(uniform.shape, np.nan, np.float32) for name in names}

        def single(row: int) -> None:
            samples, weight = self._star(mean[row], covariance[row])[:2]
            if weight.size:
                running = np.cumsum(weight)
                chosen = np.searchsorted(running, uniform[row] * running[-1], side="right").clip(0, weight.size - 1)
                for name in names:
                    drawn[name][row] = getattr(samples, name)[chosen]

        with ThreadPoolExecutor(self.workers) as pool:
            list(pool.map(single, range(len(mean))))
        return drawn

    def _star(
        self, mean: np.ndarray, covariance: np.ndarray, photometry: PhotometricLikelihood | None = None
    ) -> WeighedSamples:
        """Samples of one star."""
        broad = photometry is not None and covariance[0, 0] > BROAD**2
        mesh = mesh_of(coarse(self.tracks) if broad else self.tracks, self.priors)
        size = (SPACING, AGE_RESOLUTION) if photometry is None else WITH_LIGHT
        return weigh_samples(mesh, mean, covariance, self.alpha, photometry, *size)

    def _check(
        self, teff: np.ndarray, logg: np.ndarray, feh: np.ndarray, covariance: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Stars (n_star, 3) and their covariances (n_star, 3, 3) with the errors of the models."""
        mean = np.stack([np.asarray(x, float).ravel() for x in (teff, logg, feh)], axis=-1)
        covariance = np.broadcast_to(np.asarray(covariance, float), (len(mean), 3, 3))
        if not np.isfinite(mean).all() or (mean[:, 0] <= 0).any():
            raise ParameterError("Every star needs finite Teff (K, positive), log g and [Fe/H].")
        if not np.isfinite(covariance).all() or (np.linalg.eigvalsh(covariance) <= 0).any():
            raise ParameterError("Every star needs finite, positive errors (K, dex, dex).")
        if self._errors is not None:
            covariance = covariance + self._errors.covariance(*mean.T)
        return mean, covariance

    def _powers(self, mean: np.ndarray, covariance: np.ndarray, possible: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Power of two (n_star, 3) of the bins of every star, and whether bins are ``possible`` and worth making."""
        if not len(mean):
            return np.empty((0, 3), int), np.empty(0, bool)
        conditional = 1.0 / np.sqrt(np.diagonal(np.linalg.inv(covariance), axis1=1, axis2=2))
        conditional[:, 0] /= mean[:, 0] * np.log(10.0)
        power = np.floor(np.log2(BIN_WIDTH * conditional / BIN_SIZE) + 1e-6).astype(int)
        wide = possible & (power >= POWERS[0]).all(axis=1)
        hottest = mean[:, 0] + REACH * np.sqrt(covariance[:, 0, 0])
        wide &= hottest < 10.0**MAX_LOG_TEFF
        power = power.clip(*POWERS)
        distinct, member, count = np.unique(power[wide], axis=0, return_inverse=True, return_counts=True)
        kept: list[np.ndarray] = []
        for k in np.lexsort([distinct.sum(axis=1), count < FEW_STARS]):  # finer ones first, rare ones last
            finer = [one for one in kept if (one <= distinct[k]).all() and (distinct[k] - one).sum() <= 2]
            if count[k] < MANY_STARS and finer:
                distinct[k] = max(finer, key=lambda one: one.sum())
            elif count[k] >= FEW_STARS:
                kept.append(distinct[k].copy())
        power[wide] = distinct[member.ravel()]
        made = [(power == one).all(axis=1) for one in kept]
        return power, wide & np.any(made, axis=0) if made else np.zeros(len(mean), bool)


def diagonal_covariance(errors: np.ndarray) -> np.ndarray:
    """Covariance (..., 3, 3) of independent ``errors`` (..., 3) in K, dex, dex."""
    return np.square(np.asarray(errors, float))[..., None] * np.eye(3)


@lru_cache(maxsize=4)
def _bins(
    tracks: Tracks, priors: Priors, alpha: AlphaEnhancement, power: tuple[int, int, int], workers: int
) -> ObservableBins:
    """Bins of width ``BIN_SIZE * 2**power`` over all tracks, kept for the next table."""
    mesh, steps = mesh_of(tracks, priors), BIN_SIZE * 2.0 ** np.array(power)
    window = Window(np.full(3, -np.inf), np.array([MAX_LOG_TEFF, np.inf, np.inf]), SAMPLE_WIDTH * steps, most=MOST_CUTS)
    tables = alpha.tables(priors)

    def slab(first: int) -> list[tuple[ObservableBins, np.ndarray]]:
        samples = mesh.pieces(window, edges=False, span=(first, first + 1))
        found = []
        for (density, table), start in product(tables, range(0, len(samples), SAMPLES_AT_ONCE)):
            some = samples.select(slice(start, start + SAMPLES_AT_ONCE))
            weight = some.weight * density(some.log_age)
            keep = weight > 0
            if keep.any():
                one = bin_samples(some.select(keep), weight[keep], steps)
                place = np.interp(one.metallicity, METALLICITIES, np.arange(METALLICITIES.size))
                row = place.astype(int).clip(0, METALLICITIES.size - 2)
                part = (place - row)[:, None]
                found.append((one, (1 - part) * table[row] + part * table[row + 1]))
        return found

    with ThreadPoolExecutor(workers) as pool:
        parts = [part for slabs in pool.map(slab, range(len(tracks.feh) - 1)) for part in slabs]
    return merge([one for one, _ in parts], [share for _, share in parts], alpha.offsets, steps)
