"""Estimate the stars of a chunk in groups of fixed size, one row for each star.

The last bits of a network's output can depend on the spectra that go through it together. So the groups follow from
the row numbers alone, every group is padded to the same size, and each process uses one thread: a result is the same
to the bit in any chunk and on any of several identical processors.
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from functools import lru_cache
from itertools import islice

from stellar_core import lookup
from stellar_core.batch.chunks import Chunk, InputSpectrum
from stellar_core.batch.columns import batch_table, schema
from stellar_core.errors import ArchiveError, ModelError, StellarError
from stellar_core.export import table_bytes
from stellar_core.gaia import Finding
from stellar_core.inference.estimator import Estimator
from stellar_core.inference.isochrone import IsochroneEstimator
from stellar_core.inference.parallax_term import has_magnitude
from stellar_core.inference.result import Result
from stellar_core.inference.result_columns import printable, result_values, spectrum_values
from stellar_core.inference.template_fit.comparison import with_template_fit
from stellar_core.network.retries import TransientError
from stellar_core.preprocessing.spectra import KeptSpectrum
from stellar_core.spectrum import Spectrum

#: Spectra that go through the network together, and stars that are looked up in Gaia by one query.
GROUP, QUERY = 32, 480


@dataclass(frozen=True)
class EstimateSettings:
    """Model and random numbers of a batch.

    Attributes
    ----------
    model : str
        Name in ``trained/``.
    sha256 : str
        Hash of its weights; a worker with other weights refuses.
    samples : int
        Number of MC dropout passes, for models that use them.
    seed : int
    gaia : bool
        Look every star up in Gaia and use its parallax.
    """

    model: str
    sha256: str
    samples: int
    seed: int
    gaia: bool = False


@dataclass(frozen=True)
class ChunkTask:
    """A chunk to estimate: its number, its first row (a multiple of `GROUP`), its inputs and the settings."""

    number: int
    first_row: int
    chunk: Chunk
    settings: EstimateSettings


@dataclass(frozen=True)
class ChunkResult:
    """The rows of a chunk as Parquet, and the message of its first transient error, empty without one."""

    number: int
    rows: int
    data: bytes
    transient: str


def process_chunk(task: ChunkTask) -> ChunkResult:
    """Estimate all stars of a chunk with one thread, and free the memory.

    Raises
    ------
    ModelError
        If the weights here are not those that the batch was begun with.
    """
    import torch

    torch.set_num_threads(1)
    found = estimate_chunk(_load(task.settings.model, task.settings.sha256), task)
    _free_memory()
    return found


def _free_memory() -> None:
    """Return freed memory to the system, if the C library can; otherwise a worker grows with every chunk."""
    if sys.platform == "linux" and hasattr(libc := ctypes.CDLL(None), "malloc_trim"):
        libc.malloc_trim(0)


def estimate_chunk(estimator: Estimator, task: ChunkTask) -> ChunkResult:
    """Estimate all stars of a chunk with a loaded estimator."""
    import pyarrow as pa

    rows: list[dict[str, object]] = []
    transient, gaia = "", task.settings.gaia
    inputs = task.chunk.read()
    while block := list(islice(inputs, QUERY if gaia else GROUP)):
        if gaia:
            block, failure = _with_parallaxes(block, getattr(task.chunk, "served", False))
            transient = transient or failure
        for start in range(0, len(block), GROUP):
            group = block[start : start + GROUP]
            for one, found in zip(group, _estimate_group(group, estimator, task.settings), strict=True):
                rows.append(_row(task.first_row + len(rows), one, found, task.settings.sha256))
                if isinstance(found, TransientError):
                    transient = transient or str(found)
    table = pa.Table.from_pylist(rows, schema(gaia))
    data = table_bytes(".parquet", batch_table(lambda: [table], {}, gaia))
    return ChunkResult(task.number, len(rows), data, transient)


def _with_parallaxes(block: Sequence[InputSpectrum], served: bool) -> tuple[list[InputSpectrum], str]:
    """Look up the stars of a block by one query; also return the message of a transient error, empty without one.

    A star that cannot be looked up keeps its spectrum, with a note; so does one without a magnitude.
    """
    good = [row for row, one in enumerate(block) if isinstance(one.spectrum, Spectrum)]
    spectra, failure, changed = [block[row].spectrum for row in good], "", list(block)
    try:
        found = lookup.find_parallaxes(spectra, served=served, patient=True)
    except ArchiveError as error:
        failure = str(error) if isinstance(error, TransientError) else ""
        found = [Finding(None, (lookup.no_answer(error),))] * len(good)
    for row, one in zip(good, found, strict=True):
        if one.astrometry is not None and not has_magnitude(block[row].spectrum, one.astrometry):
            one = Finding(None, ("Gaia has a parallax but no magnitude of the star, so that it is not used.",))
        changed[row] = block[row]._replace(spectrum=lookup.with_parallax(block[row].spectrum, one))
    return changed, failure


@lru_cache(maxsize=1)
def _load(model: str, sha256: str) -> Estimator:
    estimator = Estimator.load(model)
    if estimator.card["sha256"] != sha256:
        raise ModelError(
            f"The weights of the model {model} differ from those that the batch was begun with.",
            value=model,
            remedy="Give all workers the same weights, or start again with another --out.",
        )
    return estimator


def _estimate_group(
    group: Sequence[InputSpectrum], estimator: Estimator, settings: EstimateSettings
) -> Iterator[Result | StellarError]:
    """Yield a result or an error for each of at most `GROUP` inputs, in order."""
    kept = [_prepare(one.spectrum, estimator) for one in group]
    good = [item for item in kept if not isinstance(item, StellarError)]
    results = iter(_estimate(good[0], kept, estimator, settings) if good else ())
    for item in kept:
        result = next(results, None)
        if isinstance(item, StellarError):
            yield item
        elif isinstance(result, Result) and result.template_fit is None and "plate" not in item.meta:
            yield with_template_fit(result, item.prepared)  # another instrument's calibration is not SDSS's
        else:
            yield result


def _estimate(
    filler: KeptSpectrum, kept: Sequence[KeptSpectrum | StellarError], estimator: Estimator, settings: EstimateSettings
) -> Iterator[Result | StellarError]:
    """Yield a result for every place of the group; places without a spectrum get that of ``filler``, not used."""
    if isinstance(estimator, IsochroneEstimator):
        padded = [filler if isinstance(item, StellarError) else item for item in kept]
        padded += [filler] * (GROUP - len(padded))
        yield from estimator.estimate_many(padded, seed=settings.seed, batch=GROUP)
        return
    for item in kept:
        if isinstance(item, StellarError):
            yield item
            continue
        try:
            yield estimator.estimate(item, samples=settings.samples, seed=settings.seed)
        except StellarError as error:
            yield error


def _prepare(spectrum: Spectrum | StellarError, estimator: Estimator) -> KeptSpectrum | StellarError:
    if isinstance(spectrum, (StellarError, KeptSpectrum)):
        return spectrum
    try:
        own = {field.name: getattr(spectrum, field.name) for field in fields(Spectrum)}
        return KeptSpectrum(**own, prepared=estimator.prepare(spectrum))
    except StellarError as error:
        return error


def _row(number: int, one: InputSpectrum, found: Result | StellarError, sha256: str) -> dict[str, object]:
    """Return a row of `schema`; a row without a result has identity and SSPP parameters too."""
    row: dict[str, object] = {"row": number}
    if isinstance(one.spectrum, Spectrum):
        row |= spectrum_values(one.spectrum)
    row |= {"error": printable(str(found))} if isinstance(found, StellarError) else result_values(found, sha256)
    return {**row, "input": printable(one.text)}
