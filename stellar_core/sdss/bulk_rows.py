"""Catalogue rows of many spectra by few queries, put into the cache where single look-ups find them.

SkyServer allows 60 queries a minute. Asked star by star, a thousand stars take 20 minutes; `AT_ONCE` at a time, half a minute.
"""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterable, Sequence

from stellar_core.errors import IdentifierError
from stellar_core.sdss import specobjid as ids
from stellar_core.sdss.archive import Archive
from stellar_core.sdss.catalogue_rows import COLUMNS, JOINED, NAMES, CatalogueRow, row_key
from stellar_core.network.retries import TransientError
from stellar_core.sdss.skyserver import integer
from stellar_core.sdss.sql_response import BASE, TOTAL, whole_number
from stellar_core.sdss.star_id import StarId

#: Ids that one query asks for: as many of 20 digits as a URL that SkyServer accepts can hold, the counting of none too.
AT_ONCE = 48
_LARGEST = 2**64 - 1


def remember_rows(archive: Archive, stars: Iterable[StarId]) -> int:
    """Fetch the rows of those ``stars`` whose row is not in the cache yet.

    Parameters
    ----------
    archive : Archive
    stars : iterable of StarId
        Where the reduction is not known, all are asked for that it can be.

    Returns
    -------
    int
        Number of rows that were fetched; a star without a row, or with several, is left to a look-up of its own.

    Raises
    ------
    ArchiveError
        If SkyServer cannot be reached or gives no valid answer.
    """
    wanted = [star for star in dict.fromkeys(stars) if archive.cache.get(row_key(star)) is None]
    names: dict[int, str] = {}
    for star in sorted(wanted, key=lambda star: star.run2d_known):  # those with three ids first: no query parts them
        for run2d in (star.run2d,) if star.run2d_known else star.run2d_candidates:
            names[ids.encode(star.plate, star.mjd, star.fiber, run2d)] = star.name
    fetched = 0
    for start in range(0, len(names), AT_ONCE):
        part = list(names)[start : start + AT_ONCE]
        listed = ",".join(integer(specobjid, 1, _LARGEST) for specobjid in part)
        source = f"FROM SpecObjAll s {JOINED} WHERE s.specObjID IN ({listed})"
        rows = archive.skyserver.select(COLUMNS, source, lambda rows: _check(rows, part)).rows
        times = Counter(names[whole_number(cells[0])] for cells in rows)
        for cells in rows:
            if times[names[whole_number(cells[0])]] == 1:
                keep_row(archive, cells)
                fetched += 1
    return fetched


def keep_row(archive: Archive, cells: Sequence[str]) -> StarId:
    """Put one row, cells in the order of `COLUMNS`, into the cache as the answer about its star; errors as `CatalogueRow.read`."""
    star = CatalogueRow.read(cells).star
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([(*NAMES, TOTAL), (*cells, str(BASE + 1))])
    archive.cache.put(row_key(star), text.getvalue().encode())
    return star


def _check(rows: list[tuple[str, ...]], wanted: Sequence[int]) -> None:
    for cells in rows:
        if whole_number(cells[0]) not in wanted:
            raise TransientError(
                f"SkyServer answered with spectrum {cells[0][:20]}, which was not asked for.", value=cells[0]
            )
        try:
            CatalogueRow.read(cells)
        except IdentifierError as error:
            raise TransientError(f"SkyServer answered with a damaged row: {error}", value=cells[0]) from None
