"""Estimates of Model 9: a posterior over stars of the isochrones."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np
import torch
from torch import nn

from stellar_core.errors import StellarError
from stellar_core.inference.base import BaseEstimator, CalibratedOutput, error_budgets
from stellar_core.inference.calibration.isochrone import WITH_PARALLAX, IsochroneCalibration, views_of
from stellar_core.inference.isochrone_posterior import PosteriorEngine
from stellar_core.inference.mc_dropout import QUANTITIES
from stellar_core.inference.noise_resampling import COPIES, noisy_features, noisy_spectra
from stellar_core.inference.out_of_distribution import DomainCheck
from stellar_core.inference.parallax_term import ParallaxTerm
from stellar_core.inference.result import Result
from stellar_core.intervals import Interval
from stellar_core.isochrones import Posterior, Priors
from stellar_core.isochrones.summary import stage_probabilities
from stellar_core.models.isochrone_head import Likelihood
from stellar_core.models.line_spectrum import line_spectrum
from stellar_core.preprocessing.features import features
from stellar_core.preprocessing.spectra import PreparedSpectrum
from stellar_core.spectrum import Spectrum
from stellar_core.stages import STAGES

#: Draws kept with a result.
DRAWS = 1000
#: Field of the cells for each quantity.
FIELDS = {"teff": "teff", "logg": "logg", "feh": "feh_surface", "log_age": "log_age", "log_lifetime": "log_lifetime"}
#: Difference between estimates from a whole spectrum and from its lines, in sigma, beyond which the lines are used.
CONTRADICTION = 2.0
#: Remarks on a result that rests on the lines alone, by the origin of the flux calibration.
_REASONS = {
    "other": "Spectrum of another survey: the result rests on its lines, not on its broad shape.",
    "unknown": "The broad shape of the spectrum contradicts its lines: the result rests on the lines alone.",
}
#: Stars per call of the network.
_BATCH = 32


def embed(
    network: nn.Module,
    flux: np.ndarray,
    coverage: np.ndarray,
    ivar: np.ndarray,
    features: np.ndarray,
    batch: int = _BATCH,
) -> np.ndarray:
    """Compute the penultimate layer (n, width) float32 without dropout; arguments as for
    `IsochroneEstimator.posteriors`."""
    parts = []
    with torch.inference_mode():
        for start in range(0, len(flux), batch):
            rows = slice(start, start + batch)
            spectra = (torch.tensor(x[rows], dtype=torch.float32) for x in (flux, coverage, ivar))
            tokens = network.tokens(*spectra)
            parts.append(network.embed(tokens, torch.tensor(features[rows], dtype=torch.float32)).float().numpy())
    return np.concatenate(parts)


@dataclass(frozen=True)
class IsochroneEstimator(BaseEstimator):
    """Model 9.

    Attributes
    ----------
    calibration : IsochroneCalibration
        Temperatures of the likelihood, and recalibration of the posterior.
    priors : Priors
        By default those of the ``label`` command; see `with_priors`.
    recalibrated : bool
        True if posteriors are recalibrated, so that intervals have their nominal coverage on stars mixed as in the mock
        survey; else they follow from `priors` alone. The recalibration belongs to the default priors.
    """

    calibration: IsochroneCalibration
    priors: Priors = Priors()
    recalibrated: bool = True

    @classmethod
    def from_arrays(
        cls, name: str, network: nn.Module, card: Mapping[str, object], arrays: Mapping[str, np.ndarray]
    ) -> IsochroneEstimator:
        """See `BaseEstimator.from_arrays`."""
        return cls(name, network, DomainCheck.from_arrays(arrays), card, IsochroneCalibration.from_arrays(arrays))

    @cached_property
    def engine(self) -> PosteriorEngine:
        """The posterior engine for the network's head."""
        return PosteriorEngine(self.network.head)

    def with_priors(self, priors: Priors) -> IsochroneEstimator:
        """Return the same estimator under other priors, without recalibration."""
        return self._changed(priors=priors, recalibrated=False)

    def without_recalibration(self) -> IsochroneEstimator:
        """Return the same estimator without recalibration: the posterior follows from its priors alone."""
        return self._changed(recalibrated=False)

    def _changed(self, **changes: object) -> IsochroneEstimator:
        other = replace(self, **changes)
        vars(other)["engine"] = self.engine
        return other

    def with_parallax(
        self, term: ParallaxTerm, index: np.ndarray, weight: np.ndarray, view: int
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Multiply a posterior by the factor of a parallax and recalibrate it for views with one.

        Returns
        -------
        index : (m,) int
            Cells that keep some probability.
        weight : (m,) float
            Sums to 1.
        log_ratio : (m,) float
            Log of the factor.
        """
        index, weight, log_ratio = term.weigh(self.engine.cells.stars, index, weight)
        if self.recalibrated and view in WITH_PARALLAX:
            significance = term.astrometry.significance
            weight = self.calibration.recalibrate(self.engine, index, weight, WITH_PARALLAX[view], significance)
        return index, weight, log_ratio

    def posteriors(
        self,
        flux: np.ndarray,
        coverage: np.ndarray,
        ivar: np.ndarray,
        features: np.ndarray,
        snr: np.ndarray,
        terms: Sequence[ParallaxTerm | None] | None = None,
        lines: np.ndarray | bool = False,
    ) -> list[Posterior]:
        """Compute the posteriors of many stars.

        Parameters
        ----------
        flux, coverage, ivar : (n, 6800)
            As `stellar_core.preprocessing.normalisation.normalise` gives them; without any
            coverage, the star has no spectrum.
        features : (n, 29)
            NaN for a star without photometry.
        snr : (n,)
            S/N per pixel; ignored without spectrum.
        terms : sequence of ParallaxTerm or None, optional
            Their parallaxes.
        lines : (n,) bool or bool
            Whether to rest on the lines of each spectrum alone.
        """
        lines = np.broadcast_to(lines, len(flux))
        arrays = _with_lines((flux, coverage, ivar), lines)
        found: list[_Answer] = []
        for start in range(0, len(flux), _BATCH):
            rows = slice(start, start + _BATCH)
            embedding = embed(self.network, *(array[rows] for array in arrays), features[rows])
            some = None if terms is None else terms[rows]
            views = views_of(arrays[1][rows], features[rows], lines[rows])
            found += self._posteriors(embedding, views, snr[rows], some)
        return [answer.posterior for answer in found]

    def moments(
        self,
        flux: np.ndarray,
        coverage: np.ndarray,
        ivar: np.ndarray,
        features: np.ndarray,
        snr: np.ndarray,
        lines: np.ndarray | bool = False,
    ) -> tuple[np.ndarray, np.ndarray]:
        """See `BaseEstimator.moments`."""
        posteriors = self.posteriors(flux, coverage, ivar, features, snr, lines=lines)
        found = [[posterior.interval(FIELDS[name]) for name in QUANTITIES] for posterior in posteriors]
        mean, std = (np.array([[getattr(one, part) for one in row] for row in found]) for part in ("mean", "std"))
        return mean, std

    def _posteriors(
        self,
        embedding: np.ndarray,
        views: np.ndarray,
        snr: np.ndarray,
        terms: Sequence[ParallaxTerm | None] | None = None,
    ) -> list[_Answer]:
        with torch.inference_mode():
            found = self.network.head.likelihood(torch.from_numpy(embedding))
        answers, stars = [], self.engine.weights(found, self.calibration.temperature[views], self.priors)
        for (index, weight), view, ratio, term in zip(stars, views, snr, terms or [None] * len(views)):
            if self.recalibrated:
                weight = self.calibration.recalibrate(self.engine, index, weight, int(view), float(ratio))
            answer = _Answer(self.engine.posterior(index, weight, self.priors))
            if term is not None:
                cells, weight, log_ratio = self.with_parallax(term, index, weight, int(view))
                posterior = self.engine.posterior(cells, weight, self.priors)
                answer = _Answer(posterior, answer.posterior, term, cells, log_ratio)
            answers.append(answer)
        return answers

    def rests_on_lines(self, prepared: PreparedSpectrum, inputs: np.ndarray) -> bool:
        """True for spectra of other surveys, and for those of unknown origin whose broad shape contradicts their lines
        by more than `CONTRADICTION` sigma."""
        return bool(self._rest_on_lines([prepared], inputs[None])[0])

    def _rest_on_lines(self, prepared: Sequence[PreparedSpectrum], inputs: np.ndarray) -> np.ndarray:
        """(n,) bool, `rests_on_lines` of many stars."""
        origin = np.array([one.flux_calibration for one in prepared])
        if not self.calibration.reads_lines:
            return np.zeros(len(origin), bool)
        unknown = np.flatnonzero(origin == "unknown")
        chosen = origin == "other"
        if unknown.size:
            arrays = [np.stack([getattr(prepared[k], name) for k in unknown]) for name in ("flux", "coverage", "ivar")]
            snr, nothing = np.array([prepared[k].snr for k in unknown]), np.full_like(inputs[unknown], np.nan)
            (whole, whole_error), (lines, error) = (self.moments(*arrays, nothing, snr, form) for form in (False, True))
            pull = np.abs(whole - lines)[:, :3] / np.hypot(whole_error, error)[:, :3]
            chosen[unknown] = (pull > CONTRADICTION).any(axis=1)
        return chosen

    @property
    def reads_parallax(self) -> bool:
        """True: the parallax multiplies the posterior."""
        return True

    def infer(
        self, prepared: PreparedSpectrum, inputs: np.ndarray, samples: int, seed: int, term: ParallaxTerm | None = None
    ) -> CalibratedOutput:
        """See `BaseEstimator.infer`; the passes of MC dropout enter the error budget, not the posterior."""
        lines = self._rest_on_lines([prepared], inputs[None])
        spectrum = _with_lines((prepared.flux[None], prepared.coverage[None], prepared.ivar[None]), lines)
        arrays = (*spectrum, inputs[None])
        view = views_of(arrays[1], arrays[3], lines)
        embedding = embed(self.network, *arrays)
        answer = self._posteriors(embedding, view, np.array([prepared.snr]), [term])[0]
        values, stages = self._passes(arrays, view, samples, seed, answer)
        network = {name: Interval.from_draws(column) for name, column in zip(QUANTITIES, values.T)}
        output = self._output(answer, embedding, inputs, seed, network, stages, prepared, bool(lines[0]))
        noise = self._noise(arrays, int(view[0]), seed, answer)
        return replace(output, parts=error_budgets(output.intervals, values.std(axis=0), noise))

    def _noise(self, arrays: tuple[np.ndarray, ...], view: int, seed: int, answer: _Answer) -> np.ndarray:
        """(5,) scatter of the posterior means over copies with resampled noise."""
        rng = np.random.default_rng([seed, 11])
        flux, coverage, ivar, inputs = arrays
        copies = noisy_spectra(flux[0], ivar[0], COPIES, rng)
        fixed = (np.repeat(x, COPIES, axis=0) for x in (coverage, ivar))
        embedding = embed(self.network, copies, *fixed, noisy_features(inputs[0], COPIES, rng))
        with torch.inference_mode():
            found = self.network.head.likelihood(torch.from_numpy(embedding))
        return self._means(found, view, answer)[0].std(axis=0)

    def _means(self, found: Likelihood, view: int, answer: _Answer) -> tuple[np.ndarray, np.ndarray]:
        """Posterior means (n, 5) and stage probabilities (n, 5) of passes or copies, with the parallax of the star."""
        temperature = float(self.calibration.temperature[view])
        if answer.term is None:
            return self.engine.means(found, temperature, self.priors)
        return self.engine.means_at(found, temperature, self.priors, answer.index, answer.log_ratio)

    def estimate_many(
        self, spectra: Iterable[Spectrum], *, seed: int = 0, batch: int = _BATCH
    ) -> Iterator[Result | StellarError]:
        """Estimate many stars in batches, without MC dropout and the fit of templates; yields their results, or their
        errors, in order."""
        group: list[Spectrum] = []
        for spectrum in spectra:
            group.append(spectrum)
            if len(group) == batch:
                yield from self._batch(group, seed)
                group = []
        yield from self._batch(group, seed)

    def _batch(self, spectra: list[Spectrum], seed: int) -> Iterator[Result | StellarError]:
        prepared: list[PreparedSpectrum | StellarError] = []
        terms: list[ParallaxTerm | None] = []
        for spectrum in spectra:
            term = None
            try:
                term = self.parallax_term(spectrum)
                prepared.append(self.prepare(spectrum))
            except StellarError as error:
                prepared.append(error)
            terms.append(term)
        good = [k for k, item in enumerate(prepared) if not isinstance(item, StellarError)]
        outputs: dict[int, CalibratedOutput] = {}
        if good:
            inputs = np.stack(
                [features(spectra[k].photometry if self.reads_photometry(spectra[k]) else None) for k in good]
            )
            arrays = [np.stack([getattr(prepared[k], name) for k in good]) for name in ("flux", "coverage", "ivar")]
            lines = self._rest_on_lines([prepared[k] for k in good], inputs)
            arrays = _with_lines(arrays, lines)
            embedding = embed(self.network, *arrays, inputs)
            snr = np.array([prepared[k].snr for k in good])
            found = self._posteriors(embedding, views_of(arrays[1], inputs, lines), snr, [terms[k] for k in good])
            for row, k in enumerate(good):
                parts = found[row], embedding[row : row + 1], inputs[row], seed, {}, None
                outputs[k] = self._output(*parts, prepared[k], bool(lines[row]))
        for k, item in enumerate(prepared):
            if k not in outputs:
                yield item
            elif (cleaned := self._without_faulty_band(spectra[k], item, outputs[k])) is not spectra[k]:
                yield from self._batch([cleaned], seed)
            else:
                yield self._result(spectra[k], item, outputs[k], 0, seed, "")

    def _passes(
        self, arrays: tuple[np.ndarray, ...], view: np.ndarray, samples: int, seed: int, answer: _Answer
    ) -> tuple[np.ndarray, np.ndarray]:
        """Posterior means (samples, 5) and stage probabilities (samples, 5) of the passes of MC dropout."""
        generator = torch.Generator().manual_seed(seed)
        with torch.inference_mode():
            flux, coverage, ivar, inputs = (torch.tensor(x, dtype=torch.float32) for x in arrays)
            tokens = self.network.tokens(flux, coverage, ivar).expand(samples, -1, -1)
            embedding = self.network.embed(tokens, inputs.expand(samples, -1), generator)
            found = self.network.head.likelihood(embedding)
        return self._means(found, int(view[0]), answer)

    def _output(
        self,
        answer: _Answer,
        embedding: np.ndarray,
        inputs: np.ndarray,
        seed: int,
        network: Mapping[str, Interval],
        stages: np.ndarray | None,
        prepared: PreparedSpectrum,
        lines: bool,
    ) -> CalibratedOutput:
        posterior = answer.posterior
        drawn = posterior.draws(DRAWS, np.random.default_rng(seed))
        intervals = _intervals(posterior)
        spectral = intervals if answer.without is None else _intervals(answer.without)
        columns = {"teff": 10.0**drawn.log_teff, "logg": drawn.logg, "feh": drawn.feh_surface}
        columns |= {"log_age": drawn.log_age, "log_lifetime": drawn.log_lifetime, "mass": drawn.mass}
        stage = _stages(posterior)
        photometry = bool(np.isfinite(inputs).all())
        remarks = () if photometry else ("No photometry: the result rests on the spectrum alone.",)
        if lines:
            remarks = (_REASONS[prepared.flux_calibration], *remarks)
        return CalibratedOutput(
            draws={name: np.asarray(column, float) for name, column in columns.items()},
            intervals=intervals,
            stage=np.array([stage[name] for name in STAGES]),
            network=network,
            stage_passes=stages,
            atmosphere=np.array([spectral[name].mean for name in ("teff", "logg", "feh")]),
            embedding=embedding,
            photometry="used" if photometry else "missing",
            remarks=remarks,
            parallax=answer.describe(),
            spectral=spectral,
            lines=lines,
        )


class _Answer(NamedTuple):
    """Posterior of a star; with a parallax also the one ``without`` it, the factor, and its cells and log factor."""

    posterior: Posterior
    without: Posterior | None = None
    term: ParallaxTerm | None = None
    index: np.ndarray | None = None
    log_ratio: np.ndarray | None = None

    def describe(self) -> dict[str, object] | None:
        """`Result.parallax`."""
        if self.term is None:
            return None
        names = ("log_age", "log_lifetime", "mass", "teff", "logg", "feh")
        without = {name: self.without.interval(FIELDS.get(name, name)).to_dict() for name in names}
        return {
            **self.term.astrometry.to_dict(),
            **self.term.describe(self.posterior.samples, self.posterior.probability),
            "without": {**without, "stage": _stages(self.without)},
        }


def _with_lines(arrays: Sequence[np.ndarray], lines: np.ndarray) -> tuple[np.ndarray, ...]:
    """Flux, coverage, ivar (n, 6800) with the rows ``lines`` (n,) replaced by their `line_spectrum`."""
    if not lines.any():
        return tuple(arrays)
    spectra = (torch.from_numpy(np.asarray(array[lines], np.float32)) for array in arrays)
    found = [np.array(array, dtype=kind) for array, kind in zip(arrays, (np.float32, bool, np.float32))]
    for array, replaced in zip(found, line_spectrum(*spectra)):
        array[lines] = replaced.numpy()
    return tuple(found)


def _intervals(posterior: Posterior) -> dict[str, Interval]:
    return {name: posterior.interval(FIELDS[name]) for name in QUANTITIES}


def _stages(posterior: Posterior) -> dict[str, float]:
    return stage_probabilities(posterior.values("teff"), posterior.samples.logg, posterior.probability)
