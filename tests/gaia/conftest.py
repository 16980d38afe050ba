"""Files of the real archive, and a client whose waits take no time."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from stellar_core.gaia.archive import QUERIES_PER_MINUTE, GaiaArchive
from stellar_core.network.rate_limit import RateLimit
from stellar_core.network.retries import Retries
from stellar_core.sdss.cache import DiskCache
from tests.conftest import DATA
from tests.network.test_retries import Time
from tests.standin import StandIn


@pytest.fixture(scope="session")
def real_file() -> Callable[[str], Path]:
    """Path of a reply of the real archive: beside the data folder, else among astroquery's own tests, else skipped."""

    def find(name: str) -> Path:
        beside = Path(os.environ.get("STELLAR_SHARED_DATA", DATA)).parent / "reference" / "gaia"
        package = Path(importlib.util.find_spec("astroquery").origin).parent / "gaia" / "tests" / "data"
        found = [folder / name for folder in (beside, package) if (folder / name).is_file()]
        if not found:
            pytest.skip(f"no {name} in {beside}, and astroquery is installed without its tests")
        return found[0]

    return find


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
