"""The spec files of the stand-in, by their paths on the Science Archive Server."""

from __future__ import annotations

import csv
import re
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path

from astropy.io import fits

from stellar_core.errors import ArchiveError, IdentifierError
from stellar_core.mock.spectrum_writer import write_spec_lite
from stellar_core.mock.survey import MockSurvey
from stellar_core.sdss.identifiers import parse
from stellar_core.sdss.specobjid import BOSS_RUN2D, LEGACY_RUN2D
from stellar_core.sdss.star_id import StarId

#: Where the MOCK survey's files are found: among eBOSS's, and in the folder in which astroquery looks.
_MOCK_PATH = re.compile(rf"dr17/(eboss|sdss)/spectro/redux/{BOSS_RUN2D}/spectra/(lite|full)/\d{{5}}/spec-[-\d]+\.fits$")


class SpectrumShelf:
    """MOCK files, made when first asked for, and real ones.

    Parameters
    ----------
    folder : Path
        MOCK files are kept here.
    seed : int
        Of the MOCK survey.
    real : Path or None
        Folder of real spec files with their ``index.csv``.
    """

    def __init__(self, folder: Path, seed: int, real: Path | None = None) -> None:
        self.folder, self.survey = folder, MockSurvey(seed)
        self._mutex = threading.Lock()
        self.real: dict[StarId, Path] = {}
        self._by_path: dict[str, Path] = {}
        for path in sorted(real.glob("spec-*.fits")) if real is not None else ():
            star = parse(path.name)
            run2d = str(fits.getheader(path).get("RUN2D", "")).strip()
            # The release holds BOSS spectra in one reduction, whatever the file at hand was reduced by.
            stated = run2d if run2d in LEGACY_RUN2D else None
            star = StarId(star.plate, star.mjd, star.fiber, stated or star.run2d_candidates[0])
            self.real[star] = path
            for full in (False, True):
                self._by_path[star.file_path(star.run2d, full=full)] = path

    def real_rows(self) -> Iterator[tuple[StarId, dict[str, str]]]:
        """Each real spectrum's row of ``index.csv``, with its position from the file where that has one."""
        if not self.real:
            return
        with next(iter(self.real.values())).with_name("index.csv").open() as handle:
            index = {row["file"]: row for row in csv.DictReader(handle)}
        for star, path in self.real.items():
            header = fits.getheader(path)
            place = {name: str(header.get(f"PLUG_{name.upper()}", "")) for name in ("ra", "dec")}
            yield star, {**index[path.name], **place}

    def make(self, stars: Iterable[StarId]) -> None:
        """Make the files of MOCK stars ahead, which is faster together."""
        wanted = [star for star in stars if not self._place(star).exists()]
        for star, frame in zip(wanted, self.survey.frames(wanted)):
            self._place(star).parent.mkdir(parents=True, exist_ok=True)
            write_spec_lite(frame.spectrum, self._place(star), frame.wdisp, frame.sky)

    def read(self, path: str) -> bytes | None:
        """The file at ``path`` below the root of the archive; None where there is none."""
        if path in self._by_path:
            return self._by_path[path].read_bytes()
        try:
            star = parse(path)
        except IdentifierError:
            return None
        if not isinstance(star, StarId) or not star.is_mock or not _MOCK_PATH.match(path):
            return None
        with self._mutex:
            try:
                self.make([star])
            except ArchiveError:
                return None
        return self._place(star).read_bytes()

    def _place(self, star: StarId) -> Path:
        return self.folder / f"{star.plate:04d}" / f"spec-{star.name}.fits"
