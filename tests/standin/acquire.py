"""An acquisition from the stand-in in a process that can be killed: ``python -m tests.standin.acquire OUT PLAN``."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from stellar_core.network.rate_limit import RateLimit
from stellar_core.network.retries import Retries
from stellar_core.sdss.skyserver import SkyServer
from stellar_core.sdss.spectrum_files import SpectrumFiles
from stellar_core.survey.acquisition import fetch_survey
from stellar_core.survey.catalogue import SkyServerPages
from stellar_core.survey.plan import Plan


def acquire(out: Path, plan: Plan, timeout: float = 5.0, **options: object) -> dict[str, object]:
    """Run an acquisition with waits a thousand times shorter than for SDSS."""
    retries = Retries(attempts=10, first_wait=0.001, longest_wait=0.01)
    server = SkyServer(timeout=timeout, limit=RateLimit(None, 10_000), retries=retries)
    files = SpectrumFiles(timeout=timeout, retries=retries, full=False)
    return fetch_survey(out, plan, SkyServerPages(server), files, **options)


def begin(out: Path, settings: dict[str, int]) -> None:
    """Run an acquisition as the program does."""
    acquire(out, Plan(**settings), timeout=2.0)


if __name__ == "__main__":
    begin(Path(sys.argv[1]), json.loads(sys.argv[2]))
