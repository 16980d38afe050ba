"""One sentence on a star, made from its posterior."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from stellar_core.constants import UNIVERSE_AGE_GYR
from stellar_core.inference.parallax_term import LIKELY
from stellar_core.quantities import LIFETIME

if TYPE_CHECKING:
    from stellar_core.inference.reliability import Reliability
    from stellar_core.inference.result import Result

#: Probability of a stage from which it is named alone.
SURE = 0.8
#: Names of the stages; the parts of the main sequence are one.
NAMES = {
    "Hot": "main-sequence star",
    "Medium": "main-sequence star",
    "Cool": "main-sequence star",
    "Subgiant": "subgiant",
    "Red Giant": "red giant",
}
#: Part of its life that a star has behind it, up to each limit.
PARTS = (
    (0.1, "at the beginning of"),
    (0.3, "early in"),
    (0.45, "in the first half of"),
    (0.5, "just short of half of"),
    (0.56, "just past half of"),
    (0.85, "in the second half of"),
    (0.95, "late in"),
    (np.inf, "near the end of"),
)
#: Width of the 68 % interval of that part from which it is given as a range.
UNCERTAIN = 0.4


def summary_sentence(result: Result, reliability: Reliability) -> str:
    """Say what the star is, where it stands in its life, and how well its age is known.

    Parameters
    ----------
    result : Result
    reliability : Reliability
        Of the same result.
    """
    if reliability.level == "refused":
        return "No age can be given: the spectrum differs from those the model was trained on."
    if contradiction := age_beyond_lifetime(result.log_age.to_dict(), result.log_lifetime.to_dict()):
        return f"{stage_name(result.stage)}; {contradiction}."
    star = stage_name(result.stage) + _mass(result)
    return f"{star}, {place_in_life(result)}; {precision(result, reliability)}."


def stage_name(stage: Mapping[str, float]) -> str:
    """The stage, or the two most probable ones: "Main-sequence star or subgiant"."""
    shares: dict[str, float] = {}
    for name, probability in stage.items():
        shares[NAMES[name]] = shares.get(NAMES[name], 0.0) + probability
    ranked = sorted(shares, key=shares.__getitem__, reverse=True)
    words = ranked[0] if shares[ranked[0]] >= SURE else " or ".join(ranked[:2])
    return words[0].upper() + words[1:]


def life_fraction(result: Result) -> np.ndarray:
    """(n_draw,) age over lifetime of each draw, at most 1."""
    age, lifetime = (np.asarray(result.draws[name], float) for name in ("log_age", "log_lifetime"))
    return np.minimum(10.0 ** (age - lifetime), 1.0)


def place_in_life(result: Result) -> str:
    """Where the star stands: "just past half of its 12.3 Gyr"."""
    low, middle, high = np.quantile(life_fraction(result), [0.16, 0.5, 0.84])
    lifetime = float(LIFETIME.convert(result.log_lifetime.median))
    whole = f"its {lifetime:.2g} Gyr" if lifetime < 1 else f"its {lifetime:.1f} Gyr"
    if lifetime > UNIVERSE_AGE_GYR:
        whole = f"a life of {lifetime:.0f} Gyr"
    if high - low > UNCERTAIN:
        return f"somewhere between {100 * low:.0f} and {100 * high:.0f} % of {whole}"
    return f"{next(words for limit, words in PARTS if middle < limit)} {whole}"


def precision(result: Result, reliability: Reliability) -> str:
    """How well the age is known, from its 68 % interval."""
    parallax = result.parallax is not None and result.parallax["wrong_parallax"] <= LIKELY
    if reliability.prior_dominated:
        data = "even with its parallax the data say" if parallax else "this spectrum says"
        return f"{data} little about its age"
    factor = 10.0 ** ((result.log_age.p84 - result.log_age.p16) / 2.0)
    data = "with its parallax " if parallax else ""
    if factor < 1.25:
        return f"{data}its age is known to about {100 * (factor - 1):.0f} %"
    if factor < 1.6:
        return f"{data}its age is known to within a factor of {factor:.1f}"
    words = "two" if 1.8 <= factor <= 2.2 else "three" if 2.75 <= factor <= 3.25 else f"{factor:.1f}"
    subject = "even with its parallax the data" if parallax else "a spectrum of this kind"
    return f"{subject} cannot tell its age to better than a factor of {words}"


def age_beyond_lifetime(log_age: Mapping[str, float], log_lifetime: Mapping[str, float]) -> str:
    """Say that an age exceeds the lifetime of the same estimate; empty if it does not.

    Parameters
    ----------
    log_age, log_lifetime : mapping
        Interval objects in log10(yr).
    """
    if log_age["median"] <= log_lifetime["median"]:
        return ""
    age, lifetime = (f"{float(LIFETIME.convert(one['median'])):.1f} Gyr" for one in (log_age, log_lifetime))
    return (
        f"its age of {age} exceeds its lifetime of {lifetime}: the paper's lifetime ends with the main sequence and "
        "does not depend on metallicity"
    )


def _mass(result: Result) -> str:
    if "mass" not in result.draws:
        return ""
    low, middle, high = np.quantile(np.asarray(result.draws["mass"], float), [0.16, 0.5, 0.84])
    digits = 2 if high - low < 0.05 else 1
    return f" of about {middle:.{digits}f} Msun"
