"""What visitors give: lists and archives, honest and hostile; one sentence for a row, and nothing on disk."""

from __future__ import annotations

import io
import struct
import zipfile

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from stellar_core.batch import uploads
from stellar_core.batch.uploads import ArchiveInputs, TypedInputs, inputs_from_file, inputs_from_text
from stellar_core.errors import ParameterError, StellarError
from stellar_core.mock.spectrum_writer import write_spec_lite
from stellar_core.mock.survey import MockSurvey
from stellar_core.network.retries import UnreachableError
from stellar_core.sdss.skyserver import SkyServer
from stellar_core.sdss.spectrum_files import SpectrumFiles


def archive(members: dict[str, bytes], **options) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, **options) as file:
        for name, data in members.items():
            file.writestr(name, data)
    return out.getvalue()


def entries(inputs) -> list:
    return list(inputs.chunk(range(len(inputs))).read())


@pytest.fixture(scope="module")
def spectrum(tmp_path_factory) -> bytes:
    survey = MockSurvey()
    folder = tmp_path_factory.mktemp("spectrum")
    return write_spec_lite(survey.spectrum(survey.star_ids(16000)[0]), folder / "spec.fits").read_bytes()


def test_a_text_gives_a_row_for_each_identifier_in_any_layout():
    text = (
        "# mine\n4565636362342690816, 266-51602-31\n\n266 51602 31\n147.32107 -0.00657\n"
        "spec-0266-51602-0031.fits\nnonsense here\n"
    )
    assert inputs_from_text(text).texts == (
        *(
            "4565636362342690816",
            "266-51602-31",
            "266 51602 31",
            "147.32107 -0.00657",
            "spec-0266-51602-0031.fits",
            "nonsense here",
        ),
    )


def test_lists_of_every_format_keep_all_digits():
    ids = ["4565636362342690816", "18014398823905122304"]
    table = io.BytesIO()
    pq.write_table(pa.table({"z": [0.0, 1.0], "specObjID": pa.array(map(int, ids), pa.uint64())}), table)
    lists = {
        "a.csv": b"z,specObjID\n1," + ids[0].encode() + b"\n2," + ids[1].encode(),
        "b.txt": "\n".join(ids).encode(),
    }
    for name, data in {
        **lists,
        "c.csv": b"\xef\xbb\xbfspecobjid\r\n" + "\r\n".join(ids).encode(),
        "d": table.getvalue(),
    }.items():
        assert inputs_from_file(name, data).texts == tuple(ids), name


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "is empty"),
        (b"# nothing\n", "no identifier"),
        (b"\xff\xfe\x00binary", "not text"),
        (b"PAR1 no", "Parquet"),
        (b"SIMPLE  =", "single spectrum"),
        (b"PK\x03\x04 cut", "damaged or truncated"),
        (archive({}), "is empty"),
        (archive({"folder/": b"", "__MACOSX/a": b"x", "b/.DS_Store": b"x"}), "is empty"),
        (b"1-52000-1\n" * 501, "command line"),
        (archive({f"{k}.fits": b"" for k in range(501)}), "501 files"),
        (b"PK\x03\x04" + b"PK\x01\x02" * 10_001, "more than 10,000 files"),
        (b"x" * 5_000_001, "too many for a list"),
        (b"a,specObjID\n1," + b"9" * 200_000 + b"\n", "cannot be read"),
    ],
)
def test_other_files_give_a_one_sentence_error(data, words):
    with pytest.raises(ParameterError, match=words) as caught:
        inputs_from_file("a\nb\x1b.zip", data)
    assert "\n" not in str(caught.value) and "\x1b" not in str(caught.value)


def test_an_archive_gives_a_row_for_each_member_and_writes_nothing(spectrum, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "there.fits").write_bytes(spectrum)
    bomb = b"0" * (uploads.MAX_BYTES + 1)
    members = {
        "good/spec.fits": spectrum,
        "../../escape.fits": spectrum,
        "/etc/passwd": b"root",
        "c:\\x.fits": spectrum,
        "a\\..\\b.fits": spectrum,
        "bomb.fits": bomb,
        "nested.zip": archive({"spec.fits": spectrum}),
        "notes.txt": b"hello",
        "cut.fits": spectrum[:5000],
        "empty.fits": b"",
        "picture.png": b"\x89PNG\r\n\x1a\n" + bytes(500),
        "also-good.fits": spectrum,
    }
    found = entries(inputs_from_file("spectra.zip", archive(members)))
    assert [entry.text for entry in found] == list(members)
    good = [entry.text for entry in found if not isinstance(entry.spectrum, StellarError)]
    assert good == ["good/spec.fits", "also-good.fits"]
    said = {entry.text: str(entry.spectrum) for entry in found if isinstance(entry.spectrum, StellarError)}
    assert all("leads out of" in said[name] for name in list(members)[1:5])
    assert (
        "unpacks to 20 MB" in said["bomb.fits"]
        and "zip archive" in said["nested.zip"]
        and "empty" in said["empty.fits"]
    )
    assert all(text and "\n" not in text for text in said.values())
    assert [path.name for path in tmp_path.rglob("*")] == ["there.fits"]


def test_a_damaged_or_encrypted_member_gives_one_error_row(spectrum):
    whole = archive({"a.fits": spectrum, "b.fits": spectrum})
    lying = whole.replace(struct.pack("<I", len(spectrum)), struct.pack("<I", 100))
    locked = bytearray(whole)
    at = whole.index(b"PK\x01\x02")
    locked[at + 8] |= 1
    other = bytearray(whole)
    other[at + 10] = 99
    torn = bytearray(whole)
    torn[200:400] = bytes(200)
    for data, words in ((lying, ""), (bytes(locked), "password"), (bytes(other), "damaged"), (bytes(torn), "damaged")):
        first, second = entries(inputs_from_file("x.zip", data))
        assert (
            isinstance(first.spectrum, StellarError)
            and words in str(first.spectrum)
            and "\n" not in str(first.spectrum)
        )
        assert words == "" or not isinstance(second.spectrum, StellarError)


def test_the_total_unpacked_size_is_limited_in_any_chunks(spectrum, monkeypatch):
    monkeypatch.setattr(uploads, "MAX_UNPACKED", int(2.5 * len(spectrum)))
    inputs = inputs_from_file("x.zip", archive({f"{k}.fits": spectrum for k in range(4)}))
    assert isinstance(inputs, ArchiveInputs)
    refused = [
        isinstance(entry.spectrum, StellarError) for k in range(4) for entry in inputs.chunk(range(k, k + 1)).read()
    ]
    assert (
        refused == [isinstance(entry.spectrum, StellarError) for entry in entries(inputs)] == [False, False, True, True]
    )


def test_no_text_of_a_visitor_reads_a_file_of_this_machine(spectrum, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    star = MockSurvey().star_ids(16000)[1]
    (tmp_path / "mine.fits").write_bytes(spectrum)
    (tmp_path / star.name).write_bytes(b"not the star")
    found = entries(TypedInputs(("mine.fits", str(tmp_path / "mine.fits"), "/etc/passwd", star.name)))
    assert all("is not a recognised SDSS identifier" in str(entry.spectrum) for entry in found[:3])
    assert found[3].spectrum.name == star.name


def test_unreachable_sdss_is_tried_for_few_stars_and_reported_for_all(monkeypatch, tmp_path):
    monkeypatch.setenv("STELLAR_CACHE_DIR", str(tmp_path))
    tried, mock = [], MockSurvey().star_ids(16000)[0].name

    def away(*args, **options):
        tried.append(args)
        raise UnreachableError("SDSS cannot be reached.")

    monkeypatch.setattr(SpectrumFiles, "_download", away)
    monkeypatch.setattr(SkyServer, "_ask", away)
    found = entries(TypedInputs((*(f"266-51602-{k}" for k in range(1, 31)), mock)))
    assert all("cannot be reached" in str(entry.spectrum) for entry in found[:30]) and found[30].spectrum.name == mock
    assert len(tried) < 20, "each of the threads may have been at one, and at its row"
