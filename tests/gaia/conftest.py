"""A client of the Gaia archive whose waits take no time."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from stellar_core.gaia.archive import QUERIES_PER_MINUTE, GaiaArchive
from stellar_core.network.rate_limit import RateLimit
from stellar_core.network.retries import Retries
from stellar_core.sdss.cache import DiskCache
from tests.network.test_retries import Time
from tests.standin import StandIn


@pytest.fixture
def archive(sdss: StandIn, tmp_path: Path) -> GaiaArchive:
    clock = Time()
    retries = Retries(attempts=8, clock=clock, sleep=clock.sleep)
    limit = RateLimit(None, QUERIES_PER_MINUTE, clock=clock, sleep=clock.sleep)
    return GaiaArchive(sdss.gaia, 3.0, limit, retries, cache=DiskCache(tmp_path / "cache"), clock=clock)


@pytest.fixture
def impatient(archive: GaiaArchive) -> GaiaArchive:
    """The client with two attempts."""
    return replace(archive, retries=replace(archive.retries, attempts=2))
