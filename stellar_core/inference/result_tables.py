"""A result, its draws and its spectrum as tables to export, and as JSON and one row of CSV."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from stellar_core.export import ExportTable, frame_to_csv
from stellar_core.quantities import QUANTITIES

if TYPE_CHECKING:
    from stellar_core.inference.result import Result
    from stellar_core.spectrum import Spectrum

#: Part of an interval -> description.
INTERVAL_PARTS = {
    "mean": "mean",
    "std": "standard deviation",
    "p025": "2.5th percentile",
    "p16": "16th percentile",
    "median": "median",
    "p84": "84th percentile",
    "p975": "97.5th percentile",
}
#: Part of the error -> description.
_ERROR_PARTS = {
    "epistemic": "model uncertainty",
    "input_noise": "error from the noise of the spectrum",
    "aleatoric": "intrinsic uncertainty, which a better model would not reduce",
}
#: Column of a result -> unit and description.
_RESULT = {
    "input": ("", "input as given"),
    "star": ("", "plate-MJD-fiber if known, else the file"),
    "source": ("", "sdss, mock (not a real star) or upload"),
    "model": ("", "name of the model"),
    "seed": ("", "seed of the dropout passes and draws"),
    "samples": ("", "number of MC dropout passes"),
}
#: Column about the spectrum -> unit and description.
SPECTRUM_QUALITY = {
    "snr": ("", "median signal-to-noise ratio per pixel"),
    "coverage": ("", "fraction of 3600 to 10400 Angstrom in the rest frame that was observed"),
    "redshift": ("", "redshift that was removed"),
    "redshift_source": ("", "source of the redshift"),
    "photometry": ("", "use of the ugriz photometry"),
}
#: Column about the parallax -> unit and description.
_PARALLAX = {
    "parallax_mas": ("mas", "parallax that was used, corrected for the zero point"),
    "parallax_err_mas": ("mas", "its error"),
    "source_id": ("", "source of Gaia DR3 as text; empty if unknown"),
    "ruwe": ("", "RUWE of Gaia; 1 for a single star"),
}
_PARALLAX_INTERVALS = {"distance_pc": ("pc", "distance"), "av_mag": ("mag", "extinction A_V")}
_DOUBTS = {
    "wrong_parallax": ("", "probability that the parallax is wrong"),
    "companion": ("", "probability of a companion that adds 0.3 mag or more"),
}
#: The same with the columns of the intervals.
PARALLAX_COLUMNS = {
    **_PARALLAX,
    **{
        f"{name}_{part}": (unit, f"{words} of the {description}")
        for name, (unit, description) in _PARALLAX_INTERVALS.items()
        for part, words in INTERVAL_PARTS.items()
    },
    **_DOUBTS,
}

#: Name, values, unit and description.
Column = tuple[str, object, str, str]


def result_table(result: Result, isochrones: Mapping[str, object] | None = None) -> ExportTable:
    """Return one row with everything but the draws.

    Parameters
    ----------
    result : Result
    isochrones : mapping, optional
        The posterior of `stellar_core.inference.isochrone_check.check_against_isochrones`.
    """
    columns: list[Column] = [(name, _printable(getattr(result, name)), *words) for name, words in _RESULT.items()]
    for name in ("teff", "logg", "feh", "log_age", "log_lifetime"):
        columns += _interval(name, getattr(result, name).to_dict())
    columns += _stages("p", result.stage, "probability of the stage")
    columns += [("in_domain", result.verdict.in_domain, "", "true if the star is similar to the training set")]
    columns += [("messages", _printable(" ".join(result.verdict.messages)), "", "verdict in words")]
    columns += [
        (name, _printable(result.quality[name]), *words)
        for name, words in SPECTRUM_QUALITY.items()
        if result.quality.get(name) is not None
    ]
    for name, interval in result.network.items():
        columns += _interval(f"dropout_{name}", interval.to_dict(), "MC dropout passes alone, ")
    for name, parts in result.parts.items():
        unit = QUANTITIES[name].astropy_unit if name in QUANTITIES else ""
        columns += [
            (f"{name}_{part}", value, unit, f"{_ERROR_PARTS[part]}: {name}") for part, value in parts.to_dict().items()
        ]
    if result.parallax is not None:
        values = parallax_values(result.parallax)
        columns += [(name, value, *PARALLAX_COLUMNS[name]) for name, value in values.items() if value is not None]
        for name in ("log_age", "mass", "log_lifetime"):
            columns += _interval(f"without_parallax_{name}", result.parallax["without"][name], "without the parallax, ")
    columns += [("stage_entropy", result.predictive_entropy, "", "entropy of the stage, nats")]
    for name in ("log_age", "mass", "log_lifetime") if isochrones else ():
        columns += _interval(f"isochrones_{name}", isochrones[name], "exact posterior on the isochrones, ")
    if isochrones:
        columns += _stages("isochrones_p", isochrones["stage"], "probability of the stage on the isochrones")
    return _table("RESULT", [(name, [value], *words) for name, value, *words in columns], result)


def parallax_values(found: Mapping[str, object]) -> dict[str, object]:
    """Return the values of `PARALLAX_COLUMNS` from `Result.parallax`; None where unknown."""
    intervals = {f"{name}_{part}": found[name][part] for name in _PARALLAX_INTERVALS for part in INTERVAL_PARTS}
    values = {**{name: found[name] for name in (*_PARALLAX, *_DOUBTS)}, **intervals}
    return {name: None if values[name] == "" else values[name] for name in PARALLAX_COLUMNS}


def draws_table(result: Result) -> ExportTable:
    """Return one row for each draw behind the intervals."""
    columns = [
        (name, np.asarray(draws, float), QUANTITIES[name].astropy_unit, QUANTITIES[name].description)
        for name, draws in result.draws.items()
        if name in QUANTITIES
    ]
    return _table("DRAWS", columns, result)


def passes_table(result: Result) -> ExportTable | None:
    """Return the stage probabilities of each MC dropout pass; None without passes."""
    passes = result.draws.get("stage")
    if passes is None:
        return None
    columns = [
        (f"p_{name.replace(' ', '_')}", column, "", f"probability of the stage in this pass: {name}")
        for name, column in zip(result.stage, np.transpose(passes))
    ]
    return _table("STAGE_PASSES", columns, result)


def spectrum_table(spectrum: Spectrum) -> ExportTable:
    """Return the spectrum as it was read."""
    unit = "1e-17 erg / (s cm2 Angstrom)" if "plate" in spectrum.meta else ""
    with np.errstate(divide="ignore"):
        error = np.where(spectrum.good, 1.0 / np.sqrt(spectrum.ivar), np.nan)
    columns = [
        ("wavelength", spectrum.wavelength, "Angstrom", "vacuum wavelength as observed"),
        ("flux", spectrum.flux, unit, "flux density"),
        ("error", error, unit, "standard deviation of the flux, NaN where masked"),
    ]
    return ExportTable.from_columns(
        "SPECTRUM", columns, {"STAR": _printable(spectrum.name), **_source_facts(spectrum.source)}
    )


def result_json(result: Result, **more: Mapping[str, object]) -> str:
    """Return the object that ``predict --json`` prints for this star, with ``more`` under their own keys."""
    return json.dumps({**result.to_dict(), **more}, indent=2, allow_nan=False) + "\n"


def result_csv(result: Result, **more: Mapping[str, object]) -> str:
    """Return a header and one row; log age and log lifetime in log10(yr), Teff in K."""
    import pandas as pd

    found = {name: value for name, value in {**result.to_dict(), **more}.items() if value is not None}
    return frame_to_csv(pd.DataFrame([flatten(found)], dtype=object))


def flatten(mapping: Mapping[str, object], prefix: str = "") -> dict[str, object]:
    """Flatten nested mappings, keys joined by underscores, lists by semicolons."""
    row: dict[str, object] = {}
    for key, value in mapping.items():
        name = f"{prefix}{key}".replace(" ", "_")
        if isinstance(value, Mapping):
            row.update(flatten(value, f"{name}_"))
        elif isinstance(value, (list, tuple)):
            row[name] = "; ".join(str(one) for one in value)
        else:
            row[name] = value
    return row


def _interval(name: str, interval: Mapping[str, float], source: str = "") -> list[Column]:
    """Return a column for each part of the interval of the quantity that ``name`` ends with."""
    quantity = next(one for key, one in QUANTITIES.items() if name == key or name.endswith(f"_{key}"))
    return [
        (f"{name}_{part}", interval[part], quantity.astropy_unit, f"{source}{words} of the {quantity.description}")
        for part, words in INTERVAL_PARTS.items()
    ]


def _stages(prefix: str, stage: Mapping[str, float], description: str) -> list[Column]:
    return [(f"{prefix}_{name.replace(' ', '_')}", float(p), "", f"{description}: {name}") for name, p in stage.items()]


def _table(name: str, columns: list[Column], result: Result) -> ExportTable:
    facts = {"STAR": _printable(result.star), "MODEL": result.model, "SEED": result.seed, "SAMPLES": result.samples}
    return ExportTable.from_columns(name, columns, {**facts, **_source_facts(result.source)})


def _source_facts(source: str) -> dict[str, str]:
    note = {"NOTE": "MOCK star: made by an emulator, not observed"} if source == "mock" else {}
    return {"SOURCE": source, **note}


def _printable(value: object) -> object:
    """Return a text without the characters of file names that break headers and XML; other values unchanged."""
    return "".join(one if one.isprintable() else " " for one in value) if isinstance(value, str) else value
