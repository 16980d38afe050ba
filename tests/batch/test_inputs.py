"""Inputs of a batch: lists, folders and MOCK stars; in order, and the same in any chunk."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from stellar_core.batch.chunks import PLATES, MockChunk
from stellar_core.batch.identifier_chunk import IdentifierChunk
from stellar_core.batch.inputs import MockInputs, Request
from stellar_core.errors import ParameterError, StellarError
from stellar_core.mock.catalogue_writer import catalogue_columns, rows_by_plate
from stellar_core.mock.plates import N_STARS, make_plate
from stellar_core.mock.survey import SEED, MockSurvey


def names(request: Request, folder) -> list[str]:
    inputs = request.open(folder)
    return list(inputs.chunk(range(len(inputs))).texts)


def test_files_are_sorted_by_folder_and_name(tmp_path):
    for place in ("b/2.fits", "b/1.fits", "a/3.FITS", "a/notes.txt", "b/c/4.fits.gz"):
        (tmp_path / "spectra" / place).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "spectra" / place).touch()
    found = names(Request((str(tmp_path / "spectra"), "266-51602-31")), tmp_path / "parts")
    assert [text.removeprefix(str(tmp_path)) for text in found] == [
        *("/spectra/a/3.FITS", "/spectra/b/1.fits", "/spectra/b/2.fits", "/spectra/b/c/4.fits.gz", "266-51602-31")
    ]


def test_the_list_of_inputs_is_fixed_when_the_batch_begins(tmp_path):
    listed = tmp_path / "list.txt"
    listed.write_text("# two\n266-51602-31\n\n267-51608-217\n")
    request = Request(listed=str(listed))
    assert names(request, tmp_path) == ["266-51602-31", "267-51608-217"]
    listed.write_text("266-51602-32\n")
    assert names(request, tmp_path) == ["266-51602-31", "267-51608-217"]


def test_tables_of_identifiers_keep_all_their_digits(tmp_path):
    ids = [4565636362342690816, 18014398823905122304]
    pq.write_table(pa.table({"z": [0.0, 1.0], "specObjID": pa.array(ids, pa.uint64())}), tmp_path / "a.parquet")
    (tmp_path / "b.csv").write_text("plate,specObjID\n1,4565636362342690816\n2,18014398823905122304\n")
    for name in ("a.parquet", "b.csv"):
        assert names(Request(listed=str(tmp_path / name)), tmp_path / f"parts-{name}") == [str(one) for one in ids]


@pytest.mark.parametrize(
    "make",
    [
        lambda path: Request(),
        lambda path: Request(("a",), mock=5),
        lambda path: Request(mock=-1),
        lambda path: Request((str(path),)).open(path),
        lambda path: Request(listed=str(path / "none.txt")).open(path),
        lambda path: Request(listed=str(path / "none.parquet")).open(path),
    ],
)
def test_invalid_requests_give_a_one_sentence_error(tmp_path, make):
    with pytest.raises(ParameterError) as caught:
        make(tmp_path)
    assert "\n" not in str(caught.value)
    assert not list(tmp_path.glob("*")), "and nothing is left behind"


def test_mock_stars_are_those_of_the_release_in_any_chunk():
    inputs = MockInputs(300, SEED)
    whole = list(inputs.chunk(range(37, 43)).read())
    apart = [entry for k in range(37, 43) for entry in inputs.chunk(range(k, k + 1)).read()]
    plates = np.repeat(list(rows_by_plate(300)), [len(rows) for rows in rows_by_plate(300).values()])
    for one, other, plate in zip(whole, apart, plates[37:43], strict=True):
        assert one.text == other.text and one.spectrum.meta["plate"] == plate
        np.testing.assert_array_equal(one.spectrum.flux, other.spectrum.flux)
        assert dict(one.spectrum.meta) == dict(other.spectrum.meta)


def test_mock_stars_have_sspp_parameters():
    entry = next(MockInputs(300, SEED).chunk(range(7, 8)).read())
    meta, plate = entry.spectrum.meta, make_plate(SEED, entry.spectrum.meta["plate"])
    columns = catalogue_columns(plate, SEED)
    row = list(columns["specObjID"]).index(meta["specobjid"])
    assert meta["sspp_teff"] == columns["teffadop"][row] and meta["sspp_feh_err"] == columns["fehadopunc"][row]


def test_stars_beyond_the_survey_come_from_the_next_seed():
    chunk = MockChunk(N_STARS + 10, SEED, range(N_STARS - 1, N_STARS + 1))
    last, first = chunk.read()
    assert last.text.startswith(f"MOCK {SEED} 16383-") and first.text.startswith(f"MOCK {SEED + 1} 16000-")
    assert first.spectrum.name in {star.name for star in MockSurvey(SEED + 1).star_ids(16000)}


def test_a_worker_keeps_few_plates():
    inputs = MockInputs(400, SEED)
    for start in range(0, 80, 20):
        list(inputs.chunk(range(start, start + 20)).read())
        assert make_plate.cache_info().currsize <= PLATES + 20


def test_each_text_gives_one_input(tmp_path):
    star = MockSurvey().star_ids(16000)[0]
    (tmp_path / "broken.fits").write_bytes(b"SIMPLE  =")
    texts = (
        star.specobjid,
        "nonsense",
        str(tmp_path / "broken.fits"),
        str(tmp_path / "none.fits"),
        star.name,
        "\x00",
        "-5",
    )
    entries = list(IdentifierChunk(texts).read())
    assert [entry.text for entry in entries] == list(texts)
    good = [entry for entry in entries if not isinstance(entry.spectrum, StellarError)]
    assert [entry.text for entry in good] == [star.specobjid, star.name] and good[0].spectrum.source == "mock"
    assert all("\n" not in str(entry.spectrum) for entry in entries if isinstance(entry.spectrum, StellarError))
