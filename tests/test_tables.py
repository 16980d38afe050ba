"""A result as astropy tables, read back by astropy and pyarrow."""

import io
import warnings

import numpy as np
import pyarrow.parquet as pq
import pytest
from astropy.io import fits
from astropy.table import Table

from stellar_core import tables
from stellar_core.inference.result import Interval, Parts, Result, Verdict
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
        parts={name: Parts(0.1, 0.2, 0.3) for name in UNITS},
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
    written = tables.ecsv(tables.result_table(result, isochrones))
    found = Table.read(written.decode(), format="ascii.ecsv")
    check(found, result)
    assert str(found["teff_mean"].unit) == "K" and str(found["log_age_std"].unit) == "dex(yr)"
    assert str(found["isochrones_mass_p16"].unit) == "solMass" and found.meta["NOTE"].startswith("MOCK")


def test_votable_and_fits_keep_the_units_they_know(result, isochrones):
    table = tables.result_table(result, isochrones)
    file = fits.open(io.BytesIO(tables.fits(table)))[1]
    comments = {file.header[f"TTYPE{k}"]: file.header[f"TCOMM{k}"] for k in range(1, len(table.colnames) + 1)}
    found = Table.read(io.BytesIO(tables.votable(table)), format="votable")
    assert found["input"][0] == "Ünusual name .fits" and file.data["input"][0] == "?nusual name .fits"
    for one, words in (
        (found, {name: found[name].description for name in found.colnames}),
        (Table.read(file), comments),
    ):
        assert str(one["teff_mean"].unit) == "K" and one["log_age_mean"].unit is None
        assert "log10 of years" in words["log_age_mean"] and all(words.values()) and set(words) == set(table.colnames)
        assert one["logg_p16"][0] == pytest.approx(result.logg.p16)


def test_one_fits_file_holds_result_draws_and_passes(result):
    data = tables.fits(tables.result_table(result), tables.draws_table(result), tables.passes_table(result))
    with fits.open(io.BytesIO(data)) as file:
        file.verify("exception")
        assert [unit.name for unit in file[1:]] == ["RESULT", "DRAWS", "STAGE_PASSES"]
        np.testing.assert_array_equal(file["DRAWS"].data["log_age"], result.draws["log_age"])
        assert len(file["STAGE_PASSES"].data) == 7 and file["DRAWS"].header["MODEL"] == "m"


def test_draws_as_parquet(result):
    found = pq.read_table(io.BytesIO(tables.parquet(tables.draws_table(result))))
    np.testing.assert_array_equal(found["mass"].to_numpy(), result.draws["mass"])
    assert found.schema.field("log_age").metadata[b"unit"] == b"dex(yr)"


def test_a_result_without_passes_has_no_table_of_them(result):
    from dataclasses import replace

    assert tables.passes_table(replace(result, draws={})) is None


def test_the_spectrum_carries_its_mask():
    ivar = np.full(20, 4.0)
    ivar[3] = 0
    table = tables.spectrum_table(Spectrum(np.linspace(4000, 5000, 20), np.ones(20), ivar, meta={"plate": 1}))
    assert np.isnan(table["error"][3]) and table["error"][0] == 0.5
    assert table["flux"].unit.is_equivalent("erg / (s cm2 Angstrom)")
