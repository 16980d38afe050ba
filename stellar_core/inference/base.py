"""The estimator that all networks share: one spectrum in, one `Result` out."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial

import numpy as np
from torch import nn

from stellar_core.errors import ParameterError
from stellar_core.inference.faulty_band import without_faulty_band
from stellar_core.inference.mc_dropout import QUANTITIES
from stellar_core.inference.out_of_distribution import SCORES, DomainCheck, make_verdict
from stellar_core.inference.parallax_term import ParallaxTerm, remarks_on_parallax
from stellar_core.inference.result import ErrorBudget, Result, Verdict
from stellar_core.inference.spectral_diagnostics import diagnose
from stellar_core.inference.template_fit import with_template_fit
from stellar_core.intervals import Interval
from stellar_core.isochrones.priors import Priors
from stellar_core.mock.emulator import SpectralEmulator
from stellar_core.preprocessing.features import features
from stellar_core.preprocessing.grid import GRID
from stellar_core.preprocessing.spectra import PreparedSpectrum, prepare
from stellar_core.spectrum import Spectrum
from stellar_core.stages import STAGES

MAX_SAMPLES = 1000

#: Teff [K], log g, [Fe/H] [dex] of the emulated spectra used as velocity templates.
TEMPLATES = (
    (4000.0, 1.5, -0.5),
    (4300.0, 4.6, -0.3),
    (4800.0, 2.5, -0.5),
    (5200.0, 4.5, -0.7),
    (5200.0, 3.0, -1.5),
    (5800.0, 4.3, -0.3),
    (6000.0, 4.2, -1.3),
    (6500.0, 4.0, -1.8),
    (7000.0, 4.0, -0.5),
    (8500.0, 4.0, -0.5),
)


@dataclass(frozen=True)
class CalibratedOutput:
    """Calibrated output of a network for one star.

    Attributes
    ----------
    draws : mapping of str to (n_draw,) float
        As in `Result`.
    intervals : mapping of str to Interval
        Keyed like `UNITS`.
    stage : (5,) float
        Probabilities in the order of `STAGES`.
    network : mapping of str to Interval
        Scatter of the passes of MC dropout, keyed like `UNITS`.
    stage_passes : (samples, 5) float or None
        Stage probabilities of the single passes, if any.
    atmosphere : (3,) float
        Mean Teff [K], log g, [Fe/H] [dex].
    embedding : (1, width) float32
        Penultimate layer, for the out-of-distribution check.
    photometry : str
        "used", "missing" or "not read by this model".
    remarks : tuple of str
        Remarks that leave the result trusted.
    parts : mapping of str to ErrorBudget
        As in `Result`.
    parallax : mapping of str to object or None
        As in `Result`.
    spectral : mapping of str to Interval
        ``intervals`` without the parallax, for the checks of the spectrum.
    lines : bool
        True if they rest on the lines of the spectrum alone.
    """

    draws: Mapping[str, np.ndarray]
    intervals: Mapping[str, Interval]
    stage: np.ndarray
    network: Mapping[str, Interval]
    stage_passes: np.ndarray | None
    atmosphere: np.ndarray
    embedding: np.ndarray
    photometry: str
    remarks: tuple[str, ...]
    parts: Mapping[str, ErrorBudget] = field(default_factory=dict)
    parallax: Mapping[str, object] | None = None
    spectral: Mapping[str, Interval] | None = None
    lines: bool = False


def error_budgets(
    intervals: Mapping[str, Interval], epistemic: np.ndarray, noise: np.ndarray
) -> dict[str, ErrorBudget]:
    """The error budget of each quantity from (5,) standard deviations in the order of `QUANTITIES`."""
    return {name: ErrorBudget.of(intervals[name].std, *pair) for name, *pair in zip(QUANTITIES, epistemic, noise)}


@dataclass(frozen=True)
class BaseEstimator(ABC):
    """A trained network with its calibration and its out-of-distribution check.

    `stellar_core.inference.estimator.Estimator.load` makes one. It never changes after loading, so threads may share
    it.
    """

    name: str
    network: nn.Module
    domain_check: DomainCheck
    card: Mapping[str, object]

    def with_priors(self, priors: Priors) -> BaseEstimator:
        """Return the same estimator under other priors.

        Raises
        ------
        ParameterError
            Where the network has none of its own.
        """
        raise ParameterError(f"The network {self.name} has no prior that can be changed: use the model isochrone.")

    @classmethod
    @abstractmethod
    def from_arrays(
        cls, name: str, network: nn.Module, card: Mapping[str, object], arrays: Mapping[str, np.ndarray]
    ) -> BaseEstimator:
        """Assemble an estimator from the contents of a model's folder; KeyError if ``arrays`` lack the calibration."""

    @abstractmethod
    def infer(
        self, prepared: PreparedSpectrum, inputs: np.ndarray, samples: int, seed: int, term: ParallaxTerm | None = None
    ) -> CalibratedOutput:
        """Run the network on one star and calibrate its output.

        Parameters
        ----------
        prepared : PreparedSpectrum
        inputs : (29,) float
            Photometric features; NaN where there is no photometry.
        samples, seed : int
            As for `estimate`.
        term : ParallaxTerm, optional
            As `parallax_term` gives it.
        """

    @abstractmethod
    def moments(
        self,
        flux: np.ndarray,
        coverage: np.ndarray,
        ivar: np.ndarray,
        features: np.ndarray,
        snr: np.ndarray,
        lines: bool = False,
    ) -> tuple[np.ndarray, np.ndarray | None]:
        """Compute means and standard deviations for many stars at once, without MC dropout.

        Parameters
        ----------
        flux, coverage, ivar : (n, 6800)
            As `stellar_core.preprocessing.normalisation.normalise` gives them.
        features : (n, 29)
            NaN for a star without photometry.
        snr : (n,)
            S/N per pixel.
        lines : bool
            True if the networks rests on the lines alone, as `rests_on_lines` decides.

        Returns
        -------
        mean : (n, 5) float64
            In the order of `QUANTITIES`.
        std : (n, 5) float64 or None
            None where the network itself gives no width.
        """

    @property
    def reads_spectrum(self) -> bool:
        """True if the network reads the spectrum."""
        return True

    def rests_on_lines(self, prepared: PreparedSpectrum, inputs: np.ndarray) -> bool:
        """True if the network uses the lines of this spectrum without its broad shape; ``inputs`` as for `infer`."""
        return False

    @cached_property
    def emulator(self) -> SpectralEmulator:
        """The spectral emulator, for velocities, diagnostics and overlays."""
        return SpectralEmulator.load()

    @cached_property
    def templates(self) -> np.ndarray:
        """(10, 6800) emulated spectra used as velocity templates."""
        return self.emulator.spectra(*np.array(TEMPLATES).T)

    def prepare(self, spectrum: Spectrum) -> PreparedSpectrum:
        """Prepare a spectrum for the network; see `stellar_core.preprocessing.spectra.prepare`."""
        return prepare(spectrum, self.templates)

    def warm(self) -> None:
        """Estimate an emulated star, so that the first real one does not wait for what is built on first use."""
        star = Spectrum(GRID, self.templates[5], np.full(GRID.size, 400.0), redshift=0.0)
        self.estimate(star, samples=2)

    def reads_photometry(self, spectrum: Spectrum) -> bool:
        """True if the star's photometry is used: by default, if it is complete."""
        return spectrum.photometry is not None and spectrum.photometry.complete

    @property
    def reads_parallax(self) -> bool:
        """True if a parallax is used."""
        return False

    def parallax_term(self, spectrum: Spectrum) -> ParallaxTerm | None:
        """The factor of the star's parallax; None where there is none, or the network has no posterior over stars.

        Raises
        ------
        ParameterError
            If there is no magnitude beside the parallax.
        """
        return ParallaxTerm.of(spectrum, self.reads_photometry(spectrum)) if self.reads_parallax else None

    def estimate(self, spectrum: Spectrum, *, samples: int = 50, seed: int = 0, label: str = "") -> Result:
        """Estimate age, lifetime, stage and atmosphere of one star.

        The result also has a fit of template spectra, and is not trusted if it contradicts that.

        Parameters
        ----------
        spectrum : Spectrum
            Its photometry is used if complete and if the network reads photometry; its parallax, if the network gives
            a posterior over stars.
        samples : int
            Passes of MC dropout, 2 to 1000.
        seed : int
            Equal seeds give equal numbers.
        label : str
            The user's input, for the result; the star's name by default.

        Returns
        -------
        Result

        Raises
        ------
        SpectrumError
            If the spectrum is flat, empty or hardly covered, or the network reads photometry
            alone and the star has none.
        ParameterError
            If ``samples`` or ``seed`` is out of range, or there is a parallax without any magnitude.
        """
        if not 2 <= samples <= MAX_SAMPLES:
            raise ParameterError(
                f"The number of passes lies between 2 and {MAX_SAMPLES}; got {samples}.", value=samples
            )
        if not 0 <= seed < 2**63:
            raise ParameterError(f"A seed is a whole number from 0; got {seed}.", value=seed)
        inputs = features(spectrum.photometry if self.reads_photometry(spectrum) else None)
        prepared = self.prepare(spectrum)
        output = self.infer(prepared, inputs, samples, seed, self.parallax_term(spectrum))
        if (cleaned := self._without_faulty_band(spectrum, prepared, output)) is not spectrum:
            return self.estimate(cleaned, samples=samples, seed=seed, label=label)
        result = self._result(spectrum, prepared, output, samples, seed, label)
        return with_template_fit(result, prepared) if self.reads_spectrum else result

    def scores(
        self, prepared: Sequence[PreparedSpectrum], inputs: np.ndarray, atmosphere: np.ndarray, embedding: np.ndarray
    ) -> np.ndarray:
        """Compute the out-of-distribution scores (n, 8) of prepared spectra.

        Parameters
        ----------
        prepared : sequence of PreparedSpectrum
        inputs : (n, 29)
            Photometric features.
        atmosphere : (n, 3)
            Teff [K], log g, [Fe/H] [dex].
        embedding : (n, width)
        """
        arrays = (np.stack([getattr(item, name) for item in prepared]) for name in ("flux", "coverage", "ivar"))
        snr = np.array([item.snr for item in prepared])
        return self.domain_check.scores(embedding, diagnose(self.emulator, *arrays, inputs, atmosphere, snr))

    def _without_faulty_band(
        self, spectrum: Spectrum, prepared: PreparedSpectrum, output: CalibratedOutput
    ) -> Spectrum:
        """Remove a single magnitude that disagrees with the spectrum; the same object where there is none."""
        if output.photometry != "used" or not self.reads_spectrum:
            return spectrum
        moments = partial(self.moments, lines=output.lines)
        return without_faulty_band(spectrum, prepared, output.spectral or output.intervals, moments)

    def _parallax_remarks(self, spectrum: Spectrum, output: CalibratedOutput) -> tuple[str, ...]:
        if spectrum.astrometry is None:
            return ()
        if output.parallax is None:
            return (f"The model {self.name} cannot use a parallax: it gives no posterior over stars.",)
        return remarks_on_parallax(spectrum.astrometry, output.parallax)

    def _result(
        self,
        spectrum: Spectrum,
        prepared: PreparedSpectrum,
        output: CalibratedOutput,
        samples: int,
        seed: int,
        label: str,
    ) -> Result:
        inputs, limits = (
            features(spectrum.photometry if output.photometry == "used" else None),
            self.domain_check.thresholds,
        )
        scores = self.scores([prepared], inputs[None], output.atmosphere[None], output.embedding)[0]
        verdict = make_verdict(spectrum, prepared, output.atmosphere, scores, limits, self.emulator)
        messages = verdict.messages + output.remarks + prepared.notes + self._parallax_remarks(spectrum, output)
        return Result(
            input=label or spectrum.name,
            star=spectrum.name,
            source=spectrum.source,
            model=self.name,
            seed=seed,
            samples=samples,
            **output.intervals,
            stage={name: float(p) for name, p in zip(STAGES, output.stage)},
            verdict=Verdict(verdict.in_domain, tuple(dict.fromkeys(messages))),
            draws=dict(output.draws) if output.stage_passes is None else {**output.draws, "stage": output.stage_passes},
            network=output.network,
            parts=output.parts,
            parallax=output.parallax,
            quality={
                "snr": round(prepared.snr, 2),
                "coverage": round(prepared.covered_fraction, 4),
                "redshift": prepared.redshift,
                "redshift_source": prepared.redshift_source,
                "photometry": output.photometry,
                "photometry_source": spectrum.photometry.source if output.photometry == "used" else "",
                "feature_distance": round(float(scores[0]), 3),
                "misfit": round(float(scores[1]), 3),
                "limits": [round(float(limit), 3) for limit in limits[:2]],
                "gate": {name: round(float(s / t), 3) for name, s, t in zip(SCORES, scores, limits)},
            },
        )
