"""The app under AppTest."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

ROOT = Path(__file__).resolve().parents[2]
MAIN = sys.modules["__main__"]


@pytest.fixture(autouse=True)
def main_module() -> Iterator[None]:
    """Puts the main module back: AppTest leaves the page in its place, and every process a later test starts would run it."""
    yield
    sys.modules["__main__"] = MAIN


@pytest.fixture()
def app(monkeypatch):
    """A fresh session of the app, not yet run; the SDSS archive is out of reach."""
    from stellar_core.errors import ArchiveError
    from stellar_core.sdss import archive

    def offline(*_args, **_options):
        raise ArchiveError("The SDSS archive could not be reached.", remedy="Upload the file instead.")

    monkeypatch.setattr(archive, "fetch_spectrum", offline)
    monkeypatch.setattr(archive, "plate_mjds", offline)
    monkeypatch.setattr(archive, "star_near", offline)
    monkeypatch.chdir(ROOT)
    return AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
