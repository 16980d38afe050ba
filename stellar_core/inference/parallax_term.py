"""A parallax beside a network's posterior: the probability of parallax and magnitudes that the network has not seen.

A network that reads photometry has used the magnitudes u, g, r, i, z, and with them the distances of the stars that it
was trained on. Its posterior may be multiplied only by what is new,

    p(parallax, G, BP, RP | star, ugriz) = p(ugriz, G, BP, RP, parallax | star) / p(ugriz | star),

each side marginal over distance, extinction and companions (`PhotometricLikelihood`). For a spectrum alone the
denominator is 1.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from stellar_core.astrometry import Astrometry
from stellar_core.dust_map import SFD_COEFFICIENTS, galactic
from stellar_core.errors import ParameterError
from stellar_core.intervals import Interval
from stellar_core.isochrones.mesh import TrackSamples
from stellar_core.isochrones.photometric_likelihood import PhotometricLikelihood, corrections_of
from stellar_core.photometry import BANDS, Photometry
from stellar_core.spectrum import Spectrum

#: A_V over E(B-V) of the SFD map (Schlafly & Finkbeiner 2011, ApJ 737, 103, table 6, Landolt V).
AV_OF_SFD = 2.742
#: Samples are weighed down to these fractions of the most probable one, as far as needed; and the share of the
#: posterior within a factor of ten of a fraction from which the next one is needed.
TIERS, EDGE = (1e-4, 1e-7), 0.02
#: Probability from which a wrong parallax or a companion is reported.
LIKELY = 0.5
#: Samples below this fraction of the most probable one do not enter the distance.
NEGLIGIBLE = 1e-3


@dataclass(frozen=True)
class ParallaxTerm:
    """The factor of a star's parallax.

    Attributes
    ----------
    astrometry : Astrometry
    joint : PhotometricLikelihood
        Parallax and all magnitudes.
    seen : PhotometricLikelihood
        The magnitudes that the network has read; none for a spectrum alone.
    """

    astrometry: Astrometry
    joint: PhotometricLikelihood
    seen: PhotometricLikelihood

    @classmethod
    def of(cls, spectrum: Spectrum, reads_photometry: bool) -> ParallaxTerm | None:
        """Make the factor of a spectrum; None where it has no parallax.

        Parameters
        ----------
        spectrum : Spectrum
        reads_photometry : bool
            True if the network reads the star's photometry.

        Raises
        ------
        ParameterError
            If there is no magnitude beside the parallax.
        """
        if spectrum.astrometry is None:
            return None
        position = [_number(spectrum.meta.get(name)) for name in ("ra", "dec")]
        latitude = float(galactic(*position)[1])
        return cls.from_parts(spectrum.astrometry, spectrum.photometry, reads_photometry, latitude)

    @classmethod
    def from_parts(
        cls, astrometry: Astrometry, photometry: Photometry | None, reads_photometry: bool, latitude: float
    ) -> ParallaxTerm:
        """Make the factor from its parts; ``latitude`` is Galactic, degrees, NaN where unknown. Raises as `of`."""
        own = _magnitudes(photometry)
        seen = own if reads_photometry else {}
        magnitudes = {**seen, **astrometry.magnitudes} or own
        if not magnitudes:
            raise ParameterError(
                "A parallax needs a magnitude of the star, and there is none.",
                remedy="Look the star up in Gaia, or give the parallax of a star with ugriz photometry.",
            )
        dust = _dust(photometry, latitude)
        joint = PhotometricLikelihood(magnitudes, astrometry.parallax, astrometry.parallax_error, **dust)
        return cls(astrometry, joint, PhotometricLikelihood(seen, **dust))

    def log_ratio(self, samples: TrackSamples, corrections: np.ndarray | None = None) -> np.ndarray:
        """(n_sample,) log of the factor of each sample; ``corrections`` are rows of `corrections_of`, where known."""
        return self.joint.log_likelihood(samples, corrections) - self.seen.log_likelihood(samples, corrections)

    def weigh(
        self, stars: TrackSamples, index: np.ndarray, probability: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Multiply a posterior by the factor.

        Parameters
        ----------
        stars : TrackSamples
            All samples.
        index : (n,) int
            Those with probability.
        probability : (n,) float

        Returns
        -------
        index : (m,) int
            Those of ``index`` that keep some probability.
        probability : (m,) float
            Sums to 1.
        log_ratio : (m,) float
            See `log_ratio`.
        """
        share = probability / probability.max()
        kept, found, floor = np.empty(0, int), np.empty(0), np.inf
        for tier in TIERS:
            new = np.flatnonzero((share > tier) & (share <= floor))
            kept, found = (
                np.concatenate([kept, new]),
                np.concatenate([found, self.log_ratio(stars.select(index[new]), corrections_of(stars)[index[new]])]),
            )
            with np.errstate(divide="ignore"):
                log_weight = np.log(share[kept]) + found
            weight = np.exp(log_weight - log_weight.max())
            floor = tier
            if weight[share[kept] < 10.0 * tier].sum() < EDGE * weight.sum():
                break
        good = np.flatnonzero(weight > TIERS[-1])
        return index[kept[good]], weight[good] / weight[good].sum(), found[good]

    def describe(self, samples: TrackSamples, probability: np.ndarray) -> dict[str, object]:
        """Distance, extinction and doubts, given the posterior over ``samples`` (n,) with the factor included.

        Returns
        -------
        dict
            ``distance_pc`` and ``av_mag``, interval objects; ``wrong_parallax`` and ``companion``, probabilities.
        """
        likely = np.flatnonzero(probability > NEGLIGIBLE * probability.max())
        part = samples.select(likely), probability[likely]
        distance, extinction = (Interval.from_weighted(*one) for one in self.joint.distance_and_extinction(*part))
        doubts = {name: float(value) for name, value in self.joint.doubts(*part).items()}
        return {"distance_pc": distance.to_dict(), "av_mag": extinction.to_dict(), **doubts}


def remarks_on_parallax(astrometry: Astrometry, found: Mapping[str, object]) -> tuple[str, ...]:
    """Sentences for the verdict, from the output of `ParallaxTerm.describe`."""
    remarks = []
    if found["wrong_parallax"] > LIKELY:
        remarks.append(
            f"The parallax {astrometry.parallax:.3f} ± {astrometry.parallax_error:.3f} mas contradicts the spectrum "
            "and the brightness, and is not believed: it may belong to another star."
        )
    elif found["companion"] > LIKELY:
        remarks.append(
            "The star is brighter than a single star of its spectrum at this parallax: probably an unresolved binary."
        )
    return (*remarks, *astrometry.caveats, *astrometry.notes)


def has_magnitude(spectrum: Spectrum, astrometry: Astrometry) -> bool:
    """True if the parallax of a star can be used: there is a magnitude of it."""
    return bool(astrometry.magnitudes) or bool(_magnitudes(spectrum.photometry))


def _magnitudes(photometry: Photometry | None) -> dict[str, tuple[float, float]]:
    """PSF magnitudes and errors by band; the models' magnitudes are on the scale of PhotoObj as well."""
    if photometry is None:
        return {}
    values = zip(BANDS, photometry.psf_mag.tolist(), photometry.psf_mag_err.tolist())
    return {band: (value, error) for band, value, error in values if np.isfinite([value, error]).all() and error > 0}


def _dust(photometry: Photometry | None, latitude: float) -> Mapping[str, float]:
    """A_V of the whole line of sight and the latitude; empty where one is unknown."""
    column = np.nan if photometry is None else AV_OF_SFD * float(np.mean(photometry.extinction / SFD_COEFFICIENTS))
    if not (np.isfinite([column, latitude]).all() and 0 <= column < 100):
        return {}
    return {"dust_column": column, "latitude": latitude}


def _number(value: object) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        return np.nan
