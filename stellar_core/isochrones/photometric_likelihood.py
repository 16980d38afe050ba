"""Likelihood of track samples given magnitudes and a parallax, marginal over distance, extinction and companions.

For a sample and an extinction, the magnitudes give a distance modulus and the chi-square of the colours. The modulus
has a Gaussian error, common to all samples, so the integral over the distance - parallax, density of stars, light of
an unresolved companion - depends on the modulus alone: it is tabulated once per star.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numba import njit

from stellar_core.bolometric_corrections import load_all_bands
from stellar_core.constants import SUN_MBOL, SUN_TEFF
from stellar_core.errors import ParameterError
from stellar_core.isochrones.mesh import TrackSamples

#: Errors of the models' magnitudes: of each band, and common to all (zero points, bolometric corrections), mag.
BAND_ERROR, COMMON_ERROR = 0.02, 0.03
#: Scale length of the density of stars, pc: dN proportional to d^2 exp(-d / L) dd (Bailer-Jones 2015, PASP 127, 994).
SCALE_LENGTH = 1350.0
#: Unknown extinction: A_V at which it is summed, mag, and the mean of its exponential prior.
AV_NODES, AV_MEAN = np.array([0.0, 0.03, 0.08, 0.15, 0.25, 0.4, 0.6, 0.9, 1.3, 1.8, 2.5]), 0.3
#: Light of an unresolved companion, mag, and the share of stars with it (after Raghavan et al. 2010, ApJS 190, 1).
COMPANION_LIGHT = np.array([0.0, 0.1, 0.3, 0.5, 0.7])
COMPANION_SHARE = np.array([0.78, 0.10, 0.05, 0.04, 0.03])
#: Distance moduli of the table, mag: 1 pc to 100 kpc.
MODULI = np.arange(-5.0, 20.0, 0.01)


@dataclass(frozen=True)
class PhotometricLikelihood:
    """Magnitudes of any bands, and the parallax and extinction where they are known.

    Attributes
    ----------
    magnitudes : mapping of str to (float, float)
        Band (u, g, r, i, z in AB; G, BP, RP, J, H, Ks in the Vega system) to magnitude and error, mag.
    parallax, parallax_error : float or None
        mas, corrected for the zero point; may be negative.
    av, av_error : float or None
        Extinction A_V, mag; unknown by default.
    """

    magnitudes: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    parallax: float | None = None
    parallax_error: float | None = None
    av: float | None = None
    av_error: float | None = None

    def __post_init__(self) -> None:
        known = load_all_bands().bands
        for band, values in self.magnitudes.items():
            if band not in known:
                raise ParameterError(f"There is no band {band!r}; there are {', '.join(known)}.", value=band)
            if not (len(values) == 2 and np.isfinite(values).all() and values[1] > 0 and -30 < values[0] < 50):
                raise ParameterError(f"The magnitude of {band} and its error must be finite, the error positive.")
        for name, value, error in (
            ("parallax", self.parallax, self.parallax_error),
            ("extinction", self.av, self.av_error),
        ):
            if (value is None) != (error is None):
                raise ParameterError(f"The {name} needs its error, and the error its {name}.")
            if value is not None and not (np.isfinite(value) and 0 < error < np.inf):
                raise ParameterError(f"The {name} must be finite and its error positive, got {value} and {error}.")
        if self.parallax is not None and not self.magnitudes:
            raise ParameterError("A parallax tells the age only together with a magnitude.")

    @property
    def spread(self) -> float:
        """Error of the distance modulus from the magnitudes, mag."""
        return float(np.sqrt(1.0 / self._precision.sum() + COMMON_ERROR**2))

    @property
    def sharpness(self) -> np.ndarray:
        """(3,) resolution of these data in Teff (K), log g and metallicity (dex), for the extent of the samples."""
        if not self.magnitudes:
            return np.full(3, np.inf)
        colour = float(np.sqrt(1.0 / self._precision).min()) if len(self.magnitudes) > 1 else np.inf
        modulus = np.inf
        if self.parallax is not None and self.parallax > 3 * self.parallax_error:
            modulus = float(np.hypot(2.17 * self.parallax_error / self.parallax, self.spread))
        return np.array([max(1500.0 * colour, 20.0), max(0.4 * modulus, 0.02), np.inf])

    def log_likelihood(self, samples: TrackSamples) -> np.ndarray:
        """(n_sample,) log likelihood of each sample."""
        if not self.magnitudes:
            return np.zeros(len(samples))
        found = np.empty(len(samples))
        _sum_extinctions(*self._arguments(samples), self._log_integral, found, np.empty(0), np.empty((0, 0)))
        return found

    def distance_and_extinction(
        self, samples: TrackSamples, weight: np.ndarray
    ) -> tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]:
        """Posteriors of distance and extinction.

        Parameters
        ----------
        samples : TrackSamples
        weight : (n_sample,) float
            Their posterior probabilities, this likelihood included.

        Returns
        -------
        distance, probability : (n_modulus,) float
            pc.
        av, probability : (n_node,) float
            mag.
        """
        shares = np.zeros((len(self._av[0]), MODULI.size))
        _sum_extinctions(*self._arguments(samples), self._log_integral, np.empty(len(samples)), weight, shares)
        inferred = shares.sum(axis=0) / np.maximum(np.exp(self._log_integral), 1e-300)
        spread = np.convolve(inferred, self._kernel, mode="same")
        density = np.exp(self._log_density) * sum(
            share * _shifted(spread, light) for light, share in zip(COMPANION_LIGHT, COMPANION_SHARE)
        )
        extinction = shares.sum(axis=1)
        return (10.0 ** (1.0 + 0.2 * MODULI), density / density.sum()), (self._av[0], extinction / extinction.sum())

    @cached_property
    def _precision(self) -> np.ndarray:
        """(n_band,) inverse variances of the magnitudes, errors of the models included."""
        return np.array([1.0 / (error**2 + BAND_ERROR**2) for _, error in self.magnitudes.values()])

    @cached_property
    def _av(self) -> tuple[np.ndarray, np.ndarray]:
        """Extinctions (mag) and the logarithms of their prior shares, (n_node,) each."""
        if self.av is None:
            width = np.gradient(AV_NODES)
            share = np.exp(-AV_NODES / AV_MEAN) * width
            return AV_NODES, np.log(share / share.sum())
        steps = np.linspace(-2.0, 2.0, 7)
        nodes = np.maximum(self.av + self.av_error * steps, 0.0)
        share = np.exp(-0.5 * steps**2)
        return nodes, np.log(share / share.sum())

    @cached_property
    def _log_density(self) -> np.ndarray:
        """(n_modulus,) log density of the modulus: stars per magnitude times the likelihood of the parallax.

        The likelihood is averaged over a step of the table, however precise the parallax.
        """
        distance = 10.0 ** (1.0 + 0.2 * MODULI)
        found = 3.0 * np.log(distance) - distance / SCALE_LENGTH
        if self.parallax is not None:
            from scipy.special import log_ndtr

            step = MODULI[1] - MODULI[0]
            low, high = (10.0 ** (2.0 - 0.2 * (MODULI + sign * 0.5 * step)) for sign in (1, -1))  # mas
            upper, lower = (log_ndtr((edge - self.parallax) / self.parallax_error) for edge in (high, low))
            flip = low > self.parallax  # the far tail is precise on its own side only
            mirror = [log_ndtr((self.parallax - edge) / self.parallax_error) for edge in (low, high)]
            upper, lower = np.where(flip, mirror[0], upper), np.where(flip, mirror[1], lower)
            with np.errstate(divide="ignore"):
                inside = upper + np.log(-np.expm1(np.minimum(lower - upper, 0.0)))
            found = found + inside - np.log(high - low)
        return np.maximum(found - found.max(), -600.0)

    @cached_property
    def _kernel(self) -> np.ndarray:
        """Gaussian of the error of the modulus on the steps of the table; sums to 1."""
        step = MODULI[1] - MODULI[0]
        half = int(np.ceil(5.0 * self.spread / step))
        found = np.exp(-0.5 * (np.arange(-half, half + 1) * step / self.spread) ** 2)
        return found / found.sum()

    @cached_property
    def _log_integral(self) -> np.ndarray:
        """(n_modulus,) log of the integral over distance and companions, for the modulus of the magnitudes."""
        plain = np.convolve(np.exp(self._log_density), self._kernel, mode="same")
        mixed = sum(share * _shifted(plain, -light) for light, share in zip(COMPANION_LIGHT, COMPANION_SHARE))
        return np.log(np.maximum(mixed, 1e-260))

    def _arguments(self, samples: TrackSamples) -> tuple[object, ...]:
        table = load_all_bands()
        bands = np.array([table.bands.index(band) for band in self.magnitudes])
        magnitudes = np.array([value for value, _ in self.magnitudes.values()], float)
        return (
            samples.log_teff, samples.logg, samples.feh_surface, samples.log_radius,
            (table.teff, table.logg, table.feh), table.correction, table.extinction,
            bands, magnitudes, self._precision, *self._av,
            (SUN_MBOL, np.log10(SUN_TEFF), MODULI[0], MODULI[1] - MODULI[0]),
        )  # fmt: skip


def _shifted(values: np.ndarray, light: float) -> np.ndarray:
    """``values`` (n_modulus,) at the modulus minus ``light`` (mag)."""
    return np.interp(MODULI - light, MODULI, values)


@njit(cache=True, nogil=True, error_model="numpy")
def _sum_extinctions(
    log_teff, logg, feh, log_radius, axes, correction, extinction, bands, magnitudes, precision, av, log_share, sun,
    log_integral, found, weight, shares,
):  # fmt: skip
    """Fill ``found`` (n_sample,) with log likelihoods; with ``weight``, add them to ``shares`` (n_node, n_modulus)."""
    bolometric_sun, log_teff_sun, first, step = sun
    n_band, n_node, last = bands.size, av.size, log_integral.size - 1
    total = precision.sum()
    value, dust, term = np.empty(n_band), np.empty(n_band), np.empty(n_node)
    place = np.empty(n_node, np.int64)
    cell, part, point = np.empty(3, np.int64), np.empty(3), np.empty(3)
    for n in range(found.size):
        point[0], point[1], point[2] = 10.0 ** float(log_teff[n]), logg[n], feh[n]
        for a in range(3):
            axis = axes[a]
            x = min(max(point[a], axis[0]), axis[-1])
            low = min(max(np.searchsorted(axis, x, side="right") - 1, 0), axis.size - 2)
            cell[a] = low
            part[a] = (x - axis[low]) / (axis[low + 1] - axis[low])
        value[:], dust[:] = 0.0, 0.0
        for i in range(2):
            for j in range(2):
                for k in range(2):
                    w = (
                        (part[0] if i else 1 - part[0])
                        * (part[1] if j else 1 - part[1])
                        * (part[2] if k else 1 - part[2])
                    )
                    for b in range(n_band):
                        value[b] += w * correction[cell[0] + i, cell[1] + j, cell[2] + k, bands[b]]
                        dust[b] += w * extinction[cell[0] + i, cell[1] + j, cell[2] + k, bands[b]]
        bolometric = bolometric_sun - 5.0 * log_radius[n] - 10.0 * (log_teff[n] - log_teff_sun)
        best = -np.inf
        for v in range(n_node):
            modulus = 0.0
            for b in range(n_band):
                modulus += precision[b] * (magnitudes[b] - bolometric + value[b] - av[v] * dust[b])
            modulus /= total
            chi2 = 0.0
            for b in range(n_band):
                chi2 += precision[b] * (magnitudes[b] - bolometric + value[b] - av[v] * dust[b] - modulus) ** 2
            index = min(max((modulus - first) / step, 0.0), last - 1e-6)
            place[v] = int(index)
            fraction = index - place[v]
            integral = (1.0 - fraction) * log_integral[place[v]] + fraction * log_integral[place[v] + 1]
            term[v] = log_share[v] - 0.5 * chi2 + integral
            best = max(best, term[v])
        total_share = 0.0
        for v in range(n_node):
            total_share += np.exp(term[v] - best)
        found[n] = best + np.log(total_share)
        if weight.size:
            for v in range(n_node):
                shares[v, place[v]] += weight[n] * np.exp(term[v] - best) / total_share
