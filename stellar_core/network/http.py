"""The only HTTP client: a whole reply in bounded time, or an error in one sentence."""

from __future__ import annotations

import contextlib
import functools
import http.client
import math
import os
import queue
import ssl
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from stellar_core.errors import ArchiveError, StellarError, StorageError
from stellar_core.network.retries import TransientError, UnreachableError
from stellar_core.progress import Progress

Result = TypeVar("Result")

#: What a user can do without a network.
OFFLINE_REMEDY = "Check your connection, upload the file, or open a MOCK star (plates 16000-16383)."
AGENT = "stellar-ages-explorer"
#: Bytes read at a time.
CHUNK = 1 << 16
#: Statuses of a server that does not have what was requested.
ABSENT = (404, 410)
#: Status of a server that has no bytes after those already downloaded.
RANGE_NOT_SATISFIABLE = 416


@dataclass(frozen=True)
class Reply:
    """A complete reply of a server.

    Attributes
    ----------
    url : str
    status : int
    content_type : str
        Lower case, without parameters.
    body : bytes
    wait : float
        Seconds to wait before the next request (Retry-After); 0 where the server gives none.
    """

    url: str
    status: int
    content_type: str
    body: bytes
    wait: float = 0.0

    def raise_for_status(self) -> None:
        """Raise where the status is not a success.

        Raises
        ------
        TransientError
            If the server is busy or out of service.
        ArchiveError
            If it refuses the request.
        """
        _raise_for_status(self.url, self.status, self.wait)


def _raise_for_status(url: str, status: int, wait: float) -> None:
    host = urllib.parse.urlsplit(url).netloc
    if status in (408, 425, 429) or status >= 500:
        raise TransientError(f"{host} is busy or out of service (status {status}).", value=url, wait=wait)
    if status >= 300:
        raise ArchiveError(f"{host} refused the request (status {status}).", value=url, remedy="Check the address.")


def send(
    url: str,
    *,
    timeout: float,
    limit: int,
    method: str = "GET",
    body: bytes | None = None,
    headers: Mapping[str, str] | None = None,
) -> Reply:
    """Send one request and return the whole reply, whatever its status.

    Parameters
    ----------
    url : str
        http or https.
    timeout : float
        Seconds until the server must have replied, and again for the reply to arrive.
    limit : int
        Largest reply, bytes.
    method, body, headers : optional
        Of the request. Headers are not sent on to another host by a redirect.

    Raises
    ------
    UnreachableError
        If no connection can be made.
    TransientError
        If the reply stalls or breaks off.
    ArchiveError
        If the address is not a URL or the reply is too large.
    """
    request = _request(url, method, body, headers or {})
    with _translated_errors(url, timeout):
        return within(lambda: _read(request, timeout, limit), 2 * timeout)


def download(url: str, path: Path, *, timeout: float, progress: Progress = lambda what, done, total: None) -> None:
    """Download a large file, continuing from the end of what ``path`` already holds.

    Parameters
    ----------
    url : str
        http or https.
    path : Path
        Holds the part that has arrived, also after an error.
    timeout : float
        Seconds without data until the server is given up.
    progress : callable, optional
        Called with the file name, bytes so far and bytes in all (0 where the server does not give the size).

    Raises
    ------
    ArchiveError
        As `send`.
    """
    have = path.stat().st_size if path.is_file() else 0
    request = _request(url, "GET", None, {"Range": f"bytes={have}-"} if have else {})
    with _translated_errors(url, timeout), _open(request, timeout) as reply:
        if reply.status == RANGE_NOT_SATISFIABLE:  # the part is already whole, or of another file
            path.unlink()
            raise TransientError(f"The part of {have} bytes does not fit the file and was removed.", value=url)
        _raise_for_status(url, reply.status, _retry_after(reply.headers.get("Retry-After")))
        resumed = have > 0 and reply.status == 206
        done = have if resumed else 0
        length = reply.headers.get("Content-Length", "")
        total = done + int(length) if length.isdecimal() else None
        with _open_part(path, "ab" if resumed else "wb") as write:
            while block := reply.read1(CHUNK):
                write(block)
                done += len(block)
                progress(url.rpartition("/")[2], done, total or 0)
        if total is not None and done != total:
            raise http.client.IncompleteRead(b"", total - done)


@contextlib.contextmanager
def _open_part(path: Path, mode: str) -> Iterator[Callable[[bytes], None]]:
    """Open a file; give a function that writes to it and names the file where the disk fails, not the network."""

    def failure(reason: object) -> StorageError:
        return StorageError(f"{path} cannot be written: {reason}.", value=str(path))

    def write(block: bytes) -> None:
        try:
            written = out.write(block)
        except OSError as error:
            raise failure(error.strerror or error) from None
        if written != len(block):
            raise failure("the disk is full")

    try:
        out = path.open(mode, buffering=0)
    except OSError as error:
        raise failure(error.strerror or error) from None
    with out:
        yield write


def _request(url: str, method: str, body: bytes | None, headers: Mapping[str, str]) -> urllib.request.Request:
    try:
        scheme = urllib.parse.urlsplit(url).scheme
        request = urllib.request.Request(url, data=body, headers={"User-Agent": AGENT}, method=method)
    except ValueError:
        scheme = ""
    if scheme not in ("http", "https"):
        raise ArchiveError(f"{url[:100]!r} is not an http or https address.", value=url)
    for name, value in headers.items():
        request.add_unredirected_header(name, value)  # a token must not follow a redirect to another host
    return request


@contextlib.contextmanager
def _translated_errors(url: str, timeout: float) -> Iterator[None]:
    """Turn the errors of the standard library into an `ArchiveError` in one sentence."""
    host = urllib.parse.urlsplit(url).netloc
    silent = TransientError(f"{host} did not answer within {timeout:g} s.", value=url, remedy=OFFLINE_REMEDY)
    try:
        yield
    except StellarError:
        raise
    except TimeoutError:
        raise silent from None
    except urllib.error.URLError as error:
        if isinstance(error.reason, TimeoutError):
            raise silent from None
        if isinstance(error.reason, ConnectionResetError | ConnectionAbortedError | BrokenPipeError):
            raise _broken(host, url, error.reason) from None
        reason = getattr(error.reason, "strerror", None) or error.reason
        raise UnreachableError(f"{host} cannot be reached ({reason}).", value=url, remedy=OFFLINE_REMEDY) from None
    except (http.client.HTTPException, OSError) as error:
        raise _broken(host, url, error) from None
    except ValueError:  # an invalid host name, here or in a redirect
        raise ArchiveError(f"{host[:100]!r} names no server, or redirects to none.", value=url) from None


def _broken(host: str, url: str, error: BaseException) -> TransientError:
    return TransientError(f"The connection to {host} broke off ({type(error).__name__}).", value=url)


def _open(request: urllib.request.Request, timeout: float) -> http.client.HTTPResponse:
    """Send the request; return the reply with its body unread, also where its status is an error."""
    try:
        return urllib.request.urlopen(request, timeout=timeout, context=_certificates())
    except urllib.error.HTTPError as error:
        return error


def _certificates() -> ssl.SSLContext | None:
    """Return the certificates of REQUESTS_CA_BUNDLE, which networks with a proxy set; None for the system's."""
    bundle = os.environ.get("REQUESTS_CA_BUNDLE")
    if not bundle:
        return None
    try:
        return _read_certificates(bundle, os.stat(bundle).st_mtime_ns)
    except OSError:
        raise ArchiveError(
            f"The certificates {bundle[:100]} cannot be read.", value=bundle, remedy="Correct REQUESTS_CA_BUNDLE."
        ) from None


@functools.lru_cache(maxsize=4)
def _read_certificates(bundle: str, changed: int) -> ssl.SSLContext:
    """Read the certificates of a file or folder as it was at the time ``changed``; it takes as long as a request."""
    return ssl.create_default_context(**{"capath" if os.path.isdir(bundle) else "cafile": bundle})


def _read(request: urllib.request.Request, timeout: float, limit: int) -> Reply:
    """Read the whole reply, at most ``limit`` bytes, within about twice ``timeout``."""
    end = time.monotonic() + 2 * timeout
    with _open(request, timeout) as answer:
        declared = answer.headers.get("Content-Length", "")
        chunks, size = [], 0
        while chunk := answer.read1(CHUNK):
            chunks.append(chunk)
            size += len(chunk)
            if size > limit:
                raise _too_large(request.full_url, limit)
            if time.monotonic() > end:
                raise TimeoutError
        if declared.isdecimal() and size != int(declared):
            raise http.client.IncompleteRead(b"", int(declared) - size)
        kind = answer.headers.get("Content-Type", "").split(";")[0].strip().lower()
        body = b"".join(chunks)
        # Compression is not requested, but some proxies compress.
        compressed = answer.headers.get("Content-Encoding", "").strip().lower() in ("gzip", "x-gzip")
        if compressed and body and answer.status < 300:
            body = _decompress(body, request.full_url, limit)
        return Reply(request.full_url, answer.status, kind, body, _retry_after(answer.headers.get("Retry-After")))


def _decompress(body: bytes, url: str, limit: int) -> bytes:
    """Decompress gzip, one member or several; raise where it is cut short or larger than ``limit`` bytes."""
    found = b""
    while True:
        member = zlib.decompressobj(zlib.MAX_WBITS | 16)
        try:
            found += member.decompress(body, limit + 1 - len(found))
        except zlib.error:
            raise http.client.HTTPException from None
        if len(found) > limit:
            raise _too_large(url, limit)
        if not member.eof:
            raise http.client.IncompleteRead(b"")
        body = member.unused_data
        if not body.startswith(b"\x1f\x8b"):
            return found


def _too_large(url: str, limit: int) -> ArchiveError:
    return ArchiveError(f"The answer is larger than {limit // 1_000_000} MB.", value=url)


def _retry_after(header: str | None) -> float:
    """Return the seconds in a Retry-After header; 0 where there is none, a date, or an invalid value."""
    try:
        value = float(header or 0)
    except ValueError:
        return 0.0
    return value if 0 <= value < math.inf else 0.0


def within(work: Callable[[], Result], limit: float) -> Result:
    """Return the result of ``work``, which runs in a thread of its own for at most ``limit`` seconds.

    Name look-ups have no timeout of their own.

    Raises
    ------
    TimeoutError
        If there is no result by then; the thread itself may go on.
    """
    outcome: queue.SimpleQueue[tuple[Result | None, BaseException | None]] = queue.SimpleQueue()

    def run() -> None:
        try:
            outcome.put((work(), None))
        except BaseException as error:  # re-raised in the caller's thread
            outcome.put((None, error))

    threading.Thread(target=run, daemon=True).start()
    try:
        result, error = outcome.get(timeout=limit)
    except queue.Empty:
        raise TimeoutError from None
    if error is not None:
        raise error
    return result
