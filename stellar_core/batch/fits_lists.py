"""Lists of stars in FITS: the first table of a file, as far as its headers fit its bytes."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from typing import BinaryIO

from stellar_core.batch.angles import scales
from stellar_core.batch.star_columns import ROWS, find_columns, identifiers, no_columns
from stellar_core.errors import ParameterError, SpectrumError
from stellar_core.batch.fits_tables import check_layout

#: Bytes of a table of the user's own: a catalogue of a survey has that many.
MAX_TABLE = 50_000_000_000
_HEAP = re.compile(r"\s*\d*[PQ]")


def read_fits_list(file: BinaryIO, name: str) -> Iterator[str]:
    """The first table of a FITS file; that of a spectrum names no stars, and the tables behind it are not asked.

    Columns whose cells lie on the heap name no star.
    """
    from astropy.io import fits

    from stellar_core.sdss.fits_files import DAMAGE

    try:
        check_layout(file, MAX_TABLE)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with fits.open(file, memmap=hasattr(file, "fileno"), lazy_load_hdus=True, disable_image_compression=True) as hdus:
                table = next((hdu for hdu in hdus if isinstance(hdu, (fits.BinTableHDU, fits.TableHDU))), None)
                listed = table.columns if table is not None else ()
                titles = ["" if _HEAP.match(str(column.format)) else str(column.name) for column in listed]
                columns = find_columns(titles)
                if not columns:
                    raise no_columns(name, titles)
                rows, scale = table.data, scales({role: listed[at].unit for role, at in columns.items()})
                for start in range(0, len(rows), ROWS):
                    part = rows[start : start + ROWS]
                    yield from identifiers({role: list(part.field(titles[at])) for role, at in columns.items()}, scale)
    except DAMAGE as error:
        if isinstance(error, ParameterError):
            raise
        words = str(error).removesuffix(f" {error.remedy}") if isinstance(error, SpectrumError) else ""
        raise ParameterError(words or f"The FITS file {name} is damaged or cut short.", value=name, remedy="Save it again.") from None
