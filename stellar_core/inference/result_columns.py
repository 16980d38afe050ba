"""Columns of a table of results, the same for one star and for a batch: names, types, units and values."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from stellar_core import __version__
from stellar_core.intervals import Interval
from stellar_core.quantities import DISTANCE, EXTINCTION, QUANTITIES, Quantity
from stellar_core.stages import STAGES

if TYPE_CHECKING:
    from stellar_core.inference.result import Result
    from stellar_core.spectrum import Spectrum

#: Part of an interval -> description, in the order of `stellar_core.intervals.Interval`.
INTERVAL_PARTS = {
    "mean": "mean",
    "std": "standard deviation",
    "p025": "2.5th percentile",
    "p16": "16th percentile",
    "median": "median",
    "p84": "84th percentile",
    "p975": "97.5th percentile",
}
#: Atmospheric parameters of the SSPP, copied for comparison.
SSPP = ("teff", "teff_err", "logg", "logg_err", "feh", "feh_err")


class ResultColumn(NamedTuple):
    """A column: its Arrow type, its unit as astropy spells it, and its description."""

    name: str
    kind: str
    unit: str
    description: str


def interval_columns(stem: str, quantity: Quantity, source: str = "") -> list[ResultColumn]:
    """Return a column for each of `INTERVAL_PARTS`; the standard deviation of a logarithm is in dex."""
    units = dict.fromkeys(INTERVAL_PARTS, quantity.astropy_unit) | {"std": spread_unit(quantity)}
    return [
        ResultColumn(f"{stem}_{part}", "float", units[part], f"{source}{words} of the {quantity.description}")
        for part, words in INTERVAL_PARTS.items()
    ]


def spread_unit(quantity: Quantity) -> str:
    """Unit of errors and differences, as astropy spells it."""
    return "dex" if quantity.astropy_unit.startswith("dex") else quantity.astropy_unit


#: The star and its spectrum. Numbers of SDSS with more than 15 digits are text, because programs round them.
IDENTITY = (
    ResultColumn("input", "string", "", "input as given"),
    ResultColumn("star", "string", "", "plate-MJD-fiber if known, else the file"),
    ResultColumn("specobjid", "string", "", "specObjID as text, since programs round its digits; empty if unknown"),
    ResultColumn("plate", "int32", "", "spectroscopic plate"),
    ResultColumn("mjd", "int32", "", "modified Julian date of the observation"),
    ResultColumn("fiber", "int32", "", "fiber on the plate"),
    ResultColumn("source", "string", "", "sdss, mock (not a real star) or upload"),
    ResultColumn("ra", "double", "deg", "right ascension, ICRS"),
    ResultColumn("dec", "double", "deg", "declination, ICRS"),
)
STAGE_COLUMNS = (
    ResultColumn("stage", "string", "", "most likely evolutionary stage"),
    *(ResultColumn(f"p_{name.replace(' ', '_')}", "float", "", f"probability of the stage: {name}") for name in STAGES),
)
VERDICT = (
    ResultColumn("in_domain", "bool", "", "true if the star is similar to the training set; empty without a result"),
    ResultColumn("messages", "string", "", "verdict in words"),
)
QUALITY = (
    ResultColumn("snr", "float", "", "median signal-to-noise ratio per pixel"),
    ResultColumn("coverage", "float", "", "fraction of 3600 to 10400 Angstrom in the rest frame that was observed"),
    ResultColumn("redshift", "double", "", "redshift that was removed"),
    ResultColumn("redshift_source", "string", "", "source of the redshift"),
    ResultColumn("photometry", "string", "", "use of the ugriz photometry"),
    ResultColumn(
        "feature_distance",
        "float",
        "",
        "Mahalanobis distance of the spectrum's features in the network from the training set",
    ),
    ResultColumn("misfit", "float", "", "RMS of observed minus predicted lines, in units of noise and library error"),
)
_SSPP_WORDS = {"teff": "effective temperature", "logg": "log g", "feh": "[Fe/H]"}
SSPP_COLUMNS = (
    *(
        ResultColumn(
            f"sspp_{name}",
            "float",
            spread_unit(QUANTITIES[quantity]) if error else QUANTITIES[quantity].astropy_unit,
            f"{'error of ' if error else ''}{_SSPP_WORDS[quantity]} from the SSPP, not used for the result",
        )
        for name in SSPP
        for quantity, _, error in (name.partition("_"),)
    ),
    ResultColumn("sspp_flag", "string", "", "flags of the SSPP"),
)
PROVENANCE = (
    ResultColumn("model", "string", "", "name of the model"),
    ResultColumn("model_sha256", "string", "", "SHA-256 of the file of its weights"),
    ResultColumn("seed", "int32", "", "seed of the dropout passes and draws"),
    ResultColumn("samples", "int32", "", "number of MC dropout passes, for models that use them"),
    ResultColumn("version", "string", "", "version of the package stellar_core"),
    ResultColumn("mock_edition", "int32", "", "edition of the MOCK survey; empty for a real star"),
    ResultColumn("date", "string", "", "day of the estimate, UTC"),
)
#: Columns of a star whose parallax was used.
PARALLAX = (
    ResultColumn("parallax_mas", "double", "mas", "parallax that was used, corrected for the zero point"),
    ResultColumn("parallax_err_mas", "double", "mas", "its error"),
    ResultColumn("source_id", "string", "", "source of Gaia DR3 as text; empty if unknown"),
    ResultColumn("ruwe", "float", "", "RUWE of Gaia; 1 for a single star"),
    *(column for one in (DISTANCE, EXTINCTION) for column in interval_columns(one.field, one)),
    ResultColumn("wrong_parallax", "float", "", "probability that the parallax is wrong"),
    ResultColumn("companion", "float", "", "probability of a companion that adds 0.3 mag or more"),
)


def result_columns(parallax: bool) -> tuple[ResultColumn, ...]:
    """Return the columns of a table of results in their order, with those of the parallax as the last."""
    intervals = [column for name, one in QUANTITIES.items() for column in interval_columns(name, one)]
    head = (*IDENTITY, *intervals, *STAGE_COLUMNS, *VERDICT, *QUALITY, *SSPP_COLUMNS, *PROVENANCE)
    return (*head, *PARALLAX) if parallax else head


def spectrum_values(spectrum: Spectrum) -> dict[str, object]:
    """Return identity, SSPP parameters and MOCK edition of a star, by column; None where unknown."""
    names = ("plate", "mjd", "fiber", "ra", "dec", "mock_edition", *(column.name for column in SSPP_COLUMNS))
    return {
        "star": printable(spectrum.name),
        "source": spectrum.source,
        "specobjid": str(spectrum.meta.get("specobjid") or "") or None,
        **{name: spectrum.meta.get(name) for name in names},
    }


def result_values(result: Result, sha256: str) -> dict[str, object]:
    """Return all but `spectrum_values` and the input, by column; ``sha256`` is the hash of the model's weights."""
    intervals = {name: getattr(result, name) for name in QUANTITIES if name != "mass"}
    if "mass" in result.draws:
        intervals["mass"] = Interval.from_draws(np.asarray(result.draws["mass"], float))
    return {
        **{f"{name}_{part}": value for name, one in intervals.items() for part, value in one.to_dict().items()},
        **{f"p_{name.replace(' ', '_')}": result.stage[name] for name in STAGES},
        "stage": result.most_likely_stage,
        "in_domain": result.verdict.in_domain,
        "messages": printable(" ".join(result.verdict.messages)),
        **{column.name: result.quality.get(column.name) for column in QUALITY},
        **({} if result.parallax is None else parallax_values(result.parallax)),
        **{name: getattr(result, name) for name in ("model", "seed", "samples")},
        "model_sha256": sha256,
        "version": __version__,
        "date": datetime.now(UTC).date().isoformat(),
    }


def parallax_values(found: Mapping[str, object]) -> dict[str, object]:
    """Return the values of `PARALLAX` from `Result.parallax`; None where unknown."""
    values = dict(found)
    for one in (DISTANCE, EXTINCTION):
        values |= {f"{one.field}_{part}": found[one.field][part] for part in INTERVAL_PARTS}
    return {column.name: None if values[column.name] == "" else values[column.name] for column in PARALLAX}


def printable(text: str) -> str:
    """Replace the characters of file names that break headers and XML."""
    return "".join(letter if letter.isprintable() else "\ufffd" for letter in text)
