"""The app under AppTest."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from streamlit.components.v2 import manifest_scanner
from streamlit.testing.v1 import AppTest

ROOT = Path(__file__).resolve().parents[2]
MAIN = sys.modules["__main__"]


@pytest.fixture(autouse=True, scope="session")
def components() -> Iterator[None]:
    """Search the installed packages for Streamlit's components once; AppTest does it for every session of the app."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(manifest_scanner, "scan_component_manifests", cache(manifest_scanner.scan_component_manifests))
        yield


@pytest.fixture(autouse=True)
def main_module() -> Iterator[None]:
    """Restore the main module, which AppTest replaces by the page; subprocesses of later tests would run the page."""
    yield
    sys.modules["__main__"] = MAIN


@pytest.fixture()
def app(monkeypatch):
    """A new session of the app, not yet run; the SDSS archive is unreachable."""
    from stellar_core.errors import ArchiveError
    from stellar_core.sdss import archive

    def offline(*_args, **_options):
        raise ArchiveError("The SDSS archive could not be reached.", remedy="Upload the file instead.")

    monkeypatch.setattr(archive, "fetch_spectrum", offline)
    monkeypatch.setattr(archive, "plate_mjds", offline)
    monkeypatch.setattr(archive, "star_near", offline)
    monkeypatch.chdir(ROOT)
    return AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
