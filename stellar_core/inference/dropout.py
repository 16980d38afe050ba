"""Estimates of the paper's networks: MC dropout, widened by the residuals of calibration stars."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from torch import nn

from stellar_core.errors import SpectrumError
from stellar_core.inference.base import BaseEstimator, CalibratedOutput, error_budgets
from stellar_core.inference.calibration.dropout import DropoutCalibration
from stellar_core.inference.mc_dropout import QUANTITIES, run_once, run_passes
from stellar_core.inference.noise_resampling import COPIES, noisy_features, noisy_spectra
from stellar_core.inference.out_of_distribution import DomainCheck
from stellar_core.inference.parallax_term import ParallaxTerm
from stellar_core.intervals import Interval
from stellar_core.models.registry import Architecture
from stellar_core.preprocessing.spectra import PreparedSpectrum
from stellar_core.spectrum import Spectrum


@dataclass(frozen=True)
class DropoutEstimator(BaseEstimator):
    """One of the paper's eight networks.

    Attributes
    ----------
    calibration : DropoutCalibration
        Residuals of calibration stars and the temperature of the stage.
    """

    calibration: DropoutCalibration

    @classmethod
    def from_arrays(
        cls, name: str, network: nn.Module, card: Mapping[str, object], arrays: Mapping[str, np.ndarray]
    ) -> DropoutEstimator:
        """See `BaseEstimator.from_arrays`."""
        return cls(name, network, DomainCheck.from_arrays(arrays), card, DropoutCalibration.from_arrays(arrays))

    def reads_photometry(self, spectrum: Spectrum) -> bool:
        """True if the star's photometry is used: it is complete and the network reads it.

        Raises
        ------
        SpectrumError
            If the network reads photometry alone and the star has none.
        """
        architecture = self.network.architecture
        complete = spectrum.photometry is not None and spectrum.photometry.complete
        if architecture.requires_photometry and not complete:
            raise SpectrumError(
                f"The model {self.name} ({architecture.name}) reads photometry alone, and {spectrum.name} has no "
                "complete ugriz photometry.",
                value=spectrum.name,
                remedy="Choose a model that reads spectra.",
            )
        return architecture.uses_photometry and complete

    @property
    def reads_spectrum(self) -> bool:
        """True if the architecture has a branch for spectra."""
        return self.network.architecture.uses_spectrum

    def moments(
        self,
        flux: np.ndarray,
        coverage: np.ndarray,
        ivar: np.ndarray,
        features: np.ndarray,
        snr: np.ndarray,
        lines: bool = False,
    ) -> tuple[np.ndarray, None]:
        """See `BaseEstimator.moments`; not calibrated, since the calibrated width depends on stage and S/N alone."""
        return run_once(self.network, flux, coverage, features), None

    def infer(
        self, prepared: PreparedSpectrum, inputs: np.ndarray, samples: int, seed: int, term: ParallaxTerm | None = None
    ) -> CalibratedOutput:
        """See `BaseEstimator.infer`; a parallax is not used."""
        photometry, architecture = bool(np.isfinite(inputs).all()), self.network.architecture
        arrays = prepared.flux[None], prepared.coverage[None], inputs[None]
        passes = run_passes(self.network, *arrays, samples, seed)
        values, raw_stage = passes.values[0], passes.stage[0].mean(axis=0)
        draws = self.calibration.draws(values, int(raw_stage.argmax()), photometry, prepared.snr)
        columns = dict(zip(QUANTITIES, draws.T))
        intervals = {name: Interval.from_draws(column) for name, column in columns.items()}
        return CalibratedOutput(
            draws=columns,
            intervals=intervals,
            stage=self.calibration.stage(raw_stage[None], photometry)[0],
            network={name: Interval.from_draws(column) for name, column in zip(QUANTITIES, values.T)},
            stage_passes=self.calibration.stage(passes.stage[0], photometry),
            atmosphere=values[:, :3].mean(axis=0),
            embedding=passes.embedding,
            photometry=_photometry_word(photometry, architecture),
            remarks=_remarks(draws, photometry, architecture),
            parts=error_budgets(intervals, values.std(axis=0), self._noise(prepared, inputs, seed)),
        )

    def _noise(self, prepared: PreparedSpectrum, inputs: np.ndarray, seed: int) -> np.ndarray:
        """(5,) scatter of the output without dropout over copies with resampled noise."""
        rng = np.random.default_rng([seed, 11])
        flux = noisy_spectra(prepared.flux, prepared.ivar, COPIES, rng)
        coverage = np.repeat(prepared.coverage[None], COPIES, axis=0)
        return run_once(self.network, flux, coverage, noisy_features(inputs, COPIES, rng)).std(axis=0)


def _photometry_word(photometry: bool, architecture: Architecture) -> str:
    if not architecture.uses_photometry:
        return "not read by this model"
    return "used" if photometry else "missing"


def _remarks(draws: np.ndarray, photometry: bool, architecture: Architecture) -> tuple[str, ...]:
    """Remarks that leave the result trusted."""
    remarks = []
    if not architecture.uses_spectrum:
        remarks.append(f"{architecture.name} reads no spectrum: the result rests on the photometry alone.")
    elif not architecture.uses_photometry:
        remarks.append(f"{architecture.name} reads no photometry: the result rests on the spectrum alone.")
    elif not photometry:
        remarks.append("No photometry: the result rests on the spectrum alone.")
    older = float((draws[:, 3] > draws[:, 4]).mean())
    if older > 0.05:
        remarks.append(
            f"The age exceeds the lifetime in {older:.0%} of the draws: the paper's lifetime, 10 Gyr M^-2.5, "
            "ends with the main sequence and does not depend on metallicity."
        )
    return tuple(remarks)
