"""Parsers kept ready: processes that read what visitors sent, replaced when they die, hang or have read enough."""

from __future__ import annotations

import atexit
import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from pathlib import Path

from stellar_core.errors import ParameterError
from stellar_core.priority import lower_priority
from stellar_core.sandbox import frames, limits

#: Parsers, files that one reads before it is replaced, and visitors that may wait for one.
PARSERS, MOST_FILES, MOST_WAITING = 2, 500, 32
#: Longest wait for a parser to be free, and for one to be ready, s.
WAIT, START = 30.0, 60.0
#: Settings by which memory goes back to the system when it is freed, and a request for too much fails.
_MEMORY = {"ARROW_DEFAULT_MEMORY_POOL": "system", "MALLOC_ARENA_MAX": "1"}
_ROOT = Path(__file__).resolve().parents[2]


class Lost(Exception):
    """A parser that gave no answer: it took too much "time", came to its "end", or did not "start"."""


class Parser:
    """One process; not for several threads at a time.

    Parameters
    ----------
    module : str
        What it runs.

    Attributes
    ----------
    files : int
        Read so far.
    held : str
        The archive that it has in memory, by its digest.
    """

    def __init__(self, module: str = "stellar_core.sandbox.parser") -> None:
        self._module = module
        self._process: subprocess.Popen[bytes] | None = None
        self.files = 0
        self.held = ""

    @property
    def pid(self) -> int:
        """Of the process; 0 where there is none."""
        return self._process.pid if self._process else 0

    @property
    def ready(self) -> bool:
        """Whether it runs and can be asked."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start the process and wait until it has closed the door on itself.

        Raises
        ------
        Lost
            If it does not get there.
        """
        self.stop()
        self._process = subprocess.Popen(
            [sys.executable, "-m", self._module],
            cwd=_ROOT,
            env={**limits.environment(), **_MEMORY},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,
        )
        lower_priority(self._process.pid)  # from its first import on
        self.files, self.held = 0, ""
        self._exchange(None, b"", START)

    def ask(self, words: Mapping[str, object], data: bytes, seconds: float) -> tuple[dict[str, object], bytes]:
        """Have it read something.

        Raises
        ------
        Lost
            If it gives no answer, or one that is none; it has been stopped then.
        """
        self.files += 1
        return self._exchange(words, data, seconds)

    def stop(self) -> None:
        """End the process and whatever it has started, and leave nothing behind."""
        process, self._process = self._process, None
        if process is None:
            return
        if process.poll() is None:
            _kill(process)
        process.wait()
        for pipe in (process.stdin, process.stdout):
            try:
                pipe.close()
            except OSError:
                pass  # what was left to write is wanted by no one any more

    def _exchange(
        self, words: Mapping[str, object] | None, data: bytes, seconds: float
    ) -> tuple[dict[str, object], bytes]:
        process, late = self._process, threading.Event()

        def give_up() -> None:
            late.set()
            _kill(process)

        clock = threading.Timer(seconds, give_up)
        clock.daemon = True
        clock.start()
        try:
            if words is not None:
                frames.write(process.stdin, words, data)
            return frames.read(process.stdout)
        except (OSError, EOFError, frames.FrameError):
            clock.cancel()
            if not late.is_set():
                _kill(process)
            status = process.wait()
            self.stop()
            timed = late.is_set() or status in (-signal.SIGPROF, -signal.SIGXCPU)
            raise Lost("time" if timed else "end") from None
        finally:
            clock.cancel()


def _kill(process: subprocess.Popen[bytes]) -> None:
    """Kill a process that has not been waited for, and its group."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        process.kill()


class Pool:
    """Some parsers, handed out one by one.

    Parameters
    ----------
    parsers, files, waiting : int
        See `PARSERS`, `MOST_FILES`, `MOST_WAITING`.
    make : callable
        What makes a parser.
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
        """Start all parsers in the background; at once, and once."""
        with self._lock:
            if self._warmed or self._closed:
                return
            self._warmed = True
        for parser in self._all:
            self._renew(parser)

    def ask(
        self, words: Mapping[str, object], data: bytes, seconds: float, held: str = ""
    ) -> tuple[dict[str, object], bytes]:
        """Have a parser read something.

        Parameters
        ----------
        words : mapping
            Plain values.
        data : bytes
        seconds : float
            Longest time, s.
        held : str, optional
            Digest of ``data``: a parser that has them in memory is not sent them again.

        Returns
        -------
        words : dict
        data : bytes

        Raises
        ------
        Lost
            If that parser died or took too long.
        ParameterError
            If too many others wait.
        """
        self.warm()
        parser = self._take()
        try:
            send = b"" if held and parser.held == held else data
            parser.held = held or parser.held
            words, answer = parser.ask(words, send, seconds)
        finally:
            self._give_back(parser, bool(words.get("retire")))
        return words, answer

    def processes(self) -> list[int]:
        """Numbers of the processes that run."""
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
            except (Lost, OSError):
                self._idle.put(parser)
                raise Lost("start") from None
        return parser

    def _give_back(self, parser: Parser, retire: bool) -> None:
        if parser.ready and not retire and parser.files < self._files:
            self._idle.put(parser)
        else:
            self._renew(parser)

    def _renew(self, parser: Parser) -> None:
        """Put a fresh process into the place of a parser's, in the background."""

        def start() -> None:
            try:
                if not self._closed:
                    parser.start()
            except (Lost, OSError):
                pass  # whoever takes it next tries again, and is told
            self._idle.put(parser)

        threading.Thread(target=start, name="parser", daemon=True).start()
