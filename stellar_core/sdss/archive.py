"""Live access to SDSS: a star by identifier or position, its spectrum and its catalogue row.

A response is used and cached only after its content was checked, because outages arrive as web pages with status 200.
`FALLBACK_ORDER` gives the order of the sources.
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
from stellar_core.network.retries import Retries, TransientError, UnreachableError
from stellar_core.paths import cache_folder
from stellar_core.sdss import specobjid as ids
from stellar_core.sdss.cache import DiskCache, cache_limit
from stellar_core.sdss.catalogue_rows import COLUMNS, CatalogueRow, choose_row, row_key, row_source
from stellar_core.sdss.cone_search import CONE_COLUMNS, ConeMatch, cone_source, read_matches
from stellar_core.sdss.preload import load_libraries
from stellar_core.sdss.readers import MAX_BYTES
from stellar_core.sdss.skyserver import SkyServer, integer, skyserver_rate_limit, skyserver_url
from stellar_core.sdss.spectrum_files import SpectrumFile, SpectrumFiles, check_file, sas_url
from stellar_core.sdss.sql_response import TOTAL_SQL, parse_rows, whole_number
from stellar_core.sdss.star_id import PlateFiber, Position, StarId
from stellar_core.spectrum import Spectrum

Value = TypeVar("Value")

#: Longest wait for the catalogue row of one star while a user waits, seconds; SkyServer takes one or two.
ROW_TIMEOUT = 10.0
#: A file that does not exist on the Science Archive Server, to test the connection.
NO_FILE = "dr17/sdss/spectro/redux/26/spectra/lite/0000/spec-0000-00000-0000.fits"
#: The sources of one spectrum in the order in which they are tried; for the user.
FALLBACK_ORDER = (
    "Stars on MOCK plates are generated on this machine. For any other star: the cache on this disk, the lite file of "
    "the Science Archive Server, then its full file. If the reduction was not given, it is looked up on SkyServer; "
    "without SkyServer, 26, 103 and 104 are tried. Photometry and SSPP parameters come from the cache, then from "
    "SkyServer; without them the spectrum is shown with the contents of its own file, and a note."
)


@dataclass(frozen=True)
class ServiceState:
    """State of the connection to SDSS.

    Attributes
    ----------
    files, catalogue : bool
        Whether the Science Archive Server and SkyServer reply.
    sentence : str
        The same in words, and what works without them.
    """

    files: bool
    catalogue: bool
    sentence: str


@dataclass(frozen=True)
class Archive:
    """The archive of SDSS DR17 behind a cache.

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
        """Return the archive with a `CircuitBreaker` for each of its two servers; the cache stays available."""
        return replace(
            self,
            files=replace(self.files, breaker=CircuitBreaker(failures)),
            skyserver=replace(self.skyserver, breaker=CircuitBreaker(failures)),
        )

    def spectrum(self, star: StarId, *, catalogue: bool = True, require_catalogue: bool = False) -> Spectrum:
        """Return the spectrum of ``star`` with its catalogue data.

        Parameters
        ----------
        star : StarId
        catalogue : bool
            False does not query SkyServer: photometry and parameters are those of the file.
        require_catalogue : bool
            Raise where SkyServer fails, instead of adding a note: for callers that can try again later.

        Returns
        -------
        Spectrum
            With ``source`` "sdss"; "mock" where a MOCK survey is served in place of SDSS.

        Raises
        ------
        ArchiveError
            If the archive cannot be reached, does not have the spectrum, or sends something else.
        """
        if not catalogue:
            return _complete(self.file(star), None, "")
        load_libraries()
        pool = ThreadPoolExecutor(1)
        try:
            pending = pool.submit(_row_or_error, lambda: self.row(star))
            if star.run2d_known or star.plate >= ids.FIRST_BOSS_PLATE:
                found = self.file(star)
                row, failure = pending.result()
            else:
                row, failure = pending.result()
                found = self.file(star if row is None else row.star)
        finally:
            pool.shutdown(wait=False)  # without a file there is no need to wait for the row
        reason = str(failure or "").removesuffix(OFFLINE_REMEDY).strip()
        if failure and require_catalogue:
            kind = UnreachableError if isinstance(failure, UnreachableError) else TransientError
            raise kind(f"SDSS's catalogue could not be queried for {star.name}: {reason}", value=star, remedy="")
        return _complete(found, row, reason)

    def file(self, star: StarId) -> SpectrumFile:
        """Return the checked file of ``star`` from the cache or the Science Archive Server; errors as `spectrum`."""
        for run2d, path in self.files.paths(star):
            cached = self.cache.get(path)
            if cached is not None:
                try:
                    return SpectrumFile(check_file(cached, star, path), cached, run2d, path)
                except ArchiveError:
                    self.cache.drop(path)
        found = self.files.fetch(star)
        note = self.cache.put(found.path, found.data)
        return found._replace(spectrum=_with_note(found.spectrum, note)) if note else found

    def row(self, star: StarId) -> CatalogueRow | None:
        """Return the catalogue row of ``star``; None where SDSS has none.

        Raises
        ------
        ArchiveError
            If SkyServer cannot be reached or sends no valid response.
        """
        return self._query(row_key(star), COLUMNS, row_source(star), lambda rows: choose_row(star, rows))

    def mjds(self, place: PlateFiber) -> list[int]:
        """Return the MJDs on which a fiber of a plate was observed, ascending; errors as `row`."""
        where = f"WHERE plate = {integer(place.plate, *ids.PLATES)} AND fiberID = {integer(place.fiber, *ids.FIBERS)}"
        key = f"skyserver/nights/{place.plate:04d}-{place.fiber:04d}.csv"
        return self._query(
            key, ["mjd"], f"FROM SpecObjAll {where}", lambda rows: sorted({whole_number(mjd) for (mjd,) in rows})
        )

    def cone_search(self, position: Position, radius: float = 3.0) -> list[ConeMatch]:
        """Return the spectra near a position, the nearest first, one per object.

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
        return self._query(
            key, CONE_COLUMNS, cone_source(position, radius), lambda rows: read_matches(rows, position, radius)
        )

    def nearest(self, position: Position, radius: float = 3.0) -> StarId:
        """Return the spectrum nearest to a position, with its distance in a note.

        Raises
        ------
        ArchiveError
            If there is none within ``radius`` arcsec, or SkyServer cannot be queried.
        """
        found = self.cone_search(position, radius)
        place = f"RA {position.ra:.5f}, Dec {position.dec:+.5f}"
        if not found:
            raise ArchiveError(
                f"SDSS has no spectrum within {radius:g} arcsec of {place}.",
                value=position,
                remedy="Check the position.",
            )
        star, distance = found[0].star, found[0].distance
        note = f"The spectrum nearest to {place} is {star.name}, {distance:.1f} arcsec away."
        return replace(star, notes=(note, *star.notes))

    def state(self, timeout: float = 5.0) -> ServiceState:
        """Test both servers once, by replies that a network with a login page cannot imitate."""
        files = _succeeds(
            lambda: send(f"{self.files.url}/{NO_FILE}", timeout=timeout, limit=MAX_BYTES).status in ABSENT
        )
        once = Retries(attempts=1, unreachable_attempts=1)
        server = replace(self.skyserver, timeout=timeout, limit=None, retries=once)
        nothing = f"SELECT COUNT(*) AS found, {TOTAL_SQL} FROM SpecObj WHERE specObjID = 0"
        catalogue = _succeeds(lambda: server.query(nothing, ["found"]).rows == [("0",)])
        number, size = self.cache.size()
        cached = f"the cache holds {number} files ({size / 1e6:.0f} MB)"
        if files and catalogue:
            sentence = f"SDSS answers: spectra and catalogue are available; {cached}."
        elif files:
            sentence = (
                "SDSS's spectra are available, but SkyServer does not answer: stars come without its photometry; "
                f"{cached}."
            )
        elif catalogue:
            sentence = f"SkyServer answers, but spectra cannot be fetched; {cached}."
        else:
            sentence = f"SDSS cannot be reached from here; {cached}, and MOCK stars and uploads need no network."
        return ServiceState(files, catalogue, sentence)

    def _query(
        self, key: str, columns: Sequence[str], source: str, read: Callable[[list[tuple[str, ...]]], Value]
    ) -> Value:
        """Return ``read`` of the rows, from the cache or from SkyServer."""
        cached = self.cache.get(key)
        if cached is not None:
            try:
                return read(parse_rows(cached, [column.rpartition(".")[2] for column in columns]))
            except ArchiveError:
                self.cache.drop(key)
        response = self.skyserver.select(columns, source, read)
        if response.rows:
            self.cache.put(key, response.data)
        return read(response.rows)


def _complete(found: SpectrumFile, row: CatalogueRow | None, failure: str) -> Spectrum:
    """Mark the spectrum as SDSS's and add the catalogue row, or a note on why there is none."""
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
    return _with_note(spectrum, f"SDSS's catalogue could not be queried, so {lacking} missing: {failure}")


def _with_note(spectrum: Spectrum, note: str) -> Spectrum:
    return replace(spectrum, notes=(*spectrum.notes, note))


def fetch_spectrum(
    star: StarId, cache_dir: str | os.PathLike[str] | None = None, timeout: float = 20.0, *, catalogue: bool = True
) -> Spectrum:
    """Fetch the DR17 spectrum of a star, from the sources of `FALLBACK_ORDER`.

    Parameters
    ----------
    star : StarId
    cache_dir : path, optional
        Default: environment STELLAR_CACHE_DIR, else ``~/.cache/stellar-ages-explorer``.
    timeout : float
        Seconds until a server must have replied, and again for its reply to arrive.
    catalogue : bool
        False does not query SkyServer.

    Returns
    -------
    Spectrum
        With ``source`` "sdss".

    Raises
    ------
    ArchiveError
        If the star is a MOCK star, or the archive cannot be reached, does not have the file, or sends something else.
    """
    if star.is_mock:
        raise ArchiveError(f"{star.name} belongs to the MOCK survey; SDSS has no such plate.", value=star)
    return open_archive(cache_dir, timeout).spectrum(star, catalogue=catalogue)


def plate_mjds(plate: int, fiber: int, timeout: float = 20.0) -> list[int]:
    """Look up on SkyServer the MJDs on which a fiber of a plate was observed.

    Returns
    -------
    list of int
        Ascending; empty where DR17 has no such spectrum.

    Raises
    ------
    IdentifierError
        If SDSS has no such plate or fiber number.
    ArchiveError
        If SkyServer cannot be reached or sends no valid response.
    """
    return open_archive(timeout=timeout).mjds(PlateFiber(int(plate), int(fiber)))


def star_near(position: Position, radius: float = 3.0, timeout: float = 20.0) -> StarId:
    """Return the spectrum nearest to a position, as `Archive.nearest`; ``timeout`` as in `fetch_spectrum`."""
    return open_archive(timeout=timeout).nearest(position, radius)


def open_archive(cache_dir: str | os.PathLike[str] | None = None, timeout: float = 20.0) -> Archive:
    """Return the archive for a user who waits: settings from the environment, no attempt after 1.5 timeouts."""
    folder = Path(cache_dir) if cache_dir else cache_folder()
    short = min(timeout, ROW_TIMEOUT)
    return Archive(
        DiskCache(folder, cache_limit()),
        SpectrumFiles(sas_url(), timeout, Retries(patience=1.5 * timeout)),
        SkyServer(skyserver_url(), short, skyserver_rate_limit(folder), Retries(patience=1.5 * short)),
    )


def _row_or_error(look_up: Callable[[], CatalogueRow | None]) -> tuple[CatalogueRow | None, ArchiveError | None]:
    try:
        return look_up(), None
    except ArchiveError as error:
        return None, error


def _succeeds(test: Callable[[], bool]) -> bool:
    try:
        return test()
    except ArchiveError:
        return False
