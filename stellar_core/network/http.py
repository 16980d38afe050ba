"""One HTTP request: its whole reply in bounded time, or one sentence on why there is none."""

from __future__ import annotations

import http.client
import math
import queue
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from stellar_core.errors import ArchiveError
from stellar_core.network.retries import TransientError, UnreachableError

Answer = TypeVar("Answer")

#: What can be done without the archive.
OFFLINE_REMEDY = "Check the network, upload the file, or try a star of the mock survey (plates 16000 to 16383)."
AGENT = "stellar-ages-explorer"
#: Bytes read at a time.
CHUNK = 1 << 16
#: Statuses of a server that has no such thing.
ABSENT = (404, 410)


@dataclass(frozen=True)
class Reply:
    """What a server sent, whole.

    Attributes
    ----------
    url : str
    status : int
    content_type : str
        Lower case, without parameters.
    body : bytes
    wait : float
        Seconds that the server asks to be left alone (Retry-After); 0 where it does not say.
    """

    url: str
    status: int
    content_type: str
    body: bytes
    wait: float = 0.0

    def refuse_failures(self) -> None:
        """Raise where the status is no success.

        Raises
        ------
        TransientError
            If the server is busy or out of service.
        ArchiveError
            If it refuses the request.
        """
        host = urllib.parse.urlsplit(self.url).netloc
        if self.status in (408, 425, 429) or self.status >= 500:
            raise TransientError(
                f"{host} is busy or out of service (status {self.status}).", value=self.url, wait=self.wait
            )
        if self.status >= 300:
            raise ArchiveError(
                f"{host} refused the request (status {self.status}).", value=self.url, remedy="Check the address."
            )


def send(
    url: str,
    *,
    timeout: float,
    limit: int,
    method: str = "GET",
    body: bytes | None = None,
    headers: Mapping[str, str] | None = None,
) -> Reply:
    """The whole reply to one request, whatever its status.

    Parameters
    ----------
    url : str
        http or https.
    timeout : float
        Seconds until the server must have answered, and again for the reply to arrive.
    limit : int
        Largest reply, bytes.
    method, body, headers : optional
        Of the request.

    Raises
    ------
    UnreachableError
        If no connection comes about.
    TransientError
        If the reply stalls or breaks off.
    ArchiveError
        If the address is no URL or the reply is too large.
    """
    try:
        scheme, host = urllib.parse.urlsplit(url)[:2]
        request = urllib.request.Request(url, data=body, headers={"User-Agent": AGENT}, method=method)
    except ValueError:
        scheme = ""
    if scheme not in ("http", "https"):
        raise ArchiveError(f"{url[:100]!r} is no http or https address.", value=url)
    for name, value in (headers or {}).items():
        request.add_unredirected_header(name, value)  # a token does not follow a redirect to another host
    try:
        return within(lambda: _read(request, timeout, limit), 2 * timeout)
    except ArchiveError:
        raise
    except TimeoutError:
        raise TransientError(f"{host} did not answer within {timeout:g} s.", value=url, remedy=OFFLINE_REMEDY) from None
    except urllib.error.URLError as error:
        if isinstance(error.reason, TimeoutError):
            raise TransientError(
                f"{host} did not answer within {timeout:g} s.", value=url, remedy=OFFLINE_REMEDY
            ) from None
        if isinstance(error.reason, ConnectionResetError | ConnectionAbortedError | BrokenPipeError):
            raise _broken(host, url, error.reason) from None
        reason = getattr(error.reason, "strerror", None) or error.reason
        raise UnreachableError(f"{host} cannot be reached ({reason}).", value=url, remedy=OFFLINE_REMEDY) from None
    except (http.client.HTTPException, OSError) as error:
        raise _broken(host, url, error) from None
    except ValueError:  # a host name or a redirect that is none
        raise ArchiveError(f"{host[:100]!r} names no server, or sends on to none.", value=url) from None


def _broken(host: str, url: str, error: BaseException) -> TransientError:
    return TransientError(f"The connection to {host} broke off ({type(error).__name__}).", value=url, remedy="Try again.")


def _read(request: urllib.request.Request, timeout: float, limit: int) -> Reply:
    """The reply, complete and at most ``limit`` bytes, within about twice ``timeout``."""
    end = time.monotonic() + 2 * timeout
    try:
        answer = urllib.request.urlopen(request, timeout=timeout)
    except urllib.error.HTTPError as error:
        answer = error
    with answer:
        declared = answer.headers.get("Content-Length", "")
        chunks, size = [], 0
        while chunk := answer.read1(CHUNK):
            chunks.append(chunk)
            size += len(chunk)
            if size > limit:
                raise too_large(request.full_url, limit)
            if time.monotonic() > end:
                raise TimeoutError
        if declared.isdecimal() and size != int(declared):
            raise http.client.IncompleteRead(b"", int(declared) - size)
        kind = answer.headers.get("Content-Type", "").split(";")[0].strip().lower()
        body = b"".join(chunks)
        packed = answer.headers.get("Content-Encoding", "").strip().lower() in (
            "gzip",
            "x-gzip",
        )  # not asked for, but some proxies pack
        if packed and body and answer.status < 300:
            body = _unpacked(body, request.full_url, limit)
        return Reply(request.full_url, answer.status, kind, body, seconds(answer.headers.get("Retry-After")))


def _unpacked(body: bytes, url: str, limit: int) -> bytes:
    """What was packed by gzip, whole and at most ``limit`` bytes."""
    found = b""
    while True:  # members, one after the other
        unpacker = zlib.decompressobj(zlib.MAX_WBITS | 16)
        try:
            found += unpacker.decompress(body, limit + 1 - len(found))
        except zlib.error:
            raise http.client.HTTPException from None
        if len(found) > limit:
            raise too_large(url, limit)
        if not unpacker.eof:
            raise http.client.IncompleteRead(b"")
        body = unpacker.unused_data
        if not body.startswith(b"\x1f\x8b"):
            return found


def too_large(url: str, limit: int) -> ArchiveError:
    """The error for a reply of more than ``limit`` bytes."""
    return ArchiveError(f"The answer is larger than {limit // 1_000_000} MB.", value=url)


def seconds(retry_after: str | None) -> float:
    """Seconds in a Retry-After header; 0 where there is none, or a date, or nonsense."""
    try:
        value = float(retry_after or 0)
    except ValueError:
        return 0.0
    return value if 0 <= value < math.inf else 0.0


def within(work: Callable[[], Answer], limit: float) -> Answer:
    """Result of ``work``, given up after ``limit`` seconds: name look-ups obey no timeout of their own.

    Raises
    ------
    TimeoutError
        If there is none by then; the work itself may go on, unheard.
    """
    outcome: queue.SimpleQueue[tuple[Answer | None, BaseException | None]] = queue.SimpleQueue()

    def run() -> None:
        try:
            outcome.put((work(), None))
        except BaseException as error:  # handed on to the caller, whatever it is
            outcome.put((None, error))

    threading.Thread(target=run, daemon=True).start()
    try:
        result, error = outcome.get(timeout=limit)
    except queue.Empty:
        raise TimeoutError from None
    if error is not None:
        raise error
    return result
