"""An archive whose servers are away and are not asked any more; what its cache holds is still given."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from stellar_core.sdss.archive import Archive
from stellar_core.sdss.retries import PassingError, UnreachableError
from stellar_core.sdss.skyserver import Answer, Check, SkyServer
from stellar_core.sdss.spectrum_files import SpectrumFile, SpectrumFiles
from stellar_core.sdss.star import StarId


@dataclass(frozen=True)
class _AwayFiles(SpectrumFiles):
    failure: str = ""

    def fetch(self, star: StarId, on_failure: Callable[[PassingError], None] = lambda error: None) -> SpectrumFile:
        raise UnreachableError(self.failure, value=star, remedy="")


@dataclass(frozen=True)
class _AwayServer(SkyServer):
    failure: str = ""

    def query(self, sql: str, columns: Sequence[str], check: Check = lambda rows: None) -> Answer:
        raise UnreachableError(self.failure, value=self.url, remedy="")


class Outage:
    """Counts look-ups that met no server, and gives the archive to ask next.

    Parameters
    ----------
    archive : Archive
    patience : int
        So many, and no server is asked again.
    """

    def __init__(self, archive: Archive, patience: int) -> None:
        self._archive, self._patience = archive, patience
        self._failures: list[str] = []

    @property
    def archive(self) -> Archive:
        """The archive, or one that answers from its cache alone."""
        if len(self._failures) < self._patience:
            return self._archive
        files, failure = self._archive.files, self._failures[0]
        return replace(
            self._archive,
            files=_AwayFiles(files.url, full=files.full, failure=failure),
            skyserver=_AwayServer(self._archive.skyserver.url, failure=failure),
        )

    def note(self, found: object) -> None:
        """Count ``found`` if it is an `UnreachableError`."""
        if isinstance(found, UnreachableError):
            self._failures.append(str(found))
