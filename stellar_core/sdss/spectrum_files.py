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
from stellar_core.sdss.readers import MAX_BYTES, read_spectrum
from stellar_core.network.retries import TransientError, Retries
from stellar_core.sdss.star_id import SAS_URL, StarId
from stellar_core.spectrum import Spectrum

#: How often a file must be said to be absent before that is believed: mirrors and proxies say so in passing.
CONFIRMATIONS = 3


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
    """A checked spectrum, the bytes that it was read from, its reduction and its path below the base URL."""

    spectrum: Spectrum
    data: bytes
    run2d: str
    path: str


def sas_url() -> str:
    """Environment STELLAR_SAS_URL, else `SAS_URL`."""
    return (os.environ.get("STELLAR_SAS_URL") or SAS_URL).rstrip("/")


@dataclass(frozen=True)
class SpectrumFiles:
    """The files of DR17.

    Attributes
    ----------
    url : str
        Base URL.
    timeout : float
        Seconds until the server must have answered, and again for a file to arrive.
    retries : Retries
    limit : RateLimit or None
        Turns to wait for before each request.
    full : bool
        Whether a file with all exposures serves where there is no lite one.
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
        """Reduction and path of every file that may be the star's, the likeliest first."""
        kinds = (False, True) if self.full else (False,)
        return [(run2d, star.file_path(run2d, full=full)) for full in kinds for run2d in star.run2d_candidates]

    def fetch(self, star: StarId, on_failure: Callable[[TransientError], None] = lambda error: None) -> SpectrumFile:
        """The file of ``star``, checked.

        Parameters
        ----------
        star : StarId
        on_failure : callable, optional
            Told of every failure that passes.

        Raises
        ------
        AbsentError
            If the archive says `CONFIRMATIONS` times that it has none, within the patience of ``retries``.
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
        """The file; None where the server says that there is none."""
        if self.limit is not None:
            self.limit.wait(self.retries.patience)
        url = f"{self.url}/{path}"
        reply = send(url, timeout=self.timeout, limit=MAX_BYTES)
        if reply.status in ABSENT:
            return None
        reply.refuse_failures()
        spectrum = check_file(reply.body, star, url)
        _check_end(reply.body, star)
        return spectrum, reply.body


def check_file(data: bytes, star: StarId, origin: str) -> Spectrum:
    """The spectrum in ``data``, which must be the star's.

    Raises
    ------
    TransientError
        If it is a web page, cut short, or another star's.
    """
    if not data.startswith(b"SIMPLE"):
        kind = "a web page" if data.lstrip()[:1] == b"<" else "something"
        raise TransientError(
            f"The SDSS archive answered with {kind} that is no FITS file; it may be out of service.", value=origin
        )
    try:
        spectrum = read_spectrum(data)  # without the name that was asked for: the file itself must say whose it is
    except SpectrumError as error:
        raise TransientError(
            f"The SDSS archive's file of {star.name} cannot be used: {error}", value=origin, remedy=""
        ) from None
    if spectrum.name != star.name:
        sent = spectrum.name or "a spectrum that names no star"
        raise TransientError(f"The SDSS archive sent {sent} when asked for {star.name}.", value=origin)
    return spectrum


def _check_end(data: bytes, star: StarId) -> None:
    """Raise if the bytes end elsewhere than the last table, or before the star's own row.

    Files that hold a spectrum and nothing else exist, but their table has no name; after SDSS's COADD come SPECOBJ or
    SPALL, and SPZLINE.
    """
    from astropy.io import fits

    from stellar_core.sdss.readers.fits_files import DAMAGE

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            with fits.open(io.BytesIO(data), memmap=False, lazy_load_hdus=False) as hdus:
                last = hdus[-1].fileinfo()
                lacking = len(hdus) < 4 and hdus[1].name == "COADD"
                end = -1 if lacking else last["datLoc"] + last["datSpan"]
        except DAMAGE:
            end = -1
    if end != len(data):
        raise TransientError(f"The SDSS archive's file of {star.name} came cut short.", value=len(data))
