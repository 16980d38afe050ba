"""Does the network know such an object? A gate in front of every answer.

The penultimate features of good stars have a mean and a spread; how far a star is from them is one
score (Mahalanobis). The others are signs that its spectrum is not that of the star it was taken for,
see `stellar_core.inference.spectral_diagnostics`. Each has a limit, and all limits together are passed by one per
cent of good stars.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from stellar_core.inference.result import Verdict
from stellar_core.inference.spectral_diagnostics import SIGNS
from stellar_core.mock.emulator import SpectralEmulator
from stellar_core.preprocessing.quality import Remark, quality_remarks
from stellar_core.preprocessing.spectra import PreparedSpectrum
from stellar_core.spectrum import Spectrum

#: Scores of the gate. The last has a limit of its own, since a star is not bad for what was not observed.
SCORES = ("distance", "misfit", "spikes", "telluric", "velocity", "slope", "colours", "lost")
#: Principal components of the penultimate layer that the distance uses.
COMPONENTS = 24
#: False alarms on calibration stars of all limits together.
FALSE_ALARMS = 0.01
#: Part of the usual coverage that may be missing before it is said.
LOST = 0.25
#: Room above the limits of MOCK stars for what real spectra have and mock ones lack: residuals of the sky and of
#: telluric bands, flux calibration, velocities of the pipeline. In the order of `SCORES`.
ROOM = np.array([1.0, 1.0, 2.0, 2.0, 1.5, 1.5, 1.5, 1.0], np.float32)
#: Highest Teff that is answered, K; the network was taught up to 10,000 K.
HOTTEST = 9500.0
#: What a score above its limit means. The misfit has its own sentence.
_WORDS = {
    "distance": "Unlike the stars the network was taught on",
    "spikes": "Single pixels stand out by many errors: cosmic rays, bad sky, or emission lines",
    "telluric": "The bands of oxygen of the Earth's atmosphere were not taken out",
    "velocity": "The lines are not where the redshift puts them: a wrong redshift, or a galaxy or quasar",
    "slope": "The slope of the spectrum is not that of such a star: dust, a wrong flux calibration, or a companion",
    "colours": "Photometry and spectrum disagree: they may be of different stars, or the flux calibration is wrong",
}
#: Scores above their limit that forbid trust. Dust tilts good spectra, so a slope alone is only said.
_REFUSING = ("distance", "spikes", "telluric", "velocity", "colours")
_NEVER = 1e9


@dataclass(frozen=True)
class DomainGate:
    """Limits, and what good stars are like.

    Attributes
    ----------
    mean : (width,), basis : (COMPONENTS, width)
        Whitening of the penultimate layer.
    thresholds : (8,) float32
        Of `SCORES`.
    slope : (2,) float32
        Median and scatter of the slope.
    colours : (4, 2), spread : (2, 2) float32
        Photometric colours from those of the spectrum, and the factor that whitens what is left.
    """

    mean: np.ndarray
    basis: np.ndarray
    thresholds: np.ndarray
    slope: np.ndarray
    colours: np.ndarray
    spread: np.ndarray

    @classmethod
    def fit(cls, embedding: np.ndarray, signs: np.ndarray) -> DomainGate:
        """From the penultimate features (n, width) and `signs` (n, 10) of calibration stars."""
        mean = embedding.mean(0)
        _, singular, vectors = np.linalg.svd(embedding - mean, full_matrices=False)
        count = min(COMPONENTS, int((singular > 1e-6 * singular[0]).sum()))
        basis = vectors[:count] / (singular[:count, None] / np.sqrt(len(embedding)))
        slope = signs[:, SIGNS.index("slope")]
        middle = np.median(slope)
        scatter = np.array([middle, 1.4826 * np.median(np.abs(slope - middle)) + 1e-6])
        never = np.full(len(SCORES), _NEVER)
        arrays = mean, basis, never, scatter, *_fit_colours(signs)
        gate = cls(*(np.asarray(part, np.float32) for part in arrays))
        scores = gate.scores(embedding, signs)
        return cls(gate.mean, gate.basis, _limits(scores), gate.slope, gate.colours, gate.spread)

    def distance(self, embedding: np.ndarray) -> np.ndarray:
        """(n,) Mahalanobis distance of (n, width) features, per square root of component."""
        return np.sqrt((((embedding - self.mean) @ self.basis.T) ** 2).mean(axis=1))

    def scores(self, embedding: np.ndarray, signs: np.ndarray) -> np.ndarray:
        """(n, 8) all `SCORES`; without photometry the colours say nothing."""
        by_name = dict(zip(SIGNS, signs.T))
        slope = np.abs(by_name["slope"] - self.slope[0]) / self.slope[1]
        rest = (_colour_terms(signs) @ self.colours - signs[:, -2:]) @ self.spread
        colours = np.nan_to_num(np.sqrt((rest**2).mean(axis=1)))
        plain = (by_name[name] for name in ("misfit", "spikes", "telluric", "velocity"))
        return np.column_stack([self.distance(embedding), *plain, slope, colours, by_name["lost"]])

    def alarm(self, scores: np.ndarray) -> np.ndarray:
        """(n,) the largest score over its limit: above 1 the gate speaks."""
        return (scores / self.thresholds).max(axis=1)

    def arrays(self) -> dict[str, np.ndarray]:
        """For the weights file, under ``domain.``."""
        return {f"domain.{name}": getattr(self, name) for name in self.__dataclass_fields__}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray]) -> DomainGate:
        """The inverse of `arrays`; a limit that was not stored is never passed."""
        thresholds = np.full(len(SCORES), _NEVER, np.float32)
        stored = np.asarray(arrays["domain.thresholds"], np.float32)
        thresholds[: stored.size] = stored
        others = {"slope": np.array([0, 1]), "colours": np.zeros((4, 2)), "spread": np.zeros((2, 2))}
        rest = (np.asarray(arrays.get(f"domain.{name}", value), np.float32) for name, value in others.items())
        return cls(*(np.asarray(arrays[f"domain.{name}"], np.float32) for name in ("mean", "basis")), thresholds, *rest)


def _limits(scores: np.ndarray) -> np.ndarray:
    """(8,) limits at one and the same quantile of each score, which `FALSE_ALARMS` of the stars pass in any, with `ROOM`."""
    low, high = 1.0 - FALSE_ALARMS, 1.0
    for _ in range(30):
        middle = 0.5 * (low + high)
        above = (scores[:, :-1] > np.quantile(scores[:, :-1], middle, axis=0)).any(axis=1).mean()
        low, high = (middle, high) if above > FALSE_ALARMS else (low, middle)
    limits = np.append(np.maximum(np.quantile(scores[:, :-1], high, axis=0), 1e-3), LOST)
    return (limits * ROOM).astype(np.float32)


def _colour_terms(signs: np.ndarray) -> np.ndarray:
    blue, red = signs[:, SIGNS.index("blue")], signs[:, SIGNS.index("red")]
    return np.column_stack([np.ones_like(blue), blue, red, blue**2])


def _fit_colours(signs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Least squares, twice, the second time without stars further off than five scatters."""
    terms, wanted = _colour_terms(signs), signs[:, -2:]
    use = np.isfinite(terms).all(axis=1) & np.isfinite(wanted).all(axis=1)
    if use.sum() < 20:
        return np.zeros((4, 2)), np.zeros((2, 2))
    for _ in range(2):
        fitted = np.linalg.lstsq(terms[use], wanted[use], rcond=None)[0]
        rest = terms @ fitted - wanted
        scatter = 1.4826 * np.nanmedian(np.abs(rest[use]), axis=0)
        use &= (np.abs(np.nan_to_num(rest, nan=np.inf)) < 5 * scatter).all(axis=1)
    return fitted, np.linalg.inv(np.linalg.cholesky(np.cov(rest[use].T))).T


def judge(
    spectrum: Spectrum,
    prepared: PreparedSpectrum,
    atmosphere: np.ndarray,
    scores: np.ndarray,
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
    scores, thresholds : (8,) float
        Of `SCORES`.
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
    for name, score, limit in zip(SCORES, scores, thresholds):
        if score <= limit:
            continue
        measured = f"{score:.1f}, limit {limit:.1f}"
        if name == "misfit":
            text = (
                f"The spectrum does not look like the star it was taken for ({like}; misfit {measured}): a galaxy or quasar, "
                "a white dwarf, a binary, or damaged data."
            )
            remarks.append(Remark(text, True))
        elif name == "lost":
            remarks.append(
                Remark(f"{100 * score:.0f} % of the usual spectrum is missing; errors are larger for it.", False)
            )
        else:
            remarks.append(Remark(f"{_WORDS[name]} ({name} {measured}).", name in _REFUSING))
    return Verdict(not any(remark.refuses for remark in remarks), tuple(remark.text for remark in remarks))
