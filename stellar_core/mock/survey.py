"""The MOCK survey: 166,625 stars on plates 16000 to 16383, answered without a network."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from typing import NamedTuple

import numpy as np

from stellar_core.errors import ArchiveError
from stellar_core.mock.emulator import SpectralEmulator
from stellar_core.mock.instrument import INSTRUMENTS, Observation, observe
from stellar_core.mock.photometry import redden
from stellar_core.mock.plates import Plate, flux_at_r, make_plate
from stellar_core.mock.streams import StarStreams
from stellar_core.photometry import Photometry
from stellar_core.sdss.specobjid import BOSS_RUN2D
from stellar_core.sdss.star_id import MOCK_PLATES, StarId
from stellar_core.spectrum import Spectrum
from stellar_core.stages import STAGES

#: Seed of the survey that the app answers from.
SEED = 20_240_601
#: Spectra made at once: enough to spare the calls, few enough to stay in the processor's cache.
BATCH = 32
#: Where the flux scale is set: the r band on the rest-frame grid.
_R_BAND = slice(5600 - 3600, 6750 - 3600)
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
    """A spectrum with what a spec-lite file holds besides.

    Attributes
    ----------
    spectrum : Spectrum
    wdisp : (n_pixel,) float64
        Line-spread, standard deviation in pixels.
    sky : (n_pixel,) float64
        Sky that was subtracted, 1e-17 erg/s/cm2/A.
    """

    spectrum: Spectrum
    wdisp: np.ndarray
    sky: np.ndarray


@dataclass(frozen=True)
class MockSurvey:
    """The mock survey of one seed; making one costs nothing, plates are remembered between calls.

    Even plates are SDSS-like (3800-9200 A, 640 fibers), odd ones BOSS-like (3650-10400 A,
    1000 fibers). Every star follows from (seed, plate, MJD, fiber) alone: in any order and any batch,
    bit for bit; on processors with other vector instructions, whose float32 exponentials and sums
    round otherwise, within some millionths of its flux.

    Attributes
    ----------
    seed : int
        Not negative.
    """

    seed: int = SEED

    def __post_init__(self) -> None:
        if self.seed < 0:
            raise ArchiveError(f"The seed of a MOCK survey must not be negative; got {self.seed}.", value=self.seed)

    def mjds(self, plate: int, fiber: int) -> list[int]:
        """Nights on which the star of this fiber was observed, ascending.

        Raises
        ------
        ArchiveError
            If the survey has no such plate, or no star on that fiber.
        """
        held = make_plate(self.seed, plate)
        held.row(fiber)
        return list(held.mjds)

    def spectrum(self, star: StarId) -> Spectrum:
        """The spectrum of ``star`` with photometry and metadata, ``source`` "mock".

        Raises
        ------
        ArchiveError
            If the survey has no such plate, fiber or night.
        """
        return self.frame(star).spectrum

    def frame(self, star: StarId) -> Frame:
        """The spectrum of ``star`` with line-spread and sky; errors as `spectrum`."""
        return self._batch([star])[0]

    def frames(self, stars: Iterable[StarId]) -> Iterator[Frame]:
        """The frames of many stars, several times as fast as one by one.

        Each is the same, bit for bit, as from `frame`, whatever the other stars are and in
        whatever order: every star draws from its own random streams, and no arithmetic joins stars.

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

    def _batch(self, stars: Sequence[StarId]) -> list[Frame]:
        seats = [_Seat.of(self.seed, star) for star in stars]
        labels = ("teff", "logg", "feh", "ebv", "velocity_kms")
        teff, logg, feh, ebv, velocity = (
            np.array([getattr(s.plate.stars, name)[s.row] for s in seats]) for name in labels
        )
        level = flux_at_r(np.array([seat.plate.stars.magnitudes[seat.row, 2] for seat in seats]))
        # The star itself is the same on every night, the noise is not.
        itself = StarStreams([(self.seed, star.plate, star.fiber, 2) for star in stars])
        noise = [(self.seed, star.plate, star.fiber, star.mjd, 3) for star in stars]
        rest = redden(SpectralEmulator.load().spectra(teff, logg, feh, rng=itself), ebv)
        rest *= (level / rest[:, _R_BAND].mean(axis=1))[:, None].astype(np.float32)
        frames: dict[int, Frame] = {}
        for instrument in INSTRUMENTS:
            rows = [index for index, seat in enumerate(seats) if seat.plate.instrument == instrument]
            if not rows:
                continue
            seen = observe(
                rest[rows],
                velocity[rows],
                np.array([seats[i].plate.snr[seats[i].night, seats[i].row] for i in rows]),
                instrument,
                StarStreams([noise[i] for i in rows]),
                sky=np.array([seats[i].plate.sky[seats[i].night, seats[i].row] for i in rows]) / level[rows],
                first_pixel=np.array([seats[i].plate.first_pixel[seats[i].night] for i in rows]),
            )
            frames.update((i, _frame(stars[i], seats[i], seen, at)) for at, i in enumerate(rows))
        return [frames[index] for index in range(len(stars))]

    def examples(self) -> list[tuple[StarId, str]]:
        """Six instructive stars, each with a short caption; callers badge them MOCK."""
        return list(_examples(self.seed))

    def star_ids(self, plate: int) -> list[StarId]:
        """The stars of a plate, each on its first night."""
        held = make_plate(self.seed, plate)
        return [StarId(plate, held.mjds[0], int(fiber), BOSS_RUN2D) for fiber in held.fibers]


class _Seat(NamedTuple):
    """Where a star sits: its plate, its row there, and the night."""

    plate: Plate
    row: int
    night: int

    @classmethod
    def of(cls, seed: int, star: StarId) -> _Seat:
        plate = make_plate(seed, star.plate)
        return cls(plate, plate.row(star.fiber), plate.night(star.mjd))


def _frame(star: StarId, seat: _Seat, seen: Observation, at: int) -> Frame:
    """The frame of row ``at`` of what the instrument saw."""
    inside = np.flatnonzero(seen.flux[at])
    use = slice(inside[0], inside[-1] + 1)
    flux, ivar = seen.flux[at, use], seen.ivar[at, use]
    plate, row, night = seat
    spectrum = Spectrum(
        wavelength=seen.wavelength[use],
        flux=flux,
        ivar=ivar,
        redshift=float(plate.redshift[night, row]),
        photometry=_photometry(plate, row),
        name=star.name,
        source="mock",
        model=seen.model[at, use].astype(float),
        meta=_meta(star, seat, flux, ivar),
        notes=("MOCK: made by an emulator, not observed.",),
    )
    return Frame(spectrum, seen.wdisp[at, use].astype(float), seen.sky[at, use].astype(float))


def _photometry(plate: Plate, row: int) -> Photometry:
    values = (getattr(plate.photometry, name)[row] for name in ("psf_mag", "psf_mag_err", "extinction", "model_mag"))
    return Photometry(*values, source="MOCK imaging photometry")


def _meta(star: StarId, seat: _Seat, flux: np.ndarray, ivar: np.ndarray) -> dict[str, object]:
    plate, row, night = seat
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
    }


def spectral_type(teff: float) -> str:
    """Type of the nearest template the way the pipeline's ``subclass`` gives it, from Teff in K."""
    return next(name for limit, name in _TYPES if teff < limit)


def zwarning(snr: float) -> int:
    """ZWARNING of the mock pipeline: bit 2 (small difference in chi2) below a S/N of 2.5, else 0."""
    return 4 if snr < 2.5 else 0


#: Caption and what the star must truly be.
_WANTED = (
    ("Sun-like dwarf", lambda s: (abs(s.teff - 5772) < 90) & (abs(s.logg - 4.44) < 0.08) & (abs(s.feh) < 0.12)),
    (
        "Turn-off star",
        lambda s: (abs(s.teff - 6200) < 300) & (s.eep > 400) & (s.eep < 460) & (abs(s.logg - 4.1) < 0.15),
    ),
    ("Subgiant", lambda s: (s.stage == STAGES.index("Subgiant")) & (s.eep > 455) & (s.eep < 500) & (s.teff < 6000)),
    ("Red giant", lambda s: (s.logg > 1.8) & (s.logg < 2.9) & (s.teff < 5000) & (s.feh > -1.0)),
    ("Metal-poor halo star", lambda s: (s.component == 2) & (s.feh < -1.7) & (s.feh > -2.4) & (s.teff > 5400)),
    ("Hot A star", lambda s: (s.teff > 8000) & (s.teff < 9500) & (s.logg > 3.8)),
)


@lru_cache(maxsize=4)
def _examples(seed: int) -> tuple[tuple[StarId, str], ...]:
    """For each wish the star of best S/N among the first plates that have one."""
    found: dict[str, tuple[StarId, str]] = {}
    for number in range(MOCK_PLATES[0], MOCK_PLATES[1] + 1):
        plate = make_plate(seed, number)
        for caption, wish in _WANTED:
            fine = wish(plate.stars) & (plate.snr[0] > 25) & (plate.snr[0] < 90)
            if caption not in found and fine.any():
                row = int(np.argmax(np.where(fine, plate.snr[0], 0)))
                found[caption] = StarId(number, plate.mjds[0], int(plate.fibers[row]), BOSS_RUN2D), caption
        if len(found) == len(_WANTED):
            break
    return tuple(found[caption] for caption, _ in _WANTED if caption in found)
