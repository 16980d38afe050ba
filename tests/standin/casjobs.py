"""CasJobs of the stand-in: jobs that write into MyDB, and queries on MyDB."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Mapping

from tests.standin.database import Catalogue, Refusal, as_csv

#: What the X-Auth-Token must be.
TOKEN = "a token of the stand-in"
#: Codes of a job's state.
READY, STARTED, FAILED, FINISHED = 0, 1, 4, 5


class CasJobsDesk:
    """The REST interface.

    Parameters
    ----------
    catalogue : Catalogue
    """

    def __init__(self, catalogue: Catalogue) -> None:
        self.catalogue = catalogue
        self.jobs: dict[int, dict[str, object]] = {}
        self._mutex = threading.Lock()

    def clear(self) -> None:
        """Remove all jobs and tables."""
        with self._mutex:
            self.jobs.clear()
            self.catalogue.clear_mydb()

    def answer(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> tuple[int, str, bytes]:
        """Return status, content type and body of the reply to one request."""
        if headers.get("X-Auth-Token") != TOKEN:
            return 401, "application/json", b'{"Error": "Unauthorized"}'
        sql = json.loads(body)["Query"] if body else ""
        if method == "POST" and re.fullmatch(r"/contexts/\w+/query", path, re.I):
            try:
                return 200, "text/plain", as_csv(*self.catalogue.ask(sql), title=False)
            except Refusal as refusal:
                return 400, "application/json", json.dumps({"Error Message": str(refusal)}).encode()
        if method == "PUT" and re.fullmatch(r"/contexts/\w+/jobs", path, re.I):
            with self._mutex:
                number = 1000 + len(self.jobs)
                self.jobs[number] = {"JobID": number, "Status": READY, "Message": "", "sql": sql}
            return 200, "text/plain", str(number).encode()
        job = re.fullmatch(r"/jobs/(\d+)", path)
        if method == "GET" and job and int(job.group(1)) in self.jobs:
            with self._mutex:
                state = self.jobs[int(job.group(1))]
                self._go_on(state)
                return (
                    200,
                    "application/json",
                    json.dumps({key: state[key] for key in ("JobID", "Status", "Message")}).encode(),
                )
        return 404, "application/json", b'{"Error": "Not found"}'

    def _go_on(self, job: dict[str, object]) -> None:
        """Advance the job by one step at each request for its state."""
        if job["Status"] == READY:
            job["Status"] = STARTED
        elif job["Status"] == STARTED:
            try:
                job["Rows"] = self.catalogue.into(str(job["sql"]))
                job["Status"] = FINISHED
            except Refusal as refusal:
                job["Status"], job["Message"] = FAILED, str(refusal)
