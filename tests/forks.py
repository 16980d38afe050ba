"""Processes forked from a server that has loaded the libraries, for tests that start and kill many of them.

The first fork starts the server, which ends with the tests.
"""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
_CONTEXT = multiprocessing.get_context("forkserver")


def preload(*modules: str) -> None:
    """Let the server load these modules when it starts; nothing happens if it runs already."""
    _CONTEXT.set_forkserver_preload(list(modules))


class Fork(_CONTEXT.Process):
    """A process that calls ``target`` in a session of its own, with this environment and ``changes`` of it."""

    def __init__(self, target: Callable[..., None], *args: object, changes: Mapping[str, str] | None = None) -> None:
        super().__init__(target=_call, args=({**os.environ, **(changes or {})}, target, args))
        self.start()

    def wait(self, timeout: float | None = None) -> int | None:
        """Wait until it ends, at most so many seconds; its exit status, as of a Popen."""
        self.join(timeout)
        return self.exitcode


def _call(environment: dict[str, str], target: Callable[..., None], args: tuple[object, ...]) -> None:
    os.setsid()
    os.chdir(ROOT)
    os.environ.clear()
    os.environ.update(environment)
    target(*args)
