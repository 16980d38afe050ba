"""Files made to exhaust the reader: each gives one sentence, within seconds and in little memory."""

from __future__ import annotations

import gzip
import io
import re
import time
import tracemalloc
import zlib
from collections.abc import Callable

import numpy as np
import pytest
from astropy.io import fits
from hypothesis import given, settings
from hypothesis import strategies as st

from stellar_core.errors import SpectrumError
from stellar_core.sdss.readers import fits_layout, read_spectrum
from stellar_core.sdss.readers.column_aliases import SHOWN, SHOWN_LIST, brackets, plain, quote, quote_list

#: Processor seconds and bytes that no file may take more of.
SECONDS, MEMORY = 4.0, 150_000_000

WAVE = np.arange(3800.0, 9200.0, 2.0)
ROWS = "\n".join(f"{wave},{wave / 100:.4f},0.5" for wave in WAVE)
HEAD = "wavelength,flux,error\n"

pytestmark = pytest.mark.filterwarnings("error")


def card(key: str, value: object) -> bytes:
    text = (
        f"'{value:<8}'"
        if isinstance(value, str)
        else {True: "T", False: "F"}.get(value, value)
        if isinstance(value, bool)
        else value
    )
    return f"{key:<8}= {text:>20}".ljust(80).encode()[:80]


def header(*cards: tuple[str, object] | bytes) -> bytes:
    lines = b"".join(one if isinstance(one, bytes) else card(*one) for one in (*cards, b"END".ljust(80)))
    return lines.ljust(-(-len(lines) // 2880) * 2880)


def padded(data: bytes) -> bytes:
    return data.ljust(-(-len(data) // 2880) * 2880, b"\0")


def primary(*cards: tuple[str, object] | bytes) -> bytes:
    return header(("SIMPLE", True), ("BITPIX", 8), ("NAXIS", 0), ("EXTEND", True), *cards)


def table(width: int, rows: int, columns: dict[str, str], data: bytes = b"", heap: int = 0, more: tuple = ()) -> bytes:
    """A binary table with any header."""
    named = [
        (f"{key}{i}", value)
        for i, pair in enumerate(columns.items(), 1)
        for key, value in zip(("TTYPE", "TFORM"), pair)
    ]
    sizes = (("BITPIX", 8), ("NAXIS", 2), ("NAXIS1", width), ("NAXIS2", rows), ("PCOUNT", heap), ("GCOUNT", 1))
    return header(("XTENSION", "BINTABLE"), *sizes, ("TFIELDS", len(columns)), *named, *more) + padded(data)


def image(*axes: int, bitpix: int = 8, data: bytes = b"", more: tuple = ()) -> bytes:
    sizes = [(f"NAXIS{i}", length) for i, length in enumerate(axes, 1)]
    return header(("SIMPLE", True), ("BITPIX", bitpix), ("NAXIS", len(axes)), *sizes, *more) + padded(data)


AXIS = (("CRVAL1", 3800.0), ("CDELT1", 0.01), ("CRPIX1", 1.0))
NAMES = ("wavelength", "flux", "ivar")


def good_table(n: int = WAVE.size) -> bytes:
    data = np.zeros(n, [(name, ">f4") for name in NAMES])
    data["wavelength"], data["flux"], data["ivar"] = np.linspace(3800, 9200, n), 20, 4
    return table(12, n, dict.fromkeys(NAMES, "E"), data.tobytes())


def variable_length(rows: int = 2000, count: int = 10_000_000) -> bytes:
    """Rows whose cells all point to one heap."""
    descriptors = np.tile(np.array([count, 0], ">i4"), rows).tobytes()
    return primary() + table(8, rows, {"flux": f"PB({count})"}, descriptors + bytes(count), heap=count)


def beside_variable_length() -> bytes:
    """A good spectrum with a column of 2.7 GB beside it, which is not needed."""
    data = np.zeros(WAVE.size, [("wavelength", ">f4"), ("flux", ">f4"), ("heap", ">i4", 2)])
    data["wavelength"], data["flux"], data["heap"][:, 0] = WAVE, 20, 1_000_000
    columns = {"wavelength": "E", "flux": "E", "heap": "PB(1000000)"}
    return primary() + table(16, WAVE.size, columns, data.tobytes() + bytes(1_000_000), heap=1_000_000)


def compressed_image(pixels: int = 79_000_000) -> bytes:
    packed = zlib.compress(bytes(pixels), 9)
    more = (
        ("ZIMAGE", True),
        ("ZCMPTYPE", "GZIP_1"),
        ("ZBITPIX", 8),
        ("ZNAXIS", 1),
        ("ZNAXIS1", pixels),
        ("ZTILE1", pixels),
    )
    data = np.array([len(packed), 0], ">i4").tobytes() + packed
    return primary() + table(8, 1, {"COMPRESSED_DATA": "1PB"}, data, heap=len(packed), more=(*more, *AXIS))


def gzip_image(pixels: int = 79_000_000) -> bytes:
    packer = zlib.compressobj(9, wbits=31)
    return packer.compress(image(pixels, more=AXIS)) + packer.compress(bytes(pixels)) + packer.flush()


def many_fields(count: int) -> bytes:
    return table(4 * count, 1, {f"c{i}": "E" for i in range(count)}, bytes(4 * count))


def ascii_table(width: int, rows: int, form: str, start: int) -> bytes:
    named = [
        ("TTYPE1", "wave"),
        ("TFORM1", form),
        ("TBCOL1", start),
        ("TTYPE2", "flux"),
        ("TFORM2", form),
        ("TBCOL2", 1),
    ]
    sizes = (
        ("BITPIX", 8),
        ("NAXIS", 2),
        ("NAXIS1", width),
        ("NAXIS2", rows),
        ("PCOUNT", 0),
        ("GCOUNT", 1),
        ("TFIELDS", 2),
    )
    return primary() + header(("XTENSION", "TABLE"), *sizes, *named) + padded(b"1" * min(width * rows, 5_000_000))


TEXTS: dict[str, tuple[Callable[[], str], str]] = {
    "blanks in a bracket": (lambda: f"wavelength,flux,[{' ' * 3200}x\n{ROWS}", ""),
    "tabs in a bracket": (lambda: "wavelength,flux,[" + "\t " * 40_000 + f"x\n{ROWS}", ""),
    "open brackets": (lambda: f"wavelength,flux,{'(' * 20_000}\n{ROWS}", ""),
    "open brackets 90 kB": (lambda: f"wavelength,flux,{'([' * 45_000}\n{ROWS}", ""),
    "nested brackets": (lambda: f"wavelength,flux,{'(' * 40_000}{')' * 40_000}\n{ROWS}", ""),
    "open brackets only": (lambda: "(" * 20_000 + "\n" + "1\n" * 20, "no rows|one column|no wavelength"),
    "endless redshift": (lambda: f"# z = {'1' * 40_000}\n{HEAD}{ROWS}", ""),
    "endless redshift with a tail": (lambda: f"# z = {'1' * 90_000}x\n{HEAD}{ROWS}", ""),
    "blanks after the redshift": (lambda: f"# z = 1{' ' * 90_000}x\n{HEAD}{ROWS}", ""),
    "blanks before the redshift": (lambda: f"#{' #' * 45_000}z\n{HEAD}{ROWS}", ""),
    "names without units": (lambda: "# " + "name:a," * 40_000 + f"\n{HEAD}{ROWS}", "characters in a line"),
    "names without units 98 kB": (lambda: "# " + "name:a," * 14_000 + f"\n{HEAD}{ROWS}", ""),
    "names without units in lines": (lambda: ("# " + "name:a," * 13_000 + "\n") * 9 + HEAD + ROWS, ""),
    "empty units": (lambda: "# name:a," + "unit:," * 16_000 + f"\n{HEAD}{ROWS}", ""),
    "comments of two words": (lambda: "# a b\n" * 160_000 + "\n".join(f"{wave} 1" for wave in WAVE), ""),
    "a million comments": (lambda: "#\n" * 1_000_000 + HEAD + ROWS, "more than 200000 lines"),
    "long comments": (lambda: ("# " + "x" * 90_000 + "\n") * 100 + HEAD + ROWS, "comments have"),
    "one endless line": (lambda: "1," * 9_000_000, "characters in a line"),
    "one endless word": (lambda: HEAD + ROWS + "\n" + "9" * 19_000_000, "characters in a line"),
    "long numbers": (lambda: HEAD + "\n".join(["5000," + "9" * 900] * 20_000), "number"),
    "long words": (lambda: HEAD + "\n".join(["e" * 900] * 20_000), "rows hold no numbers"),
    "equal titles": (lambda: "a," * 60_000 + "b\n" + "1,2\n" * 20, "characters in a line"),
    "equal titles in 98 kB": (lambda: "a," * 49_000 + "b\n" + "1,2\n" * 20, "columns; at most 1000"),
    "a million columns": (lambda: ",".join("1" for _ in range(1_000_000)) + "\n", "characters in a line"),
    "rows of a thousand columns": (
        lambda: ",".join(f"t{i}" for i in range(999)) + "\n" + "1,2\n" * 20_000,
        "too many for a spectrum",
    ),
    "short rows": (lambda: "1\n" * 9_000_000, "more than 200000 lines"),
    "vertical tabs": (lambda: "1\x0b" * 9_000_000, "characters in a line"),
    "far letters": (lambda: HEAD + "\n".join(["\U0001f600,1" + "x" * 900] * 20_000), "rows hold no numbers"),
    "utf-16": (lambda: "\ufeffw\0a\0v\0e\0", "neither FITS nor a text"),
    "nothing finite": (lambda: HEAD + "nan,inf,1e999\n" * 5000, "rows hold no numbers"),
    "a title of escapes": (lambda: "\x1b[31m" * 9000 + ",b\n" + "1,2\n" * 20, "no wavelength column"),
}

BYTES: dict[str, tuple[Callable[[], bytes], str]] = {
    "gzip of 79 million pixels": (gzip_image, "unpacks to more"),
    "gzip of 39 million pixels": (lambda: gzip_image(39_000_000), "at most 20000"),
    "gzip of 4 GB": (lambda: gzip.compress(bytes(40_000_000), 9) * 20, "unpacks to more"),
    "gzip of a million parts": (lambda: gzip.compress(b"") * 900_000, "more than 100 parts"),
    "gzip followed by zeros": (lambda: gzip.compress((HEAD + ROWS).encode()) + bytes(19_000_000), ""),
    "gzip with an endless name": (lambda: b"\x1f\x8b\x08\x08" + bytes(6) + b"a" * 19_000_000, "damaged"),
    "gzip of a long text": (lambda: gzip.compress(b"1,2,3\n" * 6_000_000, 1), "larger than 20 MB"),
    "variable length": (variable_length, "no table and no image"),
    "beside variable length": (beside_variable_length, ""),
    "rows without bytes": (
        lambda: primary() + table(0, 10**12, {"wavelength": "0E", "flux": "0E"}),
        "no table and no image",
    ),
    "rows without bytes that have columns": (
        lambda: primary() + table(0, 10**12, dict.fromkeys(NAMES, "E")),
        "no table and no image",
    ),
    "rows beyond the file": (lambda: primary() + table(12, 10**9, dict.fromkeys(NAMES, "E")), "cut short"),
    "rows beyond all files": (lambda: primary() + table(10**12, 10**12, dict.fromkeys(NAMES, "E")), "impossible size"),
    "a repeat count that lies": (
        lambda: primary() + table(4, 30, {"wave": "999999999E", "flux": "E"}, bytes(120)),
        "no wavelength|damaged",
    ),
    "repeat counts in a single row": (
        lambda: primary() + table(4, 1, dict.fromkeys(NAMES, "99999999E"), bytes(4)),
        "at most 20000",
    ),
    "columns wider than the row": (
        lambda: primary() + table(4, 3000, dict.fromkeys(NAMES, "E"), bytes(12_000)),
        "do not fill",
    ),
    "bits": (
        lambda: primary() + table(2_000_000, 1, {"wave": "8000000X", "flux": "8000000X"}, bytes(2_000_000)),
        "at most 20000",
    ),
    "a table of four million rows": (lambda: gzip.compress(primary() + good_table(3_000_000), 1), "at most 20000"),
    "a shape that lies": (
        lambda: primary() + table(8, 30, {"wave": "E", "flux": "E"}, bytes(240), more=(("TDIM1", "(99999,99999)"),)),
        "columns|damaged|wavelengths",
    ),
    "a heap that lies": (
        lambda: primary() + table(8, 1, {"wave": "PE", "flux": "PE"}, bytes(8), heap=2**40),
        "cut short",
    ),
    "a thousand columns": (lambda: primary() + many_fields(999), "no table and no image"),
    "more columns than there may be": (lambda: primary() + many_fields(1000), "impossible BITPIX or TFIELDS"),
    "scaled to infinity": (
        lambda: (
            primary()
            + table(4, 3000, {"wave": "I", "flux": "I"}, bytes(12_000), more=(("TSCAL1", 1e308), ("TZERO1", 1e308)))
        ),
        "wavelength",
    ),
    "a compressed image": (compressed_image, "compressed image"),
    "a stack of images": (lambda: image(2000, 3000, data=bytes(6_000_000)), "no table and no image"),
    "a deep image": (lambda: image(*[1] * 998, data=b"1"), "no table and no image"),
    "an image of a million axes": (lambda: primary()[:160] + card("NAXIS", 10**6) + primary()[240:], "NAXIS|size"),
    "a wide stack": (
        lambda: image(3_000_000, 6, data=bytes(18_000_000), more=(("COEFF0", 3.5), ("COEFF1", 1e-4))),
        "at most 20000",
    ),
    "an image of strings": (lambda: image(3000, data=bytes(3000), more=(("CRVAL1", "a"), ("CDELT1", "b"))), "damaged"),
    "no such BITPIX": (lambda: image(3000, bitpix=7, data=bytes(3000), more=AXIS), "impossible BITPIX"),
    "a scaled image": (
        lambda: image(19_000_000, data=bytes(19_000_000), more=(*AXIS, ("BSCALE", 2.0), ("BZERO", 1.0))),
        "at most 20000",
    ),
    "random groups": (
        lambda: header(
            ("SIMPLE", True),
            ("BITPIX", 8),
            ("NAXIS", 3),
            ("NAXIS1", 0),
            ("NAXIS2", 9),
            ("NAXIS3", 10**6),
            ("GROUPS", True),
            ("PCOUNT", 5),
            ("GCOUNT", 10**6),
        ),
        "cut short",
    ),
    "six thousand extensions": (lambda: primary() + table(4, 0, {"c": "E"}) * 6000, "more than 500 extensions"),
    "extensions of many columns": (lambda: primary() + many_fields(999) * 100, "no end within"),
    "a header without end": (lambda: primary()[:320] + b"COMMENT x".ljust(80) * 200_000, "no end within"),
    "a long text in a header": (
        lambda: primary(card("TEXT", "x&"), *[b"CONTINUE  '" + b"a" * 67 + b"&'"] * 12_000) + good_table(),
        "",
    ),
    "hierarchies": (
        lambda: primary(*[f"HIERARCH {'A B ' * 15}{i} = 1".ljust(80).encode() for i in range(12_000)]) + good_table(),
        "",
    ),
    "quotes": (lambda: primary(*[b"CLASS   = '" + b"''" * 34 + b" "] * 3000) + good_table(), ""),
    "sizes given twice": (lambda: primary(("NAXIS", 1)), "given twice"),
    "small letters": (lambda: (primary() + good_table()).replace(b"TFIELDS ", b"tfields "), "damaged"),
    "an ASCII table that lies": (lambda: ascii_table(20, 20_000, "F9999999.1", 1), "damaged|fill|columns"),
    "an ASCII table that begins beyond": (
        lambda: ascii_table(20, 20_000, "F10.1", 999_999_999),
        "damaged|fill|columns",
    ),
    "zeros": (lambda: b"SIMPLE  =                    T".ljust(80) + bytes(15_000_000), "damaged"),
    "ends that are none": (lambda: b"SIMPLE  =                    T".ljust(80) + b"END " * 4_000_000, "damaged|END"),
}

FILES = {**{name: (lambda make=make: make().encode(), words) for name, (make, words) in TEXTS.items()}, **BYTES}


def message(data: bytes) -> str:
    """Return the error message; empty where the file is read."""
    try:
        read_spectrum(data, "star")
    except SpectrumError as error:
        return str(error)
    return ""


@pytest.mark.parametrize("name", FILES)
def test_hostile_files_give_one_sentence_within_seconds(name):
    make, words = FILES[name]
    data = make()
    start = time.process_time()
    text = message(data)
    assert time.process_time() - start < SECONDS
    assert re.search(words, text) if words else not text, text
    assert "\n" not in text and text.isprintable() and len(text) < 300


LARGE = [*BYTES, "far letters", "short rows", "one endless line", "rows of a thousand columns"]
LARGE.remove("extensions of many columns")  # small, and slow under the eyes of tracemalloc


@pytest.mark.parametrize("name", LARGE)
def test_hostile_files_take_little_memory(name):
    data = FILES[name][0]()
    tracemalloc.start()
    try:
        message(data)
        assert tracemalloc.get_traced_memory()[1] < MEMORY
    finally:
        tracemalloc.stop()


def test_a_spectrum_beside_ignored_columns_and_images_is_read():
    compressed = compressed_image(1000)
    spectrum = read_spectrum(compressed + good_table())
    assert spectrum.wavelength.size == WAVE.size and np.all(spectrum.ivar == 4)
    assert read_spectrum(beside_variable_length()).wavelength.size == WAVE.size


@pytest.mark.parametrize("count", [fits_layout.MAX_HDUS - 2, fits_layout.MAX_HDUS - 1])
def test_the_largest_number_of_extensions_is_read(count):
    data = primary() + table(4, 0, {"c": "E"}) * count + good_table()
    assert (message(data) == "") == (count < fits_layout.MAX_HDUS - 1)


def test_the_last_block_may_lack_its_padding():
    data = primary() + good_table()
    whole = read_spectrum(data)
    short = read_spectrum(data[: list(fits_layout.hdus(data))[1].end])
    np.testing.assert_array_equal(whole.flux, short.flux)


def test_the_layout_agrees_with_astropy(shared_data):
    for path in sorted((shared_data / "sdss").glob("*.fits"))[::10]:
        data = path.read_bytes()
        with fits.open(io.BytesIO(data), memmap=False, lazy_load_hdus=False) as opened:
            theirs = [
                (info["hdrLoc"], info["datLoc"], info["datLoc"] + hdu.size)
                for hdu in opened
                for info in [hdu.fileinfo()]
            ]
        assert [(hdu.start, hdu.data, hdu.end) for hdu in fits_layout.hdus(data)] == theirs


@given(st.text("[]()ab 1_", max_size=40))
def test_brackets_are_removed_as_by_a_regular_expression(name):
    bare = re.sub(r"[\[(].*?[\])]", "", name)
    assert plain(name) == re.sub(r"[^a-z0-9]+", "_", bare.lower()).strip("_")
    assert all(name[opening] in "[(" and name[closing] in "])" for opening, closing in brackets(name))


@given(st.lists(st.text(max_size=200), max_size=30))
def test_names_in_messages_are_short(names):
    assert all(len(quote(name)) <= SHOWN + 5 and quote(name).isprintable() for name in names)
    assert len(quote_list(names)) <= SHOWN_LIST + SHOWN


MARKS = (
    "[",
    "(",
    "]",
    ")",
    "#",
    "z",
    "=",
    ":",
    "name:",
    "unit:",
    ",",
    ";",
    "\t",
    " ",
    "\n",
    "\r",
    "{",
    "}",
    "9",
    "-",
    "1e999",
    "nan",
    "\x0b",
    "é",
    "wave",
    "flux",
)


@given(st.lists(st.tuples(st.sampled_from(MARKS), st.sampled_from((1, 1, 1, 2, 50, 3000))), max_size=12), st.booleans())
@settings(max_examples=150, deadline=None)
def test_any_text_gives_a_spectrum_or_one_sentence(pieces, titled):
    data = ((HEAD if titled else "") + "".join(mark * times for mark, times in pieces) + "\n5000,1\n" * 12).encode()
    start = time.process_time()
    text = message(data)
    assert time.process_time() - start < 1.0 and "\n" not in text and text.isprintable()


KEYS = (
    "BITPIX",
    "NAXIS",
    "NAXIS1",
    "NAXIS2",
    "PCOUNT",
    "GCOUNT",
    "TFIELDS",
    "TFORM1",
    "TFORM2",
    "TFORM3",
    "TTYPE2",
    "XTENSION",
    "THEAP",
)
VALUES = (
    0,
    1,
    -1,
    3,
    8,
    64,
    12,
    999,
    1000,
    2699,
    10**6,
    2**31,
    2**63,
    10**17,
    1.5,
    True,
    "E",
    "0E",
    "9999999E",
    "PE(9)",
    "QD",
    "7X",
    "12A",
    "IMAGE",
    "TABLE",
    "'",
    "M",
    "L",
    "",
)


@given(
    st.lists(st.tuples(st.sampled_from(KEYS), st.sampled_from(VALUES)), min_size=1, max_size=4),
    st.sampled_from(("", "TDIM1", "TSCAL2", "TZERO2", "TNULL1", "ZIMAGE", "GROUPS")),
    st.sampled_from(VALUES),
)
@settings(max_examples=300, deadline=None)
def test_any_header_gives_a_spectrum_or_one_sentence(changes, extra, value):
    data = primary() + good_table()
    for key, changed in changes:
        data = re.sub(rb"(?s)%s *= .{20}" % key.ljust(8).encode(), lambda found: card(key, changed)[:30], data)
    if extra:
        data = data.replace(b"END".ljust(160), card(extra, value) + b"END".ljust(80))
    start = time.process_time()
    text = message(data)
    assert time.process_time() - start < 1.0 and "\n" not in text and len(text) < 300


@given(st.integers(0, 2**32))
@settings(max_examples=100, deadline=None)
def test_any_damaged_gzip_file_gives_one_sentence(seed):
    rng = np.random.default_rng(seed)
    data = bytearray(gzip.compress((HEAD + ROWS).encode()) * int(rng.integers(1, 3)))
    for at in rng.integers(0, len(data), rng.integers(1, 6)):
        data[at] ^= 1 << int(rng.integers(8))
    assert "\n" not in message(bytes(data[: rng.integers(1, len(data) + 1)]))
