"""Tables of a result, read back by astropy, pandas, pyarrow and the csv module, without a warning."""

import csv
import io
import json
import warnings
from dataclasses import replace
from datetime import UTC, date, datetime

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from astropy import units as u
from astropy.io import fits
from astropy.io.votable import parse as parse_votable
from astropy.table import QTable, Table

from stellar_core import __version__
from stellar_core.astrometry import Astrometry
from stellar_core.export import table_bytes
from stellar_core.inference import result_tables
from stellar_core.inference.occlusion import Influence
from stellar_core.inference.result import ErrorBudget, Result, Verdict
from stellar_core.intervals import Interval
from stellar_core.quantities import UNITS
from stellar_core.spectrum import Spectrum

SHA = "ab" * 32


@pytest.fixture(scope="module")
def result():
    rng = np.random.default_rng(0)
    draws = {name: rng.normal(9.5, 0.1, 50) for name in UNITS}
    intervals = {name: Interval.from_draws(values) for name, values in draws.items()}
    stage = {"Hot": 0.2, "Medium": 0.8, "Cool": 0.0, "Subgiant": 0.0, "Red Giant": 0.0}
    return Result(
        input="Ünusual\x00name\n.fits",
        star="16000-52357-0639",
        source="mock",
        model="m",
        seed=3,
        samples=7,
        **intervals,
        stage=stage,
        verdict=Verdict(False, ("Low S/N.", "Åge → unsure.")),
        network=intervals,
        draws={**draws, "mass": rng.normal(1, 0.1, 50), "stage": np.tile(list(stage.values()), (7, 1))},
        quality={"snr": 4.0, "photometry": "missing", "redshift": 1e-4, "coverage": 0.8, "redshift_source": "file"},
        parts={name: ErrorBudget(0.1, 0.2, 0.3) for name in UNITS},
    )


@pytest.fixture(scope="module")
def spectrum():
    meta = {"specobjid": 18014574196009752576, "plate": 16000, "mjd": 52357, "fiber": 639, "ra": 10.5, "dec": -0.25}
    meta |= {"mock_edition": 2, "sspp_teff": 5800.0, "sspp_teff_err": 40.0, "sspp_flag": "nnnnn"}
    pixels = np.linspace(4000, 5000, 20)
    return Spectrum(pixels, np.ones(20), np.full(20, 4.0), name="16000-52357-0639", source="mock", meta=meta)


@pytest.fixture(autouse=True)
def no_warnings():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


FORMATS = (".csv", ".ecsv", ".fits", ".vot", ".parquet", ".json")
UNITS_KEPT = {
    **{"ra": u.deg, "teff_median": u.K, "log_age_p16": u.dex(u.yr), "logg_p84": u.dex(u.cm / u.s**2)},
    **{"feh_median": u.dex, "mass_median": u.Msun, "log_lifetime_median": u.dex(u.yr), "sspp_logg_err": u.dex},
}


def read(ending: str, data: bytes) -> Table:
    """The first table of a file, as astropy reads it; CSV, Parquet and JSON as pandas does."""
    if ending == ".csv":
        return Table.from_pandas(pd.read_csv(io.BytesIO(data), dtype={"specobjid": str}))
    if ending == ".json":
        return Table.from_pandas(pd.read_json(io.BytesIO(data), orient="table"))
    if ending == ".parquet":
        return Table.from_pandas(pd.read_parquet(io.BytesIO(data)))
    form = {".ecsv": "ascii.ecsv", ".fits": "fits", ".vot": "votable"}[ending]
    return Table.read(data.decode() if ending == ".ecsv" else io.BytesIO(data), format=form)


@pytest.mark.parametrize("ending", FORMATS)
def test_every_format_has_the_same_columns_and_values(result, spectrum, ending):
    table = result_tables.result_table(result, spectrum, SHA)
    found = read(ending, table_bytes(ending, table))
    assert found.colnames == table.schema.names and len(found) == 1
    row = found[0]
    assert str(row["specobjid"]) == "18014574196009752576" and row["ra"] == 10.5 and row["dec"] == -0.25
    assert row["star"] == result.star and row["source"] == "mock" and row["mock_edition"] == 2
    assert (row["model"], row["model_sha256"], row["seed"], row["samples"]) == ("m", SHA, 3, 7)
    assert row["version"] == __version__ and date.fromisoformat(str(row["date"])) <= datetime.now(UTC).date()
    assert row["log_age_p84"] == pytest.approx(result.log_age.p84)
    assert row["mass_median"] == pytest.approx(np.median(result.draws["mass"]))
    assert row["p_Medium"] == pytest.approx(0.8) and row["stage"] == "Medium" and str(row["in_domain"]) == "False"
    assert row["sspp_teff"] == 5800.0 and "unsure" in row["messages"]


def test_a_row_has_a_few_dozen_columns_and_leaves_empty_what_is_unknown(result):
    bare = Spectrum(np.linspace(4000, 5000, 20), np.ones(20), np.ones(20))
    table = result_tables.result_table(replace(result, draws={}), bare, SHA)
    assert 48 <= len(table.schema.names) <= 60
    (rows,) = table.chunks()
    row = rows.to_pylist()[0]
    assert row["specobjid"] is None and row["mass_median"] is None and row["mock_edition"] is None
    assert row["date"] and row["model_sha256"] == SHA


def test_units_and_descriptions_are_kept_dex_included(result, spectrum):
    table = result_tables.result_table(result, spectrum, SHA)
    for ending in (".ecsv", ".fits", ".vot"):
        found = read(ending, table_bytes(ending, table))
        for name, unit in UNITS_KEPT.items():
            assert found[name].unit == unit, (ending, name)
        assert all(column.description for column in found.columns.values()), ending
    found = QTable.read(io.BytesIO(table_bytes(".fits", table)), format="fits")
    assert isinstance(found["log_age_median"], u.Dex)
    assert found["log_age_median"].physical.to_value(u.Gyr)[0] == pytest.approx(10 ** (result.log_age.median - 9))
    fields = json.loads(table_bytes(".json", table))["schema"]["fields"]
    stored = {field["name"]: u.Unit(field["unit"]) for field in fields if "unit" in field}
    assert stored.items() >= UNITS_KEPT.items()
    columns = pq.read_schema(io.BytesIO(table_bytes(".parquet", table)))
    assert u.Unit(columns.field("log_age_p16").metadata[b"unit"].decode()) == u.dex(u.yr)


def test_the_votable_of_a_fits_file_describes_all_its_tables(result, spectrum):
    """TOPCAT reads names, units and descriptions from the VOTable in the primary HDU ("FITS-plus")."""
    tables = result_tables.result_table(result, spectrum, SHA), result_tables.spectrum_table(spectrum)
    data = table_bytes(".fits", *tables)
    first = [data[at : at + 8].decode().strip() for at in range(0, 400, 80)]
    assert first == ["SIMPLE", "BITPIX", "NAXIS", "NAXIS1", "VOTMETA"], "TOPCAT recognises it by their order"
    with fits.open(io.BytesIO(data)) as file:
        file.verify("exception")
        assert [unit.name for unit in file] == ["PRIMARY", "RESULT", "SPECTRUM"]
        described = [*parse_votable(io.BytesIO(file[0].data.tobytes())).iter_tables()]
        for table, words in zip(tables, described, strict=True):
            assert [field.name for field in words.fields] == table.schema.names and words.name == table.name
        units = {field.name: field.unit for field in described[0].fields}
        assert units["log_age_p16"] == u.dex(u.yr) and units["feh_median"] == u.dex
        assert len(file["SPECTRUM"].data) == 20 and file["SPECTRUM"].header["MOCKEDIT"] == 2
        assert not [one for name, one in file["RESULT"].header.items() if name.startswith("TUNIT") and "dex" in one]


def test_texts_of_file_names_are_printable(result, spectrum):
    table = result_tables.result_table(result, spectrum, SHA)
    found = read(".vot", table_bytes(".vot", table))
    assert found["input"][0] == "Ünusual\ufffdname\ufffd.fits"
    assert read(".fits", table_bytes(".fits", table))["input"][0] == "?nusual?name?.fits"


def test_draws_and_passes_name_the_star_and_the_model(result, spectrum):
    tables = [getattr(result_tables, f"{name}_table")(result, spectrum, SHA) for name in ("draws", "passes")]
    with fits.open(io.BytesIO(table_bytes(".fits", *tables))) as file:
        file.verify("exception")
        assert [unit.name for unit in file[1:]] == ["DRAWS", "STAGE_PASSES"]
        np.testing.assert_array_equal(file["DRAWS"].data["log_age"], result.draws["log_age"])
        header = file["DRAWS"].header
        assert len(file["STAGE_PASSES"].data) == 7 and header["MODEL"] == "m" and header["MODELSHA"] == SHA
        assert header["SPECOBJ"] == "18014574196009752576" and header["NOTE"].startswith("MOCK")
    found = pq.read_table(io.BytesIO(table_bytes(".parquet", tables[0])))
    np.testing.assert_array_equal(found["mass"].to_numpy(), result.draws["mass"])
    assert found.schema.field("log_age").metadata[b"unit"] == b"dex(yr)"
    assert result_tables.passes_table(replace(result, draws={}), spectrum, SHA) is None


def test_influences_are_a_table_of_their_own(result, spectrum):
    edges = np.array([[3600.0, 3720.0], [3720.0, 3840.0]])
    shift = {name: np.array([0.1, -0.2]) for name in UNITS}
    found = Influence(edges, shift, dict.fromkeys(UNITS, 0.1), np.array([0.0, 0.5]))
    table = result_tables.influence_table(found, result, spectrum, SHA)
    read_back = read(".ecsv", table_bytes(".ecsv", table))
    assert list(read_back["log_age_shift"]) == [0.1, -0.2] and read_back["log_age_shift"].unit == u.dex
    assert read_back["wavelength_to"].unit == u.Angstrom and read_back["log_age_std_change"][1] == 0.5


def test_the_spectrum_carries_its_mask():
    ivar = np.full(20, 4.0)
    ivar[3] = 0
    spectrum = Spectrum(np.linspace(4000, 5000, 20), np.ones(20), ivar, meta={"plate": 1})
    for ending, form in ((".fits", "fits"), (".vot", "votable"), (".ecsv", "ascii.ecsv")):
        data = table_bytes(ending, result_tables.spectrum_table(spectrum))
        table = Table.read(data.decode() if ending == ".ecsv" else io.BytesIO(data), format=form)
        assert np.isnan(np.ma.filled(table["error"], np.nan)[3]) and table["error"][0] == 0.5
        assert table["flux"].unit.to("erg / (s cm2 Angstrom)") == pytest.approx(1e-17)


def test_the_parallax_that_was_used_adds_distance_and_extinction(result, spectrum):
    interval = result.teff.to_dict()
    used = {
        **Astrometry(2.0, 0.1, source_id="12345").to_dict(),
        **{"distance_pc": interval, "av_mag": interval, "wrong_parallax": 0.01, "companion": 0.2},
    }
    beside = replace(result, parallax=used)
    plain = result_tables.result_table(result, spectrum, SHA)
    table = result_tables.result_table(beside, spectrum, SHA)
    found = read(".ecsv", table_bytes(".ecsv", table))
    assert found["parallax_mas"][0] == 2.0 and found["parallax_mas"].unit == u.mas
    assert str(found["source_id"][0]) == "12345" and found["distance_pc_median"].unit == u.pc
    assert found["av_mag_p16"].unit == u.mag and np.ma.is_masked(found["ruwe"][0]), "unknown"
    assert table.schema.names[: len(plain.schema.names)] == plain.schema.names, "the last columns"
    assert not [name for name in plain.schema.names if "parallax" in name or "distance_pc" in name]


def test_json_of_all_numbers_has_the_object_of_the_command_line(result, spectrum):
    posterior = {"log_age": result.log_age.to_dict()}
    found = json.loads(result_tables.result_json(result, spectrum, SHA, isochrones=posterior))
    assert found.items() >= result.to_dict().items() and found["isochrones"] == posterior
    assert found["specobjid"] == "18014574196009752576" and found["model_sha256"] == SHA and found["ra"] == 10.5


def test_formulas_in_the_csv_of_a_star_are_made_harmless(result, spectrum):
    table = result_tables.result_table(replace(result, input="=HYPERLINK(1)"), spectrum, SHA)
    row = next(csv.DictReader(io.StringIO(table_bytes(".csv", table).decode())))
    assert row["input"] == "'=HYPERLINK(1)"
