"""Spectra from the SDSS Science Archive Server, and MJDs from SkyServer.

A file enters the cache only after it was read as the spectrum that was asked for; an
answer is trusted only after its content was checked, as outages come back as web pages
with status 200.
"""

from __future__ import annotations

import http.client
import os
import queue
import tempfile
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from stellar_core.errors import ArchiveError, SpectrumError
from stellar_core.sdss.readers import MAX_BYTES, read_spectrum
from stellar_core.sdss.star import SAS_URL, PlateFiber, StarId
from stellar_core.spectrum import Spectrum

#: Base of the SQL service of DR17.
SKYSERVER_URL = "https://skyserver.sdss.org/dr17/SkyServerWS"
#: Bytes read at a time.
CHUNK = 1 << 16

_OFFLINE_REMEDY = "Check the network, upload the file, or try a star of the mock survey (plates 16000 to 16383)."


def fetch_spectrum(
    star: StarId,
    cache_dir: str | os.PathLike[str] | None = None,
    timeout: float = 20.0,
    *,
    sas_url: str | None = None,
) -> Spectrum:
    """The DR17 spectrum of a star, from the cache or from the archive.

    Parameters
    ----------
    star : StarId
        Where its reduction is not known, 26, 103 and 104 are tried.
    cache_dir : path, optional
        Default: environment STELLAR_CACHE_DIR, else ``~/.cache/stellar-ages-explorer``.
    timeout : float
        Seconds until the archive must have answered, and again for the file to arrive.
    sas_url : str, optional
        Base URL of the archive; default: environment STELLAR_SAS_URL, else `SAS_URL`.

    Returns
    -------
    Spectrum
        With ``source`` "sdss".

    Raises
    ------
    ArchiveError
        If the star is a mock one, the archive cannot be reached, does not have the file,
        or sends something else.
    """
    if star.is_mock:
        raise ArchiveError(f"{star.name} belongs to the mock survey; SDSS has no such plate.", value=star)
    base = (sas_url or os.environ.get("STELLAR_SAS_URL") or SAS_URL).rstrip("/")
    cache = Path(cache_dir or os.environ.get("STELLAR_CACHE_DIR") or Path.home() / ".cache" / "stellar-ages-explorer")
    for run2d in star.run2d_candidates:
        held = _from_cache(cache / star.file_path(run2d), star)
        if held is not None:
            return _finish(held, star, run2d)
    for run2d in star.run2d_candidates:
        url = f"{base}/{star.file_path(run2d)}"
        data = _download(url, timeout, MAX_BYTES)
        if data is None:
            continue
        spectrum = _checked(data, star, url)
        note = _store(data, cache / star.file_path(run2d))
        return _finish(replace(spectrum, notes=(*spectrum.notes, *note)), star, run2d)
    tried = ", ".join(star.run2d_candidates)
    raise ArchiveError(
        f"The SDSS archive has no spectrum {star.name} (reduction {tried}).",
        value=star,
        remedy="Check plate, MJD and fiber.",
    )


def plate_mjds(plate: int, fiber: int, timeout: float = 20.0, *, skyserver_url: str | None = None) -> list[int]:
    """MJDs on which a fiber of a plate was observed, from SkyServer.

    Parameters
    ----------
    plate, fiber : int
    timeout : float
        Seconds until SkyServer must have answered.
    skyserver_url : str, optional
        Base URL; default: environment STELLAR_SKYSERVER_URL, else `SKYSERVER_URL`.

    Returns
    -------
    list of int
        Ascending; empty where DR17 has no such spectrum.

    Raises
    ------
    IdentifierError
        If SDSS has no such plate or fiber number.
    ArchiveError
        If SkyServer cannot be reached or answers with something else.
    """
    place = PlateFiber(int(plate), int(fiber))
    base = (skyserver_url or os.environ.get("STELLAR_SKYSERVER_URL") or SKYSERVER_URL).rstrip("/")
    sql = f"SELECT DISTINCT mjd FROM SpecObjAll WHERE plate={place.plate:d} AND fiberID={place.fiber:d}"
    query = urllib.parse.urlencode({"cmd": sql, "format": "csv"})
    data = _download(f"{base}/SearchTools/SqlSearch?{query}", timeout, 1 << 20)
    lines = [line.strip() for line in (data or b"").decode("utf-8", "replace").splitlines() if line.strip()]
    if lines and lines[0].startswith("#"):
        lines = lines[1:]
    if not lines or lines[0].lower() != "mjd" or not all(line.isdecimal() for line in lines[1:]):
        said = " ".join(lines)[:80] or "nothing"
        raise ArchiveError(f"SkyServer did not answer with MJDs but with {said!r}.", remedy="Try again later.")
    return sorted({int(line) for line in lines[1:]})


def _from_cache(path: Path, star: StarId) -> Spectrum | None:
    """The cached spectrum; None where there is none or it is damaged."""
    if not path.is_file():
        return None
    try:
        return _checked(path.read_bytes(), star, str(path))
    except (ArchiveError, OSError):
        return None


def _checked(data: bytes, star: StarId, origin: str) -> Spectrum:
    """The spectrum in ``data``, which must be the star's."""
    if not data.startswith(b"SIMPLE"):
        kind = "a web page" if data.lstrip()[:1] == b"<" else "something"
        raise ArchiveError(
            f"The SDSS archive answered with {kind} that is no FITS file; it may be out of service.",
            value=origin,
            remedy="Try again later.",
        )
    try:
        spectrum = read_spectrum(data, f"spec-{star.name}.fits")
    except SpectrumError as error:
        raise ArchiveError(f"The SDSS archive's file of {star.name} cannot be used: {error}", value=origin) from None
    if spectrum.name != star.name:
        raise ArchiveError(f"The SDSS archive sent {spectrum.name} when asked for {star.name}.", value=origin)
    return spectrum


def _finish(spectrum: Spectrum, star: StarId, run2d: str) -> Spectrum:
    """Mark the spectrum as SDSS's and complete its metadata."""
    found = StarId(star.plate, star.mjd, star.fiber, run2d)
    meta = {**spectrum.meta, "run2d": found.run2d, "specobjid": found.specobjid}
    return replace(spectrum, source="sdss", meta=meta)


def _store(data: bytes, path: Path) -> tuple[str, ...]:
    """Write to a temporary file and rename; a note where the disk does not allow it."""
    temporary = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, suffix=".tmp", delete=False) as handle:
            temporary = handle.name
            handle.write(data)
        os.replace(temporary, path)
    except OSError as error:
        if temporary is not None:
            Path(temporary).unlink(missing_ok=True)
        return (f"The spectrum could not be kept in the cache ({error.strerror or error}).",)
    return ()


def _download(url: str, timeout: float, limit: int) -> bytes | None:
    """Content of ``url``; None where the server says that it does not exist."""
    if urllib.parse.urlsplit(url).scheme not in ("http", "https"):
        raise ArchiveError(f"{url[:100]!r} is no http or https address.", value=url)
    host = urllib.parse.urlsplit(url).netloc
    try:
        return _within(lambda: _read(url, timeout, limit), 2 * timeout)
    except ArchiveError:
        raise
    except urllib.error.HTTPError as error:
        if error.code in (404, 410):
            return None
        busy = error.code == 429 or error.code >= 500
        reason = "is busy or out of service" if busy else "refused the request"
        raise ArchiveError(f"{host} {reason} (status {error.code}).", value=url, remedy="Try again later.") from None
    except TimeoutError:
        raise ArchiveError(f"{host} did not answer within {timeout:g} s.", value=url, remedy=_OFFLINE_REMEDY) from None
    except urllib.error.URLError as error:
        if isinstance(error.reason, TimeoutError):
            message = f"{host} did not answer within {timeout:g} s."
        else:
            message = f"{host} cannot be reached ({getattr(error.reason, 'strerror', None) or error.reason})."
        raise ArchiveError(message, value=url, remedy=_OFFLINE_REMEDY) from None
    except (http.client.HTTPException, OSError) as error:
        raise ArchiveError(
            f"The connection to {host} broke off ({type(error).__name__}).", value=url, remedy="Try again."
        ) from None


def _read(url: str, timeout: float, limit: int) -> bytes:
    """Content of ``url``, complete and at most ``limit`` bytes, within about twice ``timeout``."""
    end = time.monotonic() + 2 * timeout
    request = urllib.request.Request(url, headers={"User-Agent": "stellar-ages-explorer"})
    with urllib.request.urlopen(request, timeout=timeout) as answer:
        declared = answer.headers.get("Content-Length", "")
        chunks, size = [], 0
        while chunk := answer.read1(CHUNK):
            chunks.append(chunk)
            size += len(chunk)
            if size > limit:
                raise ArchiveError(f"The answer is larger than {limit // 1_000_000} MB.", value=url)
            if time.monotonic() > end:
                raise TimeoutError
    if declared.isdecimal() and size != int(declared):
        raise http.client.IncompleteRead(b"", int(declared) - size)
    return b"".join(chunks)


def _within(work: Callable[[], bytes], seconds: float) -> bytes:
    """Result of ``work``, given up after ``seconds``: name look-ups obey no timeout of their own."""
    outcome: queue.SimpleQueue[tuple[bytes | None, BaseException | None]] = queue.SimpleQueue()

    def run() -> None:
        try:
            outcome.put((work(), None))
        except (OSError, http.client.HTTPException, ValueError) as error:
            outcome.put((None, error))

    threading.Thread(target=run, daemon=True).start()
    try:
        data, error = outcome.get(timeout=seconds)
    except queue.Empty:
        raise TimeoutError from None
    if error is not None:
        raise error
    return data or b""
