"""A result, its draws, its influences and its spectrum as tables to export, and all its numbers as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from stellar_core.export import ExportTable
from stellar_core.inference.result_columns import (
    ResultColumn,
    printable,
    result_columns,
    result_values,
    spectrum_values,
    spread_unit,
)
from stellar_core.quantities import QUANTITIES

if TYPE_CHECKING:
    from stellar_core.inference.occlusion import Influence
    from stellar_core.inference.result import Result
    from stellar_core.spectrum import Spectrum

#: Parts of an interval that the table of one star leaves out; they are in `result_json`.
LEFT_OUT = ("mean", "std", "p025", "p975")
#: Column of the row of a star -> keyword of FITS, for the tables beside it.
_KEYWORDS = {
    **{"star": "STAR", "specobjid": "SPECOBJ", "ra": "RA", "dec": "DEC", "source": "SOURCE", "model": "MODEL"},
    **{"model_sha256": "MODELSHA", "seed": "SEED", "samples": "SAMPLES", "version": "VERSION"},
    **{"mock_edition": "MOCKEDIT", "date": "DATE"},
}


def result_row(result: Result, spectrum: Spectrum, sha256: str) -> dict[str, object]:
    """Return the values of one star by column; ``sha256`` is the hash of the model's weights."""
    values = {"input": printable(result.input), **spectrum_values(spectrum), **result_values(result, sha256)}
    return {**values, "star": printable(result.star), "source": result.source}


def result_table(result: Result, spectrum: Spectrum, sha256: str) -> ExportTable:
    """Return one row: the columns of a batch, of intervals the median and the 68 % limits alone."""
    row = result_row(result, spectrum, sha256)
    columns = [one for one in result_columns(result.parallax is not None) if not _is_left_out(one)]
    return ExportTable.from_rows("RESULT", columns, [row], _facts(row))


def draws_table(result: Result, spectrum: Spectrum, sha256: str) -> ExportTable:
    """Return one row for each draw behind the intervals."""
    columns = [
        (name, np.asarray(draws, float), QUANTITIES[name].astropy_unit, QUANTITIES[name].description)
        for name, draws in result.draws.items()
        if name in QUANTITIES
    ]
    return ExportTable.from_columns("DRAWS", columns, _facts(result_row(result, spectrum, sha256)))


def passes_table(result: Result, spectrum: Spectrum, sha256: str) -> ExportTable | None:
    """Return the stage probabilities of each MC dropout pass; None without passes."""
    passes = result.draws.get("stage")
    if passes is None:
        return None
    columns = [
        (f"p_{name.replace(' ', '_')}", column, "", f"probability of the stage in this pass: {name}")
        for name, column in zip(result.stage, np.transpose(passes))
    ]
    return ExportTable.from_columns("STAGE_PASSES", columns, _facts(result_row(result, spectrum, sha256)))


def influence_table(found: Influence, result: Result, spectrum: Spectrum, sha256: str) -> ExportTable:
    """Return one row for each hidden range of wavelength: its limits and the change of each mean."""
    columns = [
        ("wavelength_from", found.edges[:, 0], "Angstrom", "first hidden vacuum wavelength at rest"),
        ("wavelength_to", found.edges[:, 1], "Angstrom", "last hidden vacuum wavelength at rest"),
    ]
    for name, shift in found.shift.items():
        words = f"change of the mean if the range is hidden: {QUANTITIES[name].description}"
        columns.append((f"{name}_shift", shift, spread_unit(QUANTITIES[name]), words))
    if found.widening is not None:
        words = "relative change of the standard deviation of log age"
        columns.append(("log_age_std_change", found.widening, "", words))
    return ExportTable.from_columns("INFLUENCE", columns, _facts(result_row(result, spectrum, sha256)))


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
    return ExportTable.from_columns("SPECTRUM", columns, _facts(spectrum_values(spectrum)))


def result_json(result: Result, spectrum: Spectrum, sha256: str, **more: Mapping[str, object]) -> str:
    """Return all numbers: the object that ``predict --json`` prints, identity, provenance, and ``more``."""
    row = result_row(result, spectrum, sha256)
    about = {name: row[name] for name in _KEYWORDS if row[name] is not None}
    return json.dumps({**about, **result.to_dict(), **more}, indent=2, allow_nan=False) + "\n"


def _is_left_out(column: ResultColumn) -> bool:
    return any(column.name.endswith(f"_{part}") for part in LEFT_OUT)


def _facts(row: Mapping[str, object]) -> dict[str, object]:
    facts = {word: row[name] for name, word in _KEYWORDS.items() if row.get(name) is not None}
    return facts | ({"NOTE": "MOCK star: made by an emulator, not observed"} if row["source"] == "mock" else {})
