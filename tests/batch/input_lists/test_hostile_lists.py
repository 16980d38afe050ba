"""Hostile lists give a one-sentence error or harmless rows, quickly, and open nothing outside the file."""

from __future__ import annotations

import base64
import io
import socket
import struct
import threading
import time
import zipfile

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from astropy.io import fits
from astropy.table import Table
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stellar_core.batch.coordinates import scales
from stellar_core.batch.input_lists import read_list
from stellar_core.batch.uploads import inputs_from_file
from stellar_core.errors import ParameterError, StellarError

ID = "4565636362342690816"
#: Seconds that any of these files may take; most take a hundredth of one.
SECONDS = 10.0


def read(data: bytes) -> list[str]:
    return list(read_list(io.BytesIO(data), "stars"))


def refused(data: bytes, words: str) -> None:
    start = time.monotonic()
    with pytest.raises(ParameterError, match=words) as caught:
        read(data)
    assert "\n" not in str(caught.value) and time.monotonic() - start < SECONDS


def votable(fields: str, rows: str, table: str = "") -> bytes:
    data = f"<TABLE {table}>{fields}<DATA>{rows}</DATA></TABLE>"
    return f'<?xml version="1.0"?><VOTABLE><RESOURCE>{data}</RESOURCE></VOTABLE>'.encode()


def parquet(table: pa.Table, **options) -> bytes:
    out = io.BytesIO()
    pq.write_table(table, out, compression="zstd", **options)
    return out.getvalue()


TEXT = '<FIELD name="specobjid" datatype="char" arraysize="*"/>'


@pytest.fixture
def listener():
    """A port of this machine and the connections it was asked for."""
    calls: list[object] = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.05)
        over = threading.Event()

        def listen() -> None:
            while not over.is_set():
                try:
                    calls.append(server.accept())
                except TimeoutError:
                    pass

        thread = threading.Thread(target=listen)
        thread.start()
        yield server.getsockname()[1], calls
        over.set()
        thread.join()


@pytest.mark.parametrize(
    "wrapped", ["<BINARY>{}</BINARY>", "<BINARY2>{}</BINARY2>", "<FITS>{}</FITS>", '<FITS extnum="1">{}</FITS>']
)
@pytest.mark.parametrize("scheme", ["file", "http"])
def test_a_votable_opens_no_file_and_makes_no_connection(tmp_path, listener, wrapped, scheme):
    (tmp_path / "secret").write_bytes(struct.pack(">i", 12) + b"266-51602-31")
    port, calls = listener
    where = f"file://{tmp_path}/secret" if scheme == "file" else f"http://127.0.0.1:{port}/secret"
    refused(
        votable(TEXT, wrapped.format(f'<STREAM href="{where}" encoding="none" actuate="onLoad"/>')),
        "not opened|not supported",
    )
    doctype = f'<!DOCTYPE VOTABLE SYSTEM "{where}" [<!ENTITY a SYSTEM "{where}">]>'
    for coding in ("utf-8", "utf-16", "utf-16-le"):
        refused(f"{doctype}<VOTABLE><RESOURCE>&a;</RESOURCE></VOTABLE>".encode(coding), "document type")
    time.sleep(0.1)
    assert not calls


def test_sizes_stated_by_a_votable_are_checked_against_its_bytes():
    refused(votable(TEXT, "<TABLEDATA/>", 'nrows="2000000000"'), "cannot hold")
    refused(votable(TEXT, "<TABLEDATA/>", 'nrows="-1"'), "cannot hold")
    for shape in ("-1", "1e9", "9x-1x*", "9" * 5000, "x"):
        refused(votable(TEXT.replace('"*"', f'"{shape}"'), "<TABLEDATA/>"), "arraysize")
    coded = base64.b64encode(bytes(1000)).decode()
    for shape in ("999999999", "99999x99999x99999"):
        refused(
            votable(TEXT.replace('"*"', f'"{shape}"'), f'<BINARY><STREAM encoding="base64">{coded}</STREAM></BINARY>'),
            "damaged",
        )
    refused(
        votable(TEXT.replace('"*"', '"0"'), f'<BINARY><STREAM encoding="base64">{coded}</STREAM></BINARY>'), "no bytes"
    )
    lengths = base64.b64encode(struct.pack(">i", 2**31 - 1)).decode()
    refused(votable(TEXT, f'<BINARY><STREAM encoding="base64">{lengths}</STREAM></BINARY>'), "damaged")
    refused(votable(TEXT, '<BINARY><STREAM encoding="gzip">AAAA</STREAM></BINARY>'), "encoding")


def test_votables_with_many_elements_are_read_in_one_pass():
    refused(b"<VOTABLE>" + b"<a>" * 100_000, "levels of nested elements")
    refused(b"<VOTABLE>" + b"<RESOURCE/>" * 50_000 + b"</VOTABLE>", "no columns")
    wide = votable(
        '<FIELD name="x" datatype="int"/>' * 20_000 + TEXT,
        f"<TABLEDATA><TR>{'<TD/>' * 20_000}<TD>{ID}</TD></TR></TABLEDATA>",
    )
    assert read(wide) == [ID]


@pytest.mark.parametrize("form", ["tabledata", "binary", "binary2"])
def test_binary_votables_of_astropy_are_read_like_others(form):
    from astropy.io.votable import from_table

    table = Table(
        {
            "name": ["a", "bcd"],
            "flags": [[True, False], [True, True]],
            "specobjid": [ID, "18014398823905122304"],
            "ra": [1.5, 2.5],
            "dec": np.float32([3, 4]),
        }
    )
    if form != "binary":  # which has no bit for a cell that is empty
        table["plate"] = np.ma.masked_array([266, 267], [False, True])
    out = io.BytesIO()
    from_table(table).to_xml(out, tabledata_format=form)
    assert read(out.getvalue()) == [ID, "18014398823905122304"]
    table.remove_column("specobjid")
    out = io.BytesIO()
    from_table(table).to_xml(out, tabledata_format=form)
    assert read(out.getvalue()) == ["1.5000000 3.0000000", "2.5000000 4.0000000"]


@pytest.mark.parametrize(
    "unit", ["10^999999999 deg", "10**999999999 deg", "deg" + "*deg" * 5000, "0.1 deg", "km", "m/s"]
)
def test_units_are_looked_up_and_never_parsed(unit):
    start = time.monotonic()
    assert np.isnan(scales({"ra": unit})["ra"])
    refused(
        votable(
            f'<FIELD name="ra" datatype="double" unit="{unit}"/><FIELD name="dec" datatype="double"/>',
            "<TABLEDATA><TR><TD>1</TD><TD>2</TD></TR></TABLEDATA>",
        ),
        "not an angle",
    )
    columns = f"# - {{name: ra, unit: '{unit}', datatype: float64}}\n# - {{name: dec, datatype: float64}}\n"
    described = f"# %ECSV 1.0\n# ---\n# datatype:\n{columns}ra,dec\n1,2\n".encode()
    if len(unit) < 100:
        refused(described, "not an angle")
        table = pa.table(
            [[1.0], [2.0]],
            schema=pa.schema([pa.field("ra", pa.float64(), metadata={"unit": unit}), pa.field("dec", pa.float64())]),
        )
        refused(parquet(table), "not an angle")
    assert time.monotonic() - start < SECONDS


@pytest.mark.parametrize(
    ("unit", "scale"),
    [
        ("deg (J2000)", 1.0),
        ("J2015.5", 1.0),
        ("[rad]", 180 / np.pi),
        ("arcsec", 1 / 3600),
        ("Arcmin", 1 / 60),
        ("15deg", 15.0),
    ],
)
def test_words_beside_a_unit_are_ignored(unit, scale):
    assert scales({"ra": unit}).get("ra", 1.0) == pytest.approx(scale)


@pytest.mark.parametrize("block", [False, True])
def test_the_header_of_an_ecsv_may_be_in_block_style(block):
    item = (
        "# -\n#   name: {}\n#   unit: {}\n#   datatype: float64\n"
        if block
        else "# - {{name: {}, unit: {}, datatype: float64, description: 'unit: km'}}\n"
    )
    head = (
        "# %ECSV 1.0\n# ---\n# delimiter: ','\n# datatype:\n"
        + item.format("ra", "rad")
        + item.format("dec", "deg")
        + "# meta: {a: &x 1, b: *x}\n"
    )
    assert read(f"{head}ra,dec\n1,2\n".encode()) == ["57.2957795 2.0000000"]


def test_yaml_aliases_are_refused():
    laughs = "# a0: &a0 [x, x]\n" + "".join(f"# a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]\n" for i in range(1, 40))
    columns = "# - {{name: ra, unit: {}, datatype: float64}}\n# - {{name: dec, datatype: float64}}\n"
    head = f"# %ECSV 1.0\n# ---\n{{}}# datatype:\n{columns}ra,dec\n1,2\n"
    refused(head.format(laughs, "*a39").encode(), "aliases")
    refused(head.format("", "&b [*b, *b]").encode(), "aliases")
    assert read(head.format(laughs, "deg").encode()) == ["1.0000000 2.0000000"]
    assert read(head.format("", "[" * 1900).encode()) == ["1.0000000 2.0000000"]


def test_long_repeated_cells_of_a_parquet_file_take_little_memory():
    repeated = pa.table(
        {"specobjid": pa.DictionaryArray.from_arrays(np.zeros(10_000, np.int32), pa.array(["9" * 200_000]))}
    )
    before = pa.total_allocated_bytes()
    for data in (parquet(repeated), parquet(repeated, store_schema=False)):
        assert len(data) < 2000
        found = read_list(io.BytesIO(data), "stars")
        assert len(next(found)) == 200 and pa.total_allocated_bytes() - before < 20_000_000
        assert len([next(found) for _ in range(9_999)]) == 9_999


def test_footers_and_page_headers_of_parquet_are_checked():
    refused(parquet(pa.table({"specobjid": ["x" * 70_000_000]}), use_dictionary=False, write_statistics=False), "70 MB")
    refused(
        parquet(
            pa.table({"specobjid": ["x" * 2000] * 200}),
            use_dictionary=False,
            column_encoding={"specobjid": "DELTA_BYTE_ARRAY"},
        ),
        "encoding",
    )
    refused(parquet(pa.table({"specobjid": [[1], [2]]})), "lists or records")
    refused(parquet(pa.table({"specobjid": [{"a": 1}]})), "lists or records")
    refused(parquet(pa.table({"specobjid": pa.array([b"x" * 500], pa.binary(500))})), "500 bytes")
    refused(parquet(pa.table({"specobjid": pa.array([1], pa.timestamp("us"))})), "Parquet")
    assert read(parquet(pa.table({"nested": [[{"a": 1}]], "specobjid": [ID]}))) == [ID], "other columns are never read"


def _footer(body: bytes) -> bytes:
    return b"PAR1" + body + struct.pack("<I", len(body)) + b"PAR1"


def test_footers_that_state_too_many_values_are_refused():
    def count(number: int) -> bytes:
        return bytes([number & 127 | 128]) + count(number >> 7) if number > 127 else bytes([number])

    refused(_footer(b"\x15\x02\x19\xfc" + count(2**31 - 1)), "Parquet")
    nested = b"\x48\x01a\x15\x02\x00" * 100_000 + b"\x15\x02\x38\x01a\x00"
    refused(_footer(b"\x15\x02\x19\xfc" + count(100_001) + nested + b"\x16\x02\x19\x0c\x00"), "Parquet|more columns")
    schema = b"\x15\x02\x19\x2c\x48\x04root\x15\x02\x00\x15\x02\x38\x09specobjid\x00\x16\x02"
    refused(_footer(schema + b"\x19\xfc" + count(900_000) + b"\x19\x0c\x00" * 900_000 + b"\0"), "too many columns")
    good = bytearray(parquet(pa.table({"specobjid": [ID]})))
    for at in range(4, len(good) - 8):
        bad = bytearray(good)
        bad[at] ^= 0x55
        try:
            read(bytes(bad))
        except ParameterError as error:
            assert "\n" not in str(error)


def _fits_table(width: int, rows: int, *cards: str, fields: int = 1, heap: int = 0) -> bytes:
    first = [
        "SIMPLE  =                    T",
        "BITPIX  =                    8",
        "NAXIS   =                    0",
        "END",
    ]
    second = [
        "XTENSION= 'BINTABLE'",
        "BITPIX  =                    8",
        "NAXIS   =                    2",
        f"NAXIS1  = {width:20d}",
    ]
    second += [
        f"NAXIS2  = {rows:20d}",
        f"PCOUNT  = {heap:20d}",
        "GCOUNT  =                    1",
        f"TFIELDS = {fields:20d}",
        *cards,
        "END",
    ]
    return b"".join(
        "".join(card.ljust(80) for card in header).encode().ljust(-(-80 * len(header) // 2880) * 2880)
        for header in (first, second)
    )


@pytest.mark.parametrize(
    ("header", "body"),
    [
        ((0, 10**12, "TTYPE1  = 'specobjid'", "TFORM1  = '0K      '"), 0),
        ((8, 10**12, "TTYPE1  = 'specobjid'", "TFORM1  = 'K       '"), 2880),
        ((8, 1, "TTYPE1  = 'specobjid'", "TFORM1  = '999999999K'"), 2880),
        ((8, 1, "TTYPE1  = 'specobjid'", "TFORM1  = '999999999A'"), 2880),
        ((100_000, 1, "TTYPE1  = 'specobjid'", "TFORM1  = '800000X '"), 100_000),
        ((8, 2000, "TTYPE1  = 'specobjid'", "TFORM1  = '1PA(4000000)'"), 16_000),
    ],
)
def test_false_fits_headers_give_a_one_sentence_error(header, body):
    refused(_fits_table(*header) + bytes(-(-body // 2880) * 2880), "FITS|columns")


def test_too_many_fits_columns_are_refused():
    refused(_fits_table(8, 1, "TTYPE1  = 'specobjid'", "TFORM1  = 'K       '", fields=10**9) + bytes(2880), "FITS")


def test_unsigned_ids_and_rows_beyond_one_block_are_read_from_fits():
    values = np.arange(25_000, dtype=np.uint64) + np.uint64(2**63)
    out = io.BytesIO()
    fits.HDUList(
        [fits.PrimaryHDU(), fits.BinTableHDU.from_columns([fits.Column("SPECOBJID", "K", bzero=2**63, array=values)])]
    ).writeto(out)
    assert read(out.getvalue()) == [str(value) for value in values]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"x" * 3_000_000, "line"),
        (b"a," * 900_000 + b"ra,dec\n", "columns"),
        (b'specobjid,b\n"' + b"1,2\n" * 200_000, "quote"),
    ],
)
def test_endless_texts_give_a_one_sentence_error(data, words):
    refused(data, words)


def test_long_texts_take_little_time_and_memory():
    start = time.monotonic()
    assert read((",".join(["specobjid"] * 60_000) + "\n" + ",".join([ID] * 60_000)).encode()) == [ID]
    for line in (b"SDSS" + b" " * 1990 + b"x", b"1.1" + b" " * 1990 + b"x", b"(" * 4000, b"specobjid\n" + bytes(4000)):
        try:
            texts = inputs_from_file("x", (line + b"\n") * 400).texts
        except ParameterError:
            continue
        assert max(map(len, texts)) <= 2001
    assert time.monotonic() - start < SECONDS


def archive(method: int, size: int, stated: int | None = None) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as file:
        file.writestr("a.fits", bytes(size))
        file.writestr("b.csv", "nothing")
    data = bytearray(out.getvalue())
    if stated is not None:
        at = data.index(b"PK\x01\x02")
        data[at + 24 : at + 28] = struct.pack("<I", stated)
    return bytes(data)


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
@pytest.mark.parametrize("stated", [None, 100])
def test_a_member_that_unpacks_to_too_much_gives_one_error_row(method, stated):
    import tracemalloc

    data = archive(method, 30_000_000, stated)
    tracemalloc.start()
    found = inputs_from_file("x.zip", data)
    first, second = list(found.chunk(range(2)).read())
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert isinstance(first.spectrum, StellarError) and isinstance(second.spectrum, StellarError) and peak < 25_000_000
    assert "\n" not in str(first.spectrum)


def _good_files() -> dict[str, bytes]:
    table = Table({"specobjid": [ID] * 20, "ra": np.linspace(1, 2, 20), "dec": np.linspace(3, 4, 20)})
    found = {
        "csv": "\n".join(["specobjid,ra,dec", *(f"{ID},1,2" for _ in range(20))]).encode(),
        "parquet": parquet(pa.table({"specobjid": [ID] * 20, "ra": [1.5] * 20})),
    }
    for form in ("fits", "votable"):
        out = io.BytesIO()
        table.write(out, format=form)
        found[form] = out.getvalue()
    text = io.StringIO()
    table["ra"].unit = "deg"
    table.write(text, format="ascii.ecsv")
    found["ecsv"] = text.getvalue().encode()
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("a.csv", "wavelength,flux\n" + "\n".join(f"{5000 + k},1" for k in range(50)))
        file.writestr("b.csv", "nothing")
    return {**found, "zip": out.getvalue()}


GOOD = _good_files()


@pytest.mark.parametrize("form", GOOD)
@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], derandomize=True)
@given(data=st.data())
def test_mutated_files_give_rows_or_a_one_sentence_error(form, data):
    bad = bytearray(GOOD[form])
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, len(bad) - 1))
        change = data.draw(st.sampled_from(["flip", "cut", "double", "digits"]))
        if change == "flip":
            bad[at] ^= data.draw(st.integers(1, 255))
        elif change == "cut":
            del bad[at : at + data.draw(st.integers(1, 40))]
        elif change == "double":
            bad[at:at] = bad[max(0, at - 60) : at]
        else:
            bad[at : at + 8] = data.draw(st.sampled_from([b"99999999", b"\xff" * 8, b"-1      ", b"        "]))
        bad = bad or bytearray(b" ")
    try:
        found = inputs_from_file("x", bytes(bad))
        for entry in found.chunk(range(len(found))).read() if form == "zip" else ():
            assert isinstance(entry.text, str)
    except StellarError as error:
        assert "\n" not in str(error)


@pytest.mark.parametrize("nested", [b"\x19" * 5000, b"\x1c" * 5000], ids=["lists", "structures"])
def test_a_deeply_nested_footer_is_refused(nested):
    from stellar_core.batch.input_lists.thrift import Compact

    with pytest.raises(ValueError, match="too deep"):
        Compact(b"\x19" + nested, 10**6).struct()
