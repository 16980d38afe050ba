"""Hostile uploads: files that try to read the disk, reach the network, stall the app or exhaust memory.

Each function makes one; `SPECTRA` and `LISTS` hold them all, with the file name of each. ``address`` and ``path`` are
what a file tries to read.
"""

from __future__ import annotations

import gzip
import io
import zipfile
from collections.abc import Callable

import numpy as np

ROWS = b"4000,1\n" * 40


def title_of_brackets(blanks: int = 3200) -> bytes:
    """4 kB whose title opens a bracket that is never closed: quadratic or worse for some regular expressions."""
    return b"wavelength,flux,[" + b" " * blanks + b"x\n" + ROWS


def title_of_parentheses(size: int = 20_000) -> bytes:
    return b"wavelength,flux," + b"(" * size + b"\n" + ROWS


def many_titles_in_brackets(titles: int = 6000) -> bytes:
    return b"wavelength,flux," + b",".join(b"[" * 3 + b" " * 30 + b"c%d" % k for k in range(titles)) + b"\n" + ROWS


def redshift_of_digits(digits: int = 40_000) -> bytes:
    return b"# z = " + b"1" * digits + b"x\nwavelength,flux\n" + ROWS


def redshift_after_marks(marks: int = 40_000) -> bytes:
    return b"#" * marks + b" y\n" + b"# " * marks + b"z = q\nwavelength,flux\n" + ROWS


def comment_of_names(size: int = 280_000) -> bytes:
    """A comment that begins the description of a column many times."""
    return b"# " + b"name:a," * (size // 7) + b"\nwavelength,flux\n" + ROWS


def endless_line(size: int = 60_000_000) -> bytes:
    """60 kB of gzip: one line of sixty million characters."""
    return gzip.compress(b"wavelength,flux\n" + b"9" * size)


def endless_row(cells: int = 20_000_000) -> bytes:
    return gzip.compress(b"wavelength,flux\n" + b"1," * cells)


def equal_titles(titles: int = 60_000) -> bytes:
    return gzip.compress(b"wavelength,flux," + b"a," * titles + b"\n" + b"1," * titles + b"\n" + ROWS)


def wide_table(columns: int = 60_000, rows: int = 60) -> bytes:
    """Rows of blanks, of which a naive reader makes a list each."""
    return gzip.compress(b"wavelength,flux" + b",c" * columns + b"\n" + (b"4000,1" + b"," * columns + b"\n") * rows)


def gzip_of_zeros(size: int = 3_000_000_000) -> bytes:
    """3 MB that unpack to 3 GB, in many gzip members."""
    return gzip.compress(bytes(10_000_000)) * (size // 10_000_000)


def image_of_gzip(pixels: int = 79_000_000) -> bytes:
    """77 kB of gzip: an image of 79 million pixels of one byte, eight times as large in float64."""
    head = _header(
        "SIMPLE  = T", "BITPIX  = 8", "NAXIS   = 1", f"NAXIS1  = {pixels}", "CRVAL1  = 4000.0", "CDELT1  = 1.0"
    )
    return gzip.compress(head + bytes(-(-pixels // 2880) * 2880))


def image_of_stack(columns: int = 19_000_000) -> bytes:
    head = _header(
        "SIMPLE  = T",
        "BITPIX  = 8",
        "NAXIS   = 2",
        f"NAXIS1  = {columns}",
        "NAXIS2  = 4",
        "COEFF0  = 3.5",
        "COEFF1  = 1e-4",
    )
    return gzip.compress(head + bytes(-(-4 * columns // 2880) * 2880))


def long_heap(rows: int = 2000, heap: int = 1_250_000) -> bytes:
    """2000 rows whose variable-length arrays all point to the same ten million bytes."""
    row = np.array([heap, 0], ">i4").tobytes()
    data = row * rows + bytes(8 * heap)
    head = _table_header(8, rows, "1PD(1250000)", pcount=8 * heap, name="wavelength", extra=("TTYPE2  = 'flux'",))
    return _primary() + head + data + bytes(-len(data) % 2880)


def rows_of_nothing(rows: int = 1_000_000_000_000) -> bytes:
    """10^12 rows of zero bytes, in 5 kB."""
    return _primary() + _table_header(0, rows, "0D", name="wavelength") + bytes(2880)


def columns_beyond_number(columns: int = 999) -> bytes:
    cards = [card for k in range(1, columns + 1) for card in (f"TFORM{k:<3}= '1000000D'", f"TTYPE{k:<3}= 'c{k}'")]
    start = (
        "XTENSION= 'BINTABLE'",
        "BITPIX  = 8",
        "NAXIS   = 2",
        "NAXIS1  = 8",
        "NAXIS2  = 4",
        "PCOUNT  = 0",
        "GCOUNT  = 1",
    )
    return _primary() + _header(*start, f"TFIELDS = {columns}", *cards) + bytes(2880)


def cells_of_many_axes(axes: int = 2000) -> bytes:
    extra = ("TDIM1   = '(" + ",".join("1" * 30) + ")'",)
    return _primary() + _table_header(8, 1, "1D", name="wavelength", extra=extra) * axes


def backward_size() -> bytes:
    """An extension of negative size."""
    return (
        _primary()
        + _header("XTENSION= 'IMAGE'", "BITPIX  = 8", "NAXIS   = 1", "NAXIS1  = -5760", "PCOUNT  = 0", "GCOUNT  = 1")
        + bytes(2880)
    )


def many_headers(size: int = 6900) -> bytes:
    """Twenty megabytes of headers without data."""
    return _primary() + _header("XTENSION= 'IMAGE'", "BITPIX  = 8", "NAXIS   = 0", "PCOUNT  = 0", "GCOUNT  = 1") * (
        size - 1
    )


def unit_of_power(power: int = 999_999_999) -> bytes:
    """147 bytes whose unit is a number too large for memory."""
    return _ecsv(f"10^{power} deg")


def unit_of_powers() -> bytes:
    return _ecsv("((((((2**99999999)**99999999))))) deg")


def unit_of_nesting(depth: int = 20_000) -> bytes:
    return _ecsv("(" * depth + "deg" + ")" * depth)


def unit_of_repeats(times: int = 200_000) -> bytes:
    return _ecsv(" ".join(["deg m s"] * times))


def unit_of_aliases(levels: int = 9, width: int = 9) -> bytes:
    """YAML aliases of aliases: 10^9 words in 1 kB."""
    lines = ["a0: &a0 [" + ",".join(["deg"] * width) + "]"]
    lines += [f"a{k}: &a{k} [" + ",".join([f"*a{k - 1}"] * width) + "]" for k in range(1, levels)]
    head = [
        "%ECSV 1.0",
        "---",
        *lines,
        "datatype:",
        f"- {{name: ra, datatype: float64, unit: *a{levels - 1}}}",
        "- {name: dec, datatype: float64}",
    ]
    return "".join(f"# {line}\n" for line in head).encode() + b"ra,dec\n1,2\n"


def nested_description(depth: int = 5000) -> bytes:
    return b"# %ECSV 1.0\n# ---\n# datatype: " + b"[" * depth + b"\nra,dec\n1,2\n"


def votable_href(address: str, where: str = "STREAM") -> bytes:
    """A VOTable whose rows are in a file of the server, or on another machine."""
    stream = f'<STREAM href="{address}" encoding="none"/>'
    data = f"<FITS extnum='1'>{stream}</FITS>" if where == "FITS" else f"<{where}>{stream}</{where}>"
    return _votable(f"<TABLE>{_FIELDS}<DATA>{data}</DATA></TABLE>")


def votable_entity(path: str = "/etc/passwd") -> bytes:
    """An entity that is a file of the server."""
    return (
        f'<?xml version="1.0"?><!DOCTYPE VOTABLE [<!ENTITY x SYSTEM "file://{path}">]>\n'.encode()
        + _votable(f"<TABLE>{_FIELDS}<DATA><TABLEDATA><TR><TD>&x;</TD></TR></TABLEDATA></DATA></TABLE>").partition(
            b"?>"
        )[2]
    )


def votable_laughs(levels: int = 12) -> bytes:
    """Entities of entities: 10^12 characters."""
    entities = "".join(f'<!ENTITY e{k} "{f"&e{k - 1};" * 10 if k else "ha"}">' for k in range(levels))
    body = f"<TABLE>{_FIELDS}<DATA><TABLEDATA><TR><TD>&e{levels - 1};</TD></TR></TABLEDATA></DATA></TABLE>"
    return f'<?xml version="1.0"?><!DOCTYPE VOTABLE [{entities}]>\n'.encode() + _votable(body).partition(b"?>")[2]


def votable_rows(rows: int = 2_000_000_000, kind: str = "TABLEDATA") -> bytes:
    """A header that announces 2·10^9 rows."""
    data = "<TR><TD>266-51602-31</TD></TR>" if kind == "TABLEDATA" else '<STREAM encoding="base64">AAAA</STREAM>'
    return _votable(f'<TABLE nrows="{rows}">{_FIELDS}<DATA><{kind}>{data}</{kind}></DATA></TABLE>')


def votable_array(size: int = 2_000_000_000) -> bytes:
    field = f'<FIELD name="specObjID" datatype="double" arraysize="{size}"/>'
    return _votable(f"<TABLE>{field}<DATA><TABLEDATA><TR><TD>1</TD></TR></TABLEDATA></DATA></TABLE>")


def votable_depth(depth: int = 400_000) -> bytes:
    return _votable("<RESOURCE>" * depth)


def parquet_repeats(rows: int = 10_000, letters: int = 200_000) -> bytes:
    """A few hundred bytes: 10 000 cells of the same text of 200 kB."""
    import pyarrow as pa

    text = pa.array(["a" * letters])
    return _parquet({"specObjID": pa.DictionaryArray.from_arrays(pa.array(np.zeros(rows, np.int32)), text)})


def parquet_text(letters: int = 700_000_000) -> bytes:
    """22 kB: one text of 700 MB."""
    import pyarrow as pa

    return _parquet({"specObjID": pa.array(["a" * letters], pa.large_string())}, dictionary=False)


def parquet_rows(rows: int = 50_000_000) -> bytes:
    """Fifty million equal numbers in a few kB."""
    import pyarrow as pa

    return _parquet({"specObjID": pa.array(np.zeros(rows, np.int64))})


def parquet_nesting(depth: int = 200) -> bytes:
    import pyarrow as pa

    kind = pa.int64()
    for _ in range(depth):
        kind = pa.list_(kind)
    return _parquet({"specObjID": pa.array([None], kind)})


def parquet_columns(columns: int = 20_000) -> bytes:
    import pyarrow as pa

    return _parquet({"specObjID": pa.array([1]), **{f"c{k}": pa.array([1]) for k in range(columns)}})


def list_of_titles(size: int = 4_900_000) -> bytes:
    """A title line of five million characters without a column of stars."""
    return b"a," * (size // 2) + b"\n1,2\n"


def list_of_pairs(lines: int = 400_000) -> bytes:
    """Lines whose first word is a star and whose second is not."""
    return b"1-52000-1 x\n" * lines


def list_of_quotes(size: int = 4_900_000) -> bytes:
    return b'specObjID\n"' + b"1\n" * (size // 2)


def archive_of(members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A zip archive."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as file:
        for name, data in members.items():
            file.writestr(name, data)
    return out.getvalue()


def archive_of_zeros(members: int = 17, size: int = 19_000_000) -> bytes:
    """Members of zeros that together unpack to more than 300 MB."""
    return archive_of({f"{number}.fits": bytes(size) for number in range(members)})


def archive_that_lies(size: int = 300_000_000) -> bytes:
    """A member that announces ten bytes and unpacks to 300 MB."""
    data = bytearray(archive_of({"a.fits": bytes(size)}))
    for mark, place in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        start = data.index(mark) + place
        data[start : start + 4] = (10).to_bytes(4, "little")
    return bytes(data)


def archive_of_hostile_members() -> bytes:
    """A valid member between members that stall, fill or crash a reader."""
    good = b"wavelength,flux\n" + b"".join(b"%d,%d\n" % (w, 5 + w % 3) for w in range(3900, 9000))
    return archive_of(
        {
            "1.csv": good,
            "2.csv": title_of_brackets(),
            "3.fits": long_heap(),
            "4.csv": redshift_of_digits(),
            "5.fits.gz": image_of_gzip(),
            "6.csv": good,
        }
    )


def table_of_labels(size: int = 15_000_000) -> bytes:
    """A labelled table with one cell of fifteen million characters."""
    return b"star,teff,logg,feh\n" + b"9" * size + b",5000,4,0\n" + b"266-51602-1,5000,4,0\n" * 120


def table_of_columns(columns: int = 400_000) -> bytes:
    return b"star,teff,logg,feh" + b",c" * columns + b"\n" + (b"266-51602-1,5000,4,0" + b"," * columns + b"\n") * 20


def table_of_quotes(size: int = 15_000_000) -> bytes:
    return b'star,teff,logg,feh\n"' + b"a,\n" * (size // 3)


Maker = Callable[[], bytes]

#: Sent as a spectrum: name of the file -> what makes it.
SPECTRA: dict[str, Maker] = {
    "brackets.csv": title_of_brackets,
    "brackets-long.csv": lambda: title_of_brackets(2_000_000),
    "parentheses.csv": title_of_parentheses,
    "parentheses-long.csv": lambda: title_of_parentheses(5_000_000),
    "titles.csv": many_titles_in_brackets,
    "digits.csv": redshift_of_digits,
    "digits-long.csv": lambda: redshift_of_digits(10_000_000),
    "marks.csv": redshift_after_marks,
    "names.csv": comment_of_names,
    "names-long.csv": lambda: comment_of_names(15_000_000),
    "line.csv.gz": endless_line,
    "row.csv.gz": endless_row,
    "equal.csv.gz": equal_titles,
    "wide.csv.gz": wide_table,
    "zeros.csv.gz": gzip_of_zeros,
    "image.fits.gz": image_of_gzip,
    "stack.fits.gz": image_of_stack,
    "heap.fits": long_heap,
    "rows.fits": rows_of_nothing,
    "columns.fits": columns_beyond_number,
    "axes.fits": cells_of_many_axes,
    "backward.fits": backward_size,
    "headers.fits": many_headers,
}
#: Sent to the page of many stars.
LISTS: dict[str, Maker] = {
    "power.ecsv": unit_of_power,
    "powers.ecsv": unit_of_powers,
    "nesting.ecsv": unit_of_nesting,
    "repeats.ecsv": unit_of_repeats,
    "aliases.ecsv": unit_of_aliases,
    "described.ecsv": nested_description,
    "href-file.xml": lambda: votable_href("file:///etc/passwd"),
    "href-binary.xml": lambda: votable_href("file:///proc/self/environ", "BINARY"),
    "href-fits.xml": lambda: votable_href("file:///etc/passwd", "FITS"),
    "entity.xml": votable_entity,
    "laughs.xml": votable_laughs,
    "nrows.xml": votable_rows,
    "nrows-binary.xml": lambda: votable_rows(kind="BINARY"),
    "array.xml": votable_array,
    "depth.xml": votable_depth,
    "repeats.parquet": parquet_repeats,
    "text.parquet": parquet_text,
    "rows.parquet": parquet_rows,
    "nesting.parquet": parquet_nesting,
    "columns.parquet": parquet_columns,
    "heap-list.fits": long_heap,
    "rows-list.fits": rows_of_nothing,
    "titles.txt": list_of_titles,
    "pairs.txt": list_of_pairs,
    "quotes.txt": list_of_quotes,
    "lies.zip": archive_that_lies,
    "zeros.zip": archive_of_zeros,
    "members.zip": archive_of_hostile_members,
}
#: Sent as a labelled table.
TABLES: dict[str, Maker] = {"cell.csv": table_of_labels, "columns.csv": table_of_columns, "quotes.csv": table_of_quotes}

_FIELDS = '<FIELD name="specObjID" datatype="char" arraysize="*"/>'


def _votable(body: str) -> bytes:
    head = '<?xml version="1.0"?><VOTABLE version="1.3" xmlns="http://www.ivoa.net/xml/VOTable/v1.3">'
    return f"{head}<RESOURCE>{body}</RESOURCE></VOTABLE>".encode()


def _ecsv(unit: str) -> bytes:
    columns = f"# - {{name: ra, unit: {unit}, datatype: float64}}\n# - {{name: dec, datatype: float64}}\n"
    return f"# %ECSV 1.0\n# ---\n# datatype:\n{columns}ra,dec\n1,2\n".encode()


def _parquet(columns: dict, dictionary: bool = True) -> bytes:
    import pyarrow as pa
    import pyarrow.parquet as pq

    out = io.BytesIO()
    pq.write_table(pa.table(columns), out, compression="zstd", use_dictionary=dictionary, write_statistics=False)
    return out.getvalue()


def _header(*cards: str) -> bytes:
    text = "".join(_card(card) for card in (*cards, "END"))
    return (text + " " * (-len(text) % 2880)).encode()


def _card(card: str) -> str:
    """Return ``card`` with its value in the columns of FITS: numbers end at column 30."""
    key, mark, value = card.partition("= ")
    value = value.strip()
    return (f"{key}= {value:>20}" if mark and not value.startswith("'") else card).ljust(80)


def _primary() -> bytes:
    return _header("SIMPLE  = T", "BITPIX  = 8", "NAXIS   = 0", "EXTEND  = T")


def _table_header(
    width: int, rows: int, form: str, *, pcount: int = 0, name: str, extra: tuple[str, ...] = ()
) -> bytes:
    cards = (
        "XTENSION= 'BINTABLE'",
        "BITPIX  = 8",
        "NAXIS   = 2",
        f"NAXIS1  = {width}",
        f"NAXIS2  = {rows}",
        f"PCOUNT  = {pcount}",
    )
    return _header(*cards, "GCOUNT  = 1", "TFIELDS = 1", f"TTYPE1  = '{name}'", f"TFORM1  = '{form}'", *extra)
