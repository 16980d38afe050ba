"""A result, its draws and its spectrum as astropy tables, with a unit and a description on every column.

Logarithms carry units such as dex(yr) in ECSV. FITS and VOTable know none for them: there the description says it.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from stellar_core.inference.result import Result
from stellar_core.quantities import QUANTITIES

if TYPE_CHECKING:
    from astropy.table import Table

    from stellar_core.spectrum import Spectrum

#: Part of an interval -> in words.
PARTS = {
    "mean": "mean",
    "std": "standard deviation",
    "p025": "2.5th percentile",
    "p16": "16th percentile",
    "median": "median",
    "p84": "84th percentile",
    "p975": "97.5th percentile",
}
#: Part of the error -> in words.
SOURCES = {
    "epistemic": "error for what the network does not know",
    "input_noise": "error from the noise of the input",
    "aleatoric": "error for what such data cannot tell",
}
#: Facts about the result -> unit and description.
_FACTS = {
    "input": ("", "what was given"),
    "star": ("", "plate-MJD-fiber where known, else the file"),
    "source": ("", "sdss, mock (no real star) or upload"),
    "model": ("", "name of the network"),
    "seed": ("", "seed of draws and passes"),
    "samples": ("", "passes of MC dropout"),
}
#: Facts about the spectrum -> unit and description.
QUALITY = {
    "snr": ("", "median signal-to-noise ratio per pixel"),
    "coverage": ("", "share of 3600 to 10400 Angstrom at rest that was observed"),
    "redshift": ("", "redshift that was taken out"),
    "redshift_source": ("", "where the redshift came from"),
    "photometry": ("", "whether ugriz photometry was used"),
}


def result_table(result: Result, isochrones: Mapping[str, object] | None = None) -> Table:
    """One row with everything but the draws.

    Parameters
    ----------
    result : Result
    isochrones : mapping, optional
        The posterior that `stellar_core.inference.isochrone_check.second_opinion` gives.
    """
    columns = [(name, getattr(result, name), *words) for name, words in _FACTS.items()]
    for name in ("teff", "logg", "feh", "log_age", "log_lifetime"):
        columns += _interval(name, getattr(result, name).to_dict())
    columns += _stages("p", result.stage, "probability of the stage")
    columns += [("in_domain", result.verdict.in_domain, "", "whether the network may be trusted on this star")]
    columns += [("messages", " ".join(result.verdict.messages), "", "the verdict in words")]
    columns += [
        (name, result.quality[name], *words) for name, words in QUALITY.items() if result.quality.get(name) is not None
    ]
    for name, interval in result.network.items():
        columns += _interval(f"dropout_{name}", interval.to_dict(), "passes of MC dropout alone, ")
    for name, parts in result.parts.items():
        columns += [
            (f"{name}_{part}", value, _unit(name), f"{SOURCES[part]}: {name}")
            for part, value in parts.to_dict().items()
        ]
    columns += [("stage_entropy", result.predictive_entropy, "", "entropy of the stage, nats")]
    for name in ("log_age", "mass", "log_lifetime") if isochrones else ():
        columns += _interval(f"isochrones_{name}", isochrones[name], "exact posterior on the isochrones, ")
    if isochrones:
        columns += _stages("isochrones_p", isochrones["stage"], "probability of the stage on the isochrones")
    return _table(
        {name: [_printable(value)] for name, value, _, _ in columns}, {c[0]: c[2:] for c in columns}, "RESULT", result
    )


def draws_table(result: Result) -> Table:
    """One row for each draw behind the intervals."""
    columns = {name: np.asarray(draws, float) for name, draws in result.draws.items() if name in QUANTITIES}
    return _table(columns, {name: (QUANTITIES[name].astropy_unit, QUANTITIES[name].description) for name in columns}, "DRAWS", result)


def passes_table(result: Result) -> Table | None:
    """Stage probabilities of the single passes of MC dropout; None where none were made."""
    passes = result.draws.get("stage")
    if passes is None:
        return None
    columns = {f"p_{name.replace(' ', '_')}": column for name, column in zip(result.stage, np.transpose(passes))}
    words = {name: ("", f"probability of the stage in this pass: {name[2:].replace('_', ' ')}") for name in columns}
    return _table(columns, words, "STAGE_PASSES", result)


def spectrum_table(spectrum: Spectrum) -> Table:
    """The spectrum as it was read, for other programs."""
    from astropy.table import Table

    flux = "1e-17 erg / (s cm2 Angstrom)" if "plate" in spectrum.meta else ""
    with np.errstate(divide="ignore"):
        error = np.where(spectrum.good, 1.0 / np.sqrt(spectrum.ivar), np.nan)
    table = Table({"wavelength": spectrum.wavelength, "flux": spectrum.flux, "error": error})
    for name, unit, words in (
        ("wavelength", "Angstrom", "wavelength in vacuum, as observed"),
        ("flux", flux, "flux density"),
        ("error", flux, "standard deviation of the flux, NaN where masked"),
    ):
        table[name].unit, table[name].description = unit or None, words
    table.meta.update(name=spectrum.name, source=spectrum.source)
    return table


def ecsv(table: Table) -> bytes:
    """Enhanced CSV, with units and descriptions in its head."""
    text = io.StringIO()
    table.write(text, format="ascii.ecsv")
    return text.getvalue().encode()


def votable(*tables: Table) -> bytes:
    """VOTable with one table for each."""
    from astropy.io.votable.tree import Resource, TableElement, VOTableFile

    file = VOTableFile()
    resource = Resource()
    file.resources.append(resource)
    for table in tables:
        plain = _plain(table)
        plain.meta.pop("name", None)  # a name with blanks would be made into an ID, with a warning
        element = TableElement.from_table(file, plain)
        element.name = str(table.meta.get("EXTNAME", table.meta.get("name", "")))
        resource.tables.append(element)
    data = io.BytesIO()
    file.to_xml(data)
    return data.getvalue()


def fits(*tables: Table) -> bytes:
    """FITS with one binary table for each."""
    from astropy.io import fits as files

    units = [files.PrimaryHDU()]
    for table in tables:
        unit = files.table_to_hdu(_ascii(_plain(table)))
        for number, name in enumerate(table.colnames, 1):
            unit.header[f"TCOMM{number}"] = table[name].description or ""
        units.append(unit)
    data = io.BytesIO()
    files.HDUList(units).writeto(data)
    return data.getvalue()


def parquet(table: Table) -> bytes:
    """Parquet, with units and descriptions as metadata of the fields."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    fields = [
        pa.field(
            name,
            pa.array(np.asarray(table[name])).type,
            metadata={"unit": str(table[name].unit or ""), "description": table[name].description or ""},
        )
        for name in table.colnames
    ]
    arrays = [pa.array(np.asarray(table[name])) for name in table.colnames]
    data = io.BytesIO()
    pq.write_table(pa.Table.from_arrays(arrays, schema=pa.schema(fields)), data)
    return data.getvalue()


def _unit(name: str) -> str:
    return QUANTITIES[name].astropy_unit if name in QUANTITIES else ""


def _interval(name: str, interval: Mapping[str, float], whose: str = "") -> list[tuple[str, object, str, str]]:
    """A column for each part of the interval of the quantity that ``name`` ends with."""
    quantity = next(one for key, one in QUANTITIES.items() if name == key or name.endswith(f"_{key}"))
    return [
        (f"{name}_{part}", interval[part], quantity.astropy_unit, f"{whose}{words} of the {quantity.description}")
        for part, words in PARTS.items()
    ]


def _stages(prefix: str, stage: Mapping[str, float], what: str) -> list[tuple[str, object, str, str]]:
    return [(f"{prefix}_{name.replace(' ', '_')}", float(p), "", f"{what}: {name}") for name, p in stage.items()]


def _table(columns: Mapping[str, object], words: Mapping[str, tuple[str, str]], name: str, result: Result) -> Table:
    from astropy.table import Table

    table = Table(columns)
    for column, (unit, description) in words.items():
        table[column].unit, table[column].description = unit or None, description
    table.meta.update(
        EXTNAME=name,
        STAR=_printable(result.star),
        SOURCE=result.source,
        MODEL=result.model,
        SEED=result.seed,
        SAMPLES=result.samples,
    )
    if result.source == "mock":
        table.meta["NOTE"] = "MOCK star: made by an emulator, not observed"
    return table


def _printable(value: object) -> object:
    """A text without characters that break headers and XML, such as file names may hold; anything else as it is."""
    return "".join(one if one.isprintable() else " " for one in value) if isinstance(value, str) else value


def _ascii(table: Table) -> Table:
    """A copy whose texts FITS can hold: what is not ASCII becomes a question mark."""
    copy = table.copy()
    for column in copy.columns.values():
        if column.dtype.kind == "U":
            copy[column.name] = np.char.encode(np.asarray(column), "ascii", "replace")
    copy.meta.update(
        {key: v.encode("ascii", "replace").decode() for key, v in table.meta.items() if isinstance(v, str)}
    )
    return copy


def _plain(table: Table) -> Table:
    """A copy without the units that FITS and VOTable do not know."""
    from astropy.units import FunctionUnitBase, dex

    copy = table.copy()
    for column in copy.columns.values():
        if isinstance(column.unit, FunctionUnitBase) or column.unit == dex:
            column.unit = None
    return copy
