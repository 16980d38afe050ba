"""Parallaxes and magnitudes of Gaia DR3 for the stars of a store, in a file beside each chunk.

``gaia-NNNNN.parquet`` has a line for each catalogue row of the chunk, in the same order. A store without these files,
or without some of them, is complete; `fetch_parallaxes` adds those that are missing.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from stellar_core.errors import ArchiveError, StorageError
from stellar_core.gaia import Finding, GaiaArchive, look_up_many
from stellar_core.gaia.magnitudes import magnitudes
from stellar_core.progress import Progress
from stellar_core.run_folder import unfinished
from stellar_core.survey.store import read_summary, summarise, write_table

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

#: Gaia's bands, Vega system.
BANDS = ("G", "BP", "RP")
#: Columns of a look-up, with the names of the MOCK survey's catalogue where that has them.
COLUMNS = {
    "gaia_source_id": "string",
    **{f"gaia_{name}": "float32" for name in ("parallax_mas", "parallax_err_mas")},
    **{f"gaia_{band}{part}_mag": "float32" for band in BANDS for part in ("", "_err")},
    "gaia_ruwe": "float32",
    "gaia_non_single_star": "int32",
    "gaia_notes": "string",
}
#: Columns of the catalogue by which stars are looked up.
WANTED = ("specObjID", "bestObjID", "mjd", "ra", "dec", "psfMag_g", "psfMag_r", "psfMag_i")
#: Passes over the chunks that could not be looked up, and consecutive failures after which there is no other attempt.
ROUNDS, PATIENCE = 3, 3
MOCK_STARS = "These are MOCK stars, which Gaia has not observed."


def fetch_parallaxes(
    store: Path, archive: GaiaArchive, journal: Path, progress: Progress = lambda *args: None
) -> dict[str, object]:
    """Look up the stars of all chunks that have not been looked up, by one query for each 500 stars.

    A chunk that cannot be looked up is tried in three passes, and then stays without; the next call tries it again.

    Parameters
    ----------
    store : Path
        A finished store.
    archive : GaiaArchive
    journal : Path
        Log of failures, a line of JSON each.
    progress : callable, optional
        Called with "stars looked up in Gaia", the number and the total.

    Returns
    -------
    dict
        ``looked_up`` and ``parallaxes``, numbers of catalogue rows, as in ``store.json``; ``left``, the number of rows
        that could not be looked up; ``reason``, the last failure, empty where nothing is left.

    Raises
    ------
    StorageError
        If there is no finished store, or a file of it is damaged or cannot be written.
    """
    summary = read_summary(store)
    stars = _read(store / "catalogue.parquet", list(WANTED)).to_pandas()
    chunk = int(summary["chunk"])
    parts = [stars.iloc[start : start + chunk] for start in range(0, len(stars), chunk)]
    paths = [store / f"gaia-{number:05d}.parquet" for number in range(len(parts))]
    reason = MOCK_STARS
    if not (summary["mock"] and archive.is_real):
        reason = _look_up_chunks(parts, paths, archive, journal, progress)
    names = {path.name for path in paths if path.exists()}
    known = summary.get("gaia")
    if known is None or not names <= set(summary["files"]):
        columns = [_read(store / name, ["gaia_parallax_mas"])[0] for name in sorted(names)]
        known = {
            "looked_up": sum(len(column) for column in columns),
            "parallaxes": sum(len(column) - column.null_count for column in columns),
        }
        summarise(store, {**{name: summary[name] for name in ("mock", "source", "chunk")}, "gaia": known})
    return {**known, "left": len(stars) - known["looked_up"], "reason": reason if unfinished(paths) else ""}


def read_parallaxes(store: Path) -> pd.DataFrame:
    """Return what `fetch_parallaxes` found: `COLUMNS` by specObjID, for the catalogue rows that were looked up.

    Values are missing where Gaia has none.

    Raises
    ------
    StorageError
        If nothing was looked up, or a file is damaged.
    """
    import pyarrow as pa

    paths = sorted(store.glob("gaia-*.parquet"))
    if not paths:
        raise StorageError(
            f"The store {store} has no parallaxes.",
            value=str(store),
            remedy="Fetch them with `python -m stellar_core fetch survey --gaia` and its other options.",
        )
    found = pa.concat_tables([_read(path, ["specobjid", *COLUMNS]) for path in paths]).to_pandas()
    return found.drop_duplicates("specobjid").set_index("specobjid")


def _look_up_chunks(
    parts: Sequence[pd.DataFrame], paths: Sequence[Path], archive: GaiaArchive, journal: Path, progress: Progress
) -> str:
    """Write the files that do not exist; return the last failure, empty without one."""
    total, in_a_row, reason = sum(map(len, parts)), 0, ""
    for _ in range(ROUNDS):
        missing = unfinished(paths)
        done = total - sum(len(parts[number]) for number in missing)
        for number in missing:
            progress("stars looked up in Gaia", done, total)
            try:
                found = look_up_many(parts[number], archive)
            except ArchiveError as error:
                reason, in_a_row = str(error), in_a_row + 1
                with journal.open("a") as out:
                    out.write(json.dumps({"time": round(time.time(), 1), "gaia": number, "failure": reason}) + "\n")
                if in_a_row == PATIENCE:
                    return reason
                continue
            write_table(_table(parts[number], found), paths[number])
            done, in_a_row = done + len(parts[number]), 0
        progress("stars looked up in Gaia", done, total)
        if done == total:
            break
    return reason


def _table(part: pd.DataFrame, found: Sequence[Finding]) -> pa.Table:
    """Convert what was found of the stars of a chunk to a table of `COLUMNS`, after the specobjid."""
    import pyarrow as pa

    schema = pa.schema(
        [("specobjid", pa.uint64()), *((name, pa.type_for_alias(kind)) for name, kind in COLUMNS.items())],
        metadata={"stellar_ages": json.dumps({"source": "Gaia DR3", "parallax": "mas, corrected for the zero point"})},
    )
    rows = [{"specobjid": int(number), **_row(one)} for number, one in zip(part["specObjID"], found, strict=True)]
    return pa.Table.from_pylist(rows, schema)


def _row(found: Finding) -> dict[str, object]:
    """A line of `COLUMNS`; None where Gaia has no value."""
    star, source = found.astrometry, found.match.source if found.match is not None else None
    row: dict[str, object] = {"gaia_non_single_star": 0, "gaia_notes": " ".join(found.notes) or None}
    if source is not None:
        bands, _ = magnitudes(source)
        row |= {"gaia_source_id": str(source.source_id), "gaia_non_single_star": source.non_single_star}
        row |= {"gaia_ruwe": source.ruwe if math.isfinite(source.ruwe) else None}
        for band, (value, error) in bands.items():
            row |= {f"gaia_{band}_mag": value, f"gaia_{band}_err_mag": error}
    if star is not None:
        row |= {"gaia_parallax_mas": star.parallax, "gaia_parallax_err_mas": star.parallax_error}
    return row


def _read(path: Path, names: list[str]) -> pa.Table:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return pq.read_table(path, columns=names)
    except (OSError, pa.ArrowException) as error:
        raise StorageError(
            f"{path} cannot be read ({type(error).__name__}).", value=str(path), remedy="Remove it and fetch it again."
        ) from None
