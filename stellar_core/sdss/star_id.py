"""Identity of one SDSS spectrum, and the URLs that follow from it; `identifiers` parses text into these classes."""

from __future__ import annotations

from dataclasses import dataclass, field

from stellar_core.errors import IdentifierError
from stellar_core.sdss import specobjid as ids

#: First and last plate of the MOCK survey; SDSS never used them.
MOCK_PLATES = (16000, 16383)
#: MJD from which the SDSS spectrograph served SEGUE-2 (run2d 104) only: August 2008.
SEGUE2_MJD = 54680
#: Root of the Science Archive Server.
SAS_URL = "https://data.sdss.org/sas"


@dataclass(frozen=True)
class StarId:
    """One SDSS spectrum.

    Attributes
    ----------
    plate, mjd, fiber : int
    run2d : str
        Reduction: "26", "103", "104" or ``vN_M_P``.
    notes : tuple of str
        Corrections and assumptions made when the identifier was read; not compared.
    run2d_known : bool
        False where ``run2d`` was assumed from plate and MJD; not compared.

    Raises
    ------
    IdentifierError
        If a number is outside the range of SDSS, or ``run2d`` is not a reduction.
    """

    plate: int
    mjd: int
    fiber: int
    run2d: str
    notes: tuple[str, ...] = field(default=(), compare=False)
    run2d_known: bool = field(default=True, compare=False)

    def __post_init__(self) -> None:
        number = ids.encode(self.plate, self.mjd, self.fiber, self.run2d) >> 10 & 0x3FFF
        object.__setattr__(self, "run2d", ids.decode_run2d(number))

    @classmethod
    def of(cls, plate: int, mjd: int, fiber: int, run2d: str | None = None, notes: tuple[str, ...] = ()) -> StarId:
        """Return the spectrum of a plate, MJD and fiber; the reduction is assumed where it is not given."""
        if run2d is not None:
            return cls(plate, mjd, fiber, run2d, notes)
        if plate >= ids.FIRST_BOSS_PLATE:
            return cls(plate, mjd, fiber, ids.BOSS_RUN2D, notes)
        assumed = "104" if mjd >= SEGUE2_MJD else "26"
        note = f"The reduction (run2d) was not given: {assumed} was assumed; plates before 3510 have 26, 103 or 104."
        return cls(plate, mjd, fiber, assumed, (*notes, note), run2d_known=False)

    @property
    def specobjid(self) -> str:
        """The specObjID as text: many programs round numbers above 2^53."""
        return str(ids.encode(self.plate, self.mjd, self.fiber, self.run2d))

    @property
    def name(self) -> str:
        """plate-MJD-fiber as in spec file names."""
        return f"{self.plate:04d}-{self.mjd}-{self.fiber:04d}"

    @property
    def is_mock(self) -> bool:
        """Whether the plate belongs to the MOCK survey."""
        return MOCK_PLATES[0] <= self.plate <= MOCK_PLATES[1]

    @property
    def run2d_candidates(self) -> tuple[str, ...]:
        """Reductions to try for the file, the likeliest first."""
        if self.plate >= ids.FIRST_BOSS_PLATE:
            # DR17 has every BOSS spectrum in one reduction, whichever release the id is from.
            return (ids.BOSS_RUN2D,)
        if self.run2d_known:
            return (self.run2d,)
        return (self.run2d, *(other for other in ids.LEGACY_RUN2D if other != self.run2d))

    def file_path(self, run2d: str, *, full: bool = False) -> str:
        """Return the path of the DR17 lite file below the root of the Science Archive Server.

        Parameters
        ----------
        run2d : str
            Reduction.
        full : bool
            Path of the file with all exposures, which begins with the same coadd.
        """
        legacy = run2d in ids.LEGACY_RUN2D
        folder = f"dr17/{'sdss' if legacy else 'eboss'}/spectro/redux/{run2d}/spectra"
        kind = ("" if legacy else "full/") if full else "lite/"
        return f"{folder}/{kind}{self.plate:04d}/spec-{self.name}.fits"

    @property
    def spectrum_url(self) -> str:
        """URL of the DR17 lite file; empty for the MOCK survey."""
        return "" if self.is_mock else f"{SAS_URL}/{self.file_path(self.run2d_candidates[0])}"

    @property
    def skyserver_url(self) -> str:
        """URL of the SkyServer page of the spectrum; empty for the MOCK survey."""
        if self.is_mock:
            return ""
        dr17 = ids.encode(self.plate, self.mjd, self.fiber, self.run2d_candidates[0])
        return f"https://skyserver.sdss.org/dr17/VisualTools/explore/summary?sid={dr17}"

    @property
    def viewer_url(self) -> str:
        """URL of the DR17 spectrum viewer; empty for the MOCK survey."""
        if self.is_mock:
            return ""
        query = f"plateid={self.plate}&mjd={self.mjd}&fiberid={self.fiber}"
        return f"https://dr17.sdss.org/optical/spectrum/view?{query}"

    def to_dict(self) -> dict[str, object]:
        """Return the object that ``identify --json`` prints."""
        return {
            "plate": self.plate,
            "mjd": self.mjd,
            "fiber": self.fiber,
            "run2d": self.run2d,
            "specobjid": self.specobjid,
            "name": self.name,
            "spectrum_url": self.spectrum_url,
            "skyserver_url": self.skyserver_url,
            "viewer_url": self.viewer_url,
            "mock": self.is_mock,
            "notes": list(self.notes),
        }


@dataclass(frozen=True)
class PlateFiber:
    """A plate and a fiber without the MJD: one or several spectra.

    Raises
    ------
    IdentifierError
        If a number is outside the range of SDSS.
    """

    plate: int
    fiber: int

    def __post_init__(self) -> None:
        ids.encode(self.plate, ids.MJDS[0], self.fiber, ids.LEGACY_RUN2D[0])

    def at(self, mjd: int) -> StarId:
        """Return the spectrum of this plate and fiber on one MJD."""
        return StarId.of(self.plate, mjd, self.fiber)


@dataclass(frozen=True)
class Position:
    """A position on the sky, which stands for the spectrum nearest to it.

    Attributes
    ----------
    ra, dec : float
        ICRS, degrees.

    Raises
    ------
    IdentifierError
        If a coordinate is out of range.
    """

    ra: float
    dec: float

    def __post_init__(self) -> None:
        if not (0 <= self.ra < 360 and -90 <= self.dec <= 90):
            raise IdentifierError(
                f"RA {self.ra:g}, Dec {self.dec:g} is not a position on the sky.",
                value=(self.ra, self.dec),
                remedy="Give RA from 0 to 360 and Dec from -90 to 90 degrees.",
            )
