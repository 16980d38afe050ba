"""Model of the Galaxy: four populations with their ages, metallicities, positions and velocities."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from stellar_core.constants import UNIVERSE_AGE_GYR

#: Motion of the Sun towards the Galactic centre, rotation and pole, km/s (Schonrich et al. 2010).
SUN_UVW = (11.1, 12.24, 7.25)
#: Distance of the Sun from the Galactic centre and height above the plane, pc.
SUN_RADIUS, SUN_HEIGHT = 8122.0, 20.8
#: Latitude of the typical line of sight, degrees.
TYPICAL_LATITUDE = 55.0


@dataclass(frozen=True)
class Component:
    """One population.

    Attributes
    ----------
    name : str
    density : float
        Local number density over that of the thin disc (main-sequence counts).
    scale_height : float
        Of an exponential disc, pc; 0 for the halo's power law.
    age_mean, age_spread : float
        Gaussian in age, Gyr, cut at ``age_range``; a spread of 0 is constant star formation.
    age_range : (float, float)
        Gyr.
    feh_mean, feh_spread : float
        Gaussian in initial [Fe/H], dex.
    alpha_solar, alpha_slope : float
        Mean [alpha/Fe] at solar [Fe/H], dex, and its change per dex of [Fe/H].
    alpha_range : (float, float)
        Limits of that mean, dex.
    alpha_spread : float
        Gaussian scatter of [alpha/Fe] at given [Fe/H], dex.
    dispersion, lag : float
        Line-of-sight velocity dispersion and rotation lag behind the Sun's circle, km/s.
    """

    name: str
    density: float
    scale_height: float
    age_mean: float
    age_spread: float
    age_range: tuple[float, float]
    feh_mean: float
    feh_spread: float
    alpha_solar: float
    alpha_slope: float
    alpha_range: tuple[float, float]
    alpha_spread: float
    dispersion: float
    lag: float

    def age_density(self, age: np.ndarray) -> np.ndarray:
        """Probability per Gyr at ``age`` (Gyr), normalised over `age_range`."""
        low, high = self.age_range
        inside = (age >= low) & (age <= high)
        if self.age_spread == 0:
            return np.where(inside, 1.0 / (high - low), 0.0)
        grid = np.linspace(low, high, 400)
        shape = lambda x: np.exp(-0.5 * ((x - self.age_mean) / self.age_spread) ** 2)
        return np.where(inside, shape(age) / np.trapezoid(shape(grid), grid), 0.0)

    def draw_ages(self, n: int, rng: np.random.Generator) -> np.ndarray:
        """Draw ``n`` ages, Gyr."""
        grid = np.linspace(*self.age_range, 400)
        below = np.cumsum(self.age_density(grid))
        return np.interp(rng.random(n), (below - below[0]) / (below[-1] - below[0]), grid)

    def feh_density(self, feh: np.ndarray) -> np.ndarray:
        """Probability per dex of initial [Fe/H]."""
        return np.exp(-0.5 * ((feh - self.feh_mean) / self.feh_spread) ** 2) / (self.feh_spread * np.sqrt(2 * np.pi))

    def alpha_mean(self, feh: np.ndarray) -> np.ndarray:
        """Mean [alpha/Fe] in dex at [Fe/H] in dex."""
        return np.clip(self.alpha_solar + self.alpha_slope * np.asarray(feh, float), *self.alpha_range)

    def space_density(self, distance: np.ndarray, latitude: float = TYPICAL_LATITUDE) -> np.ndarray:
        """Density at ``distance`` (pc) towards longitude 90 degrees, over the thin disc's at the Sun.

        Discs are exponential; the halo is an oblate power law (Juric et al. 2008, ApJ 673, 864:
        heights 300 and 900 pc, thick-disc share 0.12, q 0.64, n 2.77).
        """
        sine, cosine = np.sin(np.radians(latitude)), np.cos(np.radians(latitude))
        height = np.abs(distance * sine + SUN_HEIGHT)
        if self.scale_height > 0:
            return self.density * np.exp(-height / self.scale_height)
        radius = np.hypot(SUN_RADIUS, distance * cosine)
        return self.density * (SUN_RADIUS / np.hypot(radius, height / 0.64)) ** 2.77


#: Thin disc, thick disc, halo and blue stragglers. Stragglers are merged stars of old populations that look like
#: young single stars; they are a few per cent as common as the halo. Their ages here are the apparent ones;
#: `straggler_ages` gives those of their populations. The fractions of halo and stragglers and the
#: means of [Fe/H] match the [Fe/H] of real SDSS stars at given colour; for the halo Juric et al. have 0.005.
#: [alpha/Fe] as observed near the Sun (Nissen & Schuster 2010, A&A 511, L10; Adibekyan et al. 2012, A&A 545, A32;
#: Bensby et al. 2014, A&A 562, A71; rounded); the halo's spread holds its high- and low-alpha stars.
COMPONENTS = (
    Component(
        "thin disc", 1.0, 300.0, 5.0, 0.0, (0.05, 10.0), -0.10, 0.20, 0.0, -0.12, (-0.02, 0.10), 0.04, 35.0, 10.0
    ),
    Component(
        "thick disc", 0.12, 900.0, 10.5, 1.5, (7.0, 13.5), -0.60, 0.25, 0.10, -0.25, (0.05, 0.30), 0.05, 60.0, 50.0
    ),
    Component(
        "halo", 0.0034, 0.0, 12.0, 0.8, (9.0, UNIVERSE_AGE_GYR), -1.4, 0.38, 0.27, 0.0, (0.27, 0.27), 0.08, 130.0, 200.0
    ),
    Component(
        "blue stragglers", 0.00018, 0.0, 2.0, 0.0, (0.3, 6.0), -1.1, 0.5, 0.27, 0.0, (0.27, 0.27), 0.08, 120.0, 150.0
    ),
)

#: Indices of the populations.
THIN_DISC, THICK_DISC, HALO, STRAGGLERS = range(4)


def straggler_ages(feh: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Draw the ages of blue stragglers, Gyr: those of the thick disc or halo, in which they formed as two stars.

    The chance of the thick disc is its [Fe/H] density over the sum of both at the star's initial [Fe/H].

    Parameters
    ----------
    feh : (n,) float
        Initial [Fe/H], dex.
    """
    thick, halo = COMPONENTS[THICK_DISC], COMPONENTS[HALO]
    chance = thick.feh_density(feh) / (thick.feh_density(feh) + halo.feh_density(feh))
    of_disc, of_halo = (component.draw_ages(len(feh), rng) for component in (thick, halo))
    return np.where(rng.random(len(feh)) < chance, of_disc, of_halo)


def radial_velocity(
    component: np.ndarray, longitude: np.ndarray, latitude: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Heliocentric radial velocities, km/s.

    Parameters
    ----------
    component : (n,) int
        Index into `COMPONENTS`.
    longitude, latitude : (n,) float
        Galactic, degrees.
    """
    lag = np.array([item.lag for item in COMPONENTS])[component]
    dispersion = np.array([item.dispersion for item in COMPONENTS])[component]
    longitude, latitude = np.radians(longitude), np.radians(latitude)
    along = np.cos(longitude) * np.cos(latitude), np.sin(longitude) * np.cos(latitude), np.sin(latitude)
    u, v, w = SUN_UVW
    return -(u * along[0] + (v + lag) * along[1] + w * along[2]) + dispersion * rng.standard_normal(len(component))
