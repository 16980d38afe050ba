"""Does the network know such an object? A gate in front of every answer.

Two scores, each with a threshold at one per cent false alarms on calibration stars:
the distance of the penultimate features from those of stars (Mahalanobis), and how
far the spectrum is from the emulated spectrum of the star that the network says it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Mapping

import numpy as np

from stellar_core.inference.result import Verdict
from stellar_core.mock.emulator import SpectralEmulator
from stellar_core.preprocessing.quality import Remark, quality_remarks
from stellar_core.preprocessing.spectra import GRID, SMOOTH_WINDOW, PreparedSpectrum
from stellar_core.spectrum import Spectrum

#: Principal components of the penultimate layer that the distance uses.
COMPONENTS = 24
#: False alarms on calibration stars at the thresholds.
FALSE_ALARMS = 0.01
#: Highest Teff that is answered, K; the network was taught up to 10,000 K.
HOTTEST = 9500.0
#: Width of the running mean that takes the continuum out, Angstrom.
_WINDOW = 301


def line_profile(flux: np.ndarray, coverage: np.ndarray) -> np.ndarray:
    """Flux over its running mean within the coverage; NaN elsewhere.

    Parameters
    ----------
    flux : (n, 6800) float
    coverage : (n, 6800) bool

    Returns
    -------
    (n, 6800) float32
    """
    masked = np.where(coverage, flux, 0.0).astype(np.float64)
    half = _WINDOW // 2
    sums = [np.cumsum(np.pad(a, ((0, 0), (half + 1, half))), axis=1) for a in (masked, coverage.astype(float))]
    total, count = (s[:, _WINDOW:] - s[:, :-_WINDOW] for s in sums)
    continuum = np.maximum(total / np.maximum(count, 1.0), 0.02)
    return np.where(coverage, masked / continuum, np.nan).astype(np.float32)


def misfit(
    emulator: SpectralEmulator, flux: np.ndarray, coverage: np.ndarray, atmosphere: np.ndarray, snr: np.ndarray
) -> np.ndarray:
    """(n,) RMS of spectrum minus emulated spectrum, 3850-8800 A, over what noise and library leave.

    Single spikes are clipped, so that a cosmic ray or a sky line does not decide.

    Parameters
    ----------
    flux, coverage : (n, 6800)
        Prepared spectra.
    atmosphere : (n, 3)
        Teff [K], log g, [Fe/H] [dex].
    snr : (n,)
        Median S/N per pixel.
    """
    from scipy.ndimage import uniform_filter1d

    limits = np.clip(atmosphere, [3500.0, 0.0, -2.8], [12000.0, 5.2, 0.6])
    model = emulator.spectra(*limits.T)
    # The prepared spectrum went through a Savitzky-Golay filter; a short mean does nearly the same to the model.
    model = uniform_filter1d(model, SMOOTH_WINDOW // 3, axis=1)
    window = slice(int(3850 - GRID[0]), int(8800 - GRID[0]))
    difference = (line_profile(flux, coverage) - line_profile(model, coverage))[:, window]
    used = np.isfinite(difference)
    difference = np.where(used, np.clip(difference, -0.3, 0.3), 0.0)
    rms = np.sqrt((difference**2).sum(1) / np.maximum(used.sum(1), 1))
    return rms / np.hypot(0.5 / np.maximum(snr, 0.1), 0.02)


@dataclass(frozen=True)
class DomainGate:
    """Thresholds and the feature distribution of calibration stars.

    Attributes
    ----------
    mean : (width,), basis : (COMPONENTS, width)
        Whitening of the penultimate layer.
    thresholds : (2,) float32
        Of the distance and of the misfit.
    """

    mean: np.ndarray
    basis: np.ndarray
    thresholds: np.ndarray

    @classmethod
    def fit(cls, embedding: np.ndarray, misfits: np.ndarray) -> DomainGate:
        """From the penultimate features (n, width) and misfits (n,) of calibration stars."""
        mean = embedding.mean(0)
        _, singular, vectors = np.linalg.svd(embedding - mean, full_matrices=False)
        basis = vectors[:COMPONENTS] / (singular[:COMPONENTS, None] / np.sqrt(len(embedding)))
        gate = cls(mean.astype(np.float32), basis.astype(np.float32), np.zeros(2, np.float32))
        limits = [np.quantile(scores, 1 - FALSE_ALARMS) for scores in (gate.distance(embedding), misfits)]
        return cls(gate.mean, gate.basis, np.array(limits, dtype=np.float32))

    def distance(self, embedding: np.ndarray) -> np.ndarray:
        """(n,) Mahalanobis distance of (n, width) features, per square root of component."""
        return np.sqrt((((embedding - self.mean) @ self.basis.T) ** 2).mean(axis=1))

    def arrays(self) -> dict[str, np.ndarray]:
        """For the weights file, under ``domain.``."""
        return {"domain.mean": self.mean, "domain.basis": self.basis, "domain.thresholds": self.thresholds}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray]) -> DomainGate:
        """The inverse of `arrays`."""
        return cls(*(np.asarray(arrays[f"domain.{name}"], np.float32) for name in ("mean", "basis", "thresholds")))


def judge(
    spectrum: Spectrum,
    prepared: PreparedSpectrum,
    atmosphere: np.ndarray,
    scores: tuple[float, float],
    thresholds: np.ndarray,
    emulator: SpectralEmulator,
) -> Verdict:
    """The verdict: whether the answer may be trusted, and what speaks against it, in words.

    Parameters
    ----------
    spectrum : Spectrum
    prepared : PreparedSpectrum
        Made of it.
    atmosphere : (3,) float
        The network's mean Teff [K], log g, [Fe/H] [dex].
    scores, thresholds
        Feature distance and misfit, and their thresholds.
    emulator : SpectralEmulator

    Returns
    -------
    Verdict
    """
    remarks = [*quality_remarks(spectrum, prepared)]
    teff, logg, feh = (float(value) for value in atmosphere)
    like = f"{teff:.0f} K, log g {logg:.1f}, [Fe/H] {feh:+.1f}"
    if teff > HOTTEST:
        remarks.append(Remark(f"Hotter than the models: {teff:.0f} K; they reach {HOTTEST:.0f} K.", True))
    elif not emulator.domain(teff, logg, feh)[0]:
        remarks.append(Remark(f"The library that taught the network has no star like this one ({like}).", True))
    if scores[1] > thresholds[1]:
        text = (
            f"The spectrum does not look like the star it was taken for ({like}; misfit {scores[1]:.1f}, limit "
            f"{thresholds[1]:.1f}): a galaxy or quasar, a white dwarf, a binary, or damaged data."
        )
        remarks.append(Remark(text, True))
    if scores[0] > thresholds[0]:
        text = f"Unlike the stars the network was taught on (distance {scores[0]:.1f}, limit {thresholds[0]:.1f})."
        remarks.append(Remark(text, True))
    return Verdict(not any(remark.refuses for remark in remarks), tuple(remark.text for remark in remarks))
