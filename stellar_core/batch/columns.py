"""Columns of a batch's table, each with its unit and a description."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING

from stellar_core.inference.result import Interval
from stellar_core.quantities import QUANTITIES, UNITS
from stellar_core.stages import STAGES
from stellar_core.tables import PARTS, QUALITY

if TYPE_CHECKING:
    import pyarrow as pa

#: Numbers of SDSS's own pipeline that stand beside the answers.
SSPP = ("teff", "teff_err", "logg", "logg_err", "feh", "feh_err")
#: What the columns before the answers say.
_NAMING = (
    ("row", "int64", "", "place in the list of inputs, from 0"),
    ("input", "string", "", "what was given; files with their whole path"),
    ("star", "string", "", "plate-MJD-fiber where known, else the file"),
    ("specobjid", "string", "", "specObjID as text, as programs round its digits; empty if unknown"),
    ("plate", "int32", "", "spectroscopic plate"),
    ("mjd", "int32", "", "modified Julian date of the observation"),
    ("fiber", "int32", "", "fiber on the plate"),
    ("source", "string", "", "sdss, mock (no real star) or upload"),
    ("ra", "double", "deg", "right ascension, ICRS"),
    ("dec", "double", "deg", "declination, ICRS"),
)
_PLAIN = {"teff": "effective temperature", "logg": "log g", "feh": "[Fe/H]"}
_QUALITY = {
    **QUALITY,
    "feature_distance": ("", "Mahalanobis distance of the network's view of the spectrum from those it was trained on"),
    "misfit": ("", "RMS of observed minus predicted lines over what noise and library leave"),
}


def schema() -> pa.Schema:
    """Names and Arrow types in their order; "unit" and "description" in each field's metadata."""
    import pyarrow as pa

    columns = list(_NAMING)
    for name, unit in UNITS.items():
        columns += [
            (f"{name}_{field.name}", "float", unit, f"{PARTS[field.name]} of the {QUANTITIES[name].description}")
            for field in fields(Interval)
        ]
    columns += [("stage", "string", "", "most likely evolutionary stage")]
    columns += [(f"p_{name.replace(' ', '_')}", "float", "", f"probability of the stage: {name}") for name in STAGES]
    columns += [
        ("in_domain", "bool", "", "whether the network may be trusted on this star; empty where there is no answer")
    ]
    columns += [("messages", "string", "", "the verdict in words")]
    kinds = {"redshift": "double", "redshift_source": "string", "photometry": "string"}
    columns += [(name, kinds.get(name, "float"), *words) for name, words in _QUALITY.items()]
    columns += [("error", "string", "", "why there is no answer; empty where there is one")]
    for name in SSPP:
        quantity, _, error = name.partition("_")
        words = f"{'error of ' if error else ''}SSPP's {_PLAIN[quantity]}, not used for the answer"
        columns += [(f"sspp_{name}", "float", UNITS[quantity], words)]
    columns += [("sspp_flag", "string", "", "flags of SDSS's SSPP")]
    kind = {
        "int64": pa.int64(),
        "int32": pa.int32(),
        "double": pa.float64(),
        "float": pa.float32(),
        "bool": pa.bool_(),
        "string": pa.string(),
    }
    return pa.schema(
        [
            pa.field(name, kind[of], metadata={"unit": unit, "description": words} if unit else {"description": words})
            for name, of, unit, words in columns
        ]
    )
