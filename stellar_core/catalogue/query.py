"""SQL that visitors write, answered in a process of its own with limits on time, memory and files.

DuckDB can be asked to stop, but not in the midst of one function of one value: a process can be killed, and the system
gives it no more memory than it may have.
"""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from stellar_core.errors import ParameterError, StellarError, StorageError
from stellar_core.sandbox import limits

if TYPE_CHECKING:
    import pandas as pd

#: Longest time, s, and most memory, bytes of address space, of an answer.
SECONDS, MEMORY = 15.0, 3_000_000_000
#: Largest answer, bytes, and longest question, letters.
MOST_BYTES, LONGEST = 20_000_000, 10_000
#: Questions answered at a time.
_TURNS = threading.BoundedSemaphore(2)
_ROOT = Path(__file__).resolve().parents[2]
#: Exit status of a process that says on standard error what was wrong.
_SAID = 2


def ask(path: Path, text: str, seconds: float = SECONDS) -> pd.DataFrame:
    """The answer to one SELECT of the table ``stars`` in a Parquet file, at most `stellar_core.catalogue.table.MAX_ROWS` rows.

    Raises
    ------
    ParameterError
        If it is more than one statement, anything but a SELECT, wrong, or takes too much time or memory.
    StorageError
        If the file cannot be read.
    """
    import pyarrow as pa

    if len(text) > LONGEST:
        raise ParameterError(f"The SQL has {len(text):,} letters; {LONGEST:,} are read.", value=len(text))
    command = [sys.executable, "-m", "stellar_core.catalogue.query", str(path)]
    if not _TURNS.acquire(timeout=seconds):
        raise ParameterError("Too many questions are being answered.", remedy="Ask again in a while.")
    try:
        done = subprocess.run(
            command,
            cwd=_ROOT,
            env=limits.environment(),
            input=text.encode("utf-8", "replace"),
            capture_output=True,
            timeout=seconds,
        )
    except subprocess.TimeoutExpired:
        raise ParameterError(
            f"The SQL took longer than {seconds:g} s and was stopped.", remedy="Ask for less."
        ) from None
    finally:
        _TURNS.release()
    if done.returncode == _SAID:
        kind, _, words = done.stderr.decode("utf-8", "replace").strip().splitlines()[-1].partition(": ")
        raise (StorageError if kind == "StorageError" else ParameterError)(words)
    if done.returncode:
        raise ParameterError(
            "The SQL took more memory than a question may.", value=done.returncode, remedy="Ask for less."
        )
    with pa.ipc.open_stream(done.stdout) as answer:
        try:
            return answer.read_all().to_pandas()
        except (pa.ArrowException, ValueError, OverflowError, TypeError) as error:
            raise ParameterError(
                f"The answer holds values that cannot be shown ({type(error).__name__}).",
                remedy="Cast them to VARCHAR.",
            ) from None


def _answer(path: Path, text: str) -> None:
    import pyarrow as pa

    from stellar_core.catalogue.table import Catalogue

    table = Catalogue.open(path).sql(text)
    if table.nbytes > MOST_BYTES:
        raise ParameterError(f"The answer is larger than {MOST_BYTES // 1_000_000} MB.", remedy="Ask for less.")
    with pa.ipc.new_stream(sys.stdout.buffer, table.schema) as out:
        out.write_table(table)


def _main() -> None:
    """Answer the question on standard input about the file that is named."""
    limits.confine(MEMORY)
    try:
        _answer(Path(sys.argv[1]), sys.stdin.read())
    except StellarError as error:
        sys.stderr.write(f"{type(error).__name__}: {error}\n")
        raise SystemExit(_SAID) from None
    except MemoryError:
        sys.stderr.write("ParameterError: The SQL took more memory than a question may. Ask for less.\n")
        raise SystemExit(_SAID) from None


if __name__ == "__main__":
    _main()
