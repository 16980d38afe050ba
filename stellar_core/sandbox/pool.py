"""A pool of confined parser processes, replaced when they crash, hang or have read many files."""

from __future__ import annotations

import atexit
import queue
import signal
import subprocess
import threading
from collections.abc import Callable, Mapping

from stellar_core.errors import ParameterError
from stellar_core.sandbox import frames, process

#: Number of parsers, of files that one reads before it is replaced, and of callers that may wait for one.
PARSERS, MOST_FILES, MOST_WAITING = 2, 500, 32
#: Longest wait for a free parser, and for the start of one, s.
WAIT, START = 30.0, 60.0
#: Settings by which freed memory returns to the system, and a request for too much memory fails.
_MEMORY = {"ARROW_DEFAULT_MEMORY_POOL": "system", "MALLOC_ARENA_MAX": "1"}


class ParserFailure(Exception):
    """A parser that did not reply: it took too much "time", came to its "end", or it did not "start"."""


class Parser:
    """One parser process; used by one thread at a time.

    Parameters
    ----------
    module : str
        Module that the process runs.

    Attributes
    ----------
    files : int
        Number of files read so far.
    held : str
        SHA-256 of the archive that it has in memory.
    """

    def __init__(self, module: str = "stellar_core.sandbox.parser") -> None:
        self._module = module
        self._process: subprocess.Popen[bytes] | None = None
        self.files = 0
        self.held = ""

    @property
    def pid(self) -> int:
        """Identifier of the process; 0 if there is none."""
        return self._process.pid if self._process else 0

    @property
    def ready(self) -> bool:
        """True if the process runs."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start the process and wait until it has confined itself.

        Raises
        ------
        ParserFailure
            If it fails before that.
        """
        self.stop()
        self._process = process.start(self._module, environment=_MEMORY)
        self.files, self.held = 0, ""
        self._exchange(None, b"", START)

    def ask(self, values: Mapping[str, object], data: bytes, seconds: float) -> tuple[dict[str, object], bytes]:
        """Let it read ``data``.

        Raises
        ------
        ParserFailure
            If it sends no valid reply; it has been stopped then.
        """
        self.files += 1
        return self._exchange(values, data, seconds)

    def stop(self) -> None:
        """Kill the process and its children, and close the pipes."""
        ended, self._process = self._process, None
        if ended is None:
            return
        if ended.poll() is None:
            process.kill(ended)
        ended.wait()
        for pipe in (ended.stdin, ended.stdout):
            try:
                pipe.close()
            except OSError:
                pass  # unwritten input is not needed any more

    def _exchange(
        self, values: Mapping[str, object] | None, data: bytes, seconds: float
    ) -> tuple[dict[str, object], bytes]:
        running, late = self._process, threading.Event()

        def give_up() -> None:
            late.set()
            process.kill(running)

        clock = threading.Timer(seconds, give_up)
        clock.daemon = True
        clock.start()
        try:
            if values is not None:
                frames.write(running.stdin, values, data)
            return frames.read(running.stdout)
        except (OSError, EOFError, frames.FrameError):
            clock.cancel()
            if not late.is_set():
                process.kill(running)
            status = running.wait()
            self.stop()
            timed = late.is_set() or status in (-signal.SIGPROF, -signal.SIGXCPU)
            raise ParserFailure("time" if timed else "end") from None
        finally:
            clock.cancel()


class Pool:
    """Parsers, lent to one caller at a time.

    Parameters
    ----------
    parsers, files, waiting : int
        See `PARSERS`, `MOST_FILES`, `MOST_WAITING`.
    make : callable
        Makes a parser.
    """

    def __init__(
        self,
        parsers: int = PARSERS,
        files: int = MOST_FILES,
        waiting: int = MOST_WAITING,
        make: Callable[[], Parser] = Parser,
    ) -> None:
        self._files, self._waiting = files, threading.BoundedSemaphore(parsers + waiting)
        self._idle: queue.LifoQueue[Parser] = queue.LifoQueue()
        self._all = [make() for _ in range(parsers)]
        self._lock, self._warmed, self._closed = threading.Lock(), False, False
        atexit.register(self.close)

    def warm(self) -> None:
        """Start all parsers in the background; later calls do nothing."""
        with self._lock:
            if self._warmed or self._closed:
                return
            self._warmed = True
        for parser in self._all:
            self._renew(parser)

    def ask(
        self, values: Mapping[str, object], data: bytes, seconds: float, held: str = ""
    ) -> tuple[dict[str, object], bytes]:
        """Let a parser read ``data``.

        Parameters
        ----------
        values : mapping
            Plain values.
        data : bytes
        seconds : float
            Limit of time, s.
        held : str, optional
            SHA-256 of ``data``; they are not sent to a parser that has them in memory.

        Returns
        -------
        values : dict
        data : bytes

        Raises
        ------
        ParserFailure
            If the parser crashed or took too long.
        ParameterError
            If too many callers wait.
        """
        self.warm()
        parser = self._take()
        try:
            send = b"" if held and parser.held == held else data
            parser.held = held or parser.held
            values, answer = parser.ask(values, send, seconds)
        finally:
            self._give_back(parser, bool(values.get("retire")))
        return values, answer

    def processes(self) -> list[int]:
        """Return the identifiers of the running processes."""
        return [parser.pid for parser in self._all if parser.ready]

    def close(self) -> None:
        """End all parsers."""
        self._closed = True
        for parser in self._all:
            parser.stop()

    def _take(self) -> Parser:
        busy = ParameterError("Too many files are being read at the moment.", remedy="Try again in a minute.")
        if not self._waiting.acquire(blocking=False):
            raise busy
        try:
            parser = self._idle.get(timeout=WAIT)
        except queue.Empty:
            raise busy from None
        finally:
            self._waiting.release()
        if not parser.ready:
            try:
                parser.start()
            except (ParserFailure, OSError):
                self._idle.put(parser)
                raise ParserFailure("start") from None
        return parser

    def _give_back(self, parser: Parser, retire: bool) -> None:
        if parser.ready and not retire and parser.files < self._files:
            self._idle.put(parser)
        else:
            self._renew(parser)

    def _renew(self, parser: Parser) -> None:
        """Replace the process of a parser in the background."""

        def start() -> None:
            try:
                if not self._closed:
                    parser.start()
            except (ParserFailure, OSError):
                pass  # the next caller tries again and gets the error
            self._idle.put(parser)

        threading.Thread(target=start, name="parser", daemon=True).start()
