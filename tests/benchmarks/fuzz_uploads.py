"""Thousands of damaged files of every format, read in the sandbox: failures, time and memory.

``python -m tests.benchmarks.fuzz_uploads --per-format 5000``. Exits with status 1 if a file gives anything but a
spectrum or an error of one sentence, or takes longer than a file may. ``--direct`` calls the readers without the
sandbox and shows the first tracebacks; ``--format fits --only 17`` reads one file again; ``--keep FOLDER`` writes the
files that failed.
"""

from __future__ import annotations

import argparse
import gzip
import io
import os
import random
import signal
import sys
import time
import traceback
import zipfile
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = "1"

import numpy as np

from stellar_core import sandbox
from stellar_core.batch.uploads import ArchiveInputs, inputs_from_file
from stellar_core.datasets.labelled_table import read_star_table
from stellar_core.errors import StellarError
from stellar_core.sandbox import SECONDS
from stellar_core.sandbox.rehearsal import _stars
from stellar_core.sdss.readers import read_spectrum

#: What numbers become.
NUMBERS = (
    b"-1",
    b"0",
    b"1",
    b"999999999999",
    b"2147483648",
    b"4294967295",
    b"1e308",
    b"nan",
    b"1" * 400,
    b"-9223372036854775808",
)
#: What is put into texts.
TOKENS = (
    b"(",
    b"[",
    b"{",
    b"<",
    b"&",
    b"*",
    b'"',
    b"'",
    b"\0",
    b"\n",
    b",",
    b" " * 300,
    b"\xff\xfe",
    b"#",
    b"%",
    b"- &a [*a]",
    b"<!DOCTYPE x>",
    b"href='file:///etc/passwd'",
)


def base_files() -> dict[str, list[tuple[str, str, bytes]]]:
    """Good files by format: how each is sent (as a spectrum, a list or a labelled table), its name and content."""
    from astropy import units as u
    from astropy.table import Table

    from stellar_core.mock.survey import MockSurvey

    survey = MockSurvey()
    stars = survey.star_ids(16000)[:30]
    seen = survey.spectrum(stars[0])
    few = slice(None, None, 12)
    table = Table({"loglam": np.log10(seen.wavelength[few]), "flux": seen.flux[few], "ivar": seen.ivar[few]})
    row = Table(
        {
            "PLATE": [16000],
            "MJD": [stars[0].mjd],
            "FIBERID": [stars[0].fiber],
            "RUN2D": ["v5_13_2"],
            "Z": [1e-4],
            "PSFFLUX": [[9.0] * 5],
        }
    )
    names = Table(
        {
            "specObjID": [star.specobjid for star in stars],
            "plate": [s.plate for s in stars],
            "mjd": [s.mjd for s in stars],
            "fiber": [s.fiber for s in stars],
        }
    )
    places = Table(
        {"name": [s.name for s in stars], "ra": np.linspace(2, 6, 30) * u.rad, "dec": np.linspace(-9, 9, 30) * u.deg}
    )
    texts = [
        f"{w:.2f},{f:.4g},{max(i, 1e-9) ** -0.5:.4g}"
        for w, f, i in zip(seen.wavelength[few], seen.flux[few], seen.ivar[few])
    ]
    csv = ("# z = 0.0001\n# in vacuum\nwavelength (A),flux,error\n" + "\n".join(texts)).encode()
    ascii_ = "\n".join(texts).replace(",", "  ").encode()
    binary = [
        ("inputs", f"{kind}.xml", _votable(one, kind))
        for one in (names, places)
        for kind in ("tabledata", "binary", "binary2")
    ]
    fits = _fits(table, row)
    image = _image(seen.flux[few])
    return {
        "fits": [
            ("spectrum", "a.fits", fits),
            ("spectrum", "image.fits", image),
            *(("inputs", "l.fits", _fits(one)) for one in (names, places)),
        ],
        "text": [
            ("spectrum", "a.csv", csv),
            ("spectrum", "b.txt", ascii_),
            ("inputs", "l.csv", _csv(names)),
            ("stars", "t.csv", _stars()),
            ("pasted", "l.txt", "\n".join(star.name for star in stars).encode()),
        ],
        "ecsv": [("spectrum", "a.ecsv", _ecsv(table)), *(("inputs", "l.ecsv", _ecsv(one)) for one in (names, places))],
        "votable": binary,
        "parquet": [
            ("inputs", f"{kind}.parquet", _parquet(one, kind))
            for one in (names, places)
            for kind in ("none", "snappy", "zstd", "gzip")
        ],
        "zip": [
            ("inputs", "a.zip", _zip({"a.fits": fits, "b.csv": csv, "c/d.fits.gz": gzip.compress(image)}, kind))
            for kind in (0, 8, 12, 14)
        ],
        "gzip": [("spectrum", "a.fits.gz", gzip.compress(fits)), ("spectrum", "a.csv.gz", gzip.compress(csv))],
    }


def _fits(*tables: object) -> bytes:
    from astropy.io import fits

    out = io.BytesIO()
    fits.HDUList([fits.PrimaryHDU(), *map(fits.table_to_hdu, tables)]).writeto(out)
    return out.getvalue()


def _ecsv(table: object) -> bytes:
    out = io.StringIO()
    table.write(out, format="ascii.ecsv")
    return out.getvalue().encode()


def _votable(table: object, kind: str) -> bytes:
    out = io.BytesIO()
    table.write(out, format="votable", tabledata_format=kind)
    return out.getvalue()


def _parquet(table: object, compression: str) -> bytes:
    import pyarrow as pa
    import pyarrow.parquet as pq

    fields = [
        pa.field(name, pa.array(list(np.asarray(table[name]))).type, metadata={"unit": str(table[name].unit or "")})
        for name in table.colnames
    ]
    out = io.BytesIO()
    columns = [pa.array(list(np.asarray(table[name]))) for name in table.colnames]
    pq.write_table(pa.Table.from_arrays(columns, schema=pa.schema(fields)), out, compression=compression)
    return out.getvalue()


def _csv(table: object) -> bytes:
    return "\n".join([",".join(table.colnames), *(",".join(map(str, row)) for row in table)]).encode()


def _image(flux: np.ndarray) -> bytes:
    from astropy.io import fits

    unit = fits.PrimaryHDU(flux.astype(np.float32))
    unit.header.update(CRVAL1=3900.0, CDELT1=12.0, CRPIX1=1, CTYPE1="WAVE", CUNIT1="Angstrom")
    out = io.BytesIO()
    unit.writeto(out)
    return out.getvalue()


def _zip(members: dict[str, bytes], method: int) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as file:
        for name, data in members.items():
            file.writestr(name, data)
    return out.getvalue()


def mutate(kind: str, data: bytes, rng: random.Random) -> bytes:
    """``data`` with one to four faults; gzip is sometimes packed again around a faulty inside."""
    if kind == "gzip" and rng.random() < 0.6:
        return gzip.compress(mutate("fits" if rng.random() < 0.5 else "text", gzip.decompress(data), rng), 1)
    out = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 4))):
        if out:
            rng.choice(FAULTS)(out, rng)
    return bytes(out[:2_000_000])


def _flip(data: bytearray, rng: random.Random) -> None:
    for _ in range(rng.choice((1, 3, 30))):
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)


def _flip_early(data: bytearray, rng: random.Random) -> None:
    """Where headers are."""
    for _ in range(rng.choice((1, 3))):
        data[rng.randrange(min(len(data), 600))] = rng.randrange(256)


def _flip_late(data: bytearray, rng: random.Random) -> None:
    """Where the footers of Parquet and zip are."""
    for _ in range(rng.choice((1, 3))):
        data[-1 - rng.randrange(min(len(data), 600))] = rng.randrange(256)


def _cut(data: bytearray, rng: random.Random) -> None:
    del data[rng.randrange(len(data)) :]


def _delete(data: bytearray, rng: random.Random) -> None:
    start = rng.randrange(len(data))
    del data[start : start + rng.choice((1, 4, 80, 2880))]


def _repeat(data: bytearray, rng: random.Random) -> None:
    start, size = rng.randrange(len(data)), rng.choice((1, 8, 80, 2880))
    data[start:start] = data[start : start + size] * rng.choice((1, 2, 20, 100))


def _insert(data: bytearray, rng: random.Random) -> None:
    start = rng.randrange(len(data) if rng.random() < 0.5 else min(len(data), 600))
    data[start:start] = rng.choice(TOKENS) * rng.choice((1, 2, 50, 3000))


def _number(data: bytearray, rng: random.Random) -> None:
    """Another number in the place of one, among the first or anywhere."""
    start = rng.randrange(len(data) if rng.random() < 0.4 else min(len(data), 3000))
    while start < len(data) and not 48 <= data[start] < 58:
        start += 1
    end = start
    while end < len(data) and 48 <= data[end] < 58:
        end += 1
    new = rng.choice(NUMBERS)
    if end > start:
        data[start : max(end, start + len(new) if rng.random() < 0.5 else end)] = new


def _card(data: bytearray, rng: random.Random) -> None:
    """Another value in a card of a FITS header; elsewhere another line in the place of one."""
    cards = (
        [k for k in range(0, min(len(data), 30_000), 80) if data[k + 8 : k + 10] == b"= "]
        if data.startswith(b"SIMPLE")
        else []
    )
    if cards:
        start = rng.choice(cards)
        value = rng.choice(
            (*NUMBERS[:8], b"'1PD(99999)'", b"'PE'", b"'999999999D'", b"'(1,2,3)'", b"T", b"''", b"'" + b"x" * 60)
        )
        data[start + 10 : start + 80] = value.rjust(20)[:70].ljust(70)
        return
    lines = bytes(data[:50_000]).split(b"\n")
    one, other = rng.randrange(len(lines)), rng.randrange(len(lines))
    lines[one] = lines[other] * rng.choice((1, 2, 20))
    data[:50_000] = b"\n".join(lines)


def _word(data: bytearray, rng: random.Random) -> None:
    """Four bytes as a large number of either order."""
    start = rng.randrange(len(data))
    data[start : start + 4] = rng.choice(
        (b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"\xff\xff\xff\x7f", b"\0\0\0\x80", b"\0\0\0\0")
    )


FAULTS: tuple[Callable[[bytearray, random.Random], None], ...] = (
    *(_flip, _flip_early, _flip_late, _cut, _delete, _repeat, _insert, _number, _number, _card, _card, _word),
)


@dataclass
class Tally:
    """What became of the files of a format."""

    outcomes: Counter = field(default_factory=Counter)
    slowest: float = 0.0
    broken: list[tuple[int, str]] = field(default_factory=list)


def through_the_door(how: str, name: str, data: bytes) -> str:
    """good, sentence, time, memory or broken: what a file becomes in the sandbox."""
    words: list[str] = []
    try:
        if how == "spectrum":
            sandbox.read_spectrum(data, name)
        elif how == "stars":
            sandbox.read_star_table(data)
        elif how == "pasted":
            sandbox.read_pasted(data.decode("utf-8", "replace"))
        else:
            found = sandbox.read_inputs(name, data)
            if isinstance(found, sandbox.Archive):
                words = [
                    str(entry.spectrum)
                    for entry in found.chunk(range(min(len(found), 20))).read()
                    if isinstance(entry.spectrum, StellarError)
                ]
    except StellarError as error:
        words = [str(error)]
    kinds = [kind for kind, sentence in sandbox._LOST.items() if sentence in words]
    return {"end": "broken", "start": "broken"}.get(kinds[0], kinds[0]) if kinds else "sentence" if words else "good"


class _TooLong(BaseException):
    """The alarm went off; not to be caught by a reader."""


def directly(how: str, name: str, data: bytes) -> str:
    """As `through_the_door`, of the readers themselves; raises whatever they do."""
    try:
        if how == "spectrum":
            read_spectrum(data, name)
        elif how == "stars":
            read_star_table(data)
        else:
            found = inputs_from_file(name, data)
            if isinstance(found, ArchiveInputs):
                for entry in found.chunk(range(min(len(found), 20))).read():
                    if isinstance(entry.spectrum, StellarError):
                        return "sentence"
    except StellarError as error:
        if "\n" in str(error) or len(str(error)) > 1500:
            raise AssertionError(f"no sentence: {str(error)[:200]!r}") from None
        return "sentence"
    return "good"


def guarded(how: str, name: str, data: bytes) -> tuple[str, str]:
    """What `directly` gives, or broken and the traceback."""

    def ring(*_) -> None:
        raise _TooLong

    signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, SECONDS)
    try:
        return directly(how, name, data), ""
    except _TooLong:
        return "time", "".join(traceback.format_exc().splitlines(True)[-6:])
    except MemoryError:
        return "memory", ""
    except Exception:  # noqa: BLE001  what is looked for here
        return "broken", traceback.format_exc()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def parser_memory() -> dict[int, int]:
    """Peak memory of each parser, bytes, by process id; empty where the system does not report it."""
    peaks = {}
    for pid in sandbox.parsers().processes():
        try:
            lines = Path(f"/proc/{pid}/status").read_text().splitlines()
        except OSError:
            continue
        for line in lines:
            if line.startswith("VmHWM"):
                peaks[pid] = int(line.split()[1]) * 1024
    return peaks


def main() -> int:
    """Print a line per format; the status says whether anything broke."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--per-format", type=int, default=5000)
    parser.add_argument("--format", action="append", help="Only these.")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", type=int, help="Only the file of this number.")
    parser.add_argument("--direct", action="store_true", help="Call the readers without the sandbox.")
    parser.add_argument("--keep", type=Path, help="Folder for the files that broke something.")
    options = parser.parse_args()
    if options.direct:
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (4_000_000_000, 4_000_000_000))
    else:
        sandbox.warm()
    failed, peak = False, 0
    sys.stdout.write(
        f"{'format':8} {'files':>6} {'good':>6} {'sentences':>9} {'memory':>6} {'time':>5} {'broken':>6} "
        f"{'slowest':>8} {'files/s':>8} {'peak MB':>8}\n"
    )
    for kind, bases in base_files().items():
        if options.format and kind not in options.format:
            continue
        tally, began = Tally(), time.perf_counter()

        def one(number: int, kind: str = kind, bases: list = bases, tally: Tally = tally) -> None:
            nonlocal peak
            rng = random.Random(f"{options.seed} {kind} {number}")
            how, name, data = rng.choice(bases)
            data = mutate(kind, data, rng)
            start = time.perf_counter()
            outcome, why = guarded(how, name, data) if options.direct else (through_the_door(how, name, data), "")
            tally.slowest = max(tally.slowest, time.perf_counter() - start)
            tally.outcomes[outcome] += 1
            if outcome in ("broken", "time", "memory"):
                tally.broken.append((number, f"{outcome}: {how} {name}, {len(data)} bytes. {why}"))
                if options.keep:
                    options.keep.mkdir(parents=True, exist_ok=True)
                    (options.keep / f"{kind}-{number}-{name}").write_bytes(data)
            if not options.direct and number % 20 == 0:
                peak = max(peak, *parser_memory().values(), 0)

        numbers = range(options.per_format) if options.only is None else [options.only]
        with ThreadPoolExecutor(1 if options.direct else 4) as threads:
            if options.direct:
                for number in numbers:
                    one(number)
            else:
                for _ in threads.map(one, numbers):
                    pass
        spent, counts = time.perf_counter() - began, tally.outcomes
        if options.direct:
            import resource

            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        sys.stdout.write(
            f"{kind:8} {sum(counts.values()):6} {counts['good']:6} {counts['sentence']:9} "
            f"{counts['memory']:6} {counts['time']:5} {counts['broken']:6} "
            f"{tally.slowest:7.2f}s {len(numbers) / spent:8.0f} {peak / 1e6:8.0f}\n"
        )
        for number, why in tally.broken[:10]:
            sys.stdout.write(f"  file {number}: {why}\n")
        sys.stdout.flush()
        failed |= bool(counts["broken"] or counts["time"])
    return int(failed)


if __name__ == "__main__":
    raise SystemExit(main())
