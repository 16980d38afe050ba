"""Recent stars: kept by what they are, the last one first, up to a number and a size."""

from __future__ import annotations

import pytest
import streamlit as st

from stellar_core import sandbox
from stellar_core.sdss.star_id import StarId
from stellar_core.ui.loaders import Source
from stellar_core.ui.star import recent


@pytest.fixture(autouse=True)
def session(monkeypatch):
    """An empty session."""

    class Session(dict):
        __getattr__ = dict.get
        __setattr__ = dict.__setitem__

    monkeypatch.setattr(st, "session_state", Session())


def star(fiber: int) -> Source:
    identity = StarId(3223, 54865, fiber, "104")
    return Source(identity.name, star=identity)


def test_a_star_is_kept_by_its_name_and_a_file_by_its_content():
    assert recent.keep(star(170)) == "3223-54865-0170"
    key = recent.keep(Source("a.csv", data=b"1,2"))
    assert recent.is_file(key) and not recent.is_file("3223-54865-0170")
    assert key == recent.keep(Source("other name.csv", data=b"1,2", wavelength_unit="nm"))
    assert recent.recent(key).wavelength_unit == "nm", "the last reading of the file"
    assert key != recent.keep(Source("a.csv", data=b"1,3"))
    assert recent.recent("file-000000000000") is None


def test_rows_of_an_archive_are_different_stars():
    archive = sandbox.Archive("a.zip", b"PK", 2, "digest")
    first, second = (recent.keep(Source("x", archive=archive, row=row)) for row in (0, 1))
    assert first != second and recent.is_file(first) and recent.recent(second).row == 1


def test_the_last_one_is_first_and_the_oldest_is_dropped():
    for fiber in range(1, recent.MOST + 3):
        recent.keep(star(fiber))
    recent.keep(star(5))
    names = list(st.session_state["recent"])
    assert len(names) == recent.MOST and names[:2] == ["3223-54865-0005", f"3223-54865-{recent.MOST + 2:04d}"]
    assert recent.recent("3223-54865-0001") is None


def test_large_files_are_dropped_before_small_ones(monkeypatch):
    monkeypatch.setattr(recent, "MOST_BYTES", 10)
    old, small = recent.keep(Source("a", data=b"12345678")), recent.keep(star(7))
    new = recent.keep(Source("b", data=b"87654321"))
    assert recent.recent(old) is None and recent.recent(small) and recent.recent(new)
    huge = recent.keep(Source("c", data=b"x" * 100))
    assert recent.recent(huge), "the star on the page is always kept"


def test_rows_of_one_archive_count_once(monkeypatch):
    monkeypatch.setattr(recent, "MOST_BYTES", 10)
    archive = sandbox.Archive("a.zip", b"12345678", 2, "digest")
    keys = [recent.keep(Source("x", archive=archive, row=row)) for row in (0, 1)]
    assert all(recent.recent(key) for key in keys)
