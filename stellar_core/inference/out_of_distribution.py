"""Flag objects unlike the stars that a network was trained on (out-of-distribution detection).

One score is the Mahalanobis distance of the penultimate features from those of calibration stars. The others compare
the spectrum with the emulated one of the inferred atmosphere, see `stellar_core.inference.spectral_diagnostics`. Each
score has a limit; together the limits flag one per cent of calibration stars.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from stellar_core.inference.result import Verdict
from stellar_core.inference.spectral_diagnostics import DIAGNOSTICS
from stellar_core.mock.emulator import SpectralEmulator
from stellar_core.preprocessing.quality import Remark, quality_remarks
from stellar_core.preprocessing.spectra import PreparedSpectrum
from stellar_core.spectrum import Spectrum

#: Names of the scores. The last has a fixed limit, since missing wavelengths alone do not make a star unusual.
SCORES = ("distance", "misfit", "spikes", "telluric", "velocity", "slope", "colours", "lost")
#: Principal components of the penultimate layer that the distance uses.
COMPONENTS = 24
#: Fraction of calibration stars that all limits together flag.
FALSE_ALARMS = 0.01
#: Fraction of the usual coverage that may be missing without a remark.
LOST = 0.25
#: Factors on the limits of MOCK stars, in the order of `SCORES`: they allow for features of real spectra that the mock
#: ones lack, such as sky and telluric residuals, flux calibration errors and errors of the pipeline's velocity.
MARGIN = np.array([1.0, 1.0, 2.0, 2.0, 1.5, 1.5, 1.5, 1.0], np.float32)
#: Highest trusted Teff, K; the networks are trained up to 10,000 K.
HOTTEST = 9500.0
#: Messages for scores above their limits. The misfit has its own.
_WORDS = {
    "distance": "Unlike the stars the model was trained on",
    "spikes": "Single pixels deviate by many sigma: cosmic rays, bad sky subtraction, or emission lines",
    "telluric": "Telluric oxygen bands are not removed",
    "velocity": "The lines are not at the given redshift: a wrong redshift, or a galaxy or quasar",
    "slope": "The slope of the continuum is unusual for such a star: dust, a flux calibration error, or a companion",
    "colours": "Photometry and spectrum disagree: different stars, or a flux calibration error",
}
#: Scores that flag a star. Dust tilts good spectra, so a slope alone is only a remark.
_FLAGGING = ("distance", "spikes", "telluric", "velocity", "colours")
_NEVER = 1e9


@dataclass(frozen=True)
class DomainCheck:
    """Limits of the scores, and the distributions that the scores are measured against.

    Attributes
    ----------
    mean : (width,), basis : (COMPONENTS, width)
        Whitening of the penultimate layer.
    thresholds : (8,) float32
        Of `SCORES`.
    slope : (2,) float32
        Median and scatter of the slope.
    colours : (4, 2), spread : (2, 2) float32
        Coefficients from colours of the spectrum to photometric ones, and the whitening of the residuals.
    """

    mean: np.ndarray
    basis: np.ndarray
    thresholds: np.ndarray
    slope: np.ndarray
    colours: np.ndarray
    spread: np.ndarray

    @classmethod
    def fit(cls, embedding: np.ndarray, diagnostics: np.ndarray) -> DomainCheck:
        """Fit to the penultimate features (n, width) and diagnostics (n, 10) of calibration stars."""
        mean = embedding.mean(0)
        _, singular, vectors = np.linalg.svd(embedding - mean, full_matrices=False)
        count = min(COMPONENTS, int((singular > 1e-6 * singular[0]).sum()))
        basis = vectors[:count] / (singular[:count, None] / np.sqrt(len(embedding)))
        slope = diagnostics[:, DIAGNOSTICS.index("slope")]
        middle = np.median(slope)
        scatter = np.array([middle, 1.4826 * np.median(np.abs(slope - middle)) + 1e-6])
        never = np.full(len(SCORES), _NEVER)
        arrays = mean, basis, never, scatter, *_fit_colours(diagnostics)
        unlimited = cls(*(np.asarray(part, np.float32) for part in arrays))
        scores = unlimited.scores(embedding, diagnostics)
        return replace(unlimited, thresholds=_limits(scores))

    def distance(self, embedding: np.ndarray) -> np.ndarray:
        """(n,) Mahalanobis distance of (n, width) features over the square root of the number of components."""
        return np.sqrt((((embedding - self.mean) @ self.basis.T) ** 2).mean(axis=1))

    def scores(self, embedding: np.ndarray, diagnostics: np.ndarray) -> np.ndarray:
        """Compute all `SCORES` (n, 8); the score of the colours is 0 without photometry."""
        by_name = dict(zip(DIAGNOSTICS, diagnostics.T))
        slope = np.abs(by_name["slope"] - self.slope[0]) / self.slope[1]
        rest = (_colour_terms(diagnostics) @ self.colours - diagnostics[:, -2:]) @ self.spread
        colours = np.nan_to_num(np.sqrt((rest**2).mean(axis=1)))
        plain = (by_name[name] for name in ("misfit", "spikes", "telluric", "velocity"))
        return np.column_stack([self.distance(embedding), *plain, slope, colours, by_name["lost"]])

    def arrays(self) -> dict[str, np.ndarray]:
        """For the weights file, under ``domain.``."""
        return {f"domain.{name}": getattr(self, name) for name in self.__dataclass_fields__}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray]) -> DomainCheck:
        """Invert `arrays`; a score without a stored limit never flags."""
        thresholds = np.full(len(SCORES), _NEVER, np.float32)
        stored = np.asarray(arrays["domain.thresholds"], np.float32)
        thresholds[: stored.size] = stored
        others = {"slope": np.array([0, 1]), "colours": np.zeros((4, 2)), "spread": np.zeros((2, 2))}
        rest = (np.asarray(arrays.get(f"domain.{name}", value), np.float32) for name, value in others.items())
        return cls(*(np.asarray(arrays[f"domain.{name}"], np.float32) for name in ("mean", "basis")), thresholds, *rest)


def _limits(scores: np.ndarray) -> np.ndarray:
    """(8,) limits: a common quantile of each score, such that `FALSE_ALARMS` of the stars exceed any, times
    `MARGIN`."""
    low, high = 1.0 - FALSE_ALARMS, 1.0
    for _ in range(30):
        middle = 0.5 * (low + high)
        above = (scores[:, :-1] > np.quantile(scores[:, :-1], middle, axis=0)).any(axis=1).mean()
        low, high = (middle, high) if above > FALSE_ALARMS else (low, middle)
    limits = np.append(np.maximum(np.quantile(scores[:, :-1], high, axis=0), 1e-3), LOST)
    return (limits * MARGIN).astype(np.float32)


def _colour_terms(diagnostics: np.ndarray) -> np.ndarray:
    blue, red = (diagnostics[:, DIAGNOSTICS.index(name)] for name in ("blue", "red"))
    return np.column_stack([np.ones_like(blue), blue, red, blue**2])


def _fit_colours(diagnostics: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Fit photometric colours by least squares, then again without outliers beyond five times the scatter."""
    terms, wanted = _colour_terms(diagnostics), diagnostics[:, -2:]
    use = np.isfinite(terms).all(axis=1) & np.isfinite(wanted).all(axis=1)
    if use.sum() < 20:
        return np.zeros((4, 2)), np.zeros((2, 2))
    for _ in range(2):
        fitted = np.linalg.lstsq(terms[use], wanted[use], rcond=None)[0]
        rest = terms @ fitted - wanted
        scatter = 1.4826 * np.nanmedian(np.abs(rest[use]), axis=0)
        use &= (np.abs(np.nan_to_num(rest, nan=np.inf)) < 5 * scatter).all(axis=1)
    return fitted, np.linalg.inv(np.linalg.cholesky(np.cov(rest[use].T))).T


def make_verdict(
    spectrum: Spectrum,
    prepared: PreparedSpectrum,
    atmosphere: np.ndarray,
    scores: np.ndarray,
    thresholds: np.ndarray,
    emulator: SpectralEmulator,
) -> Verdict:
    """Decide if a result can be trusted, with the reasons for caution.

    Parameters
    ----------
    spectrum : Spectrum
    prepared : PreparedSpectrum
        Made from it.
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
        remarks.append(Remark(f"Hotter than the models: {teff:.0f} K, above their {HOTTEST:.0f} K.", True))
    elif not emulator.domain(teff, logg, feh)[0]:
        remarks.append(Remark(f"The training library has no star like this one ({like}).", True))
    for name, score, limit in zip(SCORES, scores, thresholds):
        if score <= limit:
            continue
        measured = f"{score:.1f}, limit {limit:.1f}"
        if name == "misfit":
            text = (
                f"The spectrum does not match a star of the inferred parameters ({like}; misfit {measured}): a galaxy "
                "or quasar, a white dwarf, a binary, or corrupted data."
            )
            remarks.append(Remark(text, True))
        elif name == "lost":
            remarks.append(
                Remark(f"{100 * score:.0f} % of the usual wavelength range is missing; the errors are larger.", False)
            )
        else:
            remarks.append(Remark(f"{_WORDS[name]} ({name} {measured}).", name in _FLAGGING))
    return Verdict(not any(remark.refuses for remark in remarks), tuple(remark.text for remark in remarks))
