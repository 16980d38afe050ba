"""A labelled table of the user's own: which stars, and what they are taught as."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np

from stellar_core.errors import ParameterError, StellarError
from stellar_core.jobs.spec import LIMITS, RANGES
from stellar_core.stages import STAGES

if TYPE_CHECKING:
    import pandas as pd

#: Columns by the names they may have, in any case. The first four are needed.
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
#: Possible values of own ages and lifetimes, log10(yr).
LOG_YEARS = (5.0, 13.0)


def read_star_table(content: bytes) -> pd.DataFrame:
    """Read a CSV table of labelled stars.

    Parameters
    ----------
    content : bytes
        With a column that names each star as the star page takes it (plate-MJD-fiber, specobjid), and teff [K],
        logg, feh [dex]. Own labels may stand in log_age, log_lifetime [log10(yr)] and stage (its name); without
        them the nearest point of the tracks gives them, as in the paper.

    Returns
    -------
    DataFrame
        With the keys of `COLUMNS` that the table has; one row per star, in its order.

    Raises
    ------
    ParameterError
        If it is no table, lacks a column, has too few or too many stars, names a star twice, or holds a value
        that cannot be.
    """
    import pandas as pd

    try:
        given = pd.read_csv(io.BytesIO(content), dtype=str, comment="#", skipinitialspace=True)
    except (ValueError, UnicodeDecodeError) as error:
        raise ParameterError(f"The table cannot be read as CSV: {error}.") from None
    plain = {str(name).strip().lower(): name for name in given.columns}
    found = {key: next((plain[name] for name in names if name in plain), None) for key, names in COLUMNS.items()}
    missing = [key for key in NEEDED if found[key] is None]
    if missing:
        raise ParameterError(
            f"The table lacks {', '.join(missing)}.", value=missing, remedy="It needs the columns star, teff, logg and feh."
        )
    frame = pd.DataFrame({key: given[name] for key, name in found.items() if name is not None})
    low, high = LIMITS["rows"]
    if not low <= len(frame) <= high:
        raise ParameterError(f"A table has {low} to {high:,} stars; this one has {len(frame)}.", value=len(frame))
    frame["star"] = frame["star"].str.strip()
    twice = frame["star"][frame["star"].duplicated() | frame["star"].isna()]
    if len(twice):
        raise ParameterError(f"The star {str(twice.iloc[0])[:60]!r} stands in the table twice, or a name is missing.")
    limits = {**{name: RANGES[name] for name in ("teff", "logg", "feh")}, "log_age": LOG_YEARS, "log_lifetime": LOG_YEARS}
    for name in (name for name in limits if name in frame):
        values = pd.to_numeric(frame[name], errors="coerce").to_numpy(float)
        bad = ~((values >= limits[name][0]) & (values <= limits[name][1]))
        if bad.any():
            row = int(np.flatnonzero(bad)[0])
            text = f"Row {row + 1} of the table has {name} {frame[name].iloc[row]!r}; it lies between {limits[name][0]:g} and {limits[name][1]:g}."
            raise ParameterError(text, value=row)
        frame[name] = values
    if "stage" in frame:
        known = {name.lower(): number for number, name in enumerate(STAGES)}
        stage = frame["stage"].str.strip().str.lower().map(known)
        if stage.isna().any():
            wrong = frame["stage"][stage.isna()].iloc[0]
            raise ParameterError(f"A stage is one of {', '.join(STAGES)}; the table has {str(wrong)[:40]!r}.", value=wrong)
        frame["stage"] = stage.astype(int)
    _resolve(frame["star"])
    return frame


def _resolve(stars: pd.Series) -> None:
    """Refuse a name that names no spectrum; the archive is not asked."""
    from stellar_core.sdss.identifiers import StarId, parse

    for number, text in enumerate(stars):
        try:
            known = isinstance(parse(text), StarId)
        except StellarError:
            known = False
        if not known:
            raise ParameterError(
                f"Row {number + 1} of the table names no spectrum: {text[:60]!r}.",
                value=text, remedy="Give plate-MJD-fiber or a specobjid.",
            )  # fmt: skip
