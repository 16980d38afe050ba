"""A hostile parser for tests: after it has confined itself, it tries what a taken-over parser would try."""

from __future__ import annotations

import ctypes
import os
import signal
import socket
import struct
import sys
import threading
import time

from stellar_core.errors import ParameterError
from stellar_core.sandbox.parser import main
from stellar_core.sandbox.reader import Reader, Reply


def _try(step, *arguments: object) -> Reply:
    """Return the result of ``step``, or raise `ParameterError` where the system refuses it."""
    try:
        return {"did": str(step(*arguments))[:200]}, {}
    except (OSError, RuntimeError, LookupError, ValueError) as error:
        raise ParameterError(f"It was refused: {error}.") from None


class Curious(Reader):
    """Tries what no parser should."""

    def open(self, data: bytes, options: dict) -> Reply:
        return _try(lambda: open(options["path"]).read())

    def write(self, data: bytes, options: dict) -> Reply:
        return _try(lambda: open(options["path"], "w").write("x"))

    def listing(self, data: bytes, options: dict) -> Reply:
        return _try(os.listdir, "/")

    def connect(self, data: bytes, options: dict) -> Reply:
        return _try(socket.create_connection, ("127.0.0.1", options["port"]), 2)

    def look_up(self, data: bytes, options: dict) -> Reply:
        return _try(socket.getaddrinfo, "localhost", 80)

    def fork(self, data: bytes, options: dict) -> Reply:
        return _try(os.fork)

    def spawn(self, data: bytes, options: dict) -> Reply:
        return _try(os.posix_spawn, "/bin/true", ["true"], {})

    def execute(self, data: bytes, options: dict) -> Reply:
        return _try(os.execv, "/bin/true", ["true"])

    def thread(self, data: bytes, options: dict) -> Reply:
        return _try(threading.Thread(target=print).start)

    def kill(self, data: bytes, options: dict) -> Reply:
        return _try(os.kill, options["pid"], signal.SIGKILL)

    def root(self, data: bytes, options: dict) -> Reply:
        return _try(os.setuid, 0)

    def raise_limits(self, data: bytes, options: dict) -> Reply:
        import resource

        return _try(resource.setrlimit, resource.RLIMIT_NOFILE, (64, 64))

    def secrets(self, data: bytes, options: dict) -> Reply:
        return {"names": sorted(os.environ)}, {}

    def allocate(self, data: bytes, options: dict) -> Reply:
        return {"size": len(bytearray(options["size"]))}, {}

    def loop(self, data: bytes, options: dict) -> Reply:
        while True:
            pass

    def sleep(self, data: bytes, options: dict) -> Reply:
        time.sleep(60)

    def crash(self, data: bytes, options: dict) -> Reply:
        ctypes.string_at(0)

    def uncaught(self, data: bytes, options: dict) -> Reply:
        raise KeyError("no sentence")

    def recurse(self, data: bytes, options: dict) -> Reply:
        return self.recurse(data, options)

    def flood(self, data: bytes, options: dict) -> Reply:
        """Announce more bytes than a reply may have."""
        os.write(3, struct.pack("!IQ", 10, 10**15) + b"{}" * 1000)
        time.sleep(60)

    def garbage(self, data: bytes, options: dict) -> Reply:
        for descriptor in range(64):
            try:
                os.write(descriptor, bytes.fromhex(options["bytes"]))
            except OSError:
                pass
        time.sleep(60)


if __name__ == "__main__":
    sys.setrecursionlimit(10_000)
    main(Curious())
