"""Fixtures shared by all tests."""

from __future__ import annotations

import gc
import importlib.util
import os
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from tests.standin import StandIn

# Before NumPy and PyTorch are loaded: the processes of pytest-xdist share the cores, so each gets one thread.
os.environ.setdefault("OMP_NUM_THREADS", "1")
# The time of an example depends on the load of the machine.
settings.register_profile("no deadline", deadline=None)
settings.load_profile("no deadline")

#: Folder of public data, unless STELLAR_SHARED_DATA names another.
DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put files with many slow tests first: pytest-xdist hands out whole files, and a long one must not be the last."""
    seconds: Counter[Path] = Counter()
    for item in items:
        slow = 30.0 if item.get_closest_marker("browser") else 5.0
        seconds[item.path] += slow if item.get_closest_marker("slow") else 0.1
    items.sort(key=lambda item: -seconds[item.path])


def pytest_unconfigure() -> None:
    """Drop the DuckDB connections in Streamlit's caches; at exit its binding would report each object as leaked."""
    if "streamlit" in sys.modules:
        sys.modules["streamlit"].cache_resource.clear()
    gc.collect()


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of public data; the test is skipped where it is absent, and fails with STELLAR_REQUIRE_DATA=1."""
    folder = Path(os.environ.get("STELLAR_SHARED_DATA", DATA))
    if not folder.is_dir():
        reason = f"no data folder at {folder}; set STELLAR_SHARED_DATA to its path"
        if os.environ.get("STELLAR_REQUIRE_DATA") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    return folder


@pytest.fixture(scope="session")
def gaia_file() -> Callable[[str], Path]:
    """Path of a real reply of the Gaia archive: beside the data folder, or in astroquery's own tests; else skipped."""

    def find(name: str) -> Path:
        beside = Path(os.environ.get("STELLAR_SHARED_DATA", DATA)).parent / "reference" / "gaia"
        package = Path(importlib.util.find_spec("astroquery").origin).parent / "gaia" / "tests" / "data"
        found = [folder / name for folder in (beside, package) if (folder / name).is_file()]
        if not found:
            pytest.skip(f"no {name} in {beside}, and astroquery is installed without its tests")
        return found[0]

    return find


@pytest.fixture(scope="session")
def sdss_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StandIn]:
    """A stand-in for SDSS with three MOCK plates, and with real files where the data folder exists."""
    from tests.standin import StandIn

    real = Path(os.environ.get("STELLAR_SHARED_DATA", DATA)) / "sdss"
    with StandIn(
        tmp_path_factory.mktemp("sdss"), (16000, 16001, 16003), real=real if real.is_dir() else None
    ) as server:
        yield server


@pytest.fixture
def sdss(sdss_server: StandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> StandIn:
    """The stand-in without faults, set as SDSS in the environment."""
    sdss_server.forget()
    monkeypatch.setenv("STELLAR_SAS_URL", sdss_server.sas)
    monkeypatch.setenv("STELLAR_SKYSERVER_URL", sdss_server.skyserver)
    monkeypatch.setenv("STELLAR_CASJOBS_URL", sdss_server.casjobs_url)
    monkeypatch.setenv("STELLAR_GAIA_URL", sdss_server.gaia)
    monkeypatch.setenv("STELLAR_CACHE_DIR", str(tmp_path / "cache"))
    return sdss_server
