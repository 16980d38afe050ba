"""Live access to SDSS: a star by identifier or position, its spectrum and its catalogue row.

An answer is trusted only after its content was checked, as outages come back as web pages with
status 200; only then does it enter the cache. `FALLBACK_ORDER` says what is tried in which order.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar

from stellar_core.errors import ArchiveError
from stellar_core.network.circuit_breaker import CircuitBreaker
from stellar_core.network.http import ABSENT, OFFLINE_REMEDY, send
from stellar_core.network.rate_limit import RateLimit
from stellar_core.network.retries import Retries, TransientError, UnreachableError
from stellar_core.paths import cache_folder
from stellar_core.sdss import specobjid as ids
from stellar_core.sdss.cache import DiskCache, cache_limit
from stellar_core.sdss.catalogue_rows import COLUMNS, CatalogueRow, choose_row, row_key, row_source
from stellar_core.sdss.cone_search import NEAR_COLUMNS, Neighbour, near_source, read_neighbours
from stellar_core.sdss.preload import load_libraries
from stellar_core.sdss.readers import MAX_BYTES
from stellar_core.sdss.skyserver import TOKENS, SkyServer, integer, skyserver_url
from stellar_core.sdss.spectrum_files import SpectrumFile, SpectrumFiles, check_file, sas_url
from stellar_core.sdss.sql_response import TOTAL_SQL, read_answer, whole_number
from stellar_core.sdss.star_id import PlateFiber, Position, StarId
from stellar_core.spectrum import Spectrum

Value = TypeVar("Value")

#: Longest wait for SkyServer's answer about one star, seconds, where a user waits: it takes one or two.
ROW_TIMEOUT = 10.0
#: A file that the Science Archive Server says it has not.
NO_FILE = "dr17/sdss/spectro/redux/26/spectra/lite/0000/spec-0000-00000-0000.fits"
#: What is tried, in this order, for one spectrum; for the user.
FALLBACK_ORDER = (
    "MOCK plates are answered on this machine. For any other star: the cache on this disk, the lite file of the "
    "Science Archive Server, then its full file. Where the reduction was not given, SkyServer is asked for it, else "
    "26, 103 and 104 are tried. Photometry and SSPP parameters come from the cache, then from SkyServer; without "
    "them the spectrum still comes, with what its own file holds, and a note."
)


@dataclass(frozen=True)
class ServiceState:
    """Whether SDSS answers from here.

    Attributes
    ----------
    files, catalogue : bool
        The Science Archive Server and SkyServer.
    sentence : str
        The same in words, and what works nevertheless.
    """

    files: bool
    catalogue: bool
    sentence: str


@dataclass(frozen=True)
class Archive:
    """The archive of SDSS DR17 with a cache before it.

    Attributes
    ----------
    cache : DiskCache
    files : SpectrumFiles
    skyserver : SkyServer
    """

    cache: DiskCache = field(default_factory=lambda: DiskCache(cache_folder(), cache_limit()))
    files: SpectrumFiles = field(default_factory=SpectrumFiles)
    skyserver: SkyServer = field(default_factory=SkyServer)

    def with_breakers(self, failures: int) -> Archive:
        """Return the archive with a `CircuitBreaker` for each of its two servers; what is cached is still given."""
        return replace(
            self,
            files=replace(self.files, breaker=CircuitBreaker(failures)),
            skyserver=replace(self.skyserver, breaker=CircuitBreaker(failures)),
        )

    def spectrum(self, star: StarId, *, catalogue: bool = True, insist: bool = False) -> Spectrum:
        """The spectrum of ``star``, with what the catalogue says about it.

        Parameters
        ----------
        star : StarId
        catalogue : bool
            False leaves SkyServer alone: no photometry and parameters but the file's own.
        insist : bool
            Where SkyServer cannot be asked this is an error, not a note: for those who can come again.

        Returns
        -------
        Spectrum
            With ``source`` "sdss"; "mock" where a MOCK survey is served in the place of SDSS.

        Raises
        ------
        ArchiveError
            If the archive cannot be reached, does not have the spectrum, or sends something else.
        """
        if not catalogue:
            return _finish(self.file(star), None, "")
        load_libraries()
        beside = ThreadPoolExecutor(1)
        try:
            asked = beside.submit(_attempt, lambda: self.row(star))
            if star.run2d_known or star.plate >= ids.FIRST_BOSS_PLATE:
                found = self.file(star)
                row, failure = asked.result()
            else:
                row, failure = asked.result()
                found = self.file(star if row is None else row.star)
        finally:
            beside.shutdown(wait=False)  # where there is no file, the row is not waited for
        words = str(failure or "").removesuffix(OFFLINE_REMEDY).strip()
        if failure and insist:
            kind = UnreachableError if isinstance(failure, UnreachableError) else TransientError
            raise kind(f"SDSS's catalogue could not be asked about {star.name}: {words}", value=star, remedy="")
        return _finish(found, row, words)

    def file(self, star: StarId) -> SpectrumFile:
        """The checked file of ``star``, from the cache or the Science Archive Server; errors as `spectrum`."""
        for run2d, path in self.files.paths(star):
            held = self.cache.get(path)
            if held is not None:
                try:
                    return SpectrumFile(check_file(held, star, path), held, run2d, path)
                except ArchiveError:
                    self.cache.drop(path)
        found = self.files.fetch(star)
        note = self.cache.put(found.path, found.data)
        return found._replace(spectrum=_with_note(found.spectrum, note)) if note else found

    def row(self, star: StarId) -> CatalogueRow | None:
        """The catalogue row of ``star``; None where SDSS has none.

        Raises
        ------
        ArchiveError
            If SkyServer cannot be reached or gives no valid answer.
        """
        return self._answer(row_key(star), COLUMNS, row_source(star), lambda rows: choose_row(star, rows))

    def mjds(self, place: PlateFiber) -> list[int]:
        """MJDs on which a fiber of a plate was observed, ascending; errors as `row`."""
        where = f"WHERE plate = {integer(place.plate, *ids.PLATES)} AND fiberID = {integer(place.fiber, *ids.FIBERS)}"
        key = f"skyserver/nights/{place.plate:04d}-{place.fiber:04d}.csv"
        return self._answer(
            key, ["mjd"], f"FROM SpecObjAll {where}", lambda rows: sorted({whole_number(mjd) for (mjd,) in rows})
        )

    def near(self, position: Position, radius: float = 3.0) -> list[Neighbour]:
        """Spectra near a position, the nearest first, one per object.

        Parameters
        ----------
        position : Position
        radius : float
            Arcsec, up to 180.

        Raises
        ------
        ParameterError
            If the radius is not between 0 and 180.
        ArchiveError
            As `row`.
        """
        key = f"skyserver/near/{position.ra:.6f}_{position.dec:+.6f}_{radius:g}.csv"
        return self._answer(
            key, NEAR_COLUMNS, near_source(position, radius), lambda rows: read_neighbours(rows, position, radius)
        )

    def nearest(self, position: Position, radius: float = 3.0) -> StarId:
        """The spectrum nearest to a position, with a note on how far it is.

        Raises
        ------
        ArchiveError
            If there is none within ``radius`` arcsec, or SkyServer cannot be asked.
        """
        found = self.near(position, radius)
        place = f"RA {position.ra:.5f}, Dec {position.dec:+.5f}"
        if not found:
            raise ArchiveError(
                f"SDSS has no spectrum within {radius:g} arcsec of {place}.",
                value=position,
                remedy="Check the position.",
            )
        star, distance = found[0].star, found[0].distance
        return replace(
            star, notes=(f"The spectrum nearest to {place} is {star.name}, {distance:.1f} arcsec away.", *star.notes)
        )

    def state(self, timeout: float = 5.0) -> ServiceState:
        """Ask both services, once, what only they answer rightly: networks that want a login first answer everything."""
        files = _alive(lambda: send(f"{self.files.url}/{NO_FILE}", timeout=timeout, limit=MAX_BYTES).status in ABSENT)
        once = Retries(attempts=1, unreachable_attempts=1)
        server = replace(self.skyserver, timeout=timeout, limit=RateLimit(None), retries=once)
        nothing = f"SELECT COUNT(*) AS found, {TOTAL_SQL} FROM SpecObj WHERE specObjID = 0"
        catalogue = _alive(lambda: server.query(nothing, ["found"]).rows == [("0",)])
        number, size = self.cache.holdings()
        held = f"{number} answers ({size / 1e6:.0f} MB) are in the cache"
        if files and catalogue:
            sentence = f"SDSS answers: spectra and catalogue; {held}."
        elif files:
            sentence = (
                f"SDSS's spectra can be fetched, but SkyServer does not answer: stars come without photometry; {held}."
            )
        elif catalogue:
            sentence = f"SkyServer answers, but spectra cannot be fetched; {held}."
        else:
            sentence = f"SDSS cannot be reached from here; {held}, and MOCK stars and uploads need no network."
        return ServiceState(files, catalogue, sentence)

    def _answer(
        self, key: str, columns: Sequence[str], source: str, read: Callable[[list[tuple[str, ...]]], Value]
    ) -> Value:
        """What ``read`` makes of a SkyServer answer, from the cache or from the server."""
        held = self.cache.get(key)
        if held is not None:
            try:
                return read(read_answer(held, [column.rpartition(".")[2] for column in columns]))
            except ArchiveError:
                self.cache.drop(key)
        answer = self.skyserver.select(columns, source, read)
        if answer.rows:
            self.cache.put(key, answer.data)
        return read(answer.rows)


def _finish(found: SpectrumFile, row: CatalogueRow | None, failure: str) -> Spectrum:
    """Mark the spectrum as SDSS's and add what the catalogue knows."""
    spectrum = found.spectrum
    plate, mjd, fiber = (int(spectrum.meta[name]) for name in ("plate", "mjd", "fiber"))
    star = StarId(plate, mjd, fiber, found.run2d)
    meta = {**spectrum.meta, "run2d": star.run2d, "specobjid": star.specobjid}
    spectrum = replace(spectrum, source="mock" if star.is_mock else "sdss", meta=meta)
    if row is not None:
        return row.add_to(spectrum)
    if not failure:
        return spectrum
    lacking = "SSPP parameters are" if spectrum.photometry is not None else "photometry and SSPP parameters are"
    return _with_note(spectrum, f"SDSS's catalogue could not be asked, so {lacking} missing: {failure}")


def _with_note(spectrum: Spectrum, note: str) -> Spectrum:
    return replace(spectrum, notes=(*spectrum.notes, note))


def fetch_spectrum(
    star: StarId, cache_dir: str | os.PathLike[str] | None = None, timeout: float = 20.0, *, catalogue: bool = True
) -> Spectrum:
    """The DR17 spectrum of a star, as `FALLBACK_ORDER` says.

    Parameters
    ----------
    star : StarId
    cache_dir : path, optional
        Default: environment STELLAR_CACHE_DIR, else ``~/.cache/stellar-ages-explorer``.
    timeout : float
        Seconds until a server must have answered, and again for its answer to arrive.
    catalogue : bool
        False leaves SkyServer alone.

    Returns
    -------
    Spectrum
        With ``source`` "sdss".

    Raises
    ------
    ArchiveError
        If the star is a mock one, the archive cannot be reached, does not have the file,
        or sends something else.
    """
    if star.is_mock:
        raise ArchiveError(f"{star.name} belongs to the mock survey; SDSS has no such plate.", value=star)
    return open_archive(cache_dir, timeout).spectrum(star, catalogue=catalogue)


def plate_mjds(plate: int, fiber: int, timeout: float = 20.0) -> list[int]:
    """MJDs on which a fiber of a plate was observed, from SkyServer.

    Returns
    -------
    list of int
        Ascending; empty where DR17 has no such spectrum.

    Raises
    ------
    IdentifierError
        If SDSS has no such plate or fiber number.
    ArchiveError
        If SkyServer cannot be reached or answers with something else.
    """
    return open_archive(timeout=timeout).mjds(PlateFiber(int(plate), int(fiber)))


def star_near(position: Position, radius: float = 3.0, timeout: float = 20.0) -> StarId:
    """`Archive.nearest` for one user who waits; ``timeout`` as for `plate_mjds`."""
    return open_archive(timeout=timeout).nearest(position, radius)


def open_archive(cache_dir: str | os.PathLike[str] | None = None, timeout: float = 20.0) -> Archive:
    """The archive for one user who waits: settings from the environment, no further try after 1.5 timeouts."""
    folder = Path(cache_dir) if cache_dir else cache_folder()
    short = min(timeout, ROW_TIMEOUT)
    server = SkyServer(skyserver_url(), short, RateLimit(folder / TOKENS), Retries(patience=1.5 * short))
    return Archive(
        DiskCache(folder, cache_limit()), SpectrumFiles(sas_url(), timeout, Retries(patience=1.5 * timeout)), server
    )


def _attempt(ask: Callable[[], CatalogueRow | None]) -> tuple[CatalogueRow | None, ArchiveError | None]:
    """The row, or why it could not be asked for."""
    try:
        return ask(), None
    except ArchiveError as error:
        return None, error


def _alive(ask: Callable[[], bool]) -> bool:
    try:
        return ask()
    except ArchiveError:
        return False
