"""The Gaia archive of ESA behind a cache: sources near positions and by identifier.

A reply is used and cached only after its content was checked, as in `stellar_core.sdss.archive`. That there is no
source is believed only where a second query says so too, and is asked again after `PERIOD`.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar

from stellar_core.errors import ArchiveError
from stellar_core.gaia.adql import FAR, MAX_ROWS, STAR, Query, cone_query, id_query
from stellar_core.gaia.matching import separations
from stellar_core.gaia.response import parse_reply, refusal_of
from stellar_core.gaia.source import GaiaSource
from stellar_core.gaia.tables import MAX_BYTES, OverflowedError
from stellar_core.gaia.targets import Target
from stellar_core.network.circuit_breaker import CircuitBreaker
from stellar_core.network.http import ABSENT, send
from stellar_core.network.rate_limit import RateLimit
from stellar_core.network.retries import Retries, TransientError
from stellar_core.paths import cache_folder
from stellar_core.sdss.cache import DiskCache, cache_limit

Wanted = TypeVar("Wanted", bound=Hashable)
Row = tuple[GaiaSource, list[object]]

#: TAP service of the archive; environment STELLAR_GAIA_URL sets another.
GAIA_URL = "https://gea.esac.esa.int/tap-server/tap"
#: Stars of one query: with about one source each, half the rows of a reply.
CHUNK = 500
#: Queries per minute from one machine.
QUERIES_PER_MINUTE = 60
#: Seconds after which a reply without a source for some star is no longer taken from the cache: 30 days.
PERIOD = 30 * 86400.0
#: Longest wait for one star while a user waits, and for a chunk of many stars, seconds.
TIMEOUT, CHUNK_TIMEOUT = 20.0, 120.0


def gaia_url() -> str:
    """Return STELLAR_GAIA_URL, else `GAIA_URL`, without ``/sync``."""
    return (os.environ.get("STELLAR_GAIA_URL") or GAIA_URL).rstrip("/").removesuffix("/sync")


@dataclass(frozen=True)
class GaiaArchive:
    """The TAP service of the Gaia archive.

    Attributes
    ----------
    url : str
        Without ``/sync``.
    timeout : float
        Seconds until it must have replied, and again for the reply to arrive.
    limit : RateLimit or None
    retries : Retries
    breaker : CircuitBreaker, optional
        Stops further queries once the server cannot be reached.
    cache : DiskCache or None
    clock : callable
        Seconds since the epoch.
    """

    url: str = field(default_factory=gaia_url)
    timeout: float = TIMEOUT
    limit: RateLimit | None = None
    retries: Retries = field(default_factory=Retries)
    breaker: CircuitBreaker | None = None
    cache: DiskCache | None = None
    clock: Callable[[], float] = time.time

    @property
    def is_real(self) -> bool:
        """Whether this is ESA's archive and not another server set in the environment."""
        return self.url == GAIA_URL

    def with_breaker(self, failures: int) -> GaiaArchive:
        """Return the archive with a `CircuitBreaker`; the cache stays available."""
        return replace(self, breaker=CircuitBreaker(failures))

    def near(self, positions: Sequence[tuple[float, float]]) -> list[list[GaiaSource]]:
        """Return the sources near each position, by one query for each `CHUNK` of positions.

        Parameters
        ----------
        positions : sequence of (float, float)
            RA and Dec, ICRS, degrees.

        Returns
        -------
        list of list of GaiaSource
            In the order of the positions: all sources within 4 arcsec, and farther ones that were there since 1998.

        Raises
        ------
        ParameterError
            If a coordinate is out of range.
        ArchiveError
            If the archive cannot be reached or sends no valid reply. What was found before is in the cache.
        """
        return self._in_chunks(positions, cone_query, _by_position)

    def by_id(self, source_ids: Sequence[int]) -> list[GaiaSource | None]:
        """Return the sources with these identifiers, None where there is none; errors as `near`."""
        wanted = list(dict.fromkeys(source_ids))
        found = self._in_chunks(wanted, id_query, _by_identifier)
        known = {number: sources[0] if sources else None for number, sources in zip(wanted, found)}
        return [known[number] for number in source_ids]

    def _in_chunks(
        self,
        wanted: Sequence[Wanted],
        ask: Callable[[Sequence[Wanted]], Query],
        sort: Callable[[Sequence[Wanted], Sequence[Row]], list[list[GaiaSource]]],
    ) -> list[list[GaiaSource]]:
        found: list[list[GaiaSource]] = []
        for start in range(0, len(wanted), CHUNK):
            found += self._chunk(wanted[start : start + CHUNK], ask, sort)
        return found

    def _chunk(
        self,
        wanted: Sequence[Wanted],
        ask: Callable[[Sequence[Wanted]], Query],
        sort: Callable[[Sequence[Wanted], Sequence[Row]], list[list[GaiaSource]]],
    ) -> list[list[GaiaSource]]:
        """Return the sources of each item; halve the chunk where the archive cuts its table.

        ``ask`` makes the query of some items, ``sort`` gives each item its rows and raises on rows that belong to none.
        """
        query = ask(wanted)
        cached = self._cached(query, lambda rows: sort(wanted, rows))
        if cached is not None:
            return cached

        def look_up() -> tuple[list[list[GaiaSource]], bytes]:
            rows, data = self._send(query)
            found = sort(wanted, rows)
            missing = [item for item, sources in zip(wanted, found) if not sources]
            if missing:
                again, _ = self._send(ask(missing))
                if again:
                    raise TransientError("The Gaia archive left sources out of its reply.")
            return found, data

        try:
            if self.breaker is None:
                found, data = self.retries.call(look_up)
            else:
                found, data = self.breaker.call(lambda: self.retries.call(look_up))
        except OverflowedError:
            if len(wanted) == 1:
                raise ArchiveError(f"There are more than {MAX_ROWS} Gaia sources at this position.") from None
            half = len(wanted) // 2
            return [*self._chunk(wanted[:half], ask, sort), *self._chunk(wanted[half:], ask, sort)]
        if self.cache is not None:
            self.cache.put(self._key(query, complete=all(found)), data)
        return found

    def _key(self, query: Query, complete: bool) -> str:
        """Return the cache key of a reply; those in which a source is missing have that of the present `PERIOD`."""
        key = hashlib.sha256(f"{self.url}\n{query.key}".encode()).hexdigest()
        return f"gaia/{key[:2]}/{key}.vot" if complete else f"gaia/missing-{self.clock() // PERIOD:.0f}/{key}.vot"

    def _cached(
        self, query: Query, read: Callable[[list[Row]], list[list[GaiaSource]]]
    ) -> list[list[GaiaSource]] | None:
        for complete in (True, False):
            key = self._key(query, complete)
            data = None if self.cache is None else self.cache.get(key)
            if data is not None:
                try:
                    return read(parse_reply(data, extra=_extra(query)))
                except ArchiveError:
                    self.cache.drop(key)
        return None

    def _send(self, query: Query) -> tuple[list[Row], bytes]:
        if self.limit is not None:
            self.limit.wait(self.retries.patience)
        kind, body = query.form()
        headers = {"Content-Type": kind, "Accept": "application/x-votable+xml"}
        reply = send(
            f"{self.url}/sync", timeout=self.timeout, limit=MAX_BYTES, method="POST", body=body, headers=headers
        )
        if reply.status in ABSENT:
            raise TransientError(f"There is no Gaia archive at {self.url} (status {reply.status}).", value=reply.url)
        if reply.status >= 400 and (refusal := refusal_of(reply.body)):
            raise refusal
        reply.raise_for_status()
        return parse_reply(reply.body, reply.content_type, _extra(query)), reply.body


def _extra(query: Query) -> tuple[str, ...]:
    return (STAR,) if query.table else ()


def _by_position(positions: Sequence[tuple[float, float]], rows: Sequence[Row]) -> list[list[GaiaSource]]:
    """Sort the rows by the number of their position, which is that of the uploaded table."""
    found: list[dict[int, GaiaSource]] = [{} for _ in positions]
    for source, extra in rows:
        number = extra[0] if extra else 0
        if not isinstance(number, int) or not 0 <= number < len(positions):
            raise TransientError(f"The Gaia archive sent a source for star {number!r}, which was not in the query.")
        found[number][source.source_id] = source
    for (ra, dec), sources in zip(positions, found):
        here = Target(ra, dec, epochs=(2016.0, 2016.0))
        if sources and separations(here, list(sources.values())).max() > FAR + 1.0:
            raise TransientError(f"The Gaia archive sent a source that is not at {here.place}.")
    return [list(sources.values()) for sources in found]


def _by_identifier(source_ids: Sequence[int], rows: Sequence[Row]) -> list[list[GaiaSource]]:
    known = {source.source_id: source for source, _ in rows}
    if not known.keys() <= set(source_ids):
        raise TransientError("The Gaia archive sent a source that was not in the query.")
    return [[known[number]] if number in known else [] for number in source_ids]


def open_archive(
    cache_dir: str | os.PathLike[str] | None = None, timeout: float = TIMEOUT, *, patience: float | None = None
) -> GaiaArchive:
    """Return the archive with the settings of the environment.

    Parameters
    ----------
    cache_dir : path, optional
        Default: environment STELLAR_CACHE_DIR, else ``~/.cache/stellar-ages-explorer``.
    timeout : float
        Seconds until it must have replied, and again for the reply to arrive.
    patience : float, optional
        Seconds after which no further attempt begins; default 1.5 timeouts, for a user who waits.
    """
    folder = Path(cache_dir) if cache_dir else cache_folder()
    return GaiaArchive(
        gaia_url(),
        timeout,
        RateLimit(folder / "gaia-queries.json", QUERIES_PER_MINUTE),
        Retries(patience=1.5 * timeout if patience is None else patience),
        cache=DiskCache(folder, cache_limit()),
    )
