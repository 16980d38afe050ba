"""The confined process that parses uploaded files: ``python -m stellar_core.sandbox.parser``.

It reads small files of its own, so that all modules are imported, confines itself, and then replies to one frame after
another. An exception that is not a `StellarError` ends it, and `stellar_core.sandbox.pool` starts another.
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Callable

from stellar_core.errors import StellarError
from stellar_core.sandbox import frames, limits
from stellar_core.sandbox.reader import Reader, Reply, error_reply
from stellar_core.sandbox.rehearsal import rehearse

#: Memory for a file in addition to the libraries, and growth after which the process is replaced, bytes.
MEMORY, GROWTH = 600_000_000, 250_000_000
#: Processor time for all files, s.
LIFE = 10_000.0


def reply(read: Callable[[bytes, dict], Reply], data: bytes, options: dict) -> Reply:
    """Return the reply of a method of `Reader`; a `StellarError` or a lack of memory is a reply too."""
    try:
        return read(data, options)
    except StellarError as error:
        return error_reply(error)
    except MemoryError:
        return {"lost": "memory", "retire": True}, {}


def main(reader: Reader) -> None:
    """Reply to the frames on standard input until there are no more."""
    rehearse(reader)
    gc.freeze()  # objects of the libraries are not scanned after every file
    out = os.fdopen(os.dup(1), "wb")
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)
    os.dup2(null, 2)
    limits.confine(limits.address_space() + MEMORY)
    limits.seal(LIFE)
    settled = limits.peak_memory()
    frames.write(out, {"ready": True})
    while True:
        try:
            values, data = frames.read(sys.stdin.buffer)
        except EOFError:
            return
        limits.end_after(values["seconds"])
        found, arrays = reply(getattr(reader, values["read"]), data, values["options"])
        limits.end_after(0)
        del data
        gc.collect()
        shapes, body = frames.pack(arrays)
        frames.write(out, {"retire": limits.peak_memory() > settled + GROWTH, **found, "arrays": shapes}, body)


if __name__ == "__main__":
    main(Reader())
