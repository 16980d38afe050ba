"""The catalogue of an acquisition: pages of rows from SkyServer or CasJobs, combined into one table sorted by id."""

from __future__ import annotations

import hashlib
import json
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from stellar_core.files import write_bytes, write_text
from stellar_core.network.retries import TransientError
from stellar_core.progress import Progress
from stellar_core.sdss.casjobs import OWN, CasJobs, JobEndedError, NoJobError, RefusedError
from stellar_core.sdss.catalogue_rows import COLUMNS, NAMES
from stellar_core.sdss.skyserver import SkyServer
from stellar_core.sdss.sql_response import TOTAL_SQL, Check, SqlResponse, parse_rows
from stellar_core.survey.catalogue_page import PageCheck, as_table, find_defects
from stellar_core.survey.plan import Plan, id_range

if TYPE_CHECKING:
    import pandas as pd

#: Attempts to start a CasJobs job; each has its own table, because a job that seems lost may still run.
SUBMISSIONS = 3


class CatalogueSource(Protocol):
    """Source of the rows of a page."""

    def page(self, plan: Plan, plates: tuple[int, int], check: Check) -> SqlResponse:
        """Return all rows of some plates that pass the plan's cuts."""


@dataclass(frozen=True)
class SkyServerPages:
    """Pages from SkyServer, one query each; needs no account.

    Attributes
    ----------
    server : SkyServer
    """

    server: SkyServer

    def page(self, plan: Plan, plates: tuple[int, int], check: Check) -> SqlResponse:
        return self.server.query(plan.sql(plates), COLUMNS, check)


@dataclass(frozen=True)
class CasJobsTable:
    """Pages from a table of MyDB, which one CasJobs job makes by the join and the cuts.

    Attributes
    ----------
    jobs : CasJobs
    folder : Path
        Its ``casjobs.json`` records the table and the job, so that an interrupted acquisition
        continues to wait for the same job.
    report : callable
        Called with the job's state.
    """

    jobs: CasJobs
    folder: Path
    report: Callable[[str], None] = lambda text: None

    def page(self, plan: Plan, plates: tuple[int, int], check: Check) -> SqlResponse:
        low, high = id_range(*plates)
        sql = f"SELECT {', '.join(NAMES)}, {TOTAL_SQL} FROM {{}} WHERE specObjID BETWEEN {low} AND {high}"
        table = self.table(plan)
        try:
            return self.jobs.query(sql.format(table), NAMES, check)
        except RefusedError as error:
            if not re.search(r"invalid object name|does not exist", str(error), re.I):
                raise
        # The table no longer exists: the user may delete it, and old tables expire.
        path = self.folder / "casjobs.json"
        write_text(path, json.dumps({**_job_state(path), "job": None, "finished": False}))
        return self.jobs.query(sql.format(self.table(plan)), NAMES, check)

    def table(self, plan: Plan) -> str:
        """Return the name of the finished table in MyDB; make it if it does not exist.

        Raises
        ------
        ArchiveError
            If CasJobs cannot make it.
        """
        path = self.folder / "casjobs.json"
        state = _job_state(path)
        stem = f"stellar_ages_{hashlib.sha256(plan.sql().encode()).hexdigest()[:10]}"
        sent = 0
        while not state["finished"]:
            if state["job"] is None:
                # Recorded before it is sent, so that a table that a lost job may write is never used again.
                state["begun"] += 1
                sent += 1
                write_text(path, json.dumps(state))
                try:
                    state["job"] = self.jobs.submit(plan.sql(into=f"{stem}_{state['begun']}"))
                except TransientError:
                    if sent >= SUBMISSIONS:
                        raise
                    self.jobs.retries.sleep(self.jobs.retries.wait_after(sent))
                    continue
                write_text(path, json.dumps(state))
            try:
                self.jobs.wait(state["job"], lambda name: self.report(f"CasJobs job {state['job']}: {name}"))
            except JobEndedError:
                write_text(path, json.dumps({**state, "job": None}))
                raise
            except NoJobError:
                if sent:
                    raise
                state["job"] = None  # CasJobs no longer knows it
                continue
            state["finished"] = True
            write_text(path, json.dumps(state))
        return f"{OWN}.{stem}_{state['begun']}"


def _job_state(path: Path) -> dict[str, object]:
    """Read ``casjobs.json``: number of jobs begun, number of the running one, whether it has finished."""
    fresh = {"begun": 0, "job": None, "finished": False}
    if not path.exists():
        return fresh
    try:
        state = json.loads(path.read_text())
        if {name: type(state[name]) for name in ("begun", "finished")} == {"begun": int, "finished": bool}:
            if isinstance(state["job"], int | None):
                return state
    except (ValueError, TypeError, KeyError):
        pass
    # Damaged: the tables in use are unknown; none is named after the present second.
    return {**fresh, "begun": int(time.time())}


def fetch_catalogue(
    plan: Plan, folder: Path, source: CatalogueSource, progress: Progress = lambda *args: None
) -> pd.DataFrame:
    """Return the rows of ``plan``, sorted by specObjID.

    Every page is kept in ``folder`` as received, with its SHA-256, and is not queried again: the rows of one
    acquisition stay the same even if the catalogue changes.

    Parameters
    ----------
    plan : Plan
    folder : Path
    source : CatalogueSource
    progress : callable, optional
        Called with "catalogue pages", how many are done and of how many.

    Returns
    -------
    pandas.DataFrame
        Columns `NAMES`: specObjID uint64, bestObjID text, other whole numbers int32, ra and dec float64,
        measurements float32 as SDSS's REAL, with -9999 where SDSS has it; then `DEFECT`, see `as_table`.

    Raises
    ------
    ArchiveError
        If a page cannot be fetched; those before it are kept.
    """
    import pandas as pd

    tables, rows = [], 0
    for done, plates in enumerate(plan.pages):
        if plan.stars is not None and rows >= plan.stars:
            break
        progress("catalogue pages", done, len(plan.pages))
        page = _page(plan, folder / f"{plates[0]:05d}-{plates[1]:05d}.csv", plates, source)
        tables.append(as_table(page, find_defects(page, plates), plates))
        rows += len(page)
    progress("catalogue pages", len(plan.pages), len(plan.pages))
    whole = pd.concat([part for part in tables if len(part)] or tables[:1])
    table = whole.sort_values("specObjID", kind="stable", ignore_index=True)
    return table if plan.stars is None else table.head(plan.stars)


def _page(plan: Plan, path: Path, plates: tuple[int, int], source: CatalogueSource) -> list[tuple[str, ...]]:
    """Return the rows of one page, from its file or from ``source``."""
    digest = path.with_suffix(".sha256")
    if path.exists() and digest.exists():
        data = path.read_bytes()
        if digest.read_bytes() == hashlib.sha256(data).hexdigest().encode():
            return parse_rows(data, NAMES, service="The stored page")
    response = source.page(plan, plates, PageCheck(plan, plates))
    write_bytes(path, response.data)
    write_bytes(digest, hashlib.sha256(response.data).hexdigest().encode())
    return response.rows
