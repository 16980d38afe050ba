"""The paper's quality cuts (sections 3.1 and 3.2.1), on tables and as SQL with the same thresholds.

They apply to tables from SkyServer and CasJobs, to SDSS's FITS catalogues and to the MOCK survey.
SDSS marks missing values by -9999, -1000 and -9.999, tables by NaN or NULL: each cut
has two bounds, so that a missing value never passes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from stellar_core.errors import ParameterError
from stellar_core.photometry import BANDS

if TYPE_CHECKING:
    import pandas as pd

#: Upper bound of quantities without another one; no measurement is larger, and NaN does not pass it in SQL.
LARGEST = 1e6
#: Columns by their SkyServer name: table, and further names in the form of `plain`
#: (SkyServer's snMedian is SN_MEDIAN_ALL in FITS; DR7 had teffa and teffaErr).
COLUMNS: dict[str, tuple[str, tuple[str, ...]]] = {
    "class": ("SpecObj", ()),
    "zErr": ("SpecObj", ()),
    "snMedian": ("SpecObj", ("snmedianall",)),
    **{f"{name}adop": ("sppParams", (f"{name}a",)) for name in ("teff", "logg", "feh")},
    **{f"{name}adopunc": ("sppParams", (f"{name}aerr",)) for name in ("teff", "logg", "feh")},
    **{f"{name}_{band}": ("PhotoObj", ()) for name in ("psfMagErr", "extinction") for band in BANDS},
}


def plain(name: str) -> str:
    """Return a column name in lower case with letters and digits only: Z_ERR and zErr are both ``zerr``."""
    return re.sub(r"[^a-z0-9]", "", str(name).lower())


@dataclass(frozen=True)
class Limit:
    """Bounds of one column.

    Attributes
    ----------
    column : str
        SkyServer's name, one of `COLUMNS`.
    low, high : float
    with_low, with_high : bool
        Whether the bounds themselves pass.
    """

    column: str
    low: float
    high: float
    with_low: bool = False
    with_high: bool = False

    def mask(self, values: np.ndarray) -> np.ndarray:
        """Return which ``values`` (n,) pass, (n,) bool; compared in their own precision, as in databases."""
        above = values >= self.low if self.with_low else values > self.low
        return above & (values <= self.high if self.with_high else values < self.high)

    def sql(self, column: str) -> str:
        """Return the condition on ``column``, in decimals that SQL compares in the column's precision."""
        low, high = (np.format_float_positional(value, trim="-") for value in (self.low, self.high))
        return f"{column} {'>=' if self.with_low else '>'} {low} AND {column} {'<=' if self.with_high else '<'} {high}"


@dataclass(frozen=True)
class CutCount:
    """Effect of one cut.

    Attributes
    ----------
    cut : str
        The cut in words.
    failed : int
        Rows that fail it, regardless of the other cuts.
    lost : int
        Rows that it removes after the cuts before it.
    left : int
        Rows left after it.
    """

    cut: str
    failed: int
    lost: int
    left: int


@dataclass(frozen=True)
class QualityCuts:
    """Thresholds of the cuts; None switches a cut off, and its columns may then be absent.

    Attributes
    ----------
    kind : str
        Class of the spectrum: "confirmed stars (class = 'STAR')".
    z_err : float
        Largest redshift error, excluded: "zErr < 0.0002". Errors of 0 and below mark a fit that failed.
    sn_median : float
        Smallest median S/N per pixel, excluded: "snMedian > 20".
    psf_mag_err : float
        Largest error of the PSF magnitude in each band, mag, excluded: "psfMagErr_* < 0.1 mag".
    extinction : float
        Smallest extinction in each band, mag, included: "removing ... negative extinction values".
    teff : (float, float)
        K, bounds included. The paper's "valid range (Teff in K)" lacks its numbers; this is the
        range of the MOCK survey and about that of the SSPP, inside that of the tracks (2005 to 29,947 K).
    logg, feh : (float, float)
        dex: all measured values; fill values (-9999, -9.999) are outside.
    teff_err, logg_err, feh_err : float
        Largest errors (K, dex, dex), excluded. "Low uncertainties" has no number in the paper;
        99 of 100 SSPP stars that have errors pass these.

    Raises
    ------
    ParameterError
        If a threshold is not a number, an interval is empty or ``kind`` is not a word in capitals.
    """

    kind: str | None = "STAR"
    z_err: float | None = 0.0002
    sn_median: float | None = 20.0
    psf_mag_err: float | None = 0.1
    extinction: float | None = 0.0
    teff: tuple[float, float] | None = (3500.0, 10000.0)
    logg: tuple[float, float] | None = (-1.0, 6.0)
    feh: tuple[float, float] | None = (-5.0, 1.0)
    teff_err: float | None = 150.0
    logg_err: float | None = 0.5
    feh_err: float | None = 0.3

    def __post_init__(self) -> None:
        if self.kind is not None and not (isinstance(self.kind, str) and re.fullmatch(r"[A-Z]+", self.kind)):
            raise ParameterError(f"A class must be in capitals such as STAR; got {self.kind!r}.", value=self.kind)
        for _, limits in self._limits():
            for limit in limits:
                if not (np.isfinite(limit.low) and np.isfinite(limit.high) and limit.low < limit.high):
                    raise ParameterError(
                        f"No {limit.column} lies between {limit.low:g} and {limit.high:g}.",
                        value=(limit.low, limit.high),
                    )

    def _limits(self) -> list[tuple[str, list[Limit]]]:
        """Return the active cuts on numbers in words and as limits, in the paper's order."""
        each = lambda name, **ends: [Limit(f"{name}_{band}", **ends) for band in BANDS]
        found: list[tuple[str, list[Limit]]] = []
        if self.z_err is not None:
            found.append((f"zErr < {self.z_err:g}", [Limit("zErr", 0.0, self.z_err)]))
        if self.sn_median is not None:
            found.append((f"snMedian > {self.sn_median:g}", [Limit("snMedian", self.sn_median, LARGEST)]))
        for name, unit in (("teff", " K"), ("logg", ""), ("feh", "")):
            largest = getattr(self, f"{name}_err")
            if largest is not None:
                found.append((f"{name}adopunc < {largest:g}{unit}", [Limit(f"{name}adopunc", 0.0, largest)]))
        if self.psf_mag_err is not None:
            found.append((f"psfMagErr < {self.psf_mag_err:g} mag", each("psfMagErr", low=0.0, high=self.psf_mag_err)))
        if self.extinction is not None:
            ends = {"low": self.extinction, "high": LARGEST, "with_low": True}
            found.append((f"extinction >= {self.extinction:g} mag", each("extinction", **ends)))
        for name, unit in (("teff", " K"), ("logg", ""), ("feh", "")):
            ends = getattr(self, name)
            if ends is not None:
                limit = Limit(f"{name}adop", *ends, with_low=True, with_high=True)
                found.append((f"{name}adop {ends[0]:g} to {ends[1]:g}{unit}", [limit]))
        return found

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns that the cuts need, by SkyServer's names."""
        kind = ("class",) if self.kind is not None else ()
        return kind + tuple(limit.column for _, limits in self._limits() for limit in limits)

    def _steps(self, table: pd.DataFrame) -> list[tuple[str, np.ndarray]]:
        """Return every cut in words, and which rows pass it, (n,) bool."""
        names = find_columns(table, self.columns)
        steps = [(f"class is {self.kind}", _words(table[names["class"]]) == self.kind)] if self.kind is not None else []
        for words, limits in self._limits():
            passed = [limit.mask(_numbers(table[names[limit.column]])) for limit in limits]
            steps.append((words, np.logical_and.reduce(passed)))
        return steps

    def mask(self, table: pd.DataFrame) -> np.ndarray:
        """Return which rows pass every cut.

        Parameters
        ----------
        table : pandas.DataFrame
            With `columns` under SkyServer's names or those of the FITS catalogues, in any case.

        Returns
        -------
        (n,) bool

        Raises
        ------
        ParameterError
            If columns are missing or ambiguous.
        """
        steps = [passed for _, passed in self._steps(table)]
        return np.logical_and.reduce([np.ones(len(table), bool), *steps])

    def apply(self, table: pd.DataFrame) -> pd.DataFrame:
        """Return the rows that pass every cut, with their index and columns; errors as `mask`."""
        return table[self.mask(table)]

    def report(self, table: pd.DataFrame) -> list[CutCount]:
        """Count the effect of each cut, in the order in which they are applied; errors as `mask`."""
        left, counts = np.ones(len(table), bool), []
        for words, passed in self._steps(table):
            after = left & passed
            counts.append(CutCount(words, int((~passed).sum()), int(left.sum() - after.sum()), int(after.sum())))
            left = after
        return counts

    def failures(self, table: pd.DataFrame) -> list[str]:
        """Return the first cut that each row fails, in words; empty where it passes all. Errors as `mask`."""
        found = np.full(len(table), "", dtype=object)
        for words, passed in self._steps(table):
            found[(found == "") & ~passed] = words
        return found.tolist()

    def where(self, spec: str = "s", spp: str = "t", photo: str = "p") -> str:
        """Return the cuts as an SQL condition for SkyServer, CasJobs and DuckDB.

        Parameters
        ----------
        spec, spp, photo : str
            Aliases of SpecObj, sppParams and PhotoObj in the query; "" for one table that has all columns.

        Returns
        -------
        str
            The condition after WHERE; "1 = 1" where every cut is switched off.

        Raises
        ------
        ParameterError
            If an alias is not an identifier.
        """
        aliases = {"SpecObj": spec, "sppParams": spp, "PhotoObj": photo}
        for alias in aliases.values():
            if not re.fullmatch(r"([A-Za-z_][A-Za-z0-9_]*)?", alias):
                raise ParameterError(f"{alias[:40]!r} is not a table alias.", value=alias)

        def full(column: str) -> str:
            alias = aliases[COLUMNS[column][0]]
            return f"{alias}.{column}" if alias else column

        conditions = [f"UPPER(RTRIM({full('class')})) = '{self.kind}'"] if self.kind is not None else []
        conditions += [limit.sql(full(limit.column)) for _, limits in self._limits() for limit in limits]
        return "\n  AND ".join(conditions) or "1 = 1"


def find_columns(table: pd.DataFrame, wanted: tuple[str, ...]) -> dict[str, str]:
    """Return the table's own name of each column in ``wanted`` (keys of `COLUMNS`).

    Raises
    ------
    ParameterError
        If some are missing (all are named), or one is present under two names.
    """
    present: dict[str, list[str]] = {}
    for name in table.columns:
        present.setdefault(plain(name), []).append(name)
    found, missing = {}, []
    for column in wanted:
        names = [name for alias in (plain(column), *COLUMNS[column][1]) for name in present.get(alias, ())]
        if not names:
            missing.append(column)
        elif len(names) > 1:
            listed = " and ".join(repr(name) for name in names)
            raise ParameterError(f"The table has {column} twice, as {listed}.", value=names, remedy="Drop one of them.")
        else:
            found[column] = names[0]
    if missing:
        raise ParameterError(
            f"The table lacks columns that the quality cuts need: {', '.join(missing)}.",
            value=missing,
            remedy="Join SpecObj, sppParams and PhotoObj, or switch off the cuts on these columns.",
        )
    return found


def _words(column: pd.Series) -> np.ndarray:
    """Return text in capitals without FITS padding; bytes are decoded as ASCII."""
    texts = (value.decode("ascii", "replace") if isinstance(value, bytes) else str(value) for value in column)
    return np.array([text.rstrip(" \0").upper() for text in texts], dtype=object)


def _numbers(column: pd.Series) -> np.ndarray:
    """Return floats of the column's own precision; NaN where a value is missing or not a number."""
    import pandas as pd

    values = column.to_numpy()
    if values.dtype.kind == "f":
        return values
    return pd.to_numeric(column, errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)
