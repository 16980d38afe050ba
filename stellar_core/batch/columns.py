"""The table of a batch: its columns with units and descriptions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields
from typing import TYPE_CHECKING

from stellar_core.export.table import ExportTable, describe_field
from stellar_core.inference.result_tables import INTERVAL_PARTS, PARALLAX_COLUMNS, SPECTRUM_QUALITY
from stellar_core.intervals import Interval
from stellar_core.quantities import QUANTITIES, UNITS
from stellar_core.stages import STAGES

if TYPE_CHECKING:
    import pyarrow as pa

#: Atmospheric parameters of the SSPP, copied for comparison.
SSPP = ("teff", "teff_err", "logg", "logg_err", "feh", "feh_err")
#: Columns before the results: name, type, unit, description.
_IDENTITY = (
    ("row", "int64", "", "position in the list of inputs, from 0"),
    ("input", "string", "", "input as given; files with their full path"),
    ("star", "string", "", "plate-MJD-fiber if known, else the file"),
    ("specobjid", "string", "", "specObjID as text, since programs round its digits; empty if unknown"),
    ("plate", "int32", "", "spectroscopic plate"),
    ("mjd", "int32", "", "modified Julian date of the observation"),
    ("fiber", "int32", "", "fiber on the plate"),
    ("source", "string", "", "sdss, mock (not a real star) or upload"),
    ("ra", "double", "deg", "right ascension, ICRS"),
    ("dec", "double", "deg", "declination, ICRS"),
)
_SSPP_WORDS = {"teff": "effective temperature", "logg": "log g", "feh": "[Fe/H]"}
_QUALITY = {
    **SPECTRUM_QUALITY,
    "feature_distance": ("", "Mahalanobis distance of the spectrum's features in the network from the training set"),
    "misfit": ("", "RMS of observed minus predicted lines, in units of noise and library error"),
}
_PARALLAX_TYPES = {"parallax_mas": "double", "parallax_err_mas": "double", "source_id": "string"}
_QUALITY_TYPES = {"redshift": "double", "redshift_source": "string", "photometry": "string"}


def batch_table(
    chunks: Callable[[], Iterable[pa.Table]], facts: Mapping[str, object], gaia: bool = False
) -> ExportTable:
    """Return the table of a batch for `stellar_core.export`; ``chunks`` and ``facts`` as of `ExportTable`."""
    return ExportTable("STARS", schema(gaia), chunks, facts)


def schema(gaia: bool = False) -> pa.Schema:
    """Return names and Arrow types in their order, with "unit" and "description" in each field's metadata.

    With ``gaia``, the columns of the parallax are the last.
    """
    import pyarrow as pa

    columns = list(_IDENTITY)
    for name, unit in UNITS.items():
        columns += [
            (
                f"{name}_{field.name}",
                "float",
                unit,
                f"{INTERVAL_PARTS[field.name]} of the {QUANTITIES[name].description}",
            )
            for field in fields(Interval)
        ]
    columns += [("stage", "string", "", "most likely evolutionary stage")]
    columns += [(f"p_{name.replace(' ', '_')}", "float", "", f"probability of the stage: {name}") for name in STAGES]
    columns += [("in_domain", "bool", "", "true if the star is similar to the training set; empty without a result")]
    columns += [("messages", "string", "", "verdict in words")]
    columns += [(name, _QUALITY_TYPES.get(name, "float"), *words) for name, words in _QUALITY.items()]
    columns += [("error", "string", "", "reason why there is no result; empty with a result")]
    for name in SSPP:
        quantity, _, error = name.partition("_")
        words = f"{'error of ' if error else ''}{_SSPP_WORDS[quantity]} from the SSPP, not used for the result"
        columns += [(f"sspp_{name}", "float", UNITS[quantity], words)]
    columns += [("sspp_flag", "string", "", "flags of the SSPP")]
    if gaia:
        columns += [(name, _PARALLAX_TYPES.get(name, "float"), *words) for name, words in PARALLAX_COLUMNS.items()]
    types = {
        "int64": pa.int64(),
        "int32": pa.int32(),
        "double": pa.float64(),
        "float": pa.float32(),
        "bool": pa.bool_(),
        "string": pa.string(),
    }
    return pa.schema([describe_field(pa.field(name, types[kind]), unit, words) for name, kind, unit, words in columns])
