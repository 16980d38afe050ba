"""The cache on disk: atomic, verified, limited in size, shared by processes."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from stellar_core.errors import ParameterError
from stellar_core.paths import cache_folder
from stellar_core.sdss.cache import DiskCache, cache_limit


def test_files_are_returned_and_lie_at_their_key(tmp_path):
    cache = DiskCache(tmp_path)
    assert cache.get("a/b.fits") is None and cache.size() == (0, 0)
    assert cache.put("a/b.fits", b"spectrum") == ""
    assert DiskCache(tmp_path).get("a/b.fits") == b"spectrum"
    assert (tmp_path / "a" / "b.fits").read_bytes() == b"spectrum"
    cache.put("a/b.fits", b"newer")
    assert cache.get("a/b.fits") == b"newer" and cache.size() == (1, 5)
    cache.drop("a/b.fits")
    assert cache.get("a/b.fits") is None and not (tmp_path / "a" / "b.fits").exists()


@pytest.mark.parametrize("content", [b"spect", b"", b"spectruM", b"<html>down</html>", None])
def test_changed_files_count_as_absent(tmp_path, content):
    cache = DiskCache(tmp_path)
    cache.put("key", b"spectrum")
    if content is None:
        (tmp_path / "key").unlink()
    else:
        (tmp_path / "key").write_bytes(content)
    assert cache.get("key") is None and cache.size() == (0, 0)
    cache.put("key", b"spectrum")
    assert cache.get("key") == b"spectrum"


def test_old_temporary_files_are_removed_and_others_stay(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "mail").mkdir()
    names = ("a/.spec.fits.1-2.tmp", "a/.spec.fits.3-4.tmp", "a/.mine.tmp", "mail/.letter.1-2.tmp")
    old, new, mine, letter = (tmp_path / name for name in names)
    for path in (old, new, mine, letter):
        path.write_bytes(b"half")
        if path != new:
            os.utime(path, (time.time() - 4000,) * 2)
    (tmp_path / "a" / ".x.1-2.tmp").mkdir()
    assert DiskCache(tmp_path).put("a/key", b"spectrum") == ""
    assert not old.exists() and new.exists() and mine.exists() and letter.exists()


@pytest.mark.slow
def test_a_locked_index_delays_by_seconds_only(tmp_path):
    cache = DiskCache(tmp_path)
    cache.put("key", b"spectrum")
    other = sqlite3.connect(tmp_path / "index.sqlite", isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    start = time.monotonic()
    assert cache.get("key") is None
    assert "could not be cached (database is locked)" in cache.put("other", b"spectrum")
    assert time.monotonic() - start < 8
    other.close()
    assert cache.get("key") == b"spectrum"


def test_a_damaged_index_that_cannot_be_removed_counts_as_absent(tmp_path, monkeypatch):
    cache = DiskCache(tmp_path)
    cache.put("key", b"spectrum")
    (tmp_path / "index.sqlite").write_bytes(b"no index " * 1000)

    def read_only(self, missing_ok=False):
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(type(tmp_path), "unlink", read_only)
    assert cache.get("key") is None and cache.size() == (0, 0)


def test_a_folder_without_permission_counts_as_absent(tmp_path, monkeypatch):
    cache = DiskCache(tmp_path)
    cache.put("key", b"spectrum")
    monkeypatch.setattr(Path, "is_file", lambda self: (_ for _ in ()).throw(PermissionError(13, "Permission denied")))
    assert cache.get("key") is None and cache.size() == (0, 0)
    cache.drop("key")


def test_files_outside_the_index_are_neither_read_nor_removed(tmp_path):
    (tmp_path / "mine.fits").write_bytes(b"x" * 90)
    cache = DiskCache(tmp_path, 100)
    assert cache.get("mine.fits") is None
    cache.put("a", b"y" * 80)
    cache.put("b", b"y" * 80)
    assert (tmp_path / "mine.fits").exists() and not (tmp_path / "a").exists()


def test_least_recently_used_files_are_removed_first(tmp_path):
    cache = DiskCache(tmp_path, 40)
    for key in "abcd":
        cache.put(key, key.encode() * 10)
    assert cache.get("a") is not None
    cache.put("e", b"e" * 15)
    kept = [key for key in "abcde" if (tmp_path / key).exists()]
    assert kept == ["a", "d", "e"] and cache.size() == (3, 35)
    assert "limit" in cache.put("f", b"f" * 41) and cache.size() == (3, 35)


@pytest.mark.parametrize("damage", [b"no database at all", b""])
def test_a_damaged_index_is_replaced(tmp_path, damage):
    cache = DiskCache(tmp_path)
    cache.put("key", b"spectrum")
    (tmp_path / "index.sqlite").write_bytes(damage)
    assert cache.get("key") is None
    assert cache.put("key", b"spectrum") == "" and cache.get("key") == b"spectrum"


def test_an_index_damaged_inside_is_replaced(tmp_path):
    cache = DiskCache(tmp_path)
    for number in range(150):
        cache.put(f"key{number}", b"spectrum")
    path = tmp_path / "index.sqlite"
    data = bytearray(path.read_bytes())
    data[4096:] = random.Random(1).randbytes(len(data) - 4096)
    path.write_bytes(data)
    for number in range(150):
        assert cache.get(f"key{number}") in (None, b"spectrum")
    assert cache.put("key1", b"spectrum") == "" and cache.get("key1") == b"spectrum"


def test_a_folder_that_cannot_be_written_gives_a_sentence(tmp_path):
    (tmp_path / "file").write_text("in the way")
    cache = DiskCache(tmp_path / "file" / "cache")
    assert "could not be cached" in cache.put("key", b"x") and cache.get("key") is None


@pytest.mark.parametrize("key", ["../key", "/etc/key", "", "a/../../key", "index.sqlite"])
def test_keys_stay_in_the_folder(tmp_path, key):
    with pytest.raises(ParameterError):
        DiskCache(tmp_path).put(key, b"x")


def test_threads_share_the_cache(tmp_path):
    wrong = []

    def user(seed: int) -> None:
        cache, rng = DiskCache(tmp_path, 3000), random.Random(seed)
        for _ in range(40):
            key = rng.randrange(8)
            if rng.random() < 0.5:
                cache.put(f"{key}", bytes([key]) * rng.randrange(1, 800))
            elif (data := cache.get(f"{key}")) is not None and set(data) != {key}:
                wrong.append((key, data))

    threads = [threading.Thread(target=user, args=[seed]) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong and DiskCache(tmp_path).size()[1] <= 3000


def test_killed_writers_leave_no_wrong_file(tmp_path):
    code = (
        "import sys, pathlib, itertools; from stellar_core.sdss.cache import DiskCache\n"
        "cache = DiskCache(pathlib.Path(sys.argv[1]), 4_000_000)\n"
        "sys.stdout.write('.'); sys.stdout.flush()\n"
        "for i in itertools.count(): cache.put(str(i % 7), bytes([i % 251 + 1]) * (200_000 + i % 13))"
    )
    rng = random.Random(5)
    for _ in range(3):
        users = [
            subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE) for _ in range(2)
        ]
        for user in users:
            user.stdout.read(1)
        time.sleep(0.2 * rng.random())
        for user in users:
            user.send_signal(signal.SIGKILL)
            user.wait()
            user.stdout.close()
        cache = DiskCache(tmp_path, 4_000_000)
        for key in map(str, range(7)):
            data = cache.get(key)
            assert data is None or (len(set(data)) == 1 and len(data) >= 200_000)
            assert cache.put(key, b"\1" * 200_000) == "" and cache.get(key) == b"\1" * 200_000


def test_settings_come_from_the_environment(tmp_path, monkeypatch):
    monkeypatch.setenv("STELLAR_CACHE_DIR", str(tmp_path))
    monkeypatch.setenv("STELLAR_CACHE_MB", "7")
    assert cache_folder() == tmp_path and cache_limit() == 7_000_000
    monkeypatch.setenv("STELLAR_CACHE_MB", "7 GB")
    with pytest.raises(ParameterError, match="7 GB"):
        cache_limit()
    monkeypatch.delenv("STELLAR_CACHE_MB")
    assert cache_limit() > 1_000_000_000 and os.environ["STELLAR_CACHE_DIR"]


@pytest.mark.parametrize(
    "made",
    [
        "CREATE TABLE entries (key TEXT)",
        "CREATE TABLE entries (key TEXT PRIMARY KEY, sha256 TEXT, bytes TEXT, used TEXT, more TEXT)",
        "CREATE VIEW entries AS SELECT 1 AS key",
        "CREATE TABLE other (a)",
    ],
)
def test_an_incompatible_index_is_replaced(tmp_path, made):
    with sqlite3.connect(tmp_path / "index.sqlite") as index:
        index.execute(made)
    index.close()
    cache = DiskCache(tmp_path)
    assert cache.get("a") is None and cache.put("a", b"spectrum") == ""
    assert cache.get("a") == b"spectrum" and cache.size() == (1, 8)


def test_an_entry_outside_the_folder_removes_nothing(tmp_path):
    cache = DiskCache(tmp_path / "cache", limit_bytes=100)
    cache.put("a", b"x" * 60)
    (tmp_path / "mine").write_bytes(b"kept")
    with sqlite3.connect(tmp_path / "cache" / "index.sqlite") as index:
        index.execute("INSERT INTO entries VALUES ('../mine', 'x', 90, 0)")
    index.close()
    assert cache.put("b", b"y" * 60) == "" and cache.get("b") is not None
    assert (tmp_path / "mine").read_bytes() == b"kept"
