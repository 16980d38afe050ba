"""The MOCK survey: 166,625 stars on plates 16000 to 16383, generated on request without a connection."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from functools import lru_cache
from itertools import islice
from typing import NamedTuple

import numpy as np

from stellar_core.astrometry import Astrometry
from stellar_core.errors import ParameterError
from stellar_core.galaxy import HALO, STRAGGLERS
from stellar_core.mock.gaia import GaiaBatch
from stellar_core.mock.instrument import INSTRUMENTS, Observation, observe
from stellar_core.mock.light import R_BAND, LightSources, rest_spectra
from stellar_core.mock.plates import Plate, flux_at_r, gaia_of_plate, make_plate, star_at
from stellar_core.mock.streams import StarStreams
from stellar_core.photometry import Photometry
from stellar_core.sdss.specobjid import BOSS_RUN2D
from stellar_core.sdss.star_id import MOCK_PLATES, StarId
from stellar_core.spectrum import Spectrum
from stellar_core.stages import STAGES

#: Seed of the survey in the app.
SEED = 20_240_601
#: Edition of the survey: stars of one seed differ between editions. 1: scaled-solar single stars. 2: [alpha/Fe],
#: unresolved binaries, blue stragglers of the age of their population.
EDITION = 2
#: Spectra made at once: a compromise between the overhead of calls and the size of the processor cache.
BATCH = 32
#: Spectral type by effective temperature, K (Pecaut & Mamajek 2013, dwarfs): hottest type below each limit.
_TYPES = (
    (3700, "M1"),
    (3900, "M0"),
    (4200, "K7"),
    (4600, "K5"),
    (5000, "K3"),
    (5300, "K1"),
    (5500, "G9"),
    (5700, "G5"),
    (5950, "G2"),
    (6100, "F9"),
    (6500, "F5"),
    (6900, "F2"),
    (7300, "F0"),
    (8000, "A6"),
    (9000, "A3"),
    (1e9, "A0"),
)


@dataclass(frozen=True)
class Frame:
    """A spectrum with the further columns of a spec-lite file.

    Attributes
    ----------
    spectrum : Spectrum
    wdisp : (n_pixel,) float64
        Line spread, standard deviation in pixels.
    sky : (n_pixel,) float64
        Sky that was subtracted, 1e-17 erg/s/cm2/A.
    """

    spectrum: Spectrum
    wdisp: np.ndarray
    sky: np.ndarray


@dataclass(frozen=True)
class MockSurvey:
    """The MOCK survey of one seed. Creating it is free; plates are kept between calls.

    Even plates are SDSS-like (3800-9200 A, 640 fibers), odd ones BOSS-like (3650-10400 A,
    1000 fibers). Every spectrum follows from (seed, plate, MJD, fiber) alone, bit for bit, in any
    order and any batch. Processors with other vector instructions round float32 exponentials and sums
    differently; spectra then agree within a few millionths of the flux.

    Attributes
    ----------
    seed : int
        Not negative.
    """

    seed: int = SEED

    def __post_init__(self) -> None:
        if self.seed < 0:
            raise ParameterError(f"The seed of a MOCK survey must not be negative; got {self.seed}.", value=self.seed)

    def mjds(self, plate: int, fiber: int) -> list[int]:
        """Nights on which the star of this fiber was observed, ascending.

        Raises
        ------
        ArchiveError
            If the survey has no such plate, or no star on that fiber.
        """
        found = make_plate(self.seed, plate)
        found.row(fiber)
        return list(found.mjds)

    def near(self, ra: float, dec: float, radius: float) -> StarId | None:
        """The star nearest to a position in degrees, on its first night; None if none is within ``radius`` arcsec."""
        found = star_at(self.seed, ra, dec, radius)
        return None if found is None else StarId(*found, BOSS_RUN2D)

    def spectrum(self, star: StarId, *, gaia: bool = False) -> Spectrum:
        """The spectrum of ``star`` with photometry and metadata, ``source`` "mock"; `astrometry` only with ``gaia``.

        Raises
        ------
        ArchiveError
            If the survey has no such plate, fiber or night.
        """
        spectrum = self.frame(star).spectrum
        return replace(spectrum, astrometry=self.astrometry(star)) if gaia else spectrum

    def frame(self, star: StarId) -> Frame:
        """The spectrum of ``star`` with line spread and sky; raises as `spectrum`."""
        return self._batch([star])[0]

    def frames(self, stars: Iterable[StarId]) -> Iterator[Frame]:
        """The frames of many stars, several times as fast as one by one.

        Each is equal to that of `frame`, bit for bit: every star has its own random streams, and no
        arithmetic combines stars.

        Parameters
        ----------
        stars : iterable of StarId
            Of any plates and nights; made `BATCH` at a time.

        Yields
        ------
        Frame
            In the order of ``stars``.

        Raises
        ------
        ArchiveError
            If the survey has no such plate, fiber or night.
        """
        stars = iter(stars)
        while batch := list(islice(stars, BATCH)):
            yield from self._batch(batch)

    def astrometry(self, star: StarId) -> Astrometry | None:
        """Parallax and magnitudes of ``star`` as from Gaia DR3, the same on all nights; None without a parallax.

        Raises
        ------
        ArchiveError
            If the survey has no such plate, or no star on that fiber.
        """
        return self.gaia([star]).astrometry(0)

    def gaia(self, stars: Sequence[StarId]) -> GaiaBatch:
        """Gaia's values of many stars, in their order; raises as `astrometry`."""
        numbers = np.array([star.plate for star in stars], int)
        parts, order = [GaiaBatch.empty()], [np.empty(0, int)]
        for number in np.unique(numbers).tolist():
            order.append(np.flatnonzero(numbers == number))
            rows = [make_plate(self.seed, number).row(stars[index].fiber) for index in order[-1]]
            parts.append(gaia_of_plate(self.seed, number).select(np.array(rows)))
        return GaiaBatch.join(parts).select(np.argsort(np.concatenate(order)))

    def _batch(self, stars: Sequence[StarId]) -> list[Frame]:
        locations = [_Location.of(self.seed, star) for star in stars]
        of_stars = lambda name: np.array([getattr(s.plate.stars, name)[s.row] for s in locations])
        sources = LightSources(*(of_stars(item.name) for item in fields(LightSources)))
        velocity = of_stars("velocity_kms")
        level = flux_at_r(np.array([location.plate.stars.magnitudes[location.row, 2] for location in locations]))
        # The intrinsic scatter of a star is the same on every night, the noise is not.
        intrinsic = StarStreams([(self.seed, star.plate, star.fiber, 2) for star in stars])
        noise = [(self.seed, star.plate, star.fiber, star.mjd, 3) for star in stars]
        rest = rest_spectra(sources, of_stars("ebv"), intrinsic)
        rest *= (level / rest[:, R_BAND].mean(axis=1))[:, None].astype(np.float32)
        frames: dict[int, Frame] = {}
        for instrument in INSTRUMENTS:
            rows = [index for index, location in enumerate(locations) if location.plate.instrument == instrument]
            if not rows:
                continue
            observed = observe(
                rest[rows],
                velocity[rows],
                np.array([locations[i].plate.snr[locations[i].night, locations[i].row] for i in rows]),
                instrument,
                StarStreams([noise[i] for i in rows]),
                sky=np.array([locations[i].plate.sky[locations[i].night, locations[i].row] for i in rows])
                / level[rows],
                first_pixel=np.array([locations[i].plate.first_pixel[locations[i].night] for i in rows]),
            )
            frames.update((i, _frame(stars[i], locations[i], observed, at)) for at, i in enumerate(rows))
        return [frames[index] for index in range(len(stars))]

    def examples(self) -> list[tuple[StarId, str]]:
        """Six example stars, each with a short caption; callers mark them MOCK."""
        return list(_examples(self.seed))

    def star_ids(self, plate: int) -> list[StarId]:
        """The stars of a plate, each on its first night."""
        found = make_plate(self.seed, plate)
        return [StarId(plate, found.mjds[0], int(fiber), BOSS_RUN2D) for fiber in found.fibers]


class _Location(NamedTuple):
    """Plate of a star, its row on the plate, and the index of the night."""

    plate: Plate
    row: int
    night: int

    @classmethod
    def of(cls, seed: int, star: StarId) -> _Location:
        plate = make_plate(seed, star.plate)
        return cls(plate, plate.row(star.fiber), plate.night(star.mjd))


def _frame(star: StarId, location: _Location, observed: Observation, at: int) -> Frame:
    """The frame of row ``at`` of an observation."""
    inside = np.flatnonzero(observed.flux[at])
    use = slice(inside[0], inside[-1] + 1)
    flux, ivar = observed.flux[at, use], observed.ivar[at, use]
    plate, row, night = location
    spectrum = Spectrum(
        wavelength=observed.wavelength[use],
        flux=flux,
        ivar=ivar,
        redshift=float(plate.redshift[night, row]),
        photometry=_photometry(plate, row),
        name=star.name,
        source="mock",
        model=observed.model[at, use].astype(float),
        meta=_meta(star, location, flux, ivar),
        notes=("MOCK: made by an emulator, not observed.",),
    )
    return Frame(spectrum, observed.wdisp[at, use].astype(float), observed.sky[at, use].astype(float))


def _photometry(plate: Plate, row: int) -> Photometry:
    values = (getattr(plate.photometry, name)[row] for name in ("psf_mag", "psf_mag_err", "extinction", "model_mag"))
    return Photometry(*values, source="MOCK imaging photometry")


def _meta(star: StarId, location: _Location, flux: np.ndarray, ivar: np.ndarray) -> dict[str, object]:
    plate, row, night = location
    good = ivar > 0
    return {
        "plate": star.plate,
        "mjd": star.mjd,
        "fiber": star.fiber,
        "run2d": star.run2d,
        "specobjid": star.specobjid,
        "class": "STAR",
        "subclass": spectral_type(float(plate.stars.teff[row])),
        "zwarning": zwarning(plate.snr[night, row]),
        "z_err": float(plate.redshift_err[night, row]),
        "sn_median": float(np.median((flux * np.sqrt(ivar))[good])),
        "ra": float(plate.ra[row]),
        "dec": float(plate.dec[row]),
        "instrument": plate.instrument,
        "mock": True,
        "mock_edition": EDITION,
    }


def spectral_type(teff: float) -> str:
    """Spectral type of the nearest template, as in ``subclass`` of the pipeline, from Teff in K."""
    return next(name for limit, name in _TYPES if teff < limit)


def zwarning(snr: float) -> int:
    """ZWARNING of the mock pipeline: bit 2 (SMALL_DELTA_CHI2) below an S/N of 2.5, else 0."""
    return 4 if snr < 2.5 else 0


#: Caption, and condition on the true values, of stars that are single and no blue stragglers.
_EXAMPLES = (
    ("Sun-like dwarf", lambda s: (abs(s.teff - 5772) < 90) & (abs(s.logg - 4.44) < 0.08) & (abs(s.feh) < 0.12)),
    (
        "Turn-off star",
        lambda s: (abs(s.teff - 6200) < 300) & (s.eep > 400) & (s.eep < 460) & (abs(s.logg - 4.1) < 0.15),
    ),
    ("Subgiant", lambda s: (s.stage == STAGES.index("Subgiant")) & (s.eep > 455) & (s.eep < 500) & (s.teff < 6000)),
    ("Red giant", lambda s: (s.logg > 1.8) & (s.logg < 2.9) & (s.teff < 5000) & (s.feh > -1.0)),
    ("Metal-poor halo star", lambda s: (s.component == HALO) & (s.feh < -1.7) & (s.feh > -2.4) & (s.teff > 5400)),
    ("Hot A star", lambda s: (s.teff > 8000) & (s.teff < 9500) & (s.logg > 3.8)),
)


@lru_cache(maxsize=4)
def _examples(seed: int) -> tuple[tuple[StarId, str], ...]:
    """For each of `_EXAMPLES` the star of the highest S/N on the first plate that has one, another star for each."""
    found: dict[str, tuple[StarId, str]] = {}
    ordinary = lambda stars: (stars.mass_ratio == 0) & (stars.component != STRAGGLERS)
    for number in range(MOCK_PLATES[0], MOCK_PLATES[1] + 1):
        plate = make_plate(seed, number)
        free = ordinary(plate.stars) & (plate.snr[0] > 25) & (plate.snr[0] < 90)
        for caption, condition in _EXAMPLES:
            fine = free & condition(plate.stars)
            if caption not in found and fine.any():
                row = int(np.argmax(np.where(fine, plate.snr[0], 0)))
                free[row] = False
                found[caption] = StarId(number, plate.mjds[0], int(plate.fibers[row]), BOSS_RUN2D), caption
        if len(found) == len(_EXAMPLES):
            break
    return tuple(found[caption] for caption, _ in _EXAMPLES if caption in found)
