"""Write a table in the format of a file's ending, whole or not at all."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING

from stellar_core.errors import ParameterError
from stellar_core.export.fits import write_fits
from stellar_core.export.json_table import write_json
from stellar_core.export.parquet import write_parquet
from stellar_core.export.table import ExportTable
from stellar_core.export.text import frame_to_csv, write_csv, write_ecsv
from stellar_core.export.votable import write_votable
from stellar_core.files import atomic_path

if TYPE_CHECKING:
    import pandas as pd

_WRITERS = {
    ".parquet": write_parquet,
    ".fits": write_fits,
    ".vot": write_votable,
    ".votable": write_votable,
    ".xml": write_votable,
    ".csv": write_csv,
    ".ecsv": write_ecsv,
    ".json": write_json,
}
#: Endings of files that can be written.
ENDINGS = tuple(_WRITERS)


def check_ending(path: Path) -> None:
    """Raise `ParameterError` unless ``path`` ends like a format that can be written."""
    if path.suffix.lower() not in _WRITERS:
        raise ParameterError(
            f"The format of {path.name} is not supported.",
            value=str(path),
            remedy=f"Give a file that ends in {', '.join(ENDINGS)}.",
        )


def write_table(path: Path, table: ExportTable) -> None:
    """Write a table atomically, chunk by chunk, in the format of the ending of ``path``.

    Raises
    ------
    ParameterError
        If the format is not supported.
    OSError
        If the disk does not allow it.
    """
    check_ending(path)
    with atomic_path(path, sync=True) as draft, draft.open("wb") as out:
        _WRITERS[path.suffix.lower()](out, table)


def table_bytes(ending: str, *tables: ExportTable) -> bytes:
    """Return the content of the file that `write_table` writes for an ending such as ".fits".

    FITS alone takes several tables.
    """
    out = io.BytesIO()
    _WRITERS[ending](out, *tables)
    return out.getvalue()


def write_frame(path: Path, frame: pd.DataFrame) -> None:
    """Write a pandas table without its index atomically: CSV if ``path`` ends in .csv, else Parquet.

    Raises
    ------
    OSError
        If the disk does not allow it.
    """
    with atomic_path(path) as draft:
        if path.suffix == ".csv":
            draft.write_text(frame_to_csv(frame), encoding="utf-8", newline="")
        else:
            frame.to_parquet(draft, index=False)
