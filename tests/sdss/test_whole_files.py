"""Files are there whole or not at all."""

from __future__ import annotations

import os

import pytest

from stellar_core.sdss.whole_files import remove_drafts, write_whole


def test_a_file_appears_whole_and_replaces_the_old_one(tmp_path):
    path = tmp_path / "new" / "file"
    write_whole(path, b"first")
    write_whole(path, b"second", sync=False)
    assert path.read_bytes() == b"second" and os.listdir(path.parent) == ["file"]


def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    path = tmp_path / "file"
    write_whole(path, b"old")

    def full(_handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        write_whole(path, b"new")
    assert path.read_bytes() == b"old" and os.listdir(tmp_path) == ["file"]


def test_drafts_are_cleared_and_nothing_else(tmp_path):
    (tmp_path / "deep").mkdir()
    for name in (".a.1-2.tmp", "deep/.b.fits.3-4.tmp", "notes.tmp", "deep/b.fits", ".lock"):
        (tmp_path / name).write_bytes(b"x")
    remove_drafts(tmp_path)
    assert sorted(path.name for path in tmp_path.rglob("*") if path.is_file()) == [".lock", "b.fits", "notes.tmp"]
