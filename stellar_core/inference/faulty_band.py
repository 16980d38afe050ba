"""Find a single magnitude that disagrees with the spectrum and with the other four.

Of 43 REAL stars with complete CALIBFLUX three have such a band, wrong by 0.2 to 0.4 mag; with it the network gave log g
wrong by up to 1.7 dex. A disagreement of several bands is left to the out-of-distribution check, since it may be the
spectrum that is wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from stellar_core.bolometric_corrections import load_bolometric
from stellar_core.dust_map import SFD_COEFFICIENTS
from stellar_core.intervals import Interval
from stellar_core.photometry import BANDS, Photometry
from stellar_core.preprocessing.features import FEATURE_NAMES
from stellar_core.preprocessing.spectra import PreparedSpectrum
from stellar_core.spectrum import Spectrum

#: Function from flux, coverage, ivar, features and S/N to means and standard deviations, as `BaseEstimator.moments`.
Moments = Callable[..., tuple[np.ndarray, np.ndarray | None]]
#: Error of the models' magnitudes, mag; of the extinction as a fraction; of E(B-V), mag.
MODEL_ERROR, DUST_FRACTION, DUST_ERROR = 0.02, 0.12, 0.004
#: Chi-square of the magnitudes about the inferred star above which the spectrum is asked alone: so it is for one REAL
#: star in four, and for 6 per cent of MOCK stars.
SUSPICIOUS = 3.0
#: Least deviation of the faulty band, sigma; largest chi-square of the others (99 per cent of 3 degrees of freedom).
DEVIATION, OTHERS = 3.5, 11.3
#: Errors of Teff (K), log g and [Fe/H] (dex) of a network that gives none.
NOMINAL = np.array([100.0, 0.25, 0.20])
#: Variance of the common offset of all bands, mag^2: the distance is free.
_FREE = 100.0


@dataclass(frozen=True)
class BandDeviations:
    """Deviations of magnitudes from a star of given atmosphere, at any distance.

    Attributes
    ----------
    chi2 : float
        Of all five bands, 4 degrees of freedom.
    deviation : (5,) float64
        Of each band from what the star and the other four bands predict, mag.
    significance : (5,) float64
        The same over its error.
    others : (5,) float64
        Chi-square without the band, 3 degrees of freedom.
    """

    chi2: float
    deviation: np.ndarray
    significance: np.ndarray
    others: np.ndarray

    @property
    def faulty(self) -> int | None:
        """Index of the single faulty band; None where there is none, or where several bands disagree."""
        band = int(np.argmax(np.abs(self.significance)))
        return band if abs(self.significance[band]) > DEVIATION and self.others[band] < OTHERS else None


def band_deviations(mean: np.ndarray, std: np.ndarray, photometry: Photometry) -> BandDeviations:
    """Compare complete photometry with a star.

    Parameters
    ----------
    mean, std : (3,) float
        Teff [K], log g, [Fe/H] [dex], and their errors.
    photometry : Photometry
    """
    steps = np.vstack([np.zeros(3), np.diag(std), -np.diag(std)])  # (7, 3)
    models = -load_bolometric().at(*(np.asarray(mean, float) + steps).T)[0]  # (7, 5), mag up to a constant
    slopes = 0.5 * (models[1:4] - models[4:])
    covariance = (
        np.diag(photometry.psf_mag_err**2 + MODEL_ERROR**2)
        + slopes.T @ slopes
        + DUST_FRACTION**2 * np.outer(photometry.extinction, photometry.extinction)
        + DUST_ERROR**2 * np.outer(SFD_COEFFICIENTS, SFD_COEFFICIENTS)
        + _FREE
    )
    rest = photometry.psf_mag - photometry.extinction - models[0]
    precision = np.linalg.inv(covariance)
    weighted, diagonal = precision @ (rest - rest.mean()), np.diag(precision)
    # Of a Gaussian: deviation of one coordinate from its mean given the others, and the chi-square without it.
    deviation, chi2 = weighted / diagonal, float((rest - rest.mean()) @ weighted)
    return BandDeviations(chi2, deviation, deviation * np.sqrt(diagonal), chi2 - deviation**2 * diagonal)


def without_faulty_band(
    spectrum: Spectrum, prepared: PreparedSpectrum, intervals: Mapping[str, Interval], moments: Moments
) -> Spectrum:
    """Remove a faulty band from a star's photometry.

    Parameters
    ----------
    spectrum : Spectrum
        With complete photometry.
    prepared : PreparedSpectrum
        Made from it.
    intervals : mapping of str to Interval
        Estimates of "teff", "logg" and "feh" from both.
    moments : callable
        Method of the estimator, to ask the spectrum alone.

    Returns
    -------
    Spectrum
        The same object where no band is faulty; else one whose photometry lacks the band, so that networks use the
        spectrum alone, with a note.
    """
    photometry = spectrum.photometry
    found = [intervals[name] for name in ("teff", "logg", "feh")]
    together = np.array([one.mean for one in found]), np.array([one.std for one in found])
    if band_deviations(*together, photometry).chi2 < SUSPICIOUS:
        return spectrum
    nothing = np.full((1, len(FEATURE_NAMES)), np.nan)
    arrays = prepared.flux[None], prepared.coverage[None], prepared.ivar[None], nothing
    mean, std = moments(*arrays, np.array([prepared.snr]))
    alone = band_deviations(mean[0, :3], NOMINAL if std is None else std[0, :3], photometry)
    if (band := alone.faulty) is None:
        return spectrum
    missing = np.where(np.arange(len(BANDS)) == band, np.nan, 0.0)
    kept = replace(photometry, psf_mag=photometry.psf_mag + missing, model_mag=photometry.model_mag + missing)
    direction = "fainter" if alone.deviation[band] > 0 else "brighter"
    note = (
        f"The {BANDS[band]} magnitude is {abs(alone.deviation[band]):.2f} mag {direction} than the spectrum and the "
        "other magnitudes allow: it is taken as faulty, and the photometry is not used."
    )
    return replace(spectrum, photometry=kept, notes=(*spectrum.notes, note))
