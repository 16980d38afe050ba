"""A user's CSV table of stars with labels, for training."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

import numpy as np

from stellar_core.errors import ParameterError, StellarError
from stellar_core.stages import STAGES
from stellar_core.text_lines import bounded_lines

if TYPE_CHECKING:
    import pandas as pd

#: Column -> accepted names, in any case. The first four are required.
COLUMNS = {
    "star": ("star", "specobjid", "name", "input", "id"),
    "teff": ("teff", "teff_k", "teffadop", "sspp_teff"),
    "logg": ("logg", "logg_dex", "loggadop", "sspp_logg"),
    "feh": ("feh", "feh_dex", "fehadop", "sspp_feh"),
    "log_age": ("log_age",),
    "log_lifetime": ("log_lifetime",),
    "stage": ("stage",),
}
NEEDED = ("star", "teff", "logg", "feh")
#: Smallest and largest number of stars.
STAR_COUNT = (100, 166_625)
#: Possible values of the columns that stars are selected by: K, dex, dex, per pixel.
RANGES = {"teff": (2500.0, 15_000.0), "logg": (-1.0, 6.0), "feh": (-5.0, 1.0), "snr": (0.0, 1000.0)}
#: Largest table in bytes, and characters read of a cell.
MAX_BYTES, MAX_CELL = 100_000_000, 200
#: Range of the user's own ages and lifetimes, log10(yr).
LOG_YEARS = (5.0, 13.0)


def read_star_table(content: bytes) -> pd.DataFrame:
    """Read a CSV table of labelled stars.

    Parameters
    ----------
    content : bytes
        A column with an SDSS identifier for each star (plate-MJD-fiber or specobjid), and teff [K], logg,
        feh [dex]. Optional labels: log_age, log_lifetime [log10(yr)] and stage (its name). Absent labels are
        later taken from the nearest point of the tracks, as in the paper.

    Returns
    -------
    DataFrame
        The columns of `COLUMNS` that the table has; one row per star, in the table's order.

    Raises
    ------
    ParameterError
        If it is not a table, lacks a column, has too few or too many stars, repeats a star, or holds an
        impossible value.
    """
    import pandas as pd

    frame = pd.DataFrame(_columns(content), dtype=str)
    low, high = STAR_COUNT
    if not low <= len(frame) <= high:
        raise ParameterError(
            f"A table has {low} to {high:,} stars; this one has {len(frame) if len(frame) <= high else 'more'}.",
            value=len(frame),
        )
    twice = frame["star"][frame["star"].duplicated() | frame["star"].isna()]
    if len(twice):
        raise ParameterError(f"The star {str(twice.iloc[0])[:60]!r} is in the table twice, or a name is missing.")
    limits = {
        **{name: RANGES[name] for name in ("teff", "logg", "feh")},
        "log_age": LOG_YEARS,
        "log_lifetime": LOG_YEARS,
    }
    for name in (name for name in limits if name in frame):
        values = pd.to_numeric(frame[name], errors="coerce").to_numpy(float)
        bad = ~((values >= limits[name][0]) & (values <= limits[name][1]))
        if bad.any():
            row = int(np.flatnonzero(bad)[0])
            low, high = limits[name]
            raise ParameterError(
                f"Row {row + 1} of the table has {name} {frame[name].iloc[row]!r}; "
                f"it must lie between {low:g} and {high:g}.",
                value=row,
            )
        frame[name] = values
    if "stage" in frame:
        known = {name.lower(): number for number, name in enumerate(STAGES)}
        stage = frame["stage"].str.strip().str.lower().map(known)
        if stage.isna().any():
            wrong = frame["stage"][stage.isna()].iloc[0]
            raise ParameterError(
                f"A stage is one of {', '.join(STAGES)}; the table has {str(wrong)[:40]!r}.", value=wrong
            )
        frame["stage"] = stage.astype(int)
    _resolve(frame["star"])
    return frame


def _columns(content: bytes) -> dict[str, list[str | None]]:
    """The cells by the keys of `COLUMNS`, at most one row more than a table may have."""
    if len(content) > MAX_BYTES:
        raise ParameterError(
            f"The table has {len(content) / 1e6:.0f} MB; {MAX_BYTES // 1_000_000} are read.", value=len(content)
        )
    text = io.TextIOWrapper(io.BytesIO(content), "utf-8-sig", newline="")
    lines = (_without_comment(line) for line in bounded_lines(text, "the table"))
    rows = (row for row in csv.reader(lines, skipinitialspace=True) if any(cell.strip() for cell in row))
    try:
        titles = next(rows, None)
        if titles is None:
            raise ParameterError("The table cannot be read as CSV: it is empty.")
        plain = {title[:MAX_CELL].strip().lower(): at for at, title in reversed(list(enumerate(titles)))}
        found = {key: next((plain[name] for name in names if name in plain), None) for key, names in COLUMNS.items()}
        missing = [key for key in NEEDED if found[key] is None]
        if missing:
            raise ParameterError(
                f"The table lacks {', '.join(missing)}.",
                value=missing,
                remedy="It needs the columns star, teff, logg and feh.",
            )
        places = {key: at for key, at in found.items() if at is not None}
        cells: dict[str, list[str | None]] = {key: [] for key in places}
        for number, row in enumerate(rows):
            if len(row) > len(titles) and any(cell.strip() for cell in row[len(titles) :]):
                raise ParameterError(
                    f"Row {number + 1} of the table has {len(row):,} cells; there are {len(titles):,} titles.",
                    value=number,
                )
            for key, at in places.items():
                cells[key].append(row[at][:MAX_CELL].strip() or None if at < len(row) else None)
            if number >= STAR_COUNT[1]:
                break
        return cells
    except UnicodeDecodeError:
        raise ParameterError("The table cannot be read as CSV: it is not text in UTF-8.") from None
    except csv.Error:
        raise ParameterError("The table cannot be read as CSV: a quote is not closed, or a cell is too long.") from None


def _without_comment(line: str) -> str:
    """A line without a comment that begins with #; lines with quotes are kept whole."""
    return line if '"' in line else line.partition("#")[0]


def _resolve(stars: pd.Series) -> None:
    """Raise ParameterError for a name that is not an SDSS identifier; nothing is fetched."""
    from stellar_core.sdss.identifiers import StarId, parse

    for number, text in enumerate(stars):
        try:
            known = isinstance(parse(text), StarId)
        except StellarError:
            known = False
        if not known:
            raise ParameterError(
                f"Row {number + 1} of the table has an invalid identifier: {text[:60]!r}.",
                value=text,
                remedy="Give plate-MJD-fiber or a specobjid.",
            )
