"""Likelihood of track samples given magnitudes and a parallax, marginal over distance, extinction and companions.

For a sample and an extinction, the magnitudes give a distance modulus and the chi-square of the colours, both simple
functions of the extinction. The integral over the distance is tabulated in `DistanceModulus`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache

import numpy as np

from stellar_core.bolometric_corrections import GAIA_2MASS_BANDS, SDSS_BANDS, load_all_bands
from stellar_core.constants import SUN_MBOL, SUN_TEFF
from stellar_core.errors import ParameterError
from stellar_core.isochrones.distance_modulus import BRIGHT_COMPANION, DISTANCES, MODULI, STEP, DistanceModulus
from stellar_core.isochrones.extinction_sum import interpolate, sum_extinctions
from stellar_core.isochrones.mesh import TrackSamples, Window

#: Errors of the models' magnitudes, mag: of each band, about the scatter of the colours of the Gaia benchmark stars
#: (Soubiran et al. 2024, A&A 682, A145) and of SDSS's stars; and common to all.
BAND_ERROR = {
    **{"u": 0.08, "g": 0.05, "r": 0.03, "i": 0.03, "z": 0.04},
    **{"G": 0.03, "BP": 0.04, "RP": 0.03, "J": 0.04, "H": 0.04, "Ks": 0.04},
}
COMMON_ERROR = 0.03
#: Added to the models' magnitudes: MIST's stars are bluer in Gaia's bands than the benchmark stars, dwarfs and giants.
ZERO_POINT = {"BP": 0.018, "RP": -0.018}
#: Unknown extinction: the prior of A_V is exponential and ends at `AV_END`, mag. Its mean grows with the distance, from
#: that of the nearest stars to that of a sight-line through the dust layer at a typical latitude, on a scale in pc.
AV_NEAR, AV_FAR, AV_SCALE, AV_END = 0.02, 0.3, 1000.0, 2.5
#: Scale height of the dust, pc, and the error of a dust map (Schlegel et al. 1998), as a fraction and in mag of A_V.
DUST_HEIGHT, MAP_ERROR, MAP_FLOOR = 125.0, 0.16, 0.03
#: Change of log10 Teff with a colour, per mag, about that of g - r of dwarfs.
COLOUR_TEFF = 0.1
#: Depths in natural log: of the core of the luminosities that fit a star, and of all that matter.
CORE, REACH = 2.0, 18.0
#: Number of bands.
N_BAND = len(SDSS_BANDS + GAIA_2MASS_BANDS)
#: Columns of the posterior of the extinction.
N_EXTINCTION = 129
#: Atmospheres at which the luminosity is bounded, in errors from the observed one; Teff (K) and log g where unknown.
_STEPS = np.array([-5.0, -2.5, -1.0, 0.0, 1.0, 2.5, 5.0])
_TEMPERATURES = np.geomspace(2800.0, 20000.0, 30)
_GRAVITIES = np.array([0.5, 1.5, 2.5, 3.5, 4.25, 5.0])


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
        Extinction A_V of the star, mag; unknown by default.
    dust_column, latitude : float or None
        A_V of the whole line of sight, mag, from a dust map, and the Galactic latitude, degrees: a near star has less.
        Used where ``av`` is unknown.
    """

    magnitudes: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    parallax: float | None = None
    parallax_error: float | None = None
    av: float | None = None
    av_error: float | None = None
    dust_column: float | None = None
    latitude: float | None = None

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
        if (self.dust_column is None) != (self.latitude is None):
            raise ParameterError("The extinction of a dust map needs the Galactic latitude.")
        if self.dust_column is not None and not (0 <= self.dust_column < 100 and -90 <= self.latitude <= 90):
            raise ParameterError(
                f"The dust map's A_V lies between 0 and 100 mag and the latitude between -90 and 90 degrees; got "
                f"{self.dust_column} and {self.latitude}."
            )

    @property
    def words(self) -> str:
        """What is known, in words."""
        parallax = ["parallax"] if self.parallax is not None else []
        extinction = ["extinction"] if self.av is not None or self.dust_column is not None else []
        return ", ".join([*parallax, " ".join(self.magnitudes), *extinction])

    @cached_property
    def modulus(self) -> DistanceModulus:
        """What is known of the distance."""
        spread = float(np.sqrt(1.0 / self._precision.sum() + COMMON_ERROR**2))
        return DistanceModulus(spread, self.parallax, self.parallax_error)

    def log_likelihood(self, samples: TrackSamples, corrections: np.ndarray | None = None) -> np.ndarray:
        """(n_sample,) log likelihood of each sample; ``corrections`` are rows of `corrections_of`, where known."""
        return self.evaluate(samples, corrections=corrections)[0]

    def evaluate(
        self, samples: TrackSamples, log_weight: np.ndarray = np.empty(0), corrections: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """(n_sample,) log likelihood of each sample, and the chi-square of its colours at the best extinction.

        With ``log_weight`` (n_sample,), the log of the weights that the likelihood will multiply, samples that cannot
        matter get minus infinity.
        """
        found, colours = np.zeros(len(samples)), np.zeros(len(samples))
        if self.magnitudes:
            arguments = self._arguments(samples, corrections)
            sum_extinctions(*arguments, log_weight, found, colours, np.empty(0), np.empty((0, 0)))
        return found, colours

    def modulus_and_extinction(self, samples: TrackSamples, weight: np.ndarray) -> np.ndarray:
        """Posterior of the extinction (of `extinctions`) and of the modulus that the magnitudes give.

        Parameters
        ----------
        samples : TrackSamples
        weight : (n_sample,) float
            Their posterior probabilities, this likelihood included.

        Returns
        -------
        (n_extinction, n_modulus) float
            At `extinctions`, for `DistanceModulus.distances` and `DistanceModulus.fraction`.
        """
        shares = np.zeros((len(self.extinctions), MODULI.size))
        scratch = np.empty(len(samples))
        arguments = self._arguments(samples)
        sum_extinctions(*arguments, np.empty(0), scratch, scratch.copy(), np.asarray(weight, float), shares)
        return shares

    def distance_and_extinction(
        self, samples: TrackSamples, weight: np.ndarray
    ) -> tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]:
        """Distances (pc) with their probabilities, and extinctions A_V (mag) with theirs."""
        return self.summary(samples, weight)[:2]

    def doubts(self, samples: TrackSamples, weight: np.ndarray) -> dict[str, float]:
        """Posterior probabilities that the parallax is wrong, and that a companion adds 0.3 mag or more."""
        return self.summary(samples, weight)[2]

    def summary(
        self, samples: TrackSamples, weight: np.ndarray
    ) -> tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray], dict[str, float]]:
        """The results of `distance_and_extinction` and `doubts`, computed at once."""
        shares = self.modulus_and_extinction(samples, weight)
        extinction, moduli = shares.sum(axis=1), shares.sum(axis=0)
        doubts = {
            "wrong_parallax": self.modulus.fraction(moduli, wrong=True) if self.parallax is not None else 0.0,
            "companion": self.modulus.fraction(moduli, light=BRIGHT_COMPANION),
        }
        distance = DISTANCES, self.modulus.distances(moduli)
        return distance, (self.extinctions, extinction / extinction.sum()), doubts

    def window(self, window: Window, mean: np.ndarray, covariance: np.ndarray, spacing: float) -> Window:
        """The samples of ``window`` that fit the magnitudes and the parallax.

        ``spacing`` is their extent in errors; other arguments as for `luminosities`.
        """
        low, high, margin, resolution = self.luminosities(mean, covariance)
        sizes = np.append(window.resolution, spacing * resolution)
        if len(self.magnitudes) > 1:
            sizes[0] = min(sizes[0], spacing * COLOUR_TEFF * float(np.sqrt(1.0 / self._precision.max())))
        return replace(
            window,
            low=np.append(window.low, low),
            high=np.append(window.high, high),
            margin=np.append(window.margin, margin),
            resolution=sizes,
        )

    def luminosities(self, mean: np.ndarray, covariance: np.ndarray) -> tuple[float, float, float, float]:
        """Range of luminosities that fit the magnitudes and the parallax of a star.

        Parameters
        ----------
        mean, covariance : (3,), (3, 3) float
            Teff (K), log g, [M/H] and their errors; an error of 10 dex or more marks an unknown value.

        Returns
        -------
        low, high, margin, resolution : float
            log10 Lsun: bounds of the core, the distance from them that matters, and the error.
        """
        errors = np.sqrt(np.diag(covariance))
        table = load_all_bands()
        teff = np.clip(mean[0] + _STEPS * errors[0], table.teff[0], min(table.teff[-1], 5e4))
        teff = _TEMPERATURES if errors[0] > mean[0] else teff
        logg = _GRAVITIES if errors[1] > 3 else (mean[1] + _STEPS[::2] * errors[1]).clip(-0.5, 5.5)
        feh = (mean[2] + _STEPS[::3] * errors[2]).clip(-4.0, 0.5)
        grid = np.stack(np.meshgrid(teff, logg, feh, indexing="ij"), axis=-1).reshape(-1, 3)
        off = (grid - mean) / errors
        correction, dust = np.split(interpolate(*_table(self._bands), grid).astype(float), 2, axis=1)
        p = self._precision / self._precision.sum()
        corrected = self._magnitudes + correction  # modulus + bolometric magnitude, by band
        y0, k0 = corrected @ p, dust @ p
        c = corrected - y0[:, None], dust - k0[:, None]
        c00, c01, c11 = (
            np.einsum("nb,nb,b->n", a, b, self._precision) for a, b in ((c[0], c[0]), c[::-1], (c[1], c[1]))
        )
        av = self.extinctions[:: N_EXTINCTION // 16]
        chi2 = c00[:, None] - 2 * np.outer(c01, av) + np.outer(c11, av**2)
        # half of the grid's steps may lie between it and the best atmosphere: a quarter of the chi-square decides
        p0, p1, p2 = self._prior
        depth = 0.125 * ((off**2).sum(axis=1)[:, None] + chi2 + p0 - 2 * p1 * av + p2 * av**2)
        depth -= depth.min()
        bolometric = y0[:, None] - np.outer(k0, av)
        limits = []
        for reach in (CORE, REACH):
            kept = bolometric[depth <= reach / 4.0 + 0.5]
            near, far = self.modulus.limits(reach)
            limits += [0.4 * (SUN_MBOL - (kept.max() - near)), 0.4 * (SUN_MBOL - (kept.min() - far))]
        low, high, lowest, highest = limits
        margin = max(low - lowest, highest - high, 0.05)
        error = self.modulus.spread
        if self.parallax is not None and self.parallax > 0:
            error = np.hypot(error, 2.17 * self.parallax_error / self.parallax)
        return low, high, margin, 0.4 * float(min(error, 0.5)) if self.parallax is not None else np.inf

    @cached_property
    def extinctions(self) -> np.ndarray:
        """(n_extinction,) A_V of the columns of the posterior, mag."""
        return np.linspace(0.0, self._largest, N_EXTINCTION)

    @cached_property
    def _largest(self) -> float:
        """Largest A_V, mag."""
        if self.av is not None:
            return max(self.av + 3.5 * self.av_error, 0.01)
        return AV_END if self.dust_column is None else self.dust_column + 3.5 * self._map_error

    @property
    def _map_error(self) -> float:
        return MAP_ERROR * self.dust_column + MAP_FLOOR

    @cached_property
    def _prior(self) -> tuple[float, float, float]:
        """Coefficients p of the prior of the extinction, whose -2 log is p0 - 2 p1 A_V + p2 A_V^2."""
        if self.av is not None:
            return self.av**2 / self.av_error**2, self.av / self.av_error**2, 1.0 / self.av_error**2
        return (0.0, 0.0, 0.0)

    @cached_property
    def _by_distance(self) -> np.ndarray:
        """(3, n_modulus) the same where the prior depends on the distance; empty where it does not."""
        if self.av is not None:
            return np.empty((3, 0))
        none = np.zeros(DISTANCES.size)
        if self.dust_column is None:
            rate = 1.0 / (AV_NEAR - AV_FAR * np.expm1(-DISTANCES / AV_SCALE))
            return np.stack([-2.0 * np.log(rate), -rate, none])
        height = DISTANCES * abs(np.sin(np.radians(self.latitude)))
        mapped, precision = self.dust_column * -np.expm1(-height / DUST_HEIGHT), self._map_error**-2
        return np.stack([mapped**2 * precision, mapped * precision, none + precision])

    @cached_property
    def _magnitudes(self) -> np.ndarray:
        return np.array([value - ZERO_POINT.get(band, 0.0) for band, (value, _) in self.magnitudes.items()], float)

    @cached_property
    def _precision(self) -> np.ndarray:
        """(n_band,) inverse variances of the magnitudes, errors of the models included."""
        return np.array([1.0 / (e**2 + BAND_ERROR[band] ** 2) for band, (_, e) in self.magnitudes.items()])

    @cached_property
    def _bands(self) -> tuple[int, ...]:
        return tuple(load_all_bands().bands.index(band) for band in self.magnitudes)

    def _arguments(self, samples: TrackSamples, corrections: np.ndarray | None = None) -> tuple[object, ...]:
        if corrections is None:
            corrections = _interpolated(samples, self._bands)
        else:
            corrections = corrections[:, [*self._bands, *(band + N_BAND for band in self._bands)]]
        integral = self.modulus.log_integral - self.modulus.log_integral.max()
        width = self.modulus.spread
        if self.parallax is not None:
            width = np.hypot(width, 2.17 * self.parallax_error / max(self.parallax, self.parallax_error))
        return (
            corrections, samples.log_teff, samples.log_radius,
            self._magnitudes, self._precision, integral, float(width),
            self._prior, self._by_distance, self._largest,
            (SUN_MBOL, np.log10(SUN_TEFF), MODULI[0], STEP),
        )  # fmt: skip


def parse_light(parallax: str | None, magnitudes: Sequence[str], av: str | None) -> PhotometricLikelihood | None:
    """Parse ``"MAS,MAS"``, texts ``"BAND=MAG,ERR"`` and ``"MAG,MAG"``; None where nothing is given.

    Raises
    ------
    ParameterError
        If a text has another form.
    """

    def pair(text: str, what: str) -> tuple[float, float]:
        try:
            value, error = (float(part) for part in text.split(","))
        except ValueError:
            raise ParameterError(f"{what} is given as VALUE,ERROR; got {text[:40]!r}.", value=text) from None
        return value, error

    if parallax is None and av is None and not magnitudes:
        return None
    given = {}
    for text in magnitudes:
        band, _, numbers = text.partition("=")
        given[band.strip()] = pair(numbers, f"The magnitude {band.strip()[:10]}")
    measured = (None, None) if parallax is None else pair(parallax, "The parallax (mas)")
    return PhotometricLikelihood(given, *measured, *((None, None) if av is None else pair(av, "The extinction A_V")))


@lru_cache(maxsize=2)
def corrections_of(samples: TrackSamples) -> np.ndarray:
    """(n_sample, 22) float32, bolometric corrections and extinctions of all bands, kept for samples that many stars
    share."""
    return _interpolated(samples, tuple(range(N_BAND)))


def _interpolated(samples: TrackSamples, bands: tuple[int, ...]) -> np.ndarray:
    points = np.stack([10.0 ** samples.log_teff.astype(float), samples.logg, samples.feh_surface], axis=-1)
    return interpolate(*_table(bands), points)


@lru_cache(maxsize=16)
def _table(bands: tuple[int, ...]) -> tuple[tuple[np.ndarray, ...], np.ndarray]:
    """Axes of the bolometric corrections, and corrections and extinctions of some bands (nt, ng, nf, 2 n_band)."""
    table = load_all_bands()
    joined = np.concatenate([table.correction[..., list(bands)], table.extinction[..., list(bands)]], axis=-1)
    return (table.teff, table.logg, table.feh), joined.astype(np.float32)
