"""Download of spectra in parallel; files are kept until their chunk is finished.

A file is checked, written atomically, and never fetched again. A reply that the archive has no such file is recorded
in the same way, if the archive sends another star's file before and after that reply: an archive that lacks everything
is out of order. A process killed at any time loses only the files in transit.
"""

from __future__ import annotations

import hashlib
import json
import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

from stellar_core.errors import ArchiveError, SpectrumError
from stellar_core.files import write_bytes
from stellar_core.network.retries import TransientError, UnreachableError
from stellar_core.sdss.catalogue_rows import CatalogueRow
from stellar_core.sdss.preload import load_libraries
from stellar_core.sdss.spectrum_files import AbsentError, SpectrumFile, SpectrumFiles, check_file
from stellar_core.sdss.star_id import StarId
from stellar_core.spectrum import Spectrum
from stellar_core.survey.store import ABSENT, FAILED, REFUSED, STORED, ManifestLine
from stellar_core.survey.stored_star import StoredStar, make_star

#: Consecutive failures after which the archive is tested.
IN_A_ROW = 8
#: Attempts to fetch a test file.
PROBE_ATTEMPTS = 3


@dataclass(frozen=True)
class Outcome:
    """Outcome of one star.

    Attributes
    ----------
    line : ManifestLine
    star : StoredStar or None
    settled : bool
        False where another attempt may help.
    """

    line: ManifestLine
    star: StoredStar | None = None
    settled: bool = True


class Downloads:
    """Fetches the spectra of an acquisition.

    Parameters
    ----------
    folder : Path
        Files are kept here until their chunk is finished.
    files : SpectrumFiles
    workers : int
        Downloads at a time.
    journal : Path
        Log of failed attempts, a line of JSON each, without replies that a file does not exist.
    probes : sequence of StarId
        Stars spread over the catalogue, by which the archive is tested.

    Attributes
    ----------
    retried, fetched : int
        Numbers of failed attempts and of files so far.
    given_up : ArchiveError or None
        Set once the archive sends none of the files that it must have; no further star is then requested.
    """

    def __init__(
        self, folder: Path, files: SpectrumFiles, workers: int, journal: Path, probes: Sequence[StarId] = ()
    ) -> None:
        self.folder, self.files, self.journal, self.probes = folder, files, journal, probes
        self._sent_star: StarId | None = None
        self._kept_star: StarId | None = None
        self.retried = self.fetched = 0
        load_libraries()
        self._pool = ThreadPoolExecutor(workers)
        self._mutex = threading.Lock()
        self._doubt = threading.Lock()
        self._failures = 0
        self.given_up: ArchiveError | None = None

    def __enter__(self) -> Downloads:
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown(cancel_futures=True)

    def archive_sends(self) -> bool:
        """Test whether the archive sends a file that it must have; give it up if it does not."""
        with self._doubt:
            if self.given_up is None:
                try:
                    self._require_other_files()
                except ArchiveError as error:
                    self.given_up = error
            return self.given_up is None

    def submit(self, row: CatalogueRow) -> Future[Outcome]:
        """Queue one star."""
        return self._pool.submit(self._process, row)

    def discard(self, row: CatalogueRow) -> None:
        """Remove the file of a star whose chunk is finished."""
        for path in self._paths(row):
            path.unlink(missing_ok=True)

    def _process(self, row: CatalogueRow) -> Outcome:
        path = row.star.file_path(row.star.run2d)

        def line(outcome: str, reason: str = "", data: bytes = b"") -> ManifestLine:
            digest = hashlib.sha256(data).hexdigest() if data else ""
            return ManifestLine(int(row.star.specobjid), row.star.name, path, len(data), digest, outcome, reason)

        try:
            spectrum, data = self._kept(row) or self._fetch(row)
        except AbsentError as error:
            return Outcome(line(ABSENT, str(error)))
        except ArchiveError as error:
            return Outcome(line(FAILED, str(error)), settled=False)
        try:
            return Outcome(line(STORED, data=data), make_star(row, spectrum))
        except SpectrumError as error:
            return Outcome(line(REFUSED, str(error), data))

    def _kept(self, row: CatalogueRow) -> tuple[Spectrum, bytes] | None:
        """Return the file if it was fetched before; raise `AbsentError` if it was recorded as absent."""
        kept, absent = self._paths(row)
        if absent.exists():
            raise AbsentError(row.star)
        if not kept.exists():
            return None
        data = kept.read_bytes()
        try:
            spectrum = check_file(data, row.star, str(kept))
        except ArchiveError:
            kept.unlink()
            return None
        self._kept_star = row.star
        return spectrum, data

    def _fetch(self, row: CatalogueRow) -> tuple[Spectrum, bytes]:
        if self.given_up is not None:
            raise self.given_up
        kept, absent = self._paths(row)
        try:
            found = self._fetch_confirmed(row)
        except AbsentError:
            write_bytes(absent, b"")
            raise
        except ArchiveError:
            self._count_failure()
            raise
        write_bytes(kept, found.data)
        with self._mutex:
            self._failures = 0
            self.fetched += 1
            self._sent_star = row.star
        return found.spectrum, found.data

    def _fetch_confirmed(self, row: CatalogueRow) -> SpectrumFile:
        """Fetch the file; raise `AbsentError` only where the archive sends other files before and after that reply."""
        note = lambda error: self._note(row.star, error)
        try:
            return self.files.fetch(row.star, note)
        except AbsentError:
            self._require_other_files(row.star)
        try:
            return self.files.fetch(row.star, note)
        except AbsentError:
            self._require_other_files(row.star)
            raise

    def _require_other_files(self, lacking: StarId | None = None) -> None:
        """Raise `ArchiveError` if the archive lacks a file that it has sent, or sends none that it must have."""
        retries = replace(self.files.retries, attempts=PROBE_ATTEMPTS, unreachable_attempts=PROBE_ATTEMPTS)
        probing, sent = replace(self.files, retries=retries), self._sent_star
        for star in filter(None, dict.fromkeys([sent, self._kept_star, *self.probes])):
            try:
                probing.fetch(star, lambda error: self._note(star, error))
            except AbsentError:
                if star == sent:  # it is losing files, so that no reply about absence can be trusted
                    self.given_up = TransientError(
                        f"The archive at {self.files.url} has no {star.name}, which it has just sent."
                    )
                    raise self.given_up from None
            except UnreachableError:
                raise
            except ArchiveError:
                continue
            else:
                with self._mutex:
                    self._sent_star, self._failures = star, 0
                return
        lacks = f"has no {lacking.name}, and " if lacking else ""
        raise TransientError(
            f"The archive at {self.files.url} {lacks}sends none of the spectra that it must have.",
            value=lacking,
            remedy="Check its address (STELLAR_SAS_URL), or try again later.",
        )

    def _count_failure(self) -> None:
        """Count one more failure; after many in a row test the archive."""
        with self._mutex:
            self._failures += 1
            many = self._failures >= IN_A_ROW
        if many and self.archive_sends():
            with self._mutex:
                self._failures = 0

    def _note(self, star: StarId, error: ArchiveError) -> None:
        with self._mutex, self.journal.open("a") as out:
            self.retried += 1
            out.write(json.dumps({"time": round(time.time(), 1), "star": star.name, "failure": str(error)}) + "\n")

    def _paths(self, row: CatalogueRow) -> tuple[Path, Path]:
        """Return the paths of the file and of the mark that it is absent."""
        stem = self.folder / f"{row.star.plate:05d}" / f"spec-{row.star.name}"
        return stem.with_name(f"{stem.name}.fits"), stem.with_name(f"{stem.name}.absent")


def refuse(specobjid: int, name: str, reason: str) -> Outcome:
    """Return the outcome of a row of the catalogue that is not downloaded."""
    return Outcome(ManifestLine(specobjid, name, "", 0, "", REFUSED, reason))
