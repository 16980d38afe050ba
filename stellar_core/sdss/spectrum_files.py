"""Spectrum files of the Science Archive Server; their URLs follow from the identifier alone."""

from __future__ import annotations

import io
import os
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

from stellar_core.errors import ArchiveError, SpectrumError
from stellar_core.network.circuit_breaker import CircuitBreaker
from stellar_core.network.http import ABSENT, send
from stellar_core.network.rate_limit import RateLimit
from stellar_core.network.retries import Retries, TransientError
from stellar_core.paths import cache_folder
from stellar_core.sdss.readers import MAX_BYTES, read_spectrum
from stellar_core.sdss.star_id import SAS_URL, StarId
from stellar_core.spectrum import Spectrum

#: Replies "not found" that count as absence: mirrors and proxies send some by mistake.
CONFIRMATIONS = 3
#: Requests for spectra per minute in long runs, all processes of a machine together.
FILES_PER_MINUTE = 600


class AbsentError(ArchiveError):
    """The archive has no such spectrum."""

    def __init__(self, star: StarId) -> None:
        tried = ", ".join(star.run2d_candidates)
        super().__init__(
            f"The SDSS archive has no spectrum {star.name} (reduction {tried}).",
            value=star,
            remedy="Check plate, MJD and fiber.",
        )


class SpectrumFile(NamedTuple):
    """A checked spectrum, the bytes of its file, its reduction and its path below the base URL."""

    spectrum: Spectrum
    data: bytes
    run2d: str
    path: str


def sas_url() -> str:
    """Return STELLAR_SAS_URL, else `SAS_URL`."""
    return (os.environ.get("STELLAR_SAS_URL") or SAS_URL).rstrip("/")


def sas_rate_limit(files_per_minute: int = FILES_PER_MINUTE) -> RateLimit:
    """Return the limit on requests for spectra that all processes of this machine share."""
    return RateLimit(cache_folder() / "sas-requests.json", files_per_minute)


@dataclass(frozen=True)
class SpectrumFiles:
    """The spectrum files of DR17.

    Attributes
    ----------
    url : str
        Base URL.
    timeout : float
        Seconds until the server must have replied, and again for a file to arrive.
    retries : Retries
    limit : RateLimit or None
    full : bool
        Whether to use the file with all exposures where there is no lite file.
    breaker : CircuitBreaker, optional
        Stops further requests once the server cannot be reached.
    """

    url: str = field(default_factory=sas_url)
    timeout: float = 20.0
    retries: Retries = field(default_factory=Retries)
    limit: RateLimit | None = None
    full: bool = True
    breaker: CircuitBreaker | None = None

    def paths(self, star: StarId) -> list[tuple[str, str]]:
        """Return reduction and path of every file that the star may have, the likeliest first."""
        kinds = (False, True) if self.full else (False,)
        return [(run2d, star.file_path(run2d, full=full)) for full in kinds for run2d in star.run2d_candidates]

    def fetch(self, star: StarId, on_failure: Callable[[TransientError], None] = lambda error: None) -> SpectrumFile:
        """Download the file of ``star`` and check it.

        Parameters
        ----------
        star : StarId
        on_failure : callable, optional
            Called with every transient failure.

        Raises
        ------
        AbsentError
            If the archive replies `CONFIRMATIONS` times that it has none.
        ArchiveError
            If it cannot be reached, or sends something else after all attempts.
        """
        if self.breaker is not None:
            return self.breaker.call(lambda: self._fetch(star, on_failure))
        return self._fetch(star, on_failure)

    def _fetch(self, star: StarId, on_failure: Callable[[TransientError], None]) -> SpectrumFile:
        paths, start = self.paths(star), self.retries.clock()
        for time in range(CONFIRMATIONS):
            if time:
                self.retries.sleep(self.retries.wait_after(time))
            for run2d, path in paths if time == 0 else paths[: len(star.run2d_candidates)]:
                if self.retries.clock() - start > self.retries.patience:
                    raise TransientError(
                        f"The SDSS archive did not find {star.name} within {self.retries.patience:g} s.", value=star
                    )
                found = self.retries.call(lambda: self._download(path, star), on_failure)
                if found is not None:
                    return SpectrumFile(*found, run2d, path)
        raise AbsentError(star)

    def _download(self, path: str, star: StarId) -> tuple[Spectrum, bytes] | None:
        """Return the file; None where the server does not have it."""
        if self.limit is not None:
            self.limit.wait(self.retries.patience)
        url = f"{self.url}/{path}"
        reply = send(url, timeout=self.timeout, limit=MAX_BYTES)
        if reply.status in ABSENT:
            return None
        reply.raise_for_status()
        spectrum = check_file(reply.body, star, url)
        _check_end(reply.body, star)
        return spectrum, reply.body


def check_file(data: bytes, star: StarId, origin: str) -> Spectrum:
    """Read the spectrum in ``data``, which must be that of ``star``.

    Raises
    ------
    TransientError
        If it is a web page, cut short, or another star's.
    """
    if not data.startswith(b"SIMPLE"):
        kind = "a web page" if data.lstrip()[:1] == b"<" else "other data"
        raise TransientError(
            f"The SDSS archive sent {kind} instead of a FITS file; it may be out of service.", value=origin
        )
    try:
        spectrum = read_spectrum(data)  # without a name: the file itself must name its star
    except SpectrumError as error:
        raise TransientError(
            f"The SDSS archive's file of {star.name} cannot be used: {error}", value=origin, remedy=""
        ) from None
    if spectrum.name != star.name:
        sent = spectrum.name or "a spectrum without a star's name"
        raise TransientError(f"The SDSS archive sent {sent} when asked for {star.name}.", value=origin)
    return spectrum


def _check_end(data: bytes, star: StarId) -> None:
    """Raise unless the bytes end with the last table, after the row of the star.

    Files with a spectrum and nothing else exist, but their table has no name. In SDSS's files, COADD is followed by
    SPECOBJ or SPALL, and by SPZLINE.
    """
    from astropy.io import fits

    from stellar_core.sdss.readers.fits_columns import ASTROPY_ERRORS

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            with fits.open(io.BytesIO(data), memmap=False, lazy_load_hdus=False) as hdus:
                last = hdus[-1].fileinfo()
                lacking = len(hdus) < 4 and hdus[1].name == "COADD"
                end = -1 if lacking else last["datLoc"] + last["datSpan"]
        except ASTROPY_ERRORS:
            end = -1
    if end != len(data):
        raise TransientError(f"The SDSS archive's file of {star.name} is cut short.", value=len(data))
