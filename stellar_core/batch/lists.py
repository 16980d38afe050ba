"""Lists of stars as astronomers keep them: lines of text, and CSV, ECSV, FITS, VOTable and Parquet tables.

A table names its stars by a column specObjID, by plate, MJD and fiber, or by RA and Dec, in any case of letters. Each
of its rows gives one text for `stellar_core.sdss.identifiers.parse`, an empty one where its cells are empty. RA and Dec
are degrees unless the table states another unit.
"""

from __future__ import annotations

import csv
import io
import re
import warnings
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from types import MappingProxyType
from typing import TYPE_CHECKING, BinaryIO

import numpy as np

from stellar_core.batch.angles import position, scales
from stellar_core.errors import ParameterError, StellarError
from stellar_core.sdss.readers import MAX_BYTES
from stellar_core.sdss.star import StarId

if TYPE_CHECKING:
    import pyarrow as pa

#: Names of a column by what it tells, in small letters and without the name of a table before a dot.
NAMES = {
    "specobjid": ("specobjid", "specobj_id"),
    "plate": ("plate", "plateid"),
    "mjd": ("mjd",),
    "fiber": ("fiberid", "fiber"),
    "run2d": ("run2d",),
    "ra": ("ra", "ra_deg", "plug_ra", "_raj2000", "raj2000"),
    "dec": ("dec", "dec_deg", "plug_dec", "_dej2000", "dej2000"),
}
#: What names a star, the surest first.
WAYS = (("specobjid",), ("plate", "mjd", "fiber"), ("ra", "dec"))
#: Rows read at a time.
ROWS = 10_000
_DELIMITERS = (",", "\t", ";", "|", " ")
#: What the title of a column looks like, and no identifier does.
_TITLE = re.compile(r"[A-Za-z_][\w.()\[\]/%]*")
_FILES = (".fits", ".fit", ".gz", ".csv", ".txt", ".dat")
_UTF16 = (b"\xff\xfe", b"\xfe\xff")

Columns = Mapping[str, int]


def read_list(file: BinaryIO, name: str) -> Iterator[str]:
    """The inputs in a list; its content says of which kind it is.

    Parameters
    ----------
    file : binary file
        That can be wound back.
    name : str
        For messages.

    Yields
    ------
    str
        One for each line that is neither empty nor a comment, or for each row of a table.

    Raises
    ------
    ParameterError
        If it cannot be read, or is a table without columns that name stars.
    """
    start = file.read(2048)
    file.seek(0)
    opening = start.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if start.startswith(b"PAR1"):
        yield from _of_parquet(file, name)
    elif start.startswith(b"SIMPLE"):
        yield from _of_fits(file, name)
    elif opening.startswith((b"<!doctype html", b"<html")):
        raise ParameterError(f"{name} is a page of a web site, no list of stars.", value=name, remedy="Save the table itself.")
    elif opening.startswith(b"<"):
        yield from _of_votable(file, name)
    elif b"\0" in start and not start.startswith(_UTF16):
        raise ParameterError(f"The list {name} cannot be read: it is no text.", value=name)
    else:
        yield from _of_text(file, name, "utf-16" if start.startswith(_UTF16) else "utf-8-sig")


def find_columns(titles: Sequence[str]) -> Columns:
    """Which columns name stars, as number by what they tell; empty if none do."""
    plain = [re.sub(r"^.*\.", "", str(title).strip().strip("\"'").lower()) for title in titles]
    found = {role: plain.index(one) for role, names in NAMES.items() for one in names[::-1] if one in plain}
    return found if any(all(role in found for role in way) for way in WAYS) else {}


def identifier(cells: Mapping[str, str], scale: Mapping[str, float] = MappingProxyType({})) -> str:
    """The text that names the star of a row.

    A specObjID that a spreadsheet has rounded gives way to plate, MJD and fiber.

    Parameters
    ----------
    cells : mapping of str to str
        By the keys of `NAMES`.
    scale : mapping of str to float
        Of RA and Dec, as `stellar_core.batch.angles.scales` gives it.
    """
    specobjid = cells.get("specobjid", "")
    if specobjid.isdecimal():
        return specobjid
    numbers = [_whole(cells.get(role, "")) for role in ("plate", "mjd", "fiber")]
    if all(numbers):
        if cells.get("run2d"):
            try:
                return StarId.of(*map(int, numbers), cells["run2d"]).specobjid
            except StellarError:
                pass  # the numbers alone say it, or what is wrong with them
        return "-".join(numbers)
    return specobjid or position(cells, scale)


def _whole(text: str) -> str:
    """A whole number without the point that tables give it; empty if it is none."""
    found = re.fullmatch(r"(\d{1,6})(\.0*)?", text)
    return found.group(1) if found else ""


def _text(value: object) -> str:
    """A cell of a binary table; a number with as many digits as its type keeps."""
    if value is None or value is np.ma.masked or np.ndim(value) or value != value:
        return ""
    return value.decode("utf-8", "replace").strip() if isinstance(value, bytes) else str(value).strip()


def _no_columns(name: str, titles: Sequence[str] = ()) -> ParameterError:
    shown = ", ".join(str(title).strip()[:30] for title in titles[:8]) + (", ..." if len(titles) > 8 else "")
    return ParameterError(
        f"The table {name} has no columns that name stars{f', only {shown}' if titles else ''}.",
        value=name,
        remedy="It needs specObjID, or plate, MJD and fiberID, or RA and Dec in degrees.",
    )


def _of_text(file: BinaryIO, name: str, encoding: str) -> Iterator[str]:
    lines = io.TextIOWrapper(file, encoding, errors="strict" if encoding == "utf-16" else "replace", newline="")
    try:
        remark, first, head = "", "", []
        for line in lines:
            if line.strip() and not line.lstrip().startswith("#"):
                first = line
                break
            remark = line.lstrip()[1:] if line.strip() else remark
            head.append(line.lstrip()[1:])
        for titles, rows in ((first, lines), (remark, chain([first], lines))):
            for delimiter in _DELIMITERS:
                cells = _cells(titles, delimiter)
                # A remark may speak of such columns and be no line of titles.
                titled = titles == first or len(cells) == len(_cells(first, delimiter))
                if titled and (columns := find_columns(cells)):
                    units = _units_of_ecsv(head)
                    yield from _rows_of(rows, delimiter, columns, scales({role: units.get(cells[at].strip()) for role, at in columns.items()}))
                    return
        for delimiter in _DELIMITERS[:-1]:
            cells = _cells(first, delimiter)
            if len(cells) > 1 and all(_TITLE.fullmatch(cell.strip()) and not cell.lower().rstrip().endswith(_FILES) for cell in cells):
                raise _no_columns(name, cells)
        yield from (line.strip() for line in chain([first], lines) if line.strip() and not line.lstrip().startswith("#"))
    except (OSError, UnicodeError, csv.Error) as error:
        raise ParameterError(f"The list {name} cannot be read: {getattr(error, 'strerror', None) or 'it is no text'}.") from None
    finally:
        lines.detach()


def _cells(line: str, delimiter: str) -> list[str]:
    return next(csv.reader([line.strip()], delimiter=delimiter, skipinitialspace=True), [])


def _units_of_ecsv(head: Sequence[str]) -> dict[str, str]:
    """Units of the columns by name, from the head of an ECSV table; empty for other texts."""
    if not any(line.strip().startswith("%ECSV") for line in head[:2]):
        return {}
    return _units([line.rstrip("\r\n").removeprefix(" ") for line in head if not line.strip().startswith("%")])


def _units(described: Sequence[str]) -> dict[str, str]:
    """Units of the columns by name, in the words in which Astropy describes a table; empty where they are none."""
    from astropy.table.meta import YamlParseError, get_header_from_yaml

    try:
        return {str(column["name"]): str(column.get("unit") or "") for column in get_header_from_yaml(described)["datatype"]}
    except (YamlParseError, TypeError, KeyError, AttributeError):
        return {}


def _rows_of(lines: Iterator[str], delimiter: str, columns: Columns, scale: Mapping[str, float]) -> Iterator[str]:
    for row in csv.reader(lines, delimiter=delimiter, skipinitialspace=True):
        if any(cell.strip() for cell in row) and not row[0].startswith("#"):
            yield identifier({role: row[at].strip().strip("'") for role, at in columns.items() if at < len(row)}, scale)


def _of_parquet(file: BinaryIO, name: str) -> Iterator[str]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.ParquetFile(file)
        titles = table.schema_arrow.names
        columns = find_columns(titles)
        if not columns:
            raise _no_columns(name, titles)
        if len(set(titles)) < len(titles):
            raise ParameterError(f"Columns of {name} have the same name.", value=name, remedy="Name them apart.")
        scale = scales(_units_of_parquet(table.schema_arrow, columns))
        for batch in table.iter_batches(ROWS, columns=[titles[at] for at in columns.values()]):
            chosen = {role: batch.column(titles[at]) for role, at in columns.items()}
            yield from _identifiers({role: _of_arrow(column) for role, column in chosen.items()}, scale)
    except (pa.ArrowException, OSError):
        raise ParameterError(f"The list {name} is no Parquet file, or a damaged one.", value=name) from None


def _units_of_parquet(schema: pa.Schema, columns: Columns) -> dict[str, str]:
    """Units by what a column tells, from the field's own metadata, or as Astropy writes them."""
    described = _units((schema.metadata or {}).get(b"table_meta_yaml", b"").decode("utf-8", "replace").splitlines())
    own = {role: (schema.field(at).metadata or {}).get(b"unit", b"").decode("utf-8", "replace") for role, at in columns.items()}
    return {role: unit or described.get(schema.names[columns[role]], "") for role, unit in own.items()}


def _of_arrow(column: pa.Array) -> Sequence[object]:
    """Its cells; a float32 stays one, so that it shows how few digits it keeps."""
    import pyarrow as pa

    return list(column.to_numpy(zero_copy_only=False)) if pa.types.is_floating(column.type) else column.to_pylist()


def _of_fits(file: BinaryIO, name: str) -> Iterator[str]:
    """The first table of a FITS file; that of a spectrum names no stars, and the tables behind it are not asked."""
    from astropy.io import fits

    from stellar_core.sdss.fits_files import DAMAGE, refuse_endless

    try:
        refuse_endless(file.read(MAX_BYTES))
        file.seek(0)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with fits.open(file, memmap=hasattr(file, "fileno"), lazy_load_hdus=True) as hdus:
                table = next((hdu for hdu in hdus if isinstance(hdu, (fits.BinTableHDU, fits.TableHDU))), None)
                titles = table.columns.names if table is not None else ()
                columns = find_columns(titles)
                if not columns:
                    raise _no_columns(name, titles)
                rows, scale = table.data, scales({role: table.columns[at].unit for role, at in columns.items()})
                for start in range(0, len(rows), ROWS):
                    part = rows[start : start + ROWS]
                    yield from _identifiers({role: list(part.field(titles[at])) for role, at in columns.items()}, scale)
    except DAMAGE as error:
        if isinstance(error, ParameterError):
            raise
        raise ParameterError(f"The FITS file {name} is damaged or cut short.", value=name) from None


def _of_votable(file: BinaryIO, name: str) -> Iterator[str]:
    """The first table of a VOTable, read whole."""
    from xml.parsers.expat import ExpatError

    from astropy.io.votable import parse_single_table

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            table = parse_single_table(file, verify="ignore")
            array = table.array
            titles = [field.name or field.ID for field in table.fields]
            ids = [field.ID for field in table.fields]
    except (OSError, ValueError, TypeError, IndexError, KeyError, SyntaxError, AttributeError, ExpatError):
        raise ParameterError(f"{name} is no VOTable, or a damaged one.", value=name) from None
    columns = find_columns(titles)
    if not columns:
        raise _no_columns(name, titles)
    scale = scales({role: table.fields[at].unit for role, at in columns.items()})
    for start in range(0, len(array), ROWS):
        part = array[start : start + ROWS]
        yield from _identifiers({role: list(part[ids[at]]) for role, at in columns.items()}, scale)


def _identifiers(cells: Mapping[str, Sequence[object]], scale: Mapping[str, float]) -> Iterator[str]:
    """The texts of some rows, from their cells by column."""
    for row in zip(*cells.values(), strict=True):
        yield identifier(dict(zip(cells, map(_text, row), strict=True)), scale)
