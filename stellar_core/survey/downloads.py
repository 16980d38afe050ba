"""Spectra of one chunk: fetched in parallel, kept until the chunk is done, made into stars.

A file that has arrived is checked, written whole, and never fetched again; that the archive has none is noted the
same way, if it sends another star's file before and after it says so: an archive that lacks everything is out of
order, or none. So a process killed at any moment loses only what was on its way.
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

#: Stars in a row without a file or a believable "there is none" after which it is seen whether the archive sends any.
IN_A_ROW = 8
#: Attempts to get a file of which another will do as well.
PROBE_ATTEMPTS = 3


@dataclass(frozen=True)
class Outcome:
    """What became of one star.

    Attributes
    ----------
    line : ManifestLine
    star : StoredStar or None
    settled : bool
        False where trying again may help.
    """

    line: ManifestLine
    star: StoredStar | None = None
    settled: bool = True


class Downloads:
    """Fetches the spectra of an acquisition.

    Parameters
    ----------
    folder : Path
        Files wait here until their chunk is done.
    files : SpectrumFiles
    workers : int
        Downloads at a time.
    journal : Path
        Gets a line of JSON for each failed attempt to get a file that the archive does not say it lacks, for people to read.
    probes : sequence of StarId
        Stars spread over the catalogue, asked for where it is in doubt whether the archive sends anything.

    Attributes
    ----------
    retried, fetched : int
        Failed attempts and files so far.
    given_up : ArchiveError or None
        Why no star is asked for any more: the archive sends none of the files that it must have.
    """

    def __init__(
        self, folder: Path, files: SpectrumFiles, workers: int, journal: Path, probes: Sequence[StarId] = ()
    ) -> None:
        self.folder, self.files, self.journal, self.probes = folder, files, journal, probes
        self._served: StarId | None = None
        self._held_before: StarId | None = None
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

    def sends(self) -> bool:
        """Whether the archive sends a file that it must have, now; if not, it is given up."""
        with self._doubt:
            if self.given_up is None:
                try:
                    self._see_that_others_come()
                except ArchiveError as error:
                    self.given_up = error
            return self.given_up is None

    def submit(self, row: CatalogueRow) -> Future[Outcome]:
        """Begin with one star, when a worker is free."""
        return self._pool.submit(self._settle, row)

    def forget(self, row: CatalogueRow) -> None:
        """Remove what waits of a star, whose chunk is done."""
        for path in self._places(row):
            path.unlink(missing_ok=True)

    def _settle(self, row: CatalogueRow) -> Outcome:
        path = row.star.file_path(row.star.run2d)

        def line(outcome: str, reason: str = "", data: bytes = b"") -> ManifestLine:
            digest = hashlib.sha256(data).hexdigest() if data else ""
            return ManifestLine(int(row.star.specobjid), row.star.name, path, len(data), digest, outcome, reason)

        try:
            spectrum, data = self._held(row) or self._fetch(row)
        except AbsentError as error:
            return Outcome(line(ABSENT, str(error)))
        except ArchiveError as error:
            return Outcome(line(FAILED, str(error)), settled=False)
        try:
            return Outcome(line(STORED, data=data), make_star(row, spectrum))
        except SpectrumError as error:
            return Outcome(line(REFUSED, str(error), data))

    def _held(self, row: CatalogueRow) -> tuple[Spectrum, bytes] | None:
        """The file that waits already, if it is whole; `AbsentError` if it was noted that there is none."""
        kept, absent = self._places(row)
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
        self._held_before = row.star
        return spectrum, data

    def _fetch(self, row: CatalogueRow) -> tuple[Spectrum, bytes]:
        if self.given_up is not None:
            raise self.given_up
        kept, absent = self._places(row)
        try:
            found = self._ask(row)
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
            self._served = row.star
        return found.spectrum, found.data

    def _ask(self, row: CatalogueRow) -> SpectrumFile:
        """The file; `AbsentError` only from an archive that sends others before and after it says so."""
        note = lambda error: self._note(row.star, error)
        try:
            return self.files.fetch(row.star, note)
        except AbsentError:
            self._see_that_others_come(row.star)
        try:
            return self.files.fetch(row.star, note)
        except AbsentError:
            self._see_that_others_come(row.star)
            raise

    def _see_that_others_come(self, lacking: StarId | None = None) -> None:
        """Raise `ArchiveError` if the archive denies a file that it has sent, or sends none of those that it must have."""
        retries = replace(self.files.retries, attempts=PROBE_ATTEMPTS, unreachable_attempts=PROBE_ATTEMPTS)
        probing, served = replace(self.files, retries=retries), self._served
        for star in filter(None, dict.fromkeys([served, self._held_before, *self.probes])):
            try:
                probing.fetch(star, lambda error: self._note(star, error))
            except AbsentError:
                if star == served:  # it is losing files: whatever it says that it lacks is for another time
                    self.given_up = TransientError(
                        f"The archive at {self.files.url} says that it has no {star.name}, which it has just sent."
                    )
                    raise self.given_up from None
            except UnreachableError:
                raise
            except ArchiveError:
                continue
            else:
                with self._mutex:
                    self._served, self._failures = star, 0
                return
        said = f"says that it has no {lacking.name}, and " if lacking else ""
        raise TransientError(
            f"The archive at {self.files.url} {said}sends none of the spectra that it must have.",
            value=lacking,
            remedy="Check its address (STELLAR_SAS_URL), or try again later.",
        )

    def _count_failure(self) -> None:
        """Note one more failure; after many in a row see whether it is the archive or these files."""
        with self._mutex:
            self._failures += 1
            many = self._failures >= IN_A_ROW
        if many and self.sends():
            with self._mutex:
                self._failures = 0

    def _note(self, star: StarId, error: ArchiveError) -> None:
        with self._mutex, self.journal.open("a") as out:
            self.retried += 1
            out.write(json.dumps({"time": round(time.time(), 1), "star": star.name, "failure": str(error)}) + "\n")

    def _places(self, row: CatalogueRow) -> tuple[Path, Path]:
        """Where the file waits, and the note that there is none."""
        stem = self.folder / f"{row.star.plate:05d}" / f"spec-{row.star.name}"
        return stem.with_name(f"{stem.name}.fits"), stem.with_name(f"{stem.name}.absent")


def refuse(specobjid: int, name: str, reason: str) -> Outcome:
    """The outcome of a row of the catalogue that is not worth a download."""
    return Outcome(ManifestLine(specobjid, name, "", 0, "", REFUSED, reason))
