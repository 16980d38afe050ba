"""Catalogue rows of many spectra in few queries, cached where the look-ups of single stars find them.

SkyServer allows 60 queries a minute: a thousand stars take 20 minutes one by one, half a minute `AT_ONCE` at a time.
"""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterable, Sequence

from stellar_core.errors import IdentifierError
from stellar_core.network.retries import TransientError
from stellar_core.sdss import specobjid as ids
from stellar_core.sdss.archive import Archive
from stellar_core.sdss.catalogue_rows import COLUMNS, JOINED, NAMES, CatalogueRow, row_key
from stellar_core.sdss.skyserver import integer
from stellar_core.sdss.sql_response import BASE, TOTAL, whole_number
from stellar_core.sdss.star_id import StarId

#: Ids in one query: as many of 20 digits as fit into a URL that SkyServer accepts, also with the count of rows.
AT_ONCE = 48
_LARGEST = 2**64 - 1


def prefetch_rows(archive: Archive, stars: Iterable[StarId]) -> int:
    """Fetch the rows of those ``stars`` whose rows are not cached yet.

    Parameters
    ----------
    archive : Archive
    stars : iterable of StarId
        Where the reduction is unknown, all possible ones are requested.

    Returns
    -------
    int
        Number of rows fetched. A star without a row, or with several, needs a look-up of its own.

    Raises
    ------
    ArchiveError
        If SkyServer cannot be reached or sends no valid response.
    """
    wanted = [star for star in dict.fromkeys(stars) if archive.cache.get(row_key(star)) is None]
    names: dict[int, str] = {}
    for star in sorted(
        wanted, key=lambda star: star.run2d_known
    ):  # stars with three ids first, so that no query separates them
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
                cache_row(archive, cells)
                fetched += 1
    return fetched


def cache_row(archive: Archive, cells: Sequence[str]) -> StarId:
    """Cache one row, cells in the order of `COLUMNS`, as the response for its star; errors as `CatalogueRow.read`."""
    star = CatalogueRow.read(cells).star
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([(*NAMES, TOTAL), (*cells, str(BASE + 1))])
    archive.cache.put(row_key(star), text.getvalue().encode())
    return star


def _check(rows: list[tuple[str, ...]], wanted: Sequence[int]) -> None:
    for cells in rows:
        if whole_number(cells[0]) not in wanted:
            raise TransientError(f"SkyServer sent spectrum {cells[0][:20]}, which was not requested.", value=cells[0])
        try:
            CatalogueRow.read(cells)
        except IdentifierError as error:
            raise TransientError(f"SkyServer sent a damaged row: {error}", value=cells[0]) from None
