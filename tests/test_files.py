"""Files are written atomically, damaged JSON is a ValueError, and a lock admits one process."""

from __future__ import annotations

import json
import os

import pytest

from stellar_core.errors import RunError
from stellar_core.files import (
    MAX_DEPTH,
    atomic_path,
    is_locked,
    locked,
    parse_json,
    read_json,
    remove_drafts,
    sha256_of_file,
    write_bytes,
    write_text,
)


def test_writing_makes_the_folder_and_replaces_the_old_file(tmp_path):
    path = tmp_path / "new" / "file"
    write_bytes(path, b"first")
    write_bytes(path, b"second", sync=False)
    assert path.read_bytes() == b"second" and os.listdir(path.parent) == ["file"]


def test_text_does_not_bring_a_removed_folder_back(tmp_path):
    with pytest.raises(FileNotFoundError):
        write_text(tmp_path / "removed" / "status.json", "{}")
    assert not list(tmp_path.iterdir())


def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    path = tmp_path / "file"
    write_bytes(path, b"old")
    with pytest.raises(ZeroDivisionError), atomic_path(path) as draft:
        draft.write_bytes(b"half")
        raise ZeroDivisionError

    def full(_handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        write_bytes(path, b"new")
    assert path.read_bytes() == b"old" and os.listdir(tmp_path) == ["file"]


def test_only_temporary_files_are_removed(tmp_path):
    (tmp_path / "deep").mkdir()
    for name in (".a.1-2.tmp", "deep/.b.fits.3-4.tmp", "notes.tmp", "deep/b.fits", ".lock"):
        (tmp_path / name).write_bytes(b"x")
    remove_drafts(tmp_path)
    assert sorted(path.name for path in tmp_path.rglob("*") if path.is_file()) == [".lock", "b.fits", "notes.tmp"]


def test_json_is_read_as_it_was_written(tmp_path):
    value = {"a": [1, 2.5, None, {"b": "ü"}], "c": {}}
    write_text(tmp_path / "x.json", json.dumps(value, ensure_ascii=False))
    assert read_json(tmp_path / "x.json") == value


@pytest.mark.parametrize(
    "content",
    [
        b"[" * 200_000,
        b'{"a":' * 200_000,
        b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1),
        b"",
        b"\xff\xfe\xfa",
        b"9" * 5000,
        b"{",
        b'"' + b"x" * 2000 + b'"',
    ],
)
def test_damaged_json_is_a_value_error(tmp_path, content):
    (tmp_path / "x.json").write_bytes(content)
    with pytest.raises(ValueError):
        read_json(tmp_path / "x.json", most=1000 if len(content) < 3000 else 10**7)


def test_the_deepest_json_allowed_is_read():
    assert parse_json("[" * MAX_DEPTH + "]" * MAX_DEPTH)
    with pytest.raises(ValueError, match="nested"):
        parse_json('{"a":' * 500 + "1" + "}" * 500)


def test_the_hash_of_a_file_is_sha256(tmp_path):
    (tmp_path / "x").write_bytes(b"abc")
    assert sha256_of_file(tmp_path / "x").startswith("ba7816bf8f01cfea")


def test_a_lock_is_held_by_one_at_a_time(tmp_path):
    path = tmp_path / "lock"
    assert not is_locked(path) and not path.exists()
    with locked(path, "Someone is here."):
        assert is_locked(path)
        with pytest.raises(RunError, match="Someone is here"), locked(path, "Someone is here."):
            pass
        assert is_locked(path)
    assert not is_locked(path)
