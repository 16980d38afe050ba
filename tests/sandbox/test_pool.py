"""Uploads are parsed in confined processes: the limits hold, replies are correct, one bad file harms no other."""

from __future__ import annotations

import json
import os
import socket
import struct
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from stellar_core import sandbox
from stellar_core.batch import uploads
from stellar_core.datasets.labelled_table import read_star_table
from stellar_core.errors import ParameterError, SpectrumError, StellarError
from stellar_core.sandbox import frames
from stellar_core.sandbox.pool import Parser, ParserFailure, Pool
from stellar_core.sandbox.rehearsal import _lists, _spectra, _stars, _texts
from stellar_core.sdss.readers import read_spectrum
from tests import hostile

GOOD = b"wavelength,flux\n" + b"".join(b"%d,%d\n" % (w, 5 + w % 3) for w in range(3900, 4200))


@pytest.fixture(scope="module")
def curious():
    """A pool of hostile parsers."""
    os.environ["STELLAR_CASJOBS_TOKEN"] = "secret"
    pool = Pool(parsers=1, make=partial(Parser, "tests.curious_parser"))
    yield pool
    del os.environ["STELLAR_CASJOBS_TOKEN"]
    pool.close()


@pytest.fixture
def listener():
    """A port of this machine, and the connections to it."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        server.settimeout(0.2)
        came: list[object] = []
        done = threading.Event()

        def listen() -> None:
            while not done.is_set():
                try:
                    came.append(server.accept())
                except TimeoutError:
                    pass

        thread = threading.Thread(target=listen)
        thread.start()
        yield server.getsockname()[1], came
        time.sleep(0.3)
        done.set()
        thread.join()


def ask(pool: Pool, what: str, seconds: float = 8.0, **options: object) -> dict:
    return pool.ask({"read": what, "options": options, "seconds": seconds}, b"", seconds)[0]


def same(one, other) -> bool:
    arrays = all(np.array_equal(getattr(one, name), getattr(other, name)) for name in ("wavelength", "flux", "ivar"))
    models = one.model is None and other.model is None or np.array_equal(one.model, other.model, equal_nan=True)
    photometry = (one.photometry is None) == (other.photometry is None)
    if one.photometry is not None and other.photometry is not None:
        names = ("psf_mag", "psf_mag_err", "extinction", "model_mag")
        photometry = one.photometry.source == other.photometry.source and all(
            np.array_equal(getattr(one.photometry, name), getattr(other.photometry, name), equal_nan=True)
            for name in names
        )
    plain = ("redshift", "name", "source", "has_errors", "notes")
    kinds = {key: type(value) for key, value in one.meta.items()} == {
        key: type(value) for key, value in other.meta.items()
    }
    return (
        arrays
        and models
        and photometry
        and kinds
        and one.meta == other.meta
        and all(getattr(one, n) == getattr(other, n) for n in plain)
    )


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_a_hostile_parser_cannot_open_or_reach_anything(curious, listener, tmp_path):
    port, came = listener
    (tmp_path / "secret").write_text("do not tell")
    for what, options in (
        ("open", {"path": str(tmp_path / "secret")}),
        ("open", {"path": "/etc/passwd"}),
        ("write", {"path": str(tmp_path / "new")}),
        ("listing", {}),
        ("connect", {"port": port}),
        ("look_up", {}),
        ("fork", {}),
        ("spawn", {}),
        ("execute", {}),
        ("thread", {}),
        ("raise_limits", {}),
        ("kill", {"pid": os.getpid()}),
    ):
        answer = ask(curious, what, **options)
        assert answer.get("error") == "ParameterError" and "refused" in answer["sentence"], (what, answer)
    assert not came and not (tmp_path / "new").exists()
    names = ask(curious, "secrets")["names"]
    assert "PATH" in names and not [name for name in names if name.startswith("STELLAR")]


@pytest.mark.slow
def test_a_parser_that_crashes_or_hangs_is_replaced_for_the_next_file(curious, monkeypatch):
    monkeypatch.setattr(sandbox, "parsers", lambda: curious)
    for what, why in (
        ("loop", "time"),
        ("sleep", "time"),
        ("crash", "end"),
        ("uncaught", "end"),
        ("recurse", "end"),
        ("flood", "end"),
    ):
        began = time.monotonic()
        with pytest.raises(ParserFailure, match=why):
            ask(curious, what, seconds=0.7)
        assert time.monotonic() - began < 20
        assert sandbox.read_spectrum(GOOD, "a.csv").wavelength.size == 300, what
    assert ask(curious, "allocate", size=2_000_000_000)["lost"] == "memory"
    assert ask(curious, "allocate", size=1_000_000)["size"] == 1_000_000


@pytest.mark.parametrize(
    "answer",
    [
        b"\0" * 12,
        b"\xff" * 12,
        b"",
        struct.pack("!IQ", 2, 0) + b"[]",
        struct.pack("!IQ", 900_000, 0) + b"[" * 900_000,
        struct.pack("!IQ", 5000, 0) + b"1" * 5000,
        struct.pack("!IQ", 4, 0) + b"\xff\xfe\xfd\xfc",
    ],
)
def test_an_invalid_frame_is_refused(tmp_path, answer):
    path = tmp_path / "answer"
    path.write_bytes(answer)
    with path.open("rb") as file, pytest.raises((frames.FrameError, EOFError)):
        values, body = frames.read(file)
        frames.unpack(values.get("arrays"), body)


@pytest.mark.parametrize(
    "shapes",
    [
        None,
        [],
        {"a": "x"},
        {"a": ["|O", 1]},
        {"a": ["<f8", -1]},
        {"a": ["<f8", 2]},
        {"a": ["<f8", 10**30]},
        {"a": ["<f8", True]},
        {},
    ],
)
def test_arrays_must_fit_their_bytes(shapes):
    with pytest.raises(frames.FrameError):
        frames.unpack(shapes, bytes(8))


def test_any_text_is_packed_and_unpacked_unchanged():
    texts = ["", "a\nb", "\0", "é\ud800", "x" * 2000]
    arrays = frames.unpack(*frames.pack(frames.pack_texts(texts)))
    assert frames.unpack_texts(arrays, 5) == texts
    with pytest.raises(frames.FrameError):
        frames.unpack_texts(arrays, 4)
    for lengths in ([-1, 2003], [2**62, 2**62], [1]):
        with pytest.raises(frames.FrameError):
            frames.unpack_texts({**arrays, "lengths": np.array(lengths)}, 5)


SPECTRUM = {"redshift": None, "name": "a", "source": "upload", "has_errors": True, "meta": {}, "notes": []}
ARRAYS = {"wavelength": list(map(float, range(4000, 4100))), "flux": [1.0] * 100, "ivar": [1.0] * 100}


@pytest.mark.parametrize(
    "change",
    [
        {"source": "sdss"},
        {"name": ["a"]},
        {"name": "a" * 5000},
        {"redshift": {}},
        {"meta": []},
        {"meta": {"a": [1]}},
        {"notes": [["a"]]},
        {"notes": "ab", "meta": 1},
        {"more": 1},
        {"photometry": "x"},
        {"photometry": 5},
    ],
)
def test_an_invalid_spectrum_of_a_parser_is_refused(change):
    values, arrays = {**SPECTRUM, **change}, {name: np.array(array) for name, array in ARRAYS.items()}
    assert same(sandbox._spectrum({"spectrum": SPECTRUM}, arrays), sandbox._spectrum({"spectrum": SPECTRUM}, arrays))
    with pytest.raises(SpectrumError):
        sandbox._spectrum({"spectrum": values}, arrays)
    with pytest.raises(SpectrumError):
        sandbox._spectrum({"spectrum": SPECTRUM}, {**arrays, "flux": arrays["flux"][:5]})


@pytest.mark.slow
def test_every_good_file_gives_the_same_spectrum_in_the_sandbox(shared_data):
    paths = [*sorted((shared_data / "sdss").glob("*.fits*")), *sorted((shared_data / "lamost").glob("*.fits*"))]
    assert len(paths) > 100
    for path in paths:
        data = path.read_bytes()
        try:
            expected = read_spectrum(data, path.name)
        except StellarError as error:
            with pytest.raises(type(error)) as caught:
                sandbox.read_spectrum(data, path.name)
            assert str(caught.value) == str(error)
            continue
        assert same(sandbox.read_spectrum(data, path.name), expected), path.name


@pytest.mark.slow
def test_every_format_and_every_error_is_the_same_in_the_sandbox():
    files = {
        **_spectra(),
        **_texts(),
        **_lists(),
        "empty": b"",
        "text": b"no spectrum",
        "cut.fits": _spectra()["a.fits"][:4000],
        "a.csv": GOOD,
    }
    for name, data in files.items():
        for inside, outside in (
            (lambda: read_spectrum(data, name), lambda: sandbox.read_spectrum(data, name)),
            (lambda: uploads.inputs_from_file(name, data), lambda: sandbox.read_inputs(name, data)),
        ):
            try:
                expected = inside()
            except StellarError as error:
                with pytest.raises(type(error)) as caught:
                    outside()
                assert str(caught.value) == str(error), name
            else:
                assert same(expected, outside()) if hasattr(expected, "flux") else expected == outside(), name
    text = "266-51602-31, 266-51602-32\n147.32107 -0.00657\nnonsense here\n"
    assert sandbox.read_pasted(text) == uploads.inputs_from_text(text)
    pd.testing.assert_frame_equal(sandbox.read_star_table(_stars()), read_star_table(_stars()))
    with pytest.raises(ParameterError, match="lacks star"):
        sandbox.read_star_table(b"a,b\n1,2\n")
    options = {"wavelength_unit": "nm", "medium": "air", "columns": {"flux": 1, "wavelength": "wavelength"}}
    data = GOOD.replace(b"\n", b"0\n").replace(b"flux0", b"flux")
    assert same(sandbox.read_spectrum(data, **options), read_spectrum(data, **options))


def test_members_of_an_archive_are_read_one_by_one(monkeypatch):
    monkeypatch.setattr(sandbox, "SECONDS", 2.0)
    data = hostile.archive_of(
        {
            "1.csv": GOOD,
            "2.csv": hostile.title_of_brackets(2_000_000),
            "../3.csv": GOOD,
            "4.fits": hostile.backward_size(),
            "5.csv": GOOD,
        }
    )
    archive = sandbox.read_inputs("a.zip", data)
    found = list(archive.chunk(range(len(archive))).read())
    assert same(found[0].spectrum, read_spectrum(GOOD, "1.csv"))
    assert same(found[4].spectrum, read_spectrum(GOOD, "5.csv"))
    for entry in found[1:4]:
        assert isinstance(entry.spectrum, SpectrumError) and "\n" not in str(entry.spectrum)
    assert "leads out" in str(found[2].spectrum) and "negative" in str(found[3].spectrum)
    assert [entry.text for entry in archive.chunk(range(4, 5)).read()] == ["5.csv"]


def test_two_archives_are_not_confused(curious, monkeypatch):
    monkeypatch.setattr(sandbox, "parsers", lambda: curious)
    members = [
        {f"{which}{k}.csv": GOOD.replace(b"3900,", b"%d," % (first + k)) for k in range(3)}
        for which, first in (("a", 3700), ("b", 3800))
    ]
    one, other = (sandbox.read_inputs("x.zip", hostile.archive_of(files)) for files in members)
    for row in range(3):
        for archive, which, first in ((one, "a", 3700), (other, "b", 3800)):
            ((text, found),) = archive.chunk(range(row, row + 1)).read()
            assert text == f"{which}{row}.csv" and found.wavelength[0] == first + row
            assert isinstance(sandbox.read_inputs("c.csv", b"plate,mjd,fiber\n266,51602,31\n").texts, tuple)


def test_an_archive_whose_files_crash_the_parser_is_skipped(curious, monkeypatch):
    data = hostile.archive_of({f"{k}.csv": GOOD for k in range(8)})
    archive = sandbox.Archive("a.zip", data, 8, "key")

    class Broken:
        asked = 0

        def ask(self, *_):
            self.asked += 1
            raise ParserFailure("end")

    monkeypatch.setattr(sandbox, "parsers", lambda pool=Broken(): pool)
    found = [str(entry.spectrum) for entry in archive.chunk(range(8)).read()]
    assert (
        sandbox.parsers().asked == sandbox.MOST_LOST
        and ["was skipped" in words for words in found] == [False] * 5 + [True] * 3
    )


@pytest.mark.parametrize("where", ["STREAM", "BINARY", "BINARY2", "FITS", "TABLEDATA"])
@pytest.mark.parametrize("scheme", ["file", "http"])
def test_a_votable_reads_no_file_and_makes_no_connection(where, scheme, listener, tmp_path):
    port, came = listener
    (tmp_path / "secret").write_text("266-51602-31 do-not-tell\n" * 20)
    address = f"file://{tmp_path}/secret" if scheme == "file" else f"http://127.0.0.1:{port}/secret"
    for data in (hostile.votable_href(address, where), hostile.votable_entity(f"{tmp_path}/secret")):
        try:
            texts = sandbox.read_inputs("a.xml", data).texts
        except ParameterError as error:
            texts = (str(error),)
        assert not [text for text in texts if "do-not-tell" in text or "266-51602" in text]
    time.sleep(0.3)
    assert not came


def test_eight_callers_at_once_get_their_own_replies():
    files = [GOOD.replace(b"3900,", b"%d," % (3800 + k)) for k in range(40)]
    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(lambda data: sandbox.read_spectrum(data, "a.csv").wavelength[0], files))
    assert found == [3800 + k for k in range(40)]


def test_too_many_callers_are_one_clear_error():
    class Slow(Parser):
        ready = property(lambda self: True)

        def start(self) -> None: ...

        def ask(self, *_) -> tuple[dict, bytes]:
            time.sleep(0.5)
            return {}, b""

    pool = Pool(parsers=1, waiting=1, make=Slow)

    def ask(_: int) -> str:
        try:
            pool.ask({}, b"", 1.0)
        except ParameterError as error:
            return str(error)
        return ""

    with ThreadPoolExecutor(6) as threads:
        sentences = list(threads.map(ask, range(6)))
    assert sentences.count("") >= 2 and [words for words in sentences if words.startswith("Too many files")]


@pytest.mark.slow
def test_parsers_are_replaced_after_some_files_and_end_with_their_pool():
    pool = Pool(parsers=1, files=2)
    request = {"read": "pasted", "options": {}, "seconds": 8.0}
    pids = []
    for _ in range(4):
        pool.ask(request, b"266-51602-31", 8.0)
        pids += pool.processes()
    assert len(set(pids)) >= 2
    deadline = time.monotonic() + 30
    while not pool.processes() and time.monotonic() < deadline:
        time.sleep(0.05)
    (pid,) = pool.processes()
    os.kill(pid, 9)
    time.sleep(0.1)
    assert pool.ask(request, b"266-51602-31", 8.0)[0].get("error") is None
    (last,) = pool.processes()
    pool.close()
    assert not [one for one in {*pids, last} if alive(one)], "a zombie, or a process that goes on"


@pytest.mark.slow
def test_parsers_end_with_the_server(tmp_path):
    import subprocess
    import sys

    code = (
        "import os, json; from stellar_core import sandbox; sandbox.read_pasted('266-51602-31'); "
        "print(json.dumps(sandbox.parsers().processes()), flush=True); os._exit(9)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=Path(__file__).resolve().parents[2],
        capture_output=True,
        text=True,
        timeout=60,
    )
    pids = json.loads(done.stdout)
    deadline = time.monotonic() + 10
    while any(map(alive, pids)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert pids and not any(map(alive, pids))
