"""Names, symbols, units and formats of a star's quantities, and the names of its stages.

Labels of pages and figures, units of exported columns and their descriptions all come from here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from stellar_core.stages import DEFAULT_THRESHOLDS, STAGES


@dataclass(frozen=True)
class Quantity:
    """One quantity and the form in which people read it.

    Attributes
    ----------
    key : str
        Unique name.
    title, unit : str
        As shown; ``unit`` is empty for pure numbers.
    field : str
        Field of a result and stem of its columns. `AGE` and `LOG_AGE` share one.
    form : str
        Format of a number.
    description : str
        Plain words for the metadata of a column.
    column_unit, astropy_unit : str
        Unit of the column ``field`` in plain text, and as astropy spells it.
    in_gyr : bool
        True if log10(yr) is converted to Gyr.
    limits : (low, high) or None
        Physical limits in the shown unit.
    """

    key: str
    title: str
    unit: str
    field: str
    form: str
    description: str = ""
    column_unit: str = ""
    astropy_unit: str = ""
    in_gyr: bool = False
    limits: tuple[float, float] | None = None

    @property
    def label(self) -> str:
        """Title and unit, for axes and table heads: "Teff (K)", "log age (yr)"."""
        return f"{self.title} ({self.unit.removeprefix('log ')})" if self.unit else self.title

    @property
    def error_unit(self) -> str:
        """Unit of errors and differences: dex for logarithms."""
        return "dex" if self.unit == "log yr" else self.unit

    def convert(self, values: object) -> np.ndarray:
        """Convert ``values`` of the field to the shown unit."""
        values = np.asarray(values, float)
        return 10.0 ** (values - 9.0) if self.in_gyr else values

    def write(self, value: float) -> str:
        """Format one value of the field in the shown unit, with a true minus sign."""
        return format(float(self.convert(value)), self.form).replace("-", "−")

    def quantiles(self, interval: Mapping[str, float]) -> tuple[float, ...]:
        """(p025, p16, median, p84, p975) in the shown unit, from an interval object."""
        return tuple(float(self.convert(interval[name])) for name in ("p025", "p16", "median", "p84", "p975"))

    def headline(self, interval: Mapping[str, float]) -> str:
        """Median with its unit."""
        return f"{self.write(interval['median'])} {self.unit}".strip()

    def with_errors(self, interval: Mapping[str, float]) -> str:
        """Median with the distances to the 68 % limits and the unit: "6.7 +2.1 −3.3 Gyr", "5710 ± 60 K"."""
        form = self.form.replace("+", "")
        low, middle, high = self.quantiles(interval)[1:4]
        above, below = format(high - middle, form), format(middle - low, form)
        errors = f"± {above}" if above == below else f"+{above} −{below}"
        return f"{self.write(interval['median'])} {errors} {self.unit}".strip()

    def ranges(self, interval: Mapping[str, float], separator: str = "  \n") -> str:
        """Both intervals in Markdown."""
        p025, p16, p84, p975 = (self.write(interval[name]) for name in ("p025", "p16", "p84", "p975"))
        return f"68 %: **{p16} – {p84}**{separator}95 %: {p025} – {p975}"

    def short(self, interval: Mapping[str, float]) -> str:
        """Median and 68 % interval in Markdown, without the unit and on one line."""
        low, middle, high = (self.write(interval[name]) for name in ("p16", "median", "p84"))
        return f"**{middle}**\u00a0({low}\u00a0–\u00a0{high})"

    def interval(self, result: object) -> dict[str, float]:
        """Interval object of a `stellar_core.inference.result.Result`."""
        return getattr(result, self.field).to_dict()


#: No age exceeds that of the Universe, Gyr (Planck Collaboration 2020).
AGE = Quantity("age", "Age", "Gyr", "log_age", ".1f", "age", in_gyr=True, limits=(0.0, 13.8))
LIFETIME = Quantity("lifetime", "Lifetime", "Gyr", "log_lifetime", ".1f", "whole lifetime", in_gyr=True)
LOG_AGE = Quantity("log_age", "log age", "log yr", "log_age", ".2f", "age, log10 of years", "log10(yr)", "dex(yr)")
LOG_LIFETIME = Quantity(
    "log_lifetime",
    "log lifetime",
    "log yr",
    "log_lifetime",
    ".2f",
    "whole lifetime, log10 of years",
    "log10(yr)",
    "dex(yr)",
)
TEFF = Quantity("teff", "Teff", "K", "teff", ".0f", "effective temperature", "K", "K")
LOGG = Quantity("logg", "log g", "dex", "logg", ".2f", "surface gravity, log10 of cm/s2", "dex(cm/s2)", "dex(cm / s2)")
FEH = Quantity("feh", "[Fe/H]", "dex", "feh", "+.2f", "iron abundance [Fe/H] relative to the Sun, dex", "dex", "dex")
MASS = Quantity("mass", "Mass", "Msun", "mass", ".2f", "initial mass", "Msun", "solMass")
DISTANCE = Quantity("distance", "Distance", "pc", "distance_pc", ".0f", "distance", "pc", "pc")
EXTINCTION = Quantity("extinction", "Extinction A_V", "mag", "av_mag", ".2f", "extinction A_V", "mag", "mag")
SNR = Quantity("snr", "S/N per pixel", "", "snr", ".0f", "median signal-to-noise ratio per pixel")

#: All quantities by the name of their field, as they are stored.
QUANTITIES = {one.field: one for one in (TEFF, LOGG, FEH, LOG_AGE, LOG_LIFETIME, MASS)}
#: Quantities that every result gives as an interval, in the order of the networks' columns, with their units.
UNITS = {name: one.column_unit for name, one in QUANTITIES.items() if name != "mass"}

#: Stage, as the paper names it -> its usual name; the main sequence is split by temperature.
STAGE_TITLES = dict(
    zip(
        STAGES,
        (
            f"Main sequence (above {DEFAULT_THRESHOLDS.hot:.0f} K)",
            f"Main sequence ({DEFAULT_THRESHOLDS.cool:.0f}–{DEFAULT_THRESHOLDS.hot:.0f} K)",
            f"Main sequence (below {DEFAULT_THRESHOLDS.cool:.0f} K)",
            "Subgiant",
            "Red giant",
        ),
    )
)
#: Stage, as the paper names it -> short name for crowded figures and lists; MS: main sequence.
STAGE_SHORT = {
    stage: title.replace("Main sequence (", "MS ").removesuffix(")") for stage, title in STAGE_TITLES.items()
}


def stage_words(stage: Mapping[str, float]) -> str:
    """Most probable stage with its probability; ``stage`` maps each stage to its probability."""
    name = max(stage, key=stage.__getitem__, default="")
    return f"{STAGE_TITLES[name]} {stage[name]:.0%}" if name else ""
