"""How each quantity of a result is named, converted and written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from stellar_core.inference.result import Result


@dataclass(frozen=True)
class Quantity:
    """One quantity as it is shown.

    Attributes
    ----------
    key : str
        Its entry in the glossary.
    title, unit : str
        As shown; an empty unit for pure numbers.
    field : str
        The interval of `Result` it comes from.
    form : str
        Format of its numbers.
    in_gyr : bool
        True where log10(yr) is turned into Gyr.
    limits : (low, high) or None
        Physical limits in the shown unit.
    """

    key: str
    title: str
    unit: str
    field: str
    form: str
    in_gyr: bool = False
    limits: tuple[float, float] | None = None

    def convert(self, values: object) -> np.ndarray:
        """``values`` of the field in the shown unit."""
        values = np.asarray(values, float)
        return 10.0 ** (values - 9.0) if self.in_gyr else values

    def write(self, value: float) -> str:
        """One number in the shown unit, with a true minus sign."""
        return format(float(self.convert(value)), self.form).replace("-", "−")

    def quantiles(self, interval: Mapping[str, float]) -> tuple[float, ...]:
        """(p025, p16, median, p84, p975) in the shown unit, from an interval object."""
        return tuple(float(self.convert(interval[name])) for name in ("p025", "p16", "median", "p84", "p975"))

    def headline(self, interval: Mapping[str, float]) -> str:
        """The median with its unit."""
        return f"{self.write(interval['median'])} {self.unit}".strip()

    def ranges(self, interval: Mapping[str, float], separator: str = "  \n") -> str:
        """Both intervals in Markdown."""
        p025, p16, p84, p975 = (self.write(interval[name]) for name in ("p025", "p16", "p84", "p975"))
        return f"68 %: **{p16} – {p84}**{separator}95 %: {p025} – {p975}"

    def short(self, interval: Mapping[str, float]) -> str:
        """Median and 68 % interval in Markdown, without the unit and on one line."""
        low, middle, high = (self.write(interval[name]) for name in ("p16", "median", "p84"))
        return f"**{middle}**\u00a0({low}\u00a0–\u00a0{high})"

    def interval(self, result: Result) -> dict[str, float]:
        """The interval object of ``result``."""
        return getattr(result, self.field).to_dict()


#: An age ends at the age of the Universe, Gyr (Planck Collaboration 2020).
AGE = Quantity("age", "Age", "Gyr", "log_age", ".1f", in_gyr=True, limits=(0.0, 13.8))
LIFETIME = Quantity("lifetime", "Lifetime", "Gyr", "log_lifetime", ".1f", in_gyr=True)
LOG_AGE = Quantity("log_age", "log age", "log yr", "log_age", ".2f")
LOG_LIFETIME = Quantity("log_lifetime", "log lifetime", "log yr", "log_lifetime", ".2f")
TEFF = Quantity("teff", "Teff", "K", "teff", ".0f")
LOGG = Quantity("logg", "log g", "dex", "logg", ".2f")
FEH = Quantity("feh", "[Fe/H]", "dex", "feh", "+.2f")
