"""The MOCK survey: 166,625 stars on plates 16000 to 16383, answered without a network."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from stellar_core.errors import ArchiveError
from stellar_core.mock.emulator import SpectralEmulator
from stellar_core.mock.instrument import observe
from stellar_core.mock.photometry import redden
from stellar_core.mock.plates import Plate, flux_at_r, make_plate
from stellar_core.mock.population import Population
from stellar_core.photometry import Photometry
from stellar_core.sdss.specobjid import BOSS_RUN2D
from stellar_core.sdss.star import MOCK_PLATES, StarId
from stellar_core.spectrum import Spectrum
from stellar_core.stages import STAGES

#: Seed of the survey that the app answers from.
SEED = 20_240_601
#: Where the flux scale is set: the r band on the rest-frame grid.
_R_BAND = slice(5600 - 3600, 6750 - 3600)
#: Spectral type by effective temperature, K (Pecaut & Mamajek 2013, dwarfs): hottest type below each limit.
_TYPES = (
    (3700, "M1"), (3900, "M0"), (4200, "K7"), (4600, "K5"), (5000, "K3"), (5300, "K1"), (5500, "G9"), (5700, "G5"),
    (5950, "G2"), (6100, "F9"), (6500, "F5"), (6900, "F2"), (7300, "F0"), (8000, "A6"), (9000, "A3"), (1e9, "A0"),
)  # fmt: skip


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
    1000 fibers). Every star follows from (seed, plate, MJD, fiber) alone.

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
        plate = make_plate(self.seed, star.plate)
        row, night = plate.row(star.fiber), plate.night(star.mjd)
        one = plate.stars.select(slice(row, row + 1))
        # The star itself is the same on every night, the noise is not.
        itself = np.random.default_rng([self.seed, star.plate, star.fiber, 2])
        noise = np.random.default_rng([self.seed, star.plate, star.fiber, star.mjd, 3])
        rest = redden(SpectralEmulator.load().spectra(one.teff, one.logg, one.feh, rng=itself), one.ebv)
        level = flux_at_r(one.magnitudes[:, 2])
        rest = rest * (level / rest[:, _R_BAND].mean(axis=1))[:, None]
        seen = observe(
            rest,
            one.velocity_kms,
            plate.snr[night, row : row + 1],
            plate.instrument,
            noise,
            sky=plate.sky[night, row] / level,
            first_pixel=plate.first_pixel[night],
        )
        inside = np.flatnonzero(seen.flux[0] != 0)
        use = slice(inside[0], inside[-1] + 1)
        flux, ivar = seen.flux[0, use], seen.ivar[0, use]
        spectrum = Spectrum(
            wavelength=seen.wavelength[use],
            flux=flux,
            ivar=ivar,
            redshift=float(plate.redshift[night, row]),
            photometry=_photometry(plate, row),
            name=star.name,
            source="mock",
            model=seen.model[0, use].astype(float),
            meta=_meta(plate, row, night, star, flux, ivar, one),
            notes=("MOCK: made by an emulator, not observed.",),
        )
        return Frame(spectrum, seen.wdisp[0, use].astype(float), seen.sky[0, use].astype(float))

    def examples(self) -> list[tuple[StarId, str]]:
        """Six instructive stars, each with a short caption; callers badge them MOCK."""
        return list(_examples(self.seed))

    def star_ids(self, plate: int) -> list[StarId]:
        """The stars of a plate, each on its first night."""
        held = make_plate(self.seed, plate)
        return [StarId(plate, held.mjds[0], int(fiber), BOSS_RUN2D) for fiber in held.fibers]


def _photometry(plate: Plate, row: int) -> Photometry:
    values = (getattr(plate.photometry, name)[row] for name in ("psf_mag", "psf_mag_err", "extinction", "model_mag"))
    return Photometry(*values, source="MOCK imaging photometry")


def _meta(
    plate: Plate, row: int, night: int, star: StarId, flux: np.ndarray, ivar: np.ndarray, one: Population
) -> dict[str, object]:
    good = ivar > 0
    return {
        "plate": star.plate,
        "mjd": star.mjd,
        "fiber": star.fiber,
        "run2d": star.run2d,
        "specobjid": star.specobjid,
        "class": "STAR",
        "subclass": spectral_type(float(one.teff[0])),
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
    ("Turn-off star", lambda s: (abs(s.teff - 6200) < 300) & (s.eep > 400) & (s.eep < 460) & (abs(s.logg - 4.1) < 0.15)),
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
