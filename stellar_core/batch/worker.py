"""What a worker does with a portion: spectra in groups of fixed make-up, one row for each.

A network's numbers can depend in their last bits on the spectra that go through it together. So the groups
follow from the row numbers alone, every group is filled up to the same size, and each process uses one thread:
an answer is the same to the bit in whatever chunk and on whichever of several like processors it is made.
"""

from __future__ import annotations

import ctypes
import io
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from functools import lru_cache
from itertools import islice

from stellar_core.batch.chunks import Entry, Portion
from stellar_core.batch.columns import SSPP, schema
from stellar_core.errors import ModelError, StellarError
from stellar_core.inference.estimator import Estimator
from stellar_core.inference.isochrone import IsochroneEstimator
from stellar_core.inference.result import Result
from stellar_core.preprocessing.spectra import KeptSpectrum
from stellar_core.quantities import UNITS
from stellar_core.network.retries import TransientError
from stellar_core.spectrum import Spectrum
from stellar_core.stages import STAGES

#: Spectra that go through the network together.
GROUP = 32


@dataclass(frozen=True)
class Settings:
    """How every star of a batch is answered.

    Attributes
    ----------
    model : str
        Name in ``trained/``.
    sha256 : str
        Of its weights: a worker with others refuses.
    samples : int
        Passes of MC dropout, of models that need them.
    seed : int
    """

    model: str
    sha256: str
    samples: int
    seed: int


@dataclass(frozen=True)
class Work:
    """A chunk: its number, the number of its first row (a multiple of `GROUP`), its inputs, and how to answer."""

    number: int
    first: int
    portion: Portion
    settings: Settings


@dataclass(frozen=True)
class Answered:
    """A chunk that is done: rows as Parquet, and the first failure that may pass, if there was one."""

    number: int
    rows: int
    data: bytes
    passing: str


def answer(work: Work) -> Answered:
    """Answer all stars of a chunk.

    Raises
    ------
    ModelError
        If the model here is another than the batch was begun with.
    """
    import torch

    torch.set_num_threads(1)
    found = answer_by(_load(work.settings.model, work.settings.sha256), work)
    _give_back_memory()
    return found


def _give_back_memory() -> None:
    """What has been freed goes back to the system, where the C library can do that; else a worker grows with every chunk."""
    if sys.platform == "linux" and hasattr(libc := ctypes.CDLL(None), "malloc_trim"):
        libc.malloc_trim(0)


def answer_by(estimator: Estimator, work: Work) -> Answered:
    """As `answer`, by an estimator that is at hand and with the threads that there are."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows: list[dict[str, object]] = []
    passing = ""
    entries = work.portion.read()
    while group := list(islice(entries, GROUP)):
        for entry, found in zip(group, _answer_group(group, estimator, work.settings), strict=True):
            rows.append(_row(work.first + len(rows), entry, found))
            if isinstance(found, TransientError):
                passing = passing or str(found)
    out = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows, schema()), out, compression="zstd")
    return Answered(work.number, len(rows), out.getvalue(), passing)


@lru_cache(maxsize=1)
def _load(model: str, sha256: str) -> Estimator:
    estimator = Estimator.load(model)
    if estimator.card["sha256"] != sha256:
        raise ModelError(
            f"The model {model} is another than the one that the batch was begun with.",
            value=model,
            remedy="Give all workers the same weights, or begin anew with another --out.",
        )
    return estimator


def _answer_group(group: Sequence[Entry], estimator: Estimator, settings: Settings) -> Iterator[Result | StellarError]:
    """A result or an error for each of at most `GROUP` entries, in order."""
    kept = [_prepare(entry.found, estimator) for entry in group]
    good = [item for item in kept if not isinstance(item, StellarError)]
    results = iter(_estimate(good[0], kept, estimator, settings) if good else ())
    for item in kept:
        result = next(results, None)
        yield item if isinstance(item, StellarError) else result


def _estimate(
    filler: KeptSpectrum, kept: Sequence[KeptSpectrum | StellarError], estimator: Estimator, settings: Settings
) -> Iterator[Result | StellarError]:
    """A result for every place of the group; places without a spectrum hold ``filler``'s, which no one uses."""
    if isinstance(estimator, IsochroneEstimator):
        places = [filler if isinstance(item, StellarError) else item for item in kept]
        places += [filler] * (GROUP - len(places))
        yield from estimator.estimate_many(places, seed=settings.seed, batch=GROUP)
        return
    for item in kept:
        if isinstance(item, StellarError):
            yield item
            continue
        try:
            yield estimator.estimate(item, samples=settings.samples, seed=settings.seed)
        except StellarError as error:
            yield error


def _prepare(found: Spectrum | StellarError, estimator: Estimator) -> KeptSpectrum | StellarError:
    if isinstance(found, (StellarError, KeptSpectrum)):
        return found
    try:
        own = {field.name: getattr(found, field.name) for field in fields(Spectrum)}
        return KeptSpectrum(**own, prepared=estimator.prepare(found))
    except StellarError as error:
        return error


def _printable(text: str) -> str:
    return "".join(letter if letter.isprintable() else "\ufffd" for letter in text)


def _row(number: int, entry: Entry, found: Result | StellarError) -> dict[str, object]:
    """A row of `schema`; SDSS's own parameters come from the spectrum's metadata, whatever became of it."""
    row: dict[str, object] = {"row": number, "input": _printable(entry.text)}
    if isinstance(entry.found, Spectrum):
        meta = entry.found.meta
        specobjid = str(meta.get("specobjid") or "") or None
        row |= {"star": _printable(entry.found.name), "source": entry.found.source, "specobjid": specobjid}
        row |= {
            name: meta.get(name)
            for name in ("plate", "mjd", "fiber", "ra", "dec", *(f"sspp_{part}" for part in (*SSPP, "flag")))
        }
    if isinstance(found, StellarError):
        return {**row, "error": _printable(str(found))}
    for name in UNITS:
        row |= {f"{name}_{part}": value for part, value in getattr(found, name).to_dict().items()}
    row |= {f"p_{name.replace(' ', '_')}": found.stage[name] for name in STAGES}
    row |= {
        "stage": found.most_likely_stage,
        "in_domain": found.verdict.in_domain,
        "messages": " ".join(found.verdict.messages),
    }
    names = ("snr", "coverage", "redshift", "redshift_source", "photometry", "feature_distance", "misfit")
    return {**row, **{name: found.quality[name] for name in names}}
