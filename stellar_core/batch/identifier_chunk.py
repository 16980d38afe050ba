"""A chunk of files and identifiers: files are read here, stars are fetched from SDSS with many retries."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

from stellar_core import lookup
from stellar_core.batch.chunks import InputSpectrum
from stellar_core.errors import ArchiveError, StellarError, StorageError
from stellar_core.inference.predict import is_file, means_file
from stellar_core.network.retries import Retries
from stellar_core.paths import cache_folder
from stellar_core.sdss.archive import Archive, open_archive
from stellar_core.sdss.bulk_rows import prefetch_rows
from stellar_core.sdss.cache import DiskCache, cache_limit
from stellar_core.sdss.identifiers import parse
from stellar_core.sdss.preload import load_libraries
from stellar_core.sdss.readers import read_spectrum
from stellar_core.sdss.skyserver import SkyServer
from stellar_core.sdss.spectrum_files import SpectrumFiles, sas_rate_limit
from stellar_core.sdss.star_id import PlateFiber, Position, StarId
from stellar_core.spectrum import Spectrum

#: Spectra fetched at a time, and spectra read ahead.
FETCHES, AHEAD = 4, 32


@dataclass(frozen=True)
class IdentifierChunk:
    """Files and identifiers.

    Attributes
    ----------
    texts : tuple of str
    served : bool
        Fetch stars of MOCK plates from the archive too: a server of a MOCK survey stands in for SDSS.
    photometry : bool
        Query the catalogue of SDSS for files too, if their header or name identifies the star.
    visitor : bool
        The texts were typed on a page: never read files of this machine, and do not wait for SDSS.
    """

    texts: tuple[str, ...]
    served: bool = False
    photometry: bool = False
    visitor: bool = False

    def read(self) -> Iterator[InputSpectrum]:
        load_libraries()
        archive = open_archive().with_breakers(1) if self.visitor else retrying_archive().with_breakers(FETCHES)
        stars = [star for star in map(self._row_wanted, self.texts) if star is not None and self._is_served(star)]
        try:
            prefetch_rows(archive, stars)
        except ArchiveError:
            pass  # fetching each star will give the error
        with ThreadPoolExecutor(FETCHES) as pool:
            begun = []
            for text in self.texts:
                begun.append((text, pool.submit(self._read, archive, text)))
                if len(begun) > AHEAD:
                    first, job = begun.pop(0)
                    yield InputSpectrum(first, job.result())
            for text, job in begun:
                yield InputSpectrum(text, job.result())

    def _read(self, archive: Archive, text: str) -> Spectrum | StellarError:
        try:
            if not self.visitor and is_file(text):
                spectrum = read_spectrum(Path(text))
                return self._with_row(archive, spectrum) if self.photometry else spectrum
            if not self.visitor and means_file(text):
                raise StorageError(f"There is no file {text}.", value=text)
            star = self._find(archive, text)
            if self._is_served(star):
                return archive.spectrum(star, require_catalogue=not self.visitor)
            return lookup.load(star)
        except StellarError as error:
            return error

    def _find(self, archive: Archive, text: str) -> StarId:
        """Return the star that a text identifies; positions and plate-fiber pairs are resolved by the archive."""
        found = parse(text)
        if isinstance(found, Position):
            here = None if self.served else lookup.star_here(found)
            return here or archive.nearest(found)
        if isinstance(found, PlateFiber):
            return lookup.only_night(found, archive.mjds(found) if self._is_served(found) else lookup.mjds(found))
        return found

    def _is_served(self, place: StarId | PlateFiber) -> bool:
        """Return whether the star is asked of the archive, rather than made or read on this machine."""
        return self.served or not lookup.without_network(place)

    def _with_row(self, archive: Archive, spectrum: Spectrum) -> Spectrum:
        """Add the row of SDSS's catalogue to a spectrum from a file."""
        star = _star_of_file(spectrum)
        row = archive.row(star) if star is not None and self._is_served(star) else None
        if row is None:
            return spectrum
        whole = row.add_to(spectrum)
        return replace(whole, meta={"run2d": row.star.run2d, "specobjid": row.star.specobjid, **whole.meta})

    def _row_wanted(self, text: str) -> StarId | None:
        """Return the star whose catalogue row is needed; None unless the text alone identifies it."""
        if not self.visitor and (is_file(text) or means_file(text)):
            return _parsed(Path(text).name) if self.photometry else None
        return _parsed(text)


def _star_of_file(spectrum: Spectrum) -> StarId | None:
    """Return the star by the header of a file, or by its name; None if it is not in SDSS's scheme."""
    parts = [spectrum.meta.get(name) for name in ("plate", "mjd", "fiber")]
    if None in parts:
        return _parsed(spectrum.name)
    try:
        return StarId.of(*map(int, parts), spectrum.meta.get("run2d") or None)
    except StellarError:
        return None


def _parsed(text: str) -> StarId | None:
    """Return the star that a text identifies in full, else None."""
    try:
        found = parse(text)
    except StellarError:
        return None
    return found if isinstance(found, StarId) else None


def retrying_archive() -> Archive:
    """Return an archive that retries often and keeps to the request rate of SDSS."""
    retries = Retries(attempts=6, first_wait=1.0, longest_wait=60.0)
    files = SpectrumFiles(timeout=30.0, retries=retries, limit=sas_rate_limit())
    return Archive(DiskCache(cache_folder(), cache_limit()), files, SkyServer(timeout=60.0, retries=retries))
