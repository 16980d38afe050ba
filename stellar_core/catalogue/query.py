"""Run the SQL of visitors in its own process, with limits on time, memory and files.

DuckDB can be interrupted, but not within a function of one value. A process can be killed, and the system limits its
memory.
"""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from stellar_core.errors import ParameterError, StellarError, StorageError
from stellar_core.sandbox import limits, process

if TYPE_CHECKING:
    import pandas as pd

#: Limits of a query: seconds, and bytes of address space.
SECONDS, MEMORY = 15.0, 3_000_000_000
#: Most bytes of a result, most characters of a query.
MOST_BYTES, LONGEST = 20_000_000, 10_000
#: Limits the number of queries at a time.
_SLOTS = threading.BoundedSemaphore(2)
#: Exit status of a process that writes an error message to standard error.
_REPORTED = 2


def run_query(path: Path, text: str, seconds: float = SECONDS) -> pd.DataFrame:
    """Run one SELECT on the table ``stars`` in a Parquet file; at most `stellar_core.catalogue.table.MAX_ROWS` rows.

    Raises
    ------
    ParameterError
        If it is not a single valid SELECT, or takes too much time or memory.
    StorageError
        If the file cannot be read.
    """
    import pyarrow as pa

    if len(text) > LONGEST:
        raise ParameterError(f"The SQL has {len(text):,} characters; the limit is {LONGEST:,}.", value=len(text))
    if not _SLOTS.acquire(timeout=seconds):
        raise ParameterError("Too many queries are running.", remedy="Try again in a while.")
    try:
        query = text.encode("utf-8", "replace")
        done = process.run("stellar_core.catalogue.query", str(path), data=query, seconds=seconds)
    except subprocess.TimeoutExpired:
        raise ParameterError(
            f"The SQL took longer than {seconds:g} s and was stopped.", remedy="Select less."
        ) from None
    finally:
        _SLOTS.release()
    if done.returncode == _REPORTED:
        kind, _, words = done.stderr.decode("utf-8", "replace").strip().splitlines()[-1].partition(": ")
        raise (StorageError if kind == "StorageError" else ParameterError)(words)
    if done.returncode:
        raise ParameterError(
            "The SQL took more memory than a query may use.", value=done.returncode, remedy="Select less."
        )
    with pa.ipc.open_stream(done.stdout) as result:
        try:
            return result.read_all().to_pandas()
        except (pa.ArrowException, ValueError, OverflowError, TypeError) as error:
            raise ParameterError(
                f"The result holds values that cannot be shown ({type(error).__name__}).",
                remedy="Cast them to VARCHAR.",
            ) from None


def _write_result(path: Path, text: str) -> None:
    import pyarrow as pa

    from stellar_core.catalogue.table import Catalogue

    table = Catalogue.open(path).sql(text)
    if table.nbytes > MOST_BYTES:
        raise ParameterError(f"The result is larger than {MOST_BYTES // 1_000_000} MB.", remedy="Select less.")
    with pa.ipc.new_stream(sys.stdout.buffer, table.schema) as out:
        out.write_table(table)


def _main() -> None:
    """Run the query from standard input on the file named by the argument."""
    limits.confine(MEMORY)
    signal.alarm(2 * int(SECONDS))  # ends it also where the process that started it is gone
    try:
        _write_result(Path(sys.argv[1]), sys.stdin.read())
    except StellarError as error:
        sys.stderr.write(f"{type(error).__name__}: {error}\n")
        raise SystemExit(_REPORTED) from None
    except MemoryError:
        sys.stderr.write("ParameterError: The SQL took more memory than a query may use. Select less.\n")
        raise SystemExit(_REPORTED) from None


if __name__ == "__main__":
    _main()
