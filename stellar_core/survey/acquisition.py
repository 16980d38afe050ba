"""The whole acquisition: catalogue, spectra, store, parallaxes. It can be interrupted at any time and continued.

The folder of an acquisition has the result in ``store``. ``plan.json``, ``catalogue`` (pages as received), ``waiting``
(files whose chunk is not finished) and ``journal.jsonl`` (failed attempts) serve to continue.
"""

from __future__ import annotations

import math
import os
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from stellar_core.errors import ArchiveError
from stellar_core.gaia import GaiaArchive, open_archive
from stellar_core.gaia.archive import CHUNK_TIMEOUT
from stellar_core.isochrones import nearest_label
from stellar_core.network.retries import Retries
from stellar_core.progress import Progress
from stellar_core.sdss.casjobs import CasJobs, casjobs_url
from stellar_core.sdss.catalogue_rows import NAMES, CatalogueRow
from stellar_core.sdss.skyserver import SkyServer
from stellar_core.sdss.spectrum_files import SpectrumFiles, sas_rate_limit
from stellar_core.sdss.star_id import MOCK_PLATES, StarId
from stellar_core.survey.catalogue import CasJobsTable, CatalogueSource, SkyServerPages, fetch_catalogue
from stellar_core.survey.catalogue_page import DEFECT
from stellar_core.survey.downloads import Downloads, Outcome, refuse
from stellar_core.survey.parallaxes import fetch_parallaxes
from stellar_core.survey.plan import PLATE_BITS, Plan
from stellar_core.survey.store import chunk_path, read_summary, summarise, write_chunk, write_table

if TYPE_CHECKING:
    import pandas as pd

#: Passes over the spectra that could not be fetched.
ROUNDS = 3
#: Stars by which the archive is tested.
PROBES = 5


@dataclass(frozen=True)
class _Row:
    """A row of the catalogue, parsed; or its refusal with the reason."""

    row: CatalogueRow | None
    refusal: Outcome | None


@dataclass(frozen=True)
class _Chunk:
    """A chunk whose stars are being fetched; a row that needs no download has its outcome already."""

    number: int
    pending: list[Future[Outcome] | Outcome]
    rows: list[_Row]


def fetch_survey(
    out: Path,
    plan: Plan,
    source: CatalogueSource,
    files: SpectrumFiles,
    *,
    workers: int = 4,
    give_up: bool = False,
    gaia: GaiaArchive | None = None,
    progress: Progress = lambda *args: None,
) -> dict[str, object]:
    """Carry out ``plan`` in the folder ``out``; finished work is not repeated.

    Parameters
    ----------
    out : Path
    plan : Plan
    source : CatalogueSource
    files : SpectrumFiles
        Lite files only (``full`` False): the choice of file must not depend on transient failures.
    workers : int
        Downloads at a time.
    give_up : bool
        Record spectra that cannot be fetched as failed, with the reason, and finish without them.
    gaia : GaiaArchive, optional
        Add parallaxes and magnitudes of Gaia DR3, also to a store that was finished without them.
    progress : callable, optional
        Called with "catalogue pages", "spectra" or "stars looked up in Gaia", how many are done and of how many.

    Returns
    -------
    dict
        ``store`` (the folder), ``stars``, ``rows``, ``stored``, ``refused``, ``absent``, ``failed``, ``mock``,
        and for this run ``fetched`` files and ``retried`` attempts; ``gaia``, the result of `fetch_parallaxes`.

    Raises
    ------
    RunError
        If the folder belongs to another acquisition, or another process works in it.
    StorageError
        If the folder cannot be written.
    ArchiveError
        If the catalogue or some spectra could not be fetched. The same call then continues.
    """
    with plan.folder(out).working():
        found = _fetch(out, plan, source, files, workers, give_up, progress)
        if gaia is not None:
            parallaxes = fetch_parallaxes(out / "store", gaia, out / "journal.jsonl", progress)
            found |= {**read_summary(out / "store"), "gaia": parallaxes}
        return found


def acquire(
    out: Path,
    plan: Plan,
    *,
    workers: int = 4,
    files_per_minute: int = 600,
    give_up: bool = False,
    gaia: bool = False,
    progress: Progress = lambda *args: None,
    report: Callable[[str], None] = lambda text: None,
) -> dict[str, object]:
    """Fetch the survey from SDSS, with the addresses and the token in the environment.

    The catalogue comes from CasJobs where STELLAR_CASJOBS_TOKEN is set, else from SkyServer.

    Parameters
    ----------
    files_per_minute : int
        Requests to the Science Archive Server, by all processes of this machine together.
    gaia : bool
        Look all stars up in Gaia DR3.
    report : callable, optional
        Called with the source of the catalogue, with the states of a CasJobs job, and with the reason why stars were
        not looked up in Gaia.

    Other parameters, returns and errors as `fetch_survey`.
    """
    plan.folder(out).claim()
    retries = Retries(attempts=8, unreachable_attempts=4, first_wait=1.0, longest_wait=120.0)
    files = SpectrumFiles(timeout=30.0, retries=retries, limit=sas_rate_limit(files_per_minute), full=False)
    token = os.environ.get("STELLAR_CASJOBS_TOKEN", "").strip()
    if token:
        report(f"The catalogue comes from CasJobs at {casjobs_url()}.")
        source: CatalogueSource = CasJobsTable(CasJobs(token, retries=retries), out, report)
    else:
        server = SkyServer(timeout=300.0, retries=retries)
        report(f"The catalogue comes from SkyServer at {server.url}, {len(plan.pages)} queries.")
        source = SkyServerPages(server)
    archive = replace(open_archive(timeout=CHUNK_TIMEOUT), retries=retries) if gaia else None
    found = fetch_survey(out, plan, source, files, workers=workers, give_up=give_up, gaia=archive, progress=progress)
    if gaia and (reason := found["gaia"]["reason"]):
        report(f"{found['gaia']['left']} of {found['rows']} stars were not looked up in Gaia: {reason}")
    return found


def _fetch(
    out: Path,
    plan: Plan,
    source: CatalogueSource,
    files: SpectrumFiles,
    workers: int,
    give_up: bool,
    progress: Progress,
) -> dict[str, object]:
    plan.folder(out).claim()
    store = out / "store"
    if (store / "store.json").exists():
        return {"store": str(store), **read_summary(store), "fetched": 0, "retried": 0}
    table = fetch_catalogue(plan, out / "catalogue", source, progress)
    if table.empty:
        raise ArchiveError(f"SDSS has no star on plates {plan.first_plate} to {plan.last_plate} that passes the cuts.")
    _write_catalogue(table, store / "catalogue.parquet")
    nearest_label(5800.0, 4.4, 0.0)  # builds the index of the tracks before threads start
    with Downloads(out / "waiting", files, workers, out / "journal.jsonl", _probe_stars(plan, table)) as downloads:
        left = _all_chunks(plan, table, store, downloads, give_up, progress)
        counts = {"fetched": downloads.fetched, "retried": downloads.retried}
        sends = not left or downloads.archive_sends()
    if left:
        reasons = sorted({outcome.line.reason for outcome in left})
        raise ArchiveError(
            f"{len(left)} of {len(table)} spectra could not be fetched; the first reason: {reasons[0]}",
            value=[outcome.line.name for outcome in left],
            remedy="Run the same command to continue"
            + ("; --give-up finishes without them." if sends else ", when the archive sends spectra again."),
        )
    mock = int(table["specObjID"].max()) >> PLATE_BITS >= MOCK_PLATES[0]
    found = summarise(store, {"mock": mock, "source": "SDSS DR17" if not mock else "MOCK survey", "chunk": plan.chunk})
    shutil.rmtree(out / "waiting", ignore_errors=True)
    return {"store": str(store), **found, **counts}


def _all_chunks(
    plan: Plan, table: pd.DataFrame, store: Path, downloads: Downloads, give_up: bool, progress: Progress
) -> list[Outcome]:
    """Fetch and write every chunk that does not exist; return the outcomes that keep chunks from being written."""
    total, left = len(table), []
    for attempt in range(ROUNDS):
        open_chunks = [
            number for number in range(math.ceil(total / plan.chunk)) if not chunk_path(store, number).exists()
        ]
        done, left = total - sum(len(_slice(plan, table, number)) for number in open_chunks), []
        last = give_up and attempt == ROUNDS - 1
        for chunk in _ahead(plan, table, open_chunks, downloads):
            outcomes = []
            for item in chunk.pending:
                progress("spectra", done, total)
                outcomes.append(item if isinstance(item, Outcome) else item.result())
                done += 1
            missing = [outcome for outcome in outcomes if not outcome.settled]
            if missing and not (last and downloads.archive_sends()):
                left += missing
            else:
                stars = [outcome.star for outcome in outcomes if outcome.star is not None]
                write_chunk(store, chunk.number, stars, [outcome.line for outcome in outcomes])
                for item in chunk.rows:
                    if item.row is not None:
                        downloads.discard(item.row)
        progress("spectra", done, total)
        if not left or downloads.given_up:
            break
    return left


def _ahead(plan: Plan, table: pd.DataFrame, numbers: list[int], downloads: Downloads) -> Iterator[_Chunk]:
    """Iterate over the chunks; the downloads of the next one start before this one is complete."""
    begun: list[_Chunk] = []
    for number in numbers:
        rows = _rows(plan, _slice(plan, table, number))
        begun.append(_Chunk(number, [item.refusal or downloads.submit(item.row) for item in rows], rows))
        if len(begun) > 1:
            yield begun.pop(0)
    yield from begun


def _slice(plan: Plan, table: pd.DataFrame, number: int) -> pd.DataFrame:
    return table.iloc[number * plan.chunk : (number + 1) * plan.chunk]


def _rows(plan: Plan, part: pd.DataFrame) -> list[_Row]:
    """Parse the rows of a chunk; refuse those that are defective or fail the cuts, with the reason."""
    found = []
    columns = part[list(NAMES)].itertuples(index=False), part[DEFECT], plan.cuts.failures(part)
    for cells, defect, failure in zip(*columns, strict=True):
        specobjid = int(cells[0])
        if defect:
            found.append(_Row(None, refuse(specobjid, "", defect)))
            continue
        row = CatalogueRow.read([str(cell) for cell in cells])
        refusal = refuse(specobjid, row.star.name, f"It fails the cut: {failure}.") if failure else None
        found.append(_Row(row, refusal))
    return found


def _probe_stars(plan: Plan, table: pd.DataFrame) -> list[StarId]:
    """Choose up to `PROBES` stars evenly over the usable rows of the catalogue."""
    usable = table[table[DEFECT] == ""]
    places = [len(usable) * part // PROBES for part in range(PROBES)] if len(usable) > PROBES else range(len(usable))
    return [item.row.star for item in _rows(plan, usable.iloc[list(places)]) if item.row is not None]


def _write_catalogue(table: pd.DataFrame, path: Path) -> None:
    import pyarrow as pa

    if not path.exists():
        arrays = [pa.array(table[name], pa.string() if table[name].dtype == object else None) for name in NAMES]
        write_table(pa.table(arrays, names=list(NAMES)), path)
