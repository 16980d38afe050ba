"""One star in, one `Result` out."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Mapping

import numpy as np
from torch import nn

from stellar_core.cards import TRAINED_DIR
from stellar_core.errors import ModelError, ParameterError
from stellar_core.inference.calibration import Calibration
from stellar_core.inference.domain import DomainGate, judge, misfit
from stellar_core.inference.mc_dropout import QUANTITIES, Passes, run_passes
from stellar_core.inference.result import Interval, Result, Verdict
from stellar_core.mock.emulator import SpectralEmulator
from stellar_core.models.checkpoints import load_network
from stellar_core.preprocessing.features import features
from stellar_core.preprocessing.spectra import PreparedSpectrum, prepare
from stellar_core.spectrum import Spectrum
from stellar_core.stages import STAGES

DEFAULT_MODEL = "paper-setup-a"
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
class Estimator:
    """A trained network with its calibration and its domain gate; make one with :meth:`load`.

    Never changed after loading, so that threads may share it.
    """

    name: str
    network: nn.Module
    calibration: Calibration
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
        if Path(name).name != name or name in ("", ".", ".."):
            raise ModelError(f"{name!r} is not the name of a model.", value=name)
        network, arrays, card = load_network(TRAINED_DIR / name)
        try:
            calibration, gate = Calibration.from_arrays(arrays), DomainGate.from_arrays(arrays)
        except KeyError as error:
            raise ModelError(f"The model {name} lacks its calibration ({error}).") from None
        return Estimator(name, network, calibration, gate, card)

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

    def estimate(
        self, spectrum: Spectrum, *, samples: int = 50, seed: int = 0, label: str = ""
    ) -> Result:
        """Age, lifetime, stage and atmosphere of one star.

        Parameters
        ----------
        spectrum : Spectrum
            Its photometry is used where complete.
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
            If the spectrum is flat, empty or hardly covered.
        ParameterError
            If ``samples`` or ``seed`` is out of range.
        """
        if not 2 <= samples <= MAX_SAMPLES:
            raise ParameterError(f"The number of passes lies between 2 and {MAX_SAMPLES}; got {samples}.", value=samples)
        if not 0 <= seed < 2**63:
            raise ParameterError(f"A seed is a whole number from 0; got {seed}.", value=seed)
        prepared = self.prepare(spectrum)
        photometry = spectrum.photometry is not None and spectrum.photometry.complete
        inputs = features(spectrum.photometry if photometry else None)
        passes = run_passes(
            self.network, prepared.flux[None], prepared.coverage[None], inputs[None], samples, seed
        )
        return self._result(spectrum, prepared, passes, photometry, samples, seed, label)

    def _result(
        self,
        spectrum: Spectrum,
        prepared: PreparedSpectrum,
        passes: Passes,
        photometry: bool,
        samples: int,
        seed: int,
        label: str,
    ) -> Result:
        values, raw_stage = passes.values[0], passes.stage[0].mean(axis=0)
        draws = self.calibration.draws(values, int(raw_stage.argmax()), photometry)
        atmosphere = values[:, :3].mean(axis=0)
        scores = (
            float(self.gate.distance(passes.embedding)[0]),
            float(
                misfit(
                    self.emulator,
                    prepared.flux[None],
                    prepared.coverage[None],
                    atmosphere[None],
                    np.array([prepared.snr]),
                )[0]
            ),
        )
        verdict = judge(spectrum, prepared, atmosphere, scores, self.gate.thresholds, self.emulator)
        messages = verdict.messages + _remarks(draws, photometry) + prepared.notes
        stage = self.calibration.stage(raw_stage[None], photometry)[0]
        passes_stage = self.calibration.stage(passes.stage[0], photometry)
        columns = dict(zip(QUANTITIES, draws.T))
        return Result(
            input=label or spectrum.name,
            star=spectrum.name,
            source=spectrum.source,
            model=self.name,
            seed=seed,
            samples=samples,
            **{name: Interval.from_draws(column) for name, column in columns.items()},
            stage={name: float(p) for name, p in zip(STAGES, stage)},
            verdict=Verdict(verdict.in_domain, tuple(dict.fromkeys(messages))),
            draws={**columns, "stage": passes_stage},
            network={name: Interval.from_draws(column) for name, column in zip(QUANTITIES, values.T)},
            quality={
                "snr": round(prepared.snr, 2),
                "coverage": round(prepared.covered_fraction, 4),
                "redshift": prepared.redshift,
                "redshift_source": prepared.redshift_source,
                "photometry": "used" if photometry else "missing",
                "feature_distance": round(scores[0], 3),
                "misfit": round(scores[1], 3),
                "limits": [round(float(limit), 3) for limit in self.gate.thresholds],
            },
        )


def _remarks(draws: np.ndarray, photometry: bool) -> tuple[str, ...]:
    """Remarks that do not question the answer."""
    remarks = []
    if not photometry:
        remarks.append("No photometry: the answer rests on the spectrum alone.")
    older = float((draws[:, 3] > draws[:, 4]).mean())
    if older > 0.05:
        remarks.append(
            f"In {older:.0%} of the draws the age exceeds the lifetime: the paper's lifetime, 10 Gyr M^-2.5, "
            "ends with the main sequence and knows no metallicity."
        )
    return tuple(remarks)
