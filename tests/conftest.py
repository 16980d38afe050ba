"""Fixtures shared by all tests."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from tests.standin import StandIn

# How long an example takes says more about what else the machine does than about the code.
settings.register_profile("no deadline", deadline=None)
settings.load_profile("no deadline")

#: Where the public data lies unless STELLAR_SHARED_DATA says otherwise.
DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder with the public data the tests may read; skips where it is absent.

    The place is ``../shared/data`` beside the repository, or STELLAR_SHARED_DATA;
    with STELLAR_REQUIRE_DATA=1 an absent folder is a failure.
    """
    folder = Path(os.environ.get("STELLAR_SHARED_DATA", DATA))
    if not folder.is_dir():
        reason = f"no data folder at {folder}; set STELLAR_SHARED_DATA to where it is"
        if os.environ.get("STELLAR_REQUIRE_DATA") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    return folder


@pytest.fixture(scope="session")
def sdss_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StandIn]:
    """A stand-in SDSS with three MOCK plates; real files too where the data folder is there."""
    from tests.standin import StandIn

    real = Path(os.environ.get("STELLAR_SHARED_DATA", DATA)) / "sdss"
    with StandIn(
        tmp_path_factory.mktemp("sdss"), (16000, 16001, 16003), real=real if real.is_dir() else None
    ) as server:
        yield server


@pytest.fixture
def sdss(sdss_server: StandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> StandIn:
    """The stand-in without faults, in the place of SDSS for everything that reads the environment."""
    sdss_server.forget()
    monkeypatch.setenv("STELLAR_SAS_URL", sdss_server.sas)
    monkeypatch.setenv("STELLAR_SKYSERVER_URL", sdss_server.skyserver)
    monkeypatch.setenv("STELLAR_CASJOBS_URL", sdss_server.casjobs_url)
    monkeypatch.setenv("STELLAR_CACHE_DIR", str(tmp_path / "cache"))
    return sdss_server
