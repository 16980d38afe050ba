"""Disk cache of files from the archive: written atomically, verified when read, limited in size.

A key is a path in the folder, so that spectra keep their paths at SDSS. An SQLite index holds the SHA-256, the size
and the order of use of each file; several processes may share it. A file that does not match its SHA-256 counts as
absent. Files that are not in the index, such as a user's own, are neither read nor removed.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import sqlite3
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import TypeVar

from stellar_core.errors import ParameterError
from stellar_core.files import remove_drafts, write_bytes

#: Size above which the least recently used files are removed, bytes; environment STELLAR_CACHE_MB sets another.
LIMIT_BYTES = 2_000_000_000
#: Seconds to wait while another process writes.
BUSY_TIMEOUT = 2.0
#: Age at which a temporary file belongs to a process that was killed, seconds.
OLD_DRAFT = 3600.0
Result = TypeVar("Result")

#: Folders whose old temporary files this process has removed.
_CLEANED: set[Path] = set()
_INDEX = "index.sqlite"
_TABLE = (
    "CREATE TABLE IF NOT EXISTS entries (key TEXT PRIMARY KEY, sha256 TEXT NOT NULL, bytes INTEGER NOT NULL, "
    "used INTEGER NOT NULL) WITHOUT ROWID"
)
_CREATED = _TABLE.replace("IF NOT EXISTS ", "")
_NEWEST = "(SELECT COALESCE(MAX(used), 0) + 1 FROM entries)"


def cache_limit() -> int:
    """Return STELLAR_CACHE_MB in bytes, else `LIMIT_BYTES`.

    Raises
    ------
    ParameterError
        If it is not a whole number.
    """
    text = os.environ.get("STELLAR_CACHE_MB", "")
    if not text:
        return LIMIT_BYTES
    if not text.isdecimal():
        raise ParameterError(f"STELLAR_CACHE_MB must be a whole number of megabytes; got {text[:40]!r}.", value=text)
    return int(text) * 1_000_000


class DiskCache:
    """Bytes by key.

    Parameters
    ----------
    folder : Path
        Created when the first file is written.
    limit_bytes : int
        Size of all files together; the least recently used are removed first.
    """

    def __init__(self, folder: Path, limit_bytes: int = LIMIT_BYTES) -> None:
        self.folder, self.limit_bytes = Path(folder), limit_bytes

    def get(self, key: str) -> bytes | None:
        """Return the bytes of ``key``; None where there are none, or they have changed since they were written."""
        path = self._path(key)

        def read(index: sqlite3.Connection) -> bytes | None:
            known = index.execute("SELECT sha256 FROM entries WHERE key = ?", [key]).fetchone()
            if known is None:
                return None
            try:
                data = path.read_bytes()
            except OSError:
                data = None
            if data is None or hashlib.sha256(data).hexdigest() != known[0]:
                index.execute("DELETE FROM entries WHERE key = ? AND sha256 = ?", [key, known[0]])
                return None
            # A failure to record the use is no reason to fetch the file again.
            with contextlib.suppress(sqlite3.OperationalError):
                index.execute(f"UPDATE entries SET used = {_NEWEST} WHERE key = ?", [key])
            return data

        return self._use(read, lambda error: None) if self._exists() else None

    def put(self, key: str, data: bytes) -> str:
        """Write ``data`` under ``key``.

        Returns
        -------
        str
            Empty, or a sentence on why it could not be cached.
        """
        path = self._path(key)
        if len(data) > self.limit_bytes:
            return f"{len(data)} bytes could not be cached: the limit is {self.limit_bytes}."

        def enter(index: sqlite3.Connection) -> str:
            index.execute("BEGIN IMMEDIATE")
            values = [key, hashlib.sha256(data).hexdigest(), len(data)]
            index.execute(f"INSERT OR REPLACE INTO entries VALUES (?, ?, ?, {_NEWEST})", values)
            self._evict(index)
            index.execute("COMMIT")
            return ""

        try:
            top = self.folder / PurePosixPath(key).parts[0]
            if top not in _CLEANED:
                _CLEANED.add(top)
                remove_drafts(top, OLD_DRAFT)
            # The file first: until its entry is written, it does not match and other processes fetch it themselves.
            write_bytes(path, data)
            return self._use(enter, lambda error: f"The file could not be cached ({error}).")
        except OSError as error:
            return f"The file could not be cached ({error.strerror or error})."

    def drop(self, key: str) -> None:
        """Remove ``key``."""
        path = self._path(key)

        def forget(index: sqlite3.Connection) -> None:
            if index.execute("DELETE FROM entries WHERE key = ?", [key]).rowcount:
                path.unlink(missing_ok=True)

        if self._exists():
            self._use(forget, lambda error: None)

    def size(self) -> tuple[int, int]:
        """Return the number of files and of bytes."""

        def count(index: sqlite3.Connection) -> tuple[int, int]:
            return index.execute("SELECT COUNT(*), COALESCE(SUM(bytes), 0) FROM entries").fetchone()

        return self._use(count, lambda error: (0, 0)) if self._exists() else (0, 0)

    def _path(self, key: str) -> Path:
        parts = PurePosixPath(key).parts
        if not parts or ".." in parts or key.startswith("/") or parts[0].startswith(_INDEX):
            raise ParameterError(f"{key[:80]!r} is not a valid cache key.", value=key)
        return self.folder.joinpath(*parts)

    def _evict(self, index: sqlite3.Connection) -> None:
        (total,) = index.execute("SELECT SUM(bytes) FROM entries").fetchone()
        while total > self.limit_bytes and (
            oldest := index.execute("SELECT key, bytes FROM entries ORDER BY used LIMIT 1").fetchone()
        ):
            key, size = oldest
            index.execute("DELETE FROM entries WHERE key = ?", [key])
            with contextlib.suppress(ParameterError):  # an entry that this program has not written
                self._path(key).unlink(missing_ok=True)
            total -= size

    def _exists(self) -> bool:
        try:
            return (self.folder / _INDEX).is_file()
        except OSError:  # a folder without permission to read counts as absent
            return False

    def _use(self, work: Callable[[sqlite3.Connection], Result], failed: Callable[[Exception], Result]) -> Result:
        """Run ``work`` on the index; replace a damaged or incompatible index by an empty one."""
        for last in (False, True):
            try:
                with contextlib.closing(self._connect()) as index:
                    index.execute(_TABLE)
                    if index.execute("SELECT sql FROM sqlite_master").fetchall() != [(_CREATED,)]:
                        raise sqlite3.DatabaseError("its index has another format")
                    return work(index)
            except sqlite3.DatabaseError as error:
                # Locked by another process, or on a disk that is full or read-only: the index itself is intact.
                intact = isinstance(error, sqlite3.OperationalError) and error.sqlite_errorcode != sqlite3.SQLITE_ERROR
                if last or intact:
                    return failed(error)
                try:
                    for path in self.folder.glob(f"{_INDEX}*"):
                        path.unlink(missing_ok=True)
                except OSError:
                    return failed(error)
        raise AssertionError("unreachable: the second pass returns")

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self.folder / _INDEX, timeout=BUSY_TIMEOUT, isolation_level=None)
        # A loss of power may cost the index, and thereby downloads only: every file is verified by its SHA-256.
        connection.execute("PRAGMA synchronous = OFF")
        return connection
