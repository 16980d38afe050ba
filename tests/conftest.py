"""Fixtures shared by all tests."""

from __future__ import annotations

import gc
import importlib.util
import os
import subprocess
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

ROOT = Path(__file__).resolve().parents[1]
#: Folder of public data, unless STELLAR_SHARED_DATA names another.
DATA = ROOT.parent / "shared" / "data"


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put files with many slow tests first: pytest-xdist hands out whole files, and a long one must not be the last."""
    seconds: Counter[Path] = Counter()
    for item in items:
        slow = 30.0 if item.get_closest_marker("browser") else 5.0
        seconds[item.path] += slow if item.get_closest_marker("slow") else 0.1
    items.sort(key=lambda item: -seconds[item.path])


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_setupnodes(config: pytest.Config) -> None:
    """Compile once in a fresh clone what otherwise each process would: the engine of the isochrones, and the tests."""
    if config.args_source is not pytest.Config.ArgsSource.TESTPATHS:
        return
    commands = []
    engine = Path(os.environ.get("NUMBA_CACHE_DIR") or ROOT / "stellar_core" / "isochrones" / "__pycache__")
    if not any(engine.rglob("*.nbi")):
        commands.append(["tests.compile_engine"])
    if not sys.dont_write_bytecode and not any((ROOT / "tests" / "__pycache__").glob("test_*-pytest-*.pyc")):
        commands.append(["pytest", "--collect-only", "-qq", "-n", "0", "-p", "no:cacheprovider"])
    begun = [
        subprocess.Popen([sys.executable, "-m", *command], cwd=ROOT, stdout=subprocess.DEVNULL) for command in commands
    ]
    for process in begun:
        process.wait()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> object:
    """Make the scheduler of --dist loadfile: a file is run by one process, and all files that need the browser by one.

    The latter share one server of the app and one Chromium.
    """
    if config.getoption("dist") != "loadfile":
        return None
    from xdist.scheduler import LoadFileScheduling

    class Scheduling(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return "tests/browser" if nodeid.startswith("tests/browser/") else super()._split_scope(nodeid)

    return Scheduling(config, log)


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
