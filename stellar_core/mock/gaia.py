"""Gaia DR3 of MOCK stars: parallax, magnitudes G, BP and RP, RUWE.

Formal errors are those of DR3. The parallax is that after the correction of Lindegren et al. (2021, A&A 649, A4), which
leaves a zero point of its own. True errors are larger than the formal ones, which are therefore enlarged as those of
real stars are (`stellar_core.gaia.zero_point`). Wrong matches are not among the stars; `stellar_core.mock.outliers`
makes them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np

from stellar_core.astrometry import MAX_RUWE, Astrometry
from stellar_core.bolometric_corrections import apparent_magnitudes, load_all_bands
from stellar_core.constants import POGSON
from stellar_core.errors import ParameterError
from stellar_core.gaia.magnitudes import ZERO_POINT_ERRORS
from stellar_core.gaia.zero_point import SYSTEMATIC, error_factor
from stellar_core.mock.photocentre import Orbits, fit_single_stars
from stellar_core.mock.population import Population

#: Bands, Vega system.
BANDS = ("G", "BP", "RP")
#: G, and true error over the formal one (after Vasiliev & Baumgardt 2021, MNRAS 505, 5978).
TRUE_ERROR = (14.0, 19.0), (1.20, 1.10)
#: Zero point that the correction leaves: mean, and scatter between fields of a few degrees, mas (the same).
ZERO_POINT, ZERO_POINT_SCATTER = 0.010, 0.010
#: G, and the formal errors of G, BP and RP, mag (Vallenari et al. 2023, A&A 674, A1).
MAGNITUDES = (13.0, 17.0, 20.0)
MAGNITUDE_ERRORS = ((0.0003, 0.001, 0.006), (0.0009, 0.012, 0.108), (0.0006, 0.006, 0.052))
#: Scatter of formal errors at the same G, relative, and of the RUWE of single stars.
ERROR_SCATTER, RUWE_SCATTER = 0.2, 0.05
#: Longest period, days, and faintest G of an orbit in DR3.
LONGEST_ORBIT, FAINTEST_ORBIT = 1500.0, 19.0
#: Share of stars without parallax for other reasons than a large error.
NO_PARALLAX = 0.01
_NAMES = ("parallax_mas", "parallax_err_mas", *(f"{band}{part}_mag" for band in BANDS for part in ("", "_err")))
#: Columns of tables.
COLUMNS = tuple(f"gaia_{name}" for name in (*_NAMES, "ruwe", "non_single_star"))


@dataclass(frozen=True)
class GaiaBatch:
    """Gaia's values of many stars, as they enter a likelihood.

    Attributes
    ----------
    parallax, parallax_error : (n,) float64
        mas, corrected for the zero point, the error enlarged; NaN where there is no parallax.
    magnitudes, magnitude_errors : (n, 3) float64
        G, BP, RP, mag (Vega); errors with that of the zero point.
    ruwe : (n,) float64
        NaN where there is no parallax.
    non_single_star : (n,) int64
        1 for astrometric binaries, 0 for all others.
    """

    parallax: np.ndarray
    parallax_error: np.ndarray
    magnitudes: np.ndarray
    magnitude_errors: np.ndarray
    ruwe: np.ndarray
    non_single_star: np.ndarray

    def __post_init__(self) -> None:
        n = len(self.parallax)
        for item in fields(self):
            if len(getattr(self, item.name)) != n:
                raise ParameterError(f"{n} stars of Gaia have {len(getattr(self, item.name))} values of {item.name}.")

    def __len__(self) -> int:
        return len(self.parallax)

    @property
    def has_parallax(self) -> np.ndarray:
        """(n,) bool."""
        return np.isfinite(self.parallax)

    def select(self, rows: np.ndarray | slice) -> GaiaBatch:
        """The stars of ``rows``."""
        return GaiaBatch(*(getattr(self, item.name)[rows] for item in fields(self)))

    @classmethod
    def join(cls, parts: Sequence[GaiaBatch]) -> GaiaBatch:
        """The stars of all ``parts``, one after the other."""
        return cls(*(np.concatenate([getattr(part, item.name) for part in parts]) for item in fields(cls)))

    @classmethod
    def empty(cls) -> GaiaBatch:
        """No stars."""
        one, three = np.empty(0), np.empty((0, len(BANDS)))
        return cls(one, one, three, three, one, np.empty(0, np.int64))

    def astrometry(self, row: int) -> Astrometry | None:
        """Parallax and magnitudes of one star, or None if it has no parallax."""
        if not self.has_parallax[row]:
            return None
        magnitudes = zip(self.magnitudes[row].tolist(), self.magnitude_errors[row].tolist(), strict=True)
        return Astrometry(
            float(self.parallax[row]),
            float(self.parallax_error[row]),
            dict(zip(BANDS, magnitudes, strict=True)),
            origin="MOCK survey",
            ruwe=float(self.ruwe[row]),
            non_single_star=int(self.non_single_star[row]),
            notes=("MOCK: simulated with the errors of Gaia DR3, not observed.",),
        )

    def columns(self) -> dict[str, np.ndarray]:
        """The columns `COLUMNS` of a table: float32, the flag int32."""
        photometry = np.stack([self.magnitudes, self.magnitude_errors], axis=-1).reshape(len(self), -1).T
        values = (self.parallax, self.parallax_error, *photometry, self.ruwe)
        found = {name: value.astype(np.float32) for name, value in zip(COLUMNS, values)}
        return found | {COLUMNS[-1]: self.non_single_star.astype(np.int32)}


def parallax_error(g: np.ndarray) -> np.ndarray:
    """Mean formal error of parallaxes in DR3, mas, at magnitude ``g``.

    The formula of the mission's page on the performance of Gaia (as in PyGaia 3), without its margin of 10 per cent.
    """
    z = 10.0 ** (0.4 * (np.maximum(g, 13.0) - 15.0))
    return np.sqrt(40.0 + 800.0 * z + 30.0 * z**2) / 1100.0


def observe_gaia(stars: Population, ebv: np.ndarray, rng: np.random.Generator, *, one_field: bool = False) -> GaiaBatch:
    """Observe stars as Gaia DR3 did.

    Parameters
    ----------
    stars : Population
    ebv : (n,) float
        True E(B-V), mag.
    rng : numpy.random.Generator
    one_field : bool
        True for stars within a few degrees, which have the residual zero point in common.
    """
    n, true = len(stars), 1000.0 / stars.distance_pc
    quality, noise, offset, image = rng.standard_normal((4, n))
    unsolved = rng.random(n) < NO_PARALLAX
    pairs = np.flatnonzero(stars.mass_ratio > 0)
    total_mass = stars.mass[pairs] * (1.0 + stars.mass_ratio[pairs])
    orbits = Orbits.draw(total_mass, stars.log_period[pairs], true[pairs], rng)
    resolved = np.zeros(n, bool)
    resolved[pairs] = orbits.resolved
    magnitudes, light = true_magnitudes(stars, ebv, resolved)

    g = magnitudes[:, 0]
    alone = parallax_error(g) * np.exp(ERROR_SCATTER * quality)
    shift, excess = np.zeros(n), np.zeros(n)
    shift[pairs], excess[pairs] = fit_single_stars(orbits, stars.mass_ratio[pairs], light[pairs], alone[pairs], rng)
    ruwe = np.sqrt(np.maximum(1.0 + RUWE_SCATTER * image, 0.5) ** 2 + excess)
    # Residuals larger than expected enlarge the formal errors in proportion.
    formal = alone * np.sqrt(1.0 + excess)
    zero_point = ZERO_POINT + ZERO_POINT_SCATTER * (offset[:1] if one_field else offset)
    parallax = true + shift + zero_point + np.interp(g, *TRUE_ERROR) * alone * noise
    flag = np.zeros(n, np.int64)
    wobble = orbits.photocentre(stars.mass_ratio[pairs], light[pairs]) / alone[pairs]
    flag[pairs] = _has_orbit(stars.log_period[pairs], wobble, (parallax / formal)[pairs])
    flag[(g > FAINTEST_ORBIT) | (ruwe < MAX_RUWE)] = 0
    # DR3 gives no parallax where the error is larger (Lindegren et al. 2021, A&A 649, A2).
    missing = unsolved | (formal > 1.2 * np.maximum(1.0, 10.0 ** (0.2 * (g - 18.0))))
    seen, errors = _observe_magnitudes(magnitudes, rng)
    factor = np.array([error_factor(*row) for row in zip(g.tolist(), ruwe.tolist(), parallax.tolist())])
    error = np.hypot(factor * formal, SYSTEMATIC)
    known = lambda values: np.where(missing, np.nan, values)
    return GaiaBatch(known(parallax), known(error), seen, errors, known(ruwe), np.where(missing, 0, flag))


def true_magnitudes(stars: Population, ebv: np.ndarray, resolved: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """G, BP, RP with extinction, (n, 3) mag, and the light of the companion over that of the primary in G, (n,).

    The companion's light in r is given; those of the other bands follow from the colours of both stars. The companions
    of ``resolved`` stars, (n,) bool, are sources of their own in G, and within the wider windows of BP and RP.
    """
    table = load_all_bands()
    bands = [table.bands.index(name) for name in ("r", *BANDS)]

    def magnitudes(rows, teff, logg, feh, log_radius):
        place = stars.distance_pc[rows], ebv[rows]
        return apparent_magnitudes(teff, logg, feh, log_radius, *place, table)[:, bands]

    own = magnitudes(slice(None), stars.teff, stars.logg, stars.feh, stars.log_radius)
    pairs = np.flatnonzero(stars.secondary_flux[:, 2] > 0)
    atmosphere = (getattr(stars, f"secondary_{name}")[pairs] for name in ("teff", "logg", "feh"))
    second = magnitudes(pairs, *atmosphere, np.zeros(pairs.size))
    redder = (second - second[:, :1]) - (own[pairs] - own[pairs, :1])
    flux = np.zeros((len(own), len(BANDS)))
    flux[pairs] = stars.secondary_flux[pairs, 2:3] * 10.0 ** (-0.4 * redder[:, 1:])
    flux[resolved, 0] = 0.0
    return own[:, 1:] - POGSON * np.log1p(flux), flux[:, 0]


def _observe_magnitudes(true: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Observed G, BP, RP and their errors, (n, 3) each, mag."""
    formal = [10.0 ** np.interp(true[:, 0], MAGNITUDES, np.log10(error)) for error in MAGNITUDE_ERRORS]
    formal = np.stack(formal, axis=-1) * np.exp(0.1 * rng.standard_normal(true.shape))
    error = np.hypot(formal, [ZERO_POINT_ERRORS[band] for band in BANDS])
    flux = 1.0 + error / POGSON * rng.standard_normal(true.shape)
    return true - POGSON * np.log(np.maximum(flux, 0.1)), error


def _has_orbit(log_period: np.ndarray, wobble: np.ndarray, significance: np.ndarray) -> np.ndarray:
    """(n,) bool: pairs whose orbit DR3 gives (Halbwachs et al. 2023, A&A 674, A9).

    Periods are log10(days), ``wobble`` is the radius of the orbit of the light centre over the error of the parallax,
    ``significance`` the parallax over its error.
    """
    period = 10.0**log_period
    short = period < LONGEST_ORBIT
    return short & (significance > 20_000.0 / period) & (wobble > np.maximum(5.0, 158.0 / np.sqrt(period)))
