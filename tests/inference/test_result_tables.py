"""Tables of a result, read back by astropy, pyarrow and the csv module."""

import csv
import io
import json
import warnings
from dataclasses import replace

import numpy as np
import pyarrow.parquet as pq
import pytest
from astropy.io import fits
from astropy.table import Table
from astropy.units import UnitsWarning

from stellar_core.astrometry import Astrometry
from stellar_core.export import table_bytes
from stellar_core.inference import result_tables
from stellar_core.inference.result import ErrorBudget, Result, Verdict
from stellar_core.intervals import Interval
from stellar_core.quantities import UNITS
from stellar_core.spectrum import Spectrum


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
def isochrones(result):
    return {
        "log_age": result.log_age.to_dict(),
        "mass": result.feh.to_dict(),
        "log_lifetime": result.log_age.to_dict(),
        "stage": result.stage,
    }


@pytest.fixture(autouse=True)
def no_warnings():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def check(table: Table, result: Result) -> None:
    assert len(table) == 1
    row = table[0]
    assert row["star"] == result.star and row["seed"] == 3 and not row["in_domain"]
    assert row["log_age_p84"] == pytest.approx(result.log_age.p84) and row["dropout_teff_mean"] == pytest.approx(
        result.teff.mean
    )
    assert row["isochrones_log_age_median"] == pytest.approx(result.log_age.median)
    assert row["log_age_input_noise"] == 0.2 and row["p_Medium"] == 0.8 and "unsure" in row["messages"]
    for column in table.columns.values():
        assert column.description, column.name


def test_ecsv_keeps_every_unit_and_description(result, isochrones):
    written = table_bytes(".ecsv", result_tables.result_table(result, isochrones))
    found = Table.read(written.decode(), format="ascii.ecsv")
    check(found, result)
    assert str(found["teff_mean"].unit) == "K" and str(found["log_age_std"].unit) == "dex(yr)"
    assert str(found["isochrones_mass_p16"].unit) == "solMass" and found.meta["NOTE"].startswith("MOCK")


def test_votable_and_fits_keep_the_units_they_know(result, isochrones):
    table = result_tables.result_table(result, isochrones)
    names = table.schema.names
    file = fits.open(io.BytesIO(table_bytes(".fits", table)))[1]
    comments = {file.header[f"TTYPE{k}"]: file.header[f"TCOMM{k}"] for k in range(1, len(names) + 1)}
    found = Table.read(io.BytesIO(table_bytes(".vot", table)), format="votable")
    assert found["input"][0] == "Ünusual name .fits" and file.data["input"][0] == "?nusual name .fits"
    for one, words in (
        (found, {name: found[name].description for name in found.colnames}),
        (Table.read(file), comments),
    ):
        assert str(one["teff_mean"].unit) == "K" and one["log_age_mean"].unit is None
        assert "log10 of years" in words["log_age_mean"] and all(words.values()) and set(words) == set(names)
        assert one["logg_p16"][0] == pytest.approx(result.logg.p16)


def test_one_fits_file_holds_result_draws_and_passes(result):
    tables = (getattr(result_tables, f"{name}_table")(result) for name in ("result", "draws", "passes"))
    data = table_bytes(".fits", *tables)
    with fits.open(io.BytesIO(data)) as file:
        file.verify("exception")
        assert [unit.name for unit in file[1:]] == ["RESULT", "DRAWS", "STAGE_PASSES"]
        np.testing.assert_array_equal(file["DRAWS"].data["log_age"], result.draws["log_age"])
        assert len(file["STAGE_PASSES"].data) == 7 and file["DRAWS"].header["MODEL"] == "m"


def test_draws_as_parquet(result):
    found = pq.read_table(io.BytesIO(table_bytes(".parquet", result_tables.draws_table(result))))
    np.testing.assert_array_equal(found["mass"].to_numpy(), result.draws["mass"])
    assert found.schema.field("log_age").metadata[b"unit"] == b"dex(yr)"


def test_a_result_without_passes_has_no_table_of_them(result):
    assert result_tables.passes_table(replace(result, draws={})) is None


def test_the_spectrum_carries_its_mask():
    warnings.simplefilter("ignore", UnitsWarning)  # VOUnit would rather have 0.1 nm than Angstrom
    ivar = np.full(20, 4.0)
    ivar[3] = 0
    spectrum = Spectrum(np.linspace(4000, 5000, 20), np.ones(20), ivar, meta={"plate": 1})
    for ending, form in ((".fits", "fits"), (".vot", "votable"), (".ecsv", "ascii.ecsv")):
        data = table_bytes(ending, result_tables.spectrum_table(spectrum))
        table = Table.read(data.decode() if ending == ".ecsv" else io.BytesIO(data), format=form)
        assert np.isnan(np.ma.filled(table["error"], np.nan)[3]) and table["error"][0] == 0.5
        assert table["flux"].unit.to("erg / (s cm2 Angstrom)") == pytest.approx(1e-17)


def test_the_parallax_that_was_used_is_in_every_table(result):
    interval = result.teff.to_dict()
    without = dict.fromkeys(("log_age", "log_lifetime", "mass", "teff", "logg", "feh"), interval)
    used = {
        **Astrometry(2.0, 0.1, source_id="12345").to_dict(),
        **{"distance_pc": interval, "av_mag": interval, "wrong_parallax": 0.01, "companion": 0.2},
        "without": {**without, "stage": dict(result.stage)},
    }
    beside = replace(result, parallax=used)
    table = result_tables.result_table(beside)
    found = Table.read(table_bytes(".ecsv", table).decode(), format="ascii.ecsv")
    assert found["parallax_mas"][0] == 2.0 and str(found["parallax_mas"].unit) == "mas"
    assert str(found["source_id"][0]) == "12345"
    assert str(found["distance_pc_median"].unit) == "pc" and str(found["av_mag_p16"].unit) == "mag"
    assert found["without_parallax_log_age_median"][0] == pytest.approx(interval["median"])
    assert "ruwe" not in found.colnames, "unknown"
    assert {name for name in found.colnames if "parallax" in name} and not [
        name for name in result_tables.result_table(result).schema.names if "parallax" in name or "distance" in name
    ]
    row = next(csv.DictReader(io.StringIO(result_tables.result_csv(beside))))
    assert row["parallax_distance_pc_median"] and row["parallax_source_id"] == "12345"
    plain = next(csv.DictReader(io.StringIO(result_tables.result_csv(result))))
    assert not [name for name in plain if name.startswith("parallax")]
    values = result_tables.parallax_values(used)
    assert tuple(values) == tuple(result_tables.PARALLAX_COLUMNS) and values["ruwe"] is None


def test_json_is_the_object_of_the_command_line(result):
    assert json.loads(result_tables.result_json(result)) == result.to_dict()


def test_csv_is_one_row_that_reads_back(result):
    rows = list(csv.DictReader(io.StringIO(result_tables.result_csv(result))))
    assert len(rows) == 1
    row = rows[0]
    assert row["input"] == result.input
    assert float(row["log_age_median"]) == pytest.approx(result.log_age.median, rel=1e-12)
    assert float(row["stage_Medium"]) == 0.8
    assert row["verdict_in_domain"] == "False"
    assert row["verdict_messages"] == "Low S/N.; Åge → unsure."
    assert row["quality_snr"] == "4.0"


def test_keys_are_joined():
    assert result_tables.flatten({"a": {"b c": {"d": 1}}, "e": [1, 2]}) == {"a_b_c_d": 1, "e": "1; 2"}


def test_further_results_go_under_their_own_keys(result):
    posterior = {"log_age": result.log_age.to_dict()}
    assert json.loads(result_tables.result_json(result, isochrone=posterior))["isochrone"] == posterior
    row = next(csv.DictReader(io.StringIO(result_tables.result_csv(result, isochrone=posterior))))
    assert float(row["isochrone_log_age_median"]) == pytest.approx(result.log_age.median)


def test_formulas_in_the_csv_of_a_star_are_made_harmless():
    class Star:
        def to_dict(self) -> dict[str, object]:
            return {"input": "=HYPERLINK(1)", "log_age": {"mean": -1.5}}

    assert result_tables.flatten(Star().to_dict())["input"] == "=HYPERLINK(1)"
    row = next(csv.DictReader(io.StringIO(result_tables.result_csv(Star()))))
    assert row == {"input": "'=HYPERLINK(1)", "log_age_mean": "-1.5"}
