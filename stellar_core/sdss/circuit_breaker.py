"""An archive whose servers are asked no more once they were out of reach; what its cache holds is still given."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

from stellar_core.sdss.archive import Archive
from stellar_core.sdss.retries import PassingError, UnreachableError
from stellar_core.sdss.skyserver import Answer, Check, SkyServer
from stellar_core.sdss.spectrum_files import SpectrumFile, SpectrumFiles
from stellar_core.sdss.star import StarId

Found = TypeVar("Found")


class Gate:
    """Shuts for good when one server could not be reached so many times in a row; any answer begins the count anew.

    Parameters
    ----------
    patience : int
    """

    def __init__(self, patience: int) -> None:
        self._patience, self._failures, self._last = patience, 0, ""
        self._mutex = threading.Lock()

    def __call__(self, ask: Callable[[], Found]) -> Found:
        """The result of ``ask``, or its error; `UnreachableError` at once where the gate is shut."""
        if self._failures >= self._patience:
            raise UnreachableError(self._last, remedy="")
        try:
            found = ask()
        except UnreachableError as error:
            with self._mutex:
                self._failures, self._last = self._failures + 1, str(error)
            raise
        except PassingError:
            self._begin_anew()  # it answered, if badly
            raise
        self._begin_anew()
        return found

    def _begin_anew(self) -> None:
        with self._mutex:
            if self._failures < self._patience:
                self._failures = 0


@dataclass(frozen=True)
class _GatedFiles(SpectrumFiles):
    gate: Gate = field(default_factory=lambda: Gate(1))

    def fetch(self, star: StarId, on_failure: Callable[[PassingError], None] = lambda error: None) -> SpectrumFile:
        fetch = super().fetch
        return self.gate(lambda: fetch(star, on_failure))


@dataclass(frozen=True)
class _GatedServer(SkyServer):
    gate: Gate = field(default_factory=lambda: Gate(1))

    def query(self, sql: str, columns: Sequence[str], check: Check = lambda rows: None) -> Answer:
        query = super().query
        return self.gate(lambda: query(sql, columns, check))


def gated(archive: Archive, patience: int) -> Archive:
    """``archive`` with a `Gate` before each of its servers."""
    return replace(
        archive,
        files=_GatedFiles(**vars(archive.files), gate=Gate(patience)),
        skyserver=_GatedServer(**vars(archive.skyserver), gate=Gate(patience)),
    )
