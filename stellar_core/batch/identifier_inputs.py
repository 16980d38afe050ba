"""Stars and files by their names, as a stretch of a batch: read here, or looked up at SDSS with all the patience that it takes."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

from stellar_core import lookup
from stellar_core.batch.chunks import Entry
from stellar_core.errors import ArchiveError, StellarError
from stellar_core.inference.predict import is_file, means_file
from stellar_core.network.rate_limit import RateLimit
from stellar_core.network.retries import Retries
from stellar_core.paths import cache_folder
from stellar_core.sdss.archive import Archive, open_archive
from stellar_core.sdss.bulk_rows import remember_rows
from stellar_core.sdss.cache import DiskCache, cache_limit
from stellar_core.sdss.identifiers import parse
from stellar_core.sdss.preload import load_libraries
from stellar_core.sdss.readers import read_spectrum
from stellar_core.sdss.skyserver import SkyServer
from stellar_core.sdss.spectrum_files import SpectrumFiles
from stellar_core.sdss.star_id import MOCK_PLATES, PlateFiber, Position, StarId
from stellar_core.spectrum import Spectrum

#: Spectra looked up at a time, and how many are read before the first is wanted.
LOOK_UPS, AHEAD = 4, 32
#: Requests to the Science Archive Server by all processes of a machine, per minute.
FILES_PER_MINUTE = 600


@dataclass(frozen=True)
class NamedPortion:
    """Files and identifiers.

    Attributes
    ----------
    texts : tuple of str
    served : bool
        Stars of MOCK plates come from the archive too, where a MOCK survey is served in the place of SDSS.
    photometry : bool
        SDSS's catalogue is asked about files too, where they say or their names say which star they are.
    visitor : bool
        Typed on a page: no text names a file of this machine, and what SDSS does not give soon is not waited for.
    """

    texts: tuple[str, ...]
    served: bool = False
    photometry: bool = False
    visitor: bool = False

    def read(self) -> Iterator[Entry]:
        load_libraries()
        archive = open_archive().with_breakers(1) if self.visitor else patient_archive().with_breakers(LOOK_UPS)
        stars = [star for star in map(self._asked_about, self.texts) if star is not None and self._is_served(star)]
        try:
            remember_rows(archive, stars)
        except ArchiveError:
            pass  # each star then says itself what is amiss
        with ThreadPoolExecutor(LOOK_UPS) as pool:
            begun = []
            for text in self.texts:
                begun.append((text, pool.submit(self._one, archive, text)))
                if len(begun) > AHEAD:
                    first, job = begun.pop(0)
                    yield Entry(first, job.result())
            for text, job in begun:
                yield Entry(text, job.result())

    def _one(self, archive: Archive, text: str) -> Spectrum | StellarError:
        try:
            if not self.visitor and is_file(text):
                spectrum = read_spectrum(Path(text))
                return self._with_row(archive, spectrum) if self.photometry else spectrum
            if not self.visitor and means_file(text):
                raise ArchiveError(f"There is no file {text}.", value=text)
            star = self._find(archive, text)
            return archive.spectrum(star, insist=not self.visitor) if self._is_served(star) else lookup.load(star)
        except StellarError as error:
            return error

    def _find(self, archive: Archive, text: str) -> StarId:
        """The star that a text names, in full or by what the archive knows."""
        found = parse(text)
        if isinstance(found, Position):
            return archive.nearest(found)
        if isinstance(found, PlateFiber):
            return lookup.only_night(found, archive.mjds(found) if self._is_served(found) else lookup.mjds(found))
        return found

    def _is_served(self, place: StarId | PlateFiber) -> bool:
        """Whether the archive is to be asked, and not the MOCK survey of this machine."""
        return self.served or not MOCK_PLATES[0] <= place.plate <= MOCK_PLATES[1]

    def _with_row(self, archive: Archive, spectrum: Spectrum) -> Spectrum:
        star = _named(spectrum)
        row = archive.row(star) if star is not None and self._is_served(star) else None
        if row is None:
            return spectrum
        whole = row.add_to(spectrum)
        return replace(whole, meta={"run2d": row.star.run2d, "specobjid": row.star.specobjid, **whole.meta})

    def _asked_about(self, text: str) -> StarId | None:
        """The star whose row is wanted, as far as the text alone tells; None for positions, plate and fiber alone, nonsense."""
        if not self.visitor and (is_file(text) or means_file(text)):
            return _parsed(Path(text).name) if self.photometry else None
        return _parsed(text)


def _named(spectrum: Spectrum) -> StarId | None:
    """The star that a file says, or is called after; None for what SDSS has not."""
    parts = [spectrum.meta.get(name) for name in ("plate", "mjd", "fiber")]
    if None in parts:
        return _parsed(spectrum.name)
    try:
        return StarId.of(*map(int, parts), spectrum.meta.get("run2d") or None)
    except StellarError:
        return None


def _parsed(text: str) -> StarId | None:
    """The star that a text names in full."""
    try:
        found = parse(text)
    except StellarError:
        return None
    return found if isinstance(found, StarId) else None


def patient_archive() -> Archive:
    """The archive for one who can wait: many attempts, and no more requests than SDSS likes."""
    retries = Retries(attempts=6, first_wait=1.0, longest_wait=60.0)
    limit = RateLimit(cache_folder() / "sas-requests.json", FILES_PER_MINUTE)
    files = SpectrumFiles(timeout=30.0, retries=retries, limit=limit)
    return Archive(DiskCache(cache_folder(), cache_limit()), files, SkyServer(timeout=60.0, retries=retries))
