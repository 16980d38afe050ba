"""A batch: planned once, estimated chunk by chunk, joined into one table; an interrupted batch resumes.

While it runs, ``OUT.parts`` holds the plan, the list of inputs and every finished chunk, each written atomically. At
the end the chunks become the table ``OUT``, its provenance goes into ``OUT.json``, and the folder is removed.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from stellar_core.batch.columns import batch_table, schema
from stellar_core.batch.inputs import Inputs, Request
from stellar_core.batch.worker import GROUP, ChunkTask, EstimateSettings, process_chunk
from stellar_core.errors import ArchiveError, ParameterError, RunError, StorageError
from stellar_core.export import check_ending, write_table
from stellar_core.files import read_json, sha256_of_file, write_bytes
from stellar_core.mock.survey import EDITION
from stellar_core.model_store import model_folder, read_model
from stellar_core.parallel import parallel_map
from stellar_core.progress import Progress
from stellar_core.run_folder import RunFolder, unfinished

if TYPE_CHECKING:
    import pyarrow as pa

#: Rows of a chunk, the most that is lost when a worker is killed.
CHUNK = 512
#: Attempts at chunks with transient errors.
ROUNDS = 3
#: Chunks in a row with transient errors after which SDSS is taken to be unreachable.
PATIENCE = 4
VERSION = 3


@dataclass(frozen=True)
class Batch:
    """All that determines the table of a batch.

    Attributes
    ----------
    request : Request
    settings : EstimateSettings
    chunk : int
        Rows of a chunk, a multiple of `GROUP`; the results do not depend on it.

    Raises
    ------
    ParameterError
        If ``chunk`` is not a positive multiple of `GROUP`.
    """

    request: Request
    settings: EstimateSettings
    chunk: int = CHUNK

    def __post_init__(self) -> None:
        if self.chunk < GROUP or self.chunk % GROUP:
            raise ParameterError(
                f"The number of rows of a chunk must be a multiple of {GROUP}; got {self.chunk}.", value=self.chunk
            )

    @classmethod
    def of(
        cls, request: Request, model: str, samples: int = 50, seed: int = 0, chunk: int = CHUNK, *, gaia: bool = False
    ) -> Batch:
        """Make a batch with the present weights of a model.

        Raises
        ------
        ModelError
            If there is no such model or its files are damaged.
        ParameterError
            If ``samples`` or ``seed`` is out of range.
        """
        if not 2 <= samples <= 1000 or seed < 0:
            raise ParameterError(
                f"samples must be from 2 to 1000 and seed must not be negative; got {samples} and {seed}."
            )
        sha256 = str(read_model(model_folder(model))[1]["sha256"])
        return cls(request, EstimateSettings(model, sha256, samples, seed, gaia), chunk)

    def facts(self) -> dict[str, object]:
        """Return the plain values that distinguish this batch from any other."""
        request = {
            **asdict(self.request),
            "inputs": list(self.request.inputs),
            "list_sha256": _sha256(self.request.listed),
        }
        settings = {**asdict(self.settings), "chunk": self.chunk, "mock_edition": EDITION}
        if not self.settings.gaia:  # as in batches that were begun without the choice
            del settings["gaia"]
        return {"version": VERSION, **request, **settings}


def run_batch(
    batch: Batch,
    out: Path,
    *,
    workers: int = 1,
    cluster: str | None = None,
    give_up: bool = False,
    progress: Progress = lambda *args: None,
) -> dict[str, object]:
    """Estimate every input of ``batch`` and write the table ``out``; finished chunks are not repeated.

    Parameters
    ----------
    batch : Batch
    out : Path
        Ends in one of `stellar_core.export.ENDINGS`, which gives the format.
    workers : int
        Number of processes, with one thread each.
    cluster : str, optional
        Address of a Dask scheduler, used instead of ``workers``. Its workers need the same weights, and access to
        the files and stores of the batch.
    give_up : bool
        Record transient errors, such as an unreachable server, in the table and finish.
    progress : callable, optional
        Called with "stars", the number finished and their total.

    Returns
    -------
    dict
        ``out``, ``rows``, ``answered``, ``errors``, ``in_domain``, ``mock`` (True if a MOCK star is among them),
        ``model``, ``seed``, ``sha256`` (of the model), ``table`` (sha256 of the table).

    Raises
    ------
    ParameterError
        If the request is empty.
    RunError
        If ``out`` belongs to another batch, or another process works on it.
    StorageError
        If the disk is full or not writable, or a file of the batch is damaged.
    ArchiveError
        If transient errors remain. The same call then resumes the batch.
    """
    check_ending(out)
    run = _run_folder(batch, out)
    finished = _finished(run, out)
    if finished is not None:
        shutil.rmtree(run.folder, ignore_errors=True)  # remains if the last run was killed while removing it
        return finished
    with run.working():
        return _run(batch, run, out, workers, cluster, give_up, progress)


def _run_folder(batch: Batch, out: Path) -> RunFolder:
    """Return the folder ``OUT.parts``."""
    facts = batch.facts()
    return RunFolder(
        out.with_name(f"{out.name}.parts"),
        facts,
        shown=str(out),
        remedy="Give another --out, or the options that it was begun with.",
        ignored=("list_sha256",) if facts["list_sha256"] is None else (),  # a list that was removed is not needed
        words={"list_sha256": f"the content of the list {batch.request.listed}"},
    )


def _run(
    batch: Batch, run: RunFolder, out: Path, workers: int, cluster: str | None, give_up: bool, progress: Progress
) -> dict[str, object]:
    parts = run.folder
    if out.exists() and not (parts / run.record).exists():
        shutil.rmtree(parts)
        raise RunError(f"{out} exists and is not of this batch.", value=str(out), remedy="Give another --out.")
    run.claim()
    try:
        inputs = batch.request.open(parts)
    except ParameterError:
        shutil.rmtree(parts)
        raise
    paths = [parts / f"chunk-{number:07d}.parquet" for number in range(-(-len(inputs) // batch.chunk))]
    failures = _process_chunks(batch, inputs, paths, workers, cluster, give_up, progress)
    if failures:
        raise ArchiveError(
            f"{len(failures)} of {len(paths)} chunks of {out.name} had transient errors, the first: {failures[0]}",
            value=failures,
            remedy="The same command resumes the batch; --give-up records such errors in the table and finishes.",
        )
    gaia = batch.settings.gaia
    counts = _count(paths, len(inputs), batch.chunk, gaia)
    model = {"model": batch.settings.model, "sha256": batch.settings.sha256, "seed": batch.settings.seed}
    write_table(out, batch_table(lambda: read_chunks(paths), {**model, **counts}, gaia))
    found = {**counts, **model, "table": sha256_of_file(out)}
    write_bytes(_provenance_path(out), (json.dumps({"batch": batch.facts(), **found}, indent=1) + "\n").encode())
    shutil.rmtree(parts, ignore_errors=True)  # otherwise removed by the next call for the finished table
    return {"out": str(out), **found}


def _finished(run: RunFolder, out: Path) -> dict[str, object] | None:
    """Return the result of `run_batch` if ``out`` is finished, else None."""
    try:
        found = read_json(_provenance_path(out)) if out.exists() else None
    except (OSError, ValueError):
        return None
    if not isinstance(found, dict) or not isinstance(found.get("batch"), dict):
        return None
    run.check(found.pop("batch"))
    return {"out": str(out), **found}


def _process_chunks(
    batch: Batch,
    inputs: Inputs,
    paths: list[Path],
    workers: int,
    cluster: str | None,
    give_up: bool,
    progress: Progress,
) -> list[str]:
    """Estimate every chunk that has no file; return a message for each chunk whose transient errors remain."""
    failures: dict[int, str] = {}
    for attempt in range(ROUNDS):
        missing = unfinished(paths)
        done = len(inputs) - sum(len(_rows(inputs, batch.chunk, number)) for number in missing)
        progress("stars", done, len(inputs))
        last, in_a_row, failures = attempt == ROUNDS - 1, 0, {}
        for result in parallel_map(process_chunk, _tasks(batch, inputs, missing), workers, cluster, progress):
            done += result.rows
            progress("stars", done, len(inputs))
            if not result.transient or (give_up and last):
                write_bytes(paths[result.number], result.data)
                in_a_row = 0
                continue
            failures[result.number] = result.transient
            in_a_row += 1
            if in_a_row >= PATIENCE and not give_up:
                return list(failures.values())
        if not failures:
            break
    return list(failures.values())


def _tasks(batch: Batch, inputs: Inputs, numbers: list[int]) -> Iterator[ChunkTask]:
    for number in numbers:
        yield ChunkTask(number, number * batch.chunk, inputs.chunk(_rows(inputs, batch.chunk, number)), batch.settings)


def _rows(inputs: Inputs, chunk: int, number: int) -> range:
    return range(number * chunk, min((number + 1) * chunk, len(inputs)))


def read_chunks(paths: list[Path]) -> Iterator[pa.Table]:
    """Yield the tables of finished chunks."""
    import pyarrow.parquet as pq

    for path in paths:
        yield pq.read_table(path, use_threads=False)


def _count(paths: list[Path], rows: int, chunk: int, gaia: bool) -> dict[str, object]:
    """Return the counts of the whole table; check that it has every row once."""
    import pyarrow as pa
    import pyarrow.compute as pc

    counts = {"rows": 0, "answered": 0, "errors": 0, "in_domain": 0, "mock": False}
    for path in paths:
        expected = list(range(counts["rows"], min(counts["rows"] + chunk, rows)))
        try:
            (table,) = read_chunks([path])
            sound = table.schema.equals(schema(gaia)) and table["row"].to_pylist() == expected
        except (pa.ArrowException, OSError):
            sound = False
        if not sound:
            path.unlink()
            raise StorageError(
                f"The chunk {path.name} was damaged and has been removed.",
                value=str(path),
                remedy="Run the same command again.",
            )
        errors = table.num_rows - table["error"].null_count
        counts["rows"] += table.num_rows
        counts["errors"] += errors
        counts["answered"] += table.num_rows - errors
        counts["in_domain"] += pc.sum(table["in_domain"]).as_py() or 0
        counts["mock"] = counts["mock"] or bool(pc.any(pc.equal(table["source"], "mock")).as_py())
    return counts


def _sha256(path: str) -> str | None:
    """Return the hash of a file, None if there is none."""
    try:
        return sha256_of_file(Path(path))
    except (OSError, ValueError):
        return None


def _provenance_path(out: Path) -> Path:
    return out.with_name(f"{out.name}.json")
