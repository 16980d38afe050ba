"""A whole batch: planned once, answered chunk by chunk, put together; interrupted anywhere and continued.

While it runs, ``OUT.parts`` holds the plan, the list of inputs and every chunk that is done, each written whole
or not at all. At the end the chunks become the table ``OUT``, beside it ``OUT.json`` says how it was made, and the
folder goes.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from stellar_core.batch.columns import schema
from stellar_core.batch.inputs import Inputs, Request
from stellar_core.batch.tables import check_ending, read_chunks, write_answers
from stellar_core.batch.worker import GROUP, ChunkTask, EstimateSettings, answer
from stellar_core.errors import ArchiveError, ParameterError, StellarError, StorageError
from stellar_core.files import remove_drafts, write_bytes
from stellar_core.model_store import model_folder, read_model
from stellar_core.parallel import spread
from stellar_core.progress import Progress

#: Rows of a chunk: what is lost at most when a worker is killed.
CHUNK = 512
#: How often chunks are tried in which something failed that may pass.
ROUNDS = 3
#: Chunks in a row with such failures, after which SDSS is taken to be out of reach.
PATIENCE = 4
VERSION = 2


@dataclass(frozen=True)
class Batch:
    """What makes a batch the one it is.

    Attributes
    ----------
    request : Request
    settings : EstimateSettings
    chunk : int
        Rows of a chunk, a multiple of `GROUP`; the answers do not depend on it.

    Raises
    ------
    ParameterError
        If ``chunk`` is no positive multiple of `GROUP`.
    """

    request: Request
    settings: EstimateSettings
    chunk: int = CHUNK

    def __post_init__(self) -> None:
        if self.chunk < GROUP or self.chunk % GROUP:
            raise ParameterError(f"A chunk has a multiple of {GROUP} rows; got {self.chunk}.", value=self.chunk)

    @classmethod
    def of(cls, request: Request, model: str, samples: int = 50, seed: int = 0, chunk: int = CHUNK) -> Batch:
        """A batch with the model of this name as it is now.

        Raises
        ------
        ModelError
            If there is no such model or its files are damaged.
        """
        if not 2 <= samples <= 1000 or seed < 0:
            raise ParameterError(f"Passes lie between 2 and 1000 and a seed is not negative; got {samples} and {seed}.")
        return cls(request, EstimateSettings(model, str(read_model(model_folder(model))[1]["sha256"]), samples, seed), chunk)

    def facts(self) -> dict[str, object]:
        """Plain values that tell this batch from any other."""
        request = {
            **asdict(self.request),
            "inputs": list(self.request.inputs),
            "list_sha256": _digest(self.request.listed),
        }
        return {"version": VERSION, **request, **asdict(self.settings), "chunk": self.chunk}


def run_batch(
    batch: Batch,
    out: Path,
    *,
    workers: int = 1,
    cluster: str | None = None,
    give_up: bool = False,
    progress: Progress = lambda *args: None,
) -> dict[str, object]:
    """Answer every input of ``batch`` and write the table ``out``; what is done is not done again.

    Parameters
    ----------
    batch : Batch
    out : Path
        Its ending says the format, as in `stellar_core.batch.tables.write_answers`.
    workers : int
        Processes of one thread each.
    cluster : str, optional
        Address of a Dask scheduler in the place of ``workers``. Its workers need the same weights, and the
        folders that files and stores are read from.
    give_up : bool
        Note what fails for reasons that may pass, such as a network that is away, as errors, and finish.
    progress : callable, optional
        Called with "stars", how many are done and of how many.

    Returns
    -------
    dict
        ``out``, ``rows``, ``answered``, ``errors``, ``in_domain``, ``mock`` (whether a star of the MOCK survey is among
        them), ``model``, ``seed``, ``sha256`` (of the model), ``table`` (sha256 of the table).

    Raises
    ------
    ParameterError
        If ``out`` holds another batch, or the request has nothing in it.
    ArchiveError
        If another process works on ``out``, the disk is full, or something failed that may pass: then the same call
        goes on where this one ended.
    """
    from filelock import FileLock, Timeout

    check_ending(out)
    parts = out.with_name(f"{out.name}.parts")
    try:
        parts.parent.mkdir(parents=True, exist_ok=True)
        finished = _finished(batch, out)
        if finished is not None:
            shutil.rmtree(parts, ignore_errors=True)  # left where the last run was killed while it tidied up
            return finished
        parts.mkdir(exist_ok=True)
        with FileLock(parts / ".lock", timeout=0):
            return _run(batch, out, parts, workers, cluster, give_up, progress)
    except Timeout:
        raise ArchiveError(
            f"Another process is answering into {out}.", value=str(out), remedy="Wait until it has ended."
        ) from None
    except OSError as error:
        if isinstance(error, StellarError):
            raise
        raise StorageError(f"The answers cannot be written to {out}: {error}.", value=str(out)) from None


def _run(
    batch: Batch, out: Path, parts: Path, workers: int, cluster: str | None, give_up: bool, progress: Progress
) -> dict[str, object]:
    _claim(batch, out, parts)
    remove_drafts(parts)
    try:
        inputs = batch.request.open(parts)
    except ParameterError:
        shutil.rmtree(parts)
        raise
    paths = [_chunk_path(parts, number) for number in range(-(-len(inputs) // batch.chunk))]
    passing = _answer_all(batch, inputs, paths, workers, cluster, give_up, progress)
    if passing:
        raise ArchiveError(
            f"{len(passing)} of {len(paths)} chunks of {out.name} wait for what failed in passing, first: {passing[0]}",
            value=passing,
            remedy="The same command goes on where this one ended; --give-up notes the failures as errors.",
        )
    counts = _count(paths, len(inputs), batch.chunk)
    told = {"model": batch.settings.model, "sha256": batch.settings.sha256, "seed": batch.settings.seed}
    write_answers(out, lambda: read_chunks(paths), {**told, **counts})
    with out.open("rb") as table:
        found = {**counts, **told, "table": hashlib.file_digest(table, "sha256").hexdigest()}
    write_bytes(_side(out), (json.dumps({"batch": batch.facts(), **found}, indent=1) + "\n").encode())
    shutil.rmtree(parts, ignore_errors=True)  # whoever asks for the finished table tidies up too
    return {"out": str(out), **found}


def _claim(batch: Batch, out: Path, parts: Path) -> None:
    """Write the plan into ``parts``, or see that it is the one there; a table of another batch is not written over."""
    path, mine = parts / "plan.json", batch.facts()
    if path.exists():
        plan = _read_json(path)
        if plan is None:
            raise StorageError(
                f"The plan {path} is damaged.", value=str(path), remedy="Remove its folder, or give another --out."
            )
        _compare(plan, mine, out)
        return
    if out.exists():
        shutil.rmtree(parts)
        raise ParameterError(
            f"{out} is there already and not of this batch.", value=str(out), remedy="Give another --out."
        )
    write_bytes(path, (json.dumps(mine, indent=1) + "\n").encode())


def _finished(batch: Batch, out: Path) -> dict[str, object] | None:
    """What was said of ``out`` when it was finished; None if it was not."""
    found = _read_json(_side(out)) if out.exists() else None
    if found is None or not isinstance(found.get("batch"), dict):
        return None
    _compare(found.pop("batch"), batch.facts(), out)
    return {"out": str(out), **found}


def _digest(path: str) -> str | None:
    """sha256 of a file; None where there is none."""
    try:
        with open(path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except (OSError, ValueError):
        return None


def _read_json(path: Path) -> dict[str, object] | None:
    """The object in a file; None if there is none or it is damaged."""
    try:
        found = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def _compare(theirs: dict[str, object], mine: dict[str, object], out: Path) -> None:
    differing = [name for name in mine if theirs.get(name) != mine[name]]
    if mine["list_sha256"] is None and "list_sha256" in differing:
        differing.remove("list_sha256")  # a list that is gone is not needed any more
    if differing == ["list_sha256"]:
        raise ParameterError(
            f"The list {mine['listed']} has changed since {out} was begun.",
            value=str(out),
            remedy="Give another --out.",
        )
    if differing:
        raise ParameterError(
            f"{out} is of another batch: it differs in {', '.join(differing)}.",
            value=str(out),
            remedy="Give another --out, or the options that it was begun with.",
        )


def _answer_all(
    batch: Batch,
    inputs: Inputs,
    paths: list[Path],
    workers: int,
    cluster: str | None,
    give_up: bool,
    progress: Progress,
) -> list[str]:
    """Answer every chunk that is not there; what failed in passing in the end, a sentence for each chunk."""
    passing: dict[int, str] = {}
    for attempt in range(ROUNDS):
        wanted = [number for number, path in enumerate(paths) if not path.exists()]
        done = len(inputs) - sum(len(_rows(inputs, batch.chunk, number)) for number in wanted)
        progress("stars", done, len(inputs))
        last, in_a_row, passing = attempt == ROUNDS - 1, 0, {}
        for answered in spread(answer, _works(batch, inputs, wanted), workers, cluster, progress):
            done += answered.rows
            progress("stars", done, len(inputs))
            if not answered.passing or (give_up and last):
                write_bytes(paths[answered.number], answered.data)
                in_a_row = 0
                continue
            passing[answered.number] = answered.passing
            in_a_row += 1
            if in_a_row >= PATIENCE and not give_up:
                return list(passing.values())
        if not passing:
            break
    return list(passing.values())


def _works(batch: Batch, inputs: Inputs, numbers: list[int]) -> Iterator[ChunkTask]:
    for number in numbers:
        yield ChunkTask(number, number * batch.chunk, inputs.chunk(_rows(inputs, batch.chunk, number)), batch.settings)


def _rows(inputs: Inputs, chunk: int, number: int) -> range:
    return range(number * chunk, min((number + 1) * chunk, len(inputs)))


def _count(paths: list[Path], rows: int, chunk: int) -> dict[str, object]:
    """Numbers of the whole table, after a look whether every row is there once."""
    import pyarrow as pa
    import pyarrow.compute as pc

    counts = {"rows": 0, "answered": 0, "errors": 0, "in_domain": 0, "mock": False}
    for path in paths:
        expected = list(range(counts["rows"], min(counts["rows"] + chunk, rows)))
        try:
            (table,) = read_chunks([path])
            sound = table.schema.equals(schema()) and table["row"].to_pylist() == expected
        except (pa.ArrowException, OSError):
            sound = False
        if not sound:
            path.unlink()
            raise StorageError(
                f"The chunk {path.name} is damaged and was removed.",
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


def _chunk_path(parts: Path, number: int) -> Path:
    return parts / f"chunk-{number:07d}.parquet"


def _side(out: Path) -> Path:
    return out.with_name(f"{out.name}.json")
