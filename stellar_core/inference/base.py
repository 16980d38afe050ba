"""One star in, one `Result` out: what all networks share; how each comes to its answer is in its own class."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from torch import nn

from stellar_core.errors import ModelError, ParameterError
from stellar_core.inference.mc_dropout import QUANTITIES
from stellar_core.inference.out_of_distribution import SCORES, DomainGate, judge
from stellar_core.inference.result import Interval, Parts, Result, Verdict
from stellar_core.inference.spectral_diagnostics import signs
from stellar_core.mock.emulator import SpectralEmulator
from stellar_core.model_store import DEFAULT_MODEL, model_folder
from stellar_core.models.checkpoints import load_network
from stellar_core.models.isochrone_config import IsochroneConfig
from stellar_core.preprocessing.features import features
from stellar_core.preprocessing.spectra import GRID, PreparedSpectrum, prepare
from stellar_core.spectrum import Spectrum
from stellar_core.stages import STAGES

MAX_SAMPLES = 1000

#: Teff [K], log g, [Fe/H] [dex] of the emulated spectra that velocities are measured against.
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
class Answer:
    """What a network says of one star, calibrated.

    Attributes
    ----------
    draws : mapping of str to (n_draw,) float
        As in `Result`.
    intervals : mapping of str to Interval
        Keyed like `UNITS`.
    stage : (5,) float
        Probabilities in the order of `STAGES`.
    network : mapping of str to Interval
        How the passes of MC dropout scatter, keyed like `UNITS`.
    stage_passes : (samples, 5) float or None
        Stage probabilities of the single passes, if there were any.
    atmosphere : (3,) float
        Mean Teff [K], log g, [Fe/H] [dex].
    embedding : (1, width) float32
        Penultimate layer, for the domain gate.
    photometry : str
        Whether photometry was used, in a word or two.
    remarks : tuple of str
        Remarks that do not question the answer.
    parts : mapping of str to Parts
        As in `Result`.
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
    parts: Mapping[str, Parts] = field(default_factory=dict)


def parts_of(intervals: Mapping[str, Interval], epistemic: np.ndarray, noise: np.ndarray) -> dict[str, Parts]:
    """The parts of each quantity's error from (5,) standard deviations in the order of `QUANTITIES`."""
    return {name: Parts.of(intervals[name].std, *pair) for name, *pair in zip(QUANTITIES, epistemic, noise)}


@dataclass(frozen=True)
class Estimator(ABC):
    """A trained network with its calibration and its domain gate; make one with :meth:`load`.

    Never changed after loading, so that threads may share it.
    """

    name: str
    network: nn.Module
    gate: DomainGate
    card: Mapping[str, object]

    @staticmethod
    def load(name: str = DEFAULT_MODEL) -> Estimator:
        """Load ``trained/<name>``.

        Raises
        ------
        ModelError
            If there is no such model or its files are damaged.
        """
        from stellar_core.inference.dropout import DropoutEstimator
        from stellar_core.inference.isochrone import IsochroneEstimator

        network, arrays, card = load_network(model_folder(name))
        kind = IsochroneEstimator if isinstance(network.config, IsochroneConfig) else DropoutEstimator
        try:
            return kind.of(name, network, DomainGate.from_arrays(arrays), card, arrays)
        except KeyError as error:
            raise ModelError(f"The model {name} lacks its calibration ({error}).") from None

    @classmethod
    @abstractmethod
    def of(
        cls,
        name: str,
        network: nn.Module,
        gate: DomainGate,
        card: Mapping[str, object],
        arrays: Mapping[str, np.ndarray],
    ) -> Estimator:
        """Put together from what a model's folder holds; KeyError if ``arrays`` lack the calibration."""

    @abstractmethod
    def answer(self, prepared: PreparedSpectrum, inputs: np.ndarray, samples: int, seed: int) -> Answer:
        """What the network says of one star.

        Parameters
        ----------
        prepared : PreparedSpectrum
        inputs : (29,) float
            Photometric features; NaN where there is no photometry.
        samples, seed : int
            As for `estimate`.
        """

    @abstractmethod
    def moments(
        self, flux: np.ndarray, coverage: np.ndarray, ivar: np.ndarray, features: np.ndarray, snr: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray | None]:
        """Means and standard deviations of many answers at once, without passes of MC dropout.

        Parameters
        ----------
        flux, coverage, ivar : (n, 6800)
            As `stellar_core.preprocessing.spectra.normalise_with_ivar` gives them.
        features : (n, 29)
            NaN is a star without photometry.
        snr : (n,)
            S/N per pixel.

        Returns
        -------
        mean : (n, 5) float64
            In the order of `QUANTITIES`.
        std : (n, 5) float64 or None
            None where the network itself gives no width.
        """

    @property
    def reads_spectrum(self) -> bool:
        """Whether the spectrum enters the answer."""
        return True

    @cached_property
    def emulator(self) -> SpectralEmulator:
        """The spectral emulator, for velocities, the gate and overlays."""
        return SpectralEmulator.load()

    @cached_property
    def templates(self) -> np.ndarray:
        """(10, 6800) emulated spectra that velocities are measured against."""
        return self.emulator.spectra(*np.array(TEMPLATES).T)

    def prepare(self, spectrum: Spectrum) -> PreparedSpectrum:
        """The spectrum as the network sees it; see `stellar_core.preprocessing.spectra.prepare`."""
        return prepare(spectrum, self.templates)

    def warm(self) -> None:
        """Answer for an emulated star, so that the first real one need not wait for what is made on first use."""
        star = Spectrum(GRID, self.templates[5], np.full(GRID.size, 400.0), redshift=0.0)
        self.estimate(star, samples=2)

    def reads_photometry(self, spectrum: Spectrum) -> bool:
        """Whether the star's photometry enters its answer: by default if it is complete."""
        return spectrum.photometry is not None and spectrum.photometry.complete

    def estimate(self, spectrum: Spectrum, *, samples: int = 50, seed: int = 0, label: str = "") -> Result:
        """Age, lifetime, stage and atmosphere of one star.

        Parameters
        ----------
        spectrum : Spectrum
            Its photometry is used where complete and where the network reads photometry.
        samples : int
            Passes of MC dropout, 2 to 1000.
        seed : int
            The same seed gives the same numbers.
        label : str
            What the user gave, for the result; the star's name by default.

        Returns
        -------
        Result

        Raises
        ------
        SpectrumError
            If the spectrum is flat, empty or hardly covered, or the network reads photometry
            alone and the star has none.
        ParameterError
            If ``samples`` or ``seed`` is out of range.
        """
        if not 2 <= samples <= MAX_SAMPLES:
            raise ParameterError(
                f"The number of passes lies between 2 and {MAX_SAMPLES}; got {samples}.", value=samples
            )
        if not 0 <= seed < 2**63:
            raise ParameterError(f"A seed is a whole number from 0; got {seed}.", value=seed)
        inputs = features(spectrum.photometry if self.reads_photometry(spectrum) else None)
        prepared = self.prepare(spectrum)
        answer = self.answer(prepared, inputs, samples, seed)
        return self._result(spectrum, prepared, answer, samples, seed, label)

    def scores(
        self, prepared: Sequence[PreparedSpectrum], inputs: np.ndarray, atmosphere: np.ndarray, embedding: np.ndarray
    ) -> np.ndarray:
        """(n, 8) scores of the gate for prepared spectra, features (n, 29), atmospheres (n, 3) and embeddings (n, width)."""
        arrays = (np.stack([getattr(item, name) for item in prepared]) for name in ("flux", "coverage", "ivar"))
        snr = np.array([item.snr for item in prepared])
        return self.gate.scores(embedding, signs(self.emulator, *arrays, inputs, atmosphere, snr))

    def _result(
        self, spectrum: Spectrum, prepared: PreparedSpectrum, answer: Answer, samples: int, seed: int, label: str
    ) -> Result:
        inputs = features(spectrum.photometry if answer.photometry == "used" else None)
        scores = self.scores([prepared], inputs[None], answer.atmosphere[None], answer.embedding)[0]
        verdict = judge(spectrum, prepared, answer.atmosphere, scores, self.gate.thresholds, self.emulator)
        messages = verdict.messages + answer.remarks + prepared.notes
        return Result(
            input=label or spectrum.name,
            star=spectrum.name,
            source=spectrum.source,
            model=self.name,
            seed=seed,
            samples=samples,
            **answer.intervals,
            stage={name: float(p) for name, p in zip(STAGES, answer.stage)},
            verdict=Verdict(verdict.in_domain, tuple(dict.fromkeys(messages))),
            draws=dict(answer.draws) if answer.stage_passes is None else {**answer.draws, "stage": answer.stage_passes},
            network=answer.network,
            parts=answer.parts,
            quality={
                "snr": round(prepared.snr, 2),
                "coverage": round(prepared.covered_fraction, 4),
                "redshift": prepared.redshift,
                "redshift_source": prepared.redshift_source,
                "photometry": answer.photometry,
                "feature_distance": round(float(scores[0]), 3),
                "misfit": round(float(scores[1]), 3),
                "limits": [round(float(limit), 3) for limit in self.gate.thresholds[:2]],
                "gate": {name: round(float(s / t), 3) for name, s, t in zip(SCORES, scores, self.gate.thresholds)},
            },
        )
