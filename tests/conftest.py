"""Fixtures shared by all tests."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder with the public data the tests may read; skips where it is absent.

    The place is ``../shared/data`` beside the repository, or STELLAR_SHARED_DATA;
    with STELLAR_REQUIRE_DATA=1 an absent folder is a failure.
    """
    default = Path(__file__).resolve().parents[2] / "shared" / "data"
    folder = Path(os.environ.get("STELLAR_SHARED_DATA", default))
    if not folder.is_dir():
        reason = f"no data folder at {folder}; set STELLAR_SHARED_DATA to where it is"
        if os.environ.get("STELLAR_REQUIRE_DATA") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    return folder
