"""Plates of the MOCK survey: fibers, stars, nights and S/N.

A plate follows from (survey seed, plate number) alone. True values stay here and in `stellar_core.mock.truth`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np

from stellar_core.constants import AB_ZERO_POINT, SPEED_OF_LIGHT
from stellar_core.errors import ArchiveError, ParameterError
from stellar_core.mock.emulator import SpectralEmulator
from stellar_core.mock.gaia import GaiaBatch, observe_gaia
from stellar_core.mock.instrument import load_instrument
from stellar_core.mock.photometry import PhotometryBatch, observe_photometry
from stellar_core.mock.population import Population, draw
from stellar_core.sdss.star_id import MOCK_PLATES

#: Stars of the whole survey, as many as in the catalogue of the paper.
N_STARS = 166_625
N_PLATES = MOCK_PLATES[1] - MOCK_PLATES[0] + 1
#: Fibers on a plate of each spectrograph.
FIBERS = {"SDSS": 640, "BOSS": 1000}
#: Two of every `SECOND_NIGHT` plates were observed on a second night.
SECOND_NIGHT = 8
#: Relative error independent of exposure time (flat field, extraction): it keeps the S/N below 100.
SYSTEMATIC = 0.010
#: Effective wavelength of r, A.
R_WAVELENGTH = 6166.0
#: Axes of the Galactic frame in equatorial J2000 coordinates (Hipparcos catalogue, vol. 1, eq. 1.5.11).
_GALACTIC = np.array(
    [
        [-0.0548755604, -0.8734370902, -0.4838350155],
        [+0.4941094279, -0.4448296300, +0.7469822445],
        [-0.8676661490, -0.1980763734, +0.4559837762],
    ]
)


@dataclass(frozen=True)
class Plate:
    """One plate.

    Attributes
    ----------
    number : int
    instrument : {"SDSS", "BOSS"}
    mjds : tuple of int
        Nights, ascending.
    fibers : (n,) int64
        Fibers with stars, ascending; the order of the arrays below.
    ra, dec : (n,) float64
        J2000, degrees.
    photometry : PhotometryBatch
    snr, redshift, redshift_err : (n_night, n) float64
        S/N per pixel, measured redshift and its error.
    sky : (n_night, n) float64
        Median sky, 1e-17 erg/s/cm2/A.
    first_pixel : tuple of int
        First pixel of the files of each night.
    stars : Population
        True properties of the stars.
    """

    number: int
    instrument: str
    mjds: tuple[int, ...]
    fibers: np.ndarray
    ra: np.ndarray
    dec: np.ndarray
    photometry: PhotometryBatch = field(repr=False)
    snr: np.ndarray = field(repr=False)
    redshift: np.ndarray = field(repr=False)
    redshift_err: np.ndarray = field(repr=False)
    sky: np.ndarray = field(repr=False)
    first_pixel: tuple[int, ...]
    stars: Population = field(repr=False)

    def __post_init__(self) -> None:
        n, nights = len(self.fibers), len(self.mjds)
        if len(self.stars) != n or self.snr.shape != (nights, n):
            raise ParameterError(f"Plate {self.number} has {n} fibers but {len(self.stars)} stars.")

    def row(self, fiber: int) -> int:
        """Row of ``fiber``.

        Raises
        ------
        ArchiveError
            If the fiber has no star.
        """
        row = int(np.searchsorted(self.fibers, fiber))
        if row < len(self.fibers) and self.fibers[row] == fiber:
            return row
        near = self.fibers[np.argmin(np.abs(self.fibers - fiber))]
        raise ArchiveError(
            f"Fiber {fiber} of MOCK plate {self.number} has no star; the nearest fiber that has one is {near}.",
            value=fiber,
        )

    def night(self, mjd: int) -> int:
        """Index of ``mjd`` among the nights.

        Raises
        ------
        ArchiveError
            If the plate was not observed then.
        """
        if mjd in self.mjds:
            return self.mjds.index(mjd)
        listed = " and ".join(str(known) for known in self.mjds)
        raise ArchiveError(f"MOCK plate {self.number} was not observed on MJD {mjd}, only on {listed}.", value=mjd)


def stars_on(plate: int) -> int:
    """Number of stars on ``plate``; over all plates they are `N_STARS`."""
    return N_STARS // N_PLATES + (plate - MOCK_PLATES[0] < N_STARS % N_PLATES)


def object_id(plate: int, fiber: int) -> int:
    """Photometric objID of a star in the bit layout of SDSS: sky version 2, rerun 301, the plate as an unused run."""
    camcol, field = 1 + (fiber - 1) // 200, 11
    return 2 << 59 | 301 << 48 | plate << 32 | camcol << 29 | field << 16 | fiber


def flux_at_r(magnitude: np.ndarray) -> np.ndarray:
    """Flux density at 6166 A of an r magnitude (AB), 1e-17 erg/s/cm2/A."""
    return 10.0 ** (-0.4 * (np.asarray(magnitude) + AB_ZERO_POINT)) * (SPEED_OF_LIGHT * 1e13) / R_WAVELENGTH**2 * 1e17


# All plates of a survey take 70 MB; keeping them makes any order of stars fast.
@lru_cache(maxsize=N_PLATES)
def make_plate(seed: int, number: int) -> Plate:
    """The plate ``number`` of the survey of ``seed``.

    Raises
    ------
    ArchiveError
        If the survey has no such plate.
    """
    if not MOCK_PLATES[0] <= number <= MOCK_PLATES[1]:
        raise ArchiveError(
            f"The MOCK survey has no plate {number}; its plates are {MOCK_PLATES[0]} to {MOCK_PLATES[1]}.", value=number
        )
    rng = np.random.default_rng([seed, number, 1])
    instrument, mjds, fibers, ra, dec = _targets(number, rng)
    n = len(fibers)
    longitude, latitude = to_galactic(ra, dec)
    stars = _known_stars(n, longitude, latitude, rng)
    photometry = observe_photometry(stars.magnitudes, stars.ebv, rng)
    tool = load_instrument(instrument)
    level = flux_at_r(stars.magnitudes[:, 2])
    snr, sky, redshift, error, first_pixel = [], [], [], [], []
    for _ in mjds:
        dark, exposure = tool.conditions(1, rng)
        sky.append(dark * np.exp(0.05 * rng.standard_normal(n)))
        photon = tool.snr(level, sky[-1], exposure * np.exp(0.12 * rng.standard_normal(n)))
        snr.append(photon / np.hypot(1.0, SYSTEMATIC * photon))
        error.append(np.hypot(4e-6, 4e-4 / snr[-1]) * np.exp(0.2 * rng.standard_normal(n)))
        # Real errors exceed the quoted ones by a systematic 4 km/s.
        spread = np.hypot(error[-1], 4.0 / SPEED_OF_LIGHT)
        redshift.append(stars.velocity_kms / SPEED_OF_LIGHT + spread * rng.standard_normal(n))
        first_pixel.append(int(rng.choice(tool.extent[:, 0])))
    return Plate(
        number,
        instrument,
        mjds,
        fibers,
        ra,
        dec,
        photometry,
        np.array(snr),
        np.array(redshift),
        np.array(error),
        np.array(sky),
        tuple(first_pixel),
        stars,
    )


def star_at(seed: int, ra: float, dec: float, radius: float) -> tuple[int, int, int] | None:
    """Plate, first MJD and fiber of the star nearest to a position.

    Parameters
    ----------
    seed : int
        Of the survey.
    ra, dec : float
        J2000, degrees.
    radius : float
        Largest distance, arcsec.

    Returns
    -------
    tuple of int or None
        None if no star is so near.
    """
    plate, mjd, fiber, stars_ra, stars_dec = _sky(seed)
    east = ((stars_ra - ra + 180.0) % 360.0 - 180.0) * np.cos(np.radians(dec))
    distance = 3600.0 * np.hypot(east, stars_dec - dec)
    row = int(np.argmin(distance))
    return (int(plate[row]), int(mjd[row]), int(fiber[row])) if distance[row] <= radius else None


@lru_cache(maxsize=2)
def _sky(seed: int) -> tuple[np.ndarray, ...]:
    """Plate, first MJD, fiber, RA and Dec of all stars of a survey, each (n,)."""
    parts = []
    for number in range(MOCK_PLATES[0], MOCK_PLATES[1] + 1):
        _, mjds, fibers, ra, dec = _targets(number, np.random.default_rng([seed, number, 1]))
        parts.append((np.full(len(fibers), number), np.full(len(fibers), mjds[0]), fibers, ra, dec))
    return tuple(np.concatenate(column) for column in zip(*parts))


@lru_cache(maxsize=N_PLATES)
def gaia_of_plate(seed: int, number: int) -> GaiaBatch:
    """Gaia's values of the stars of a plate, in the order of its fibers; raises as `make_plate`.

    They have a random stream of their own, so that spectra and photometry are the same with and without them.
    """
    stars = make_plate(seed, number).stars
    return observe_gaia(stars, stars.ebv, np.random.default_rng([seed, number, 5]), one_field=True)


def _known_stars(n: int, longitude: np.ndarray, latitude: np.ndarray, rng: np.random.Generator) -> Population:
    """Draw a star inside the domain of the spectral emulator for each position."""
    emulator = SpectralEmulator.load()
    spare = draw(n + n // 2, rng, longitude=np.resize(longitude, n + n // 2), latitude=np.resize(latitude, n + n // 2))
    known = np.asarray(emulator.domain(spare.teff, spare.logg, spare.feh))
    # Star i + n takes the position of star i if that is outside the domain.
    order = np.concatenate([np.flatnonzero(known), np.flatnonzero(~known)])[:n]
    if not known[order].all():
        raise ParameterError(
            "Too few of the drawn stars are inside the domain of the spectral emulator.", value=float(known.mean())
        )
    return spare.select(order)


def _targets(number: int, rng: np.random.Generator) -> tuple[str, tuple[int, ...], np.ndarray, np.ndarray, np.ndarray]:
    """Spectrograph, nights, fibers and positions of a plate: the first draws from its generator."""
    instrument = "SDSS" if number % 2 == 0 else "BOSS"
    n = stars_on(number)
    first = int(rng.integers(52000, 54600) if instrument == "SDSS" else rng.integers(55400, 58900))
    mjds = (first, first + int(rng.integers(3, 60))) if number % SECOND_NIGHT in (3, 6) else (first,)
    fibers = np.sort(rng.choice(np.arange(1, FIBERS[instrument] + 1), n, replace=False))
    return instrument, mjds, fibers, *_positions(n, rng)


def _positions(n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Positions (degrees) within 1.49 degrees of a plate centre in the northern footprint."""
    sine = rng.uniform(np.sin(np.radians(-3.0)), np.sin(np.radians(60.0)))
    centre = rng.uniform(125.0, 235.0), np.degrees(np.arcsin(sine))
    radius, angle = 1.49 * np.sqrt(rng.random(n)), rng.uniform(0, 2 * np.pi, n)
    dec = centre[1] + radius * np.sin(angle)
    return centre[0] + radius * np.cos(angle) / np.cos(np.radians(dec)), dec


def to_galactic(ra: np.ndarray, dec: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Galactic longitude and latitude, degrees, of J2000 positions in degrees."""
    ra, dec = np.radians(ra), np.radians(dec)
    x, y, z = _GALACTIC @ np.array([np.cos(ra) * np.cos(dec), np.sin(ra) * np.cos(dec), np.sin(dec)])
    return np.degrees(np.arctan2(y, x)) % 360.0, np.degrees(np.arcsin(np.clip(z, -1, 1)))
