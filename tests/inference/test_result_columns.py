"""Columns of results: the same names for one star and for a batch."""

from dataclasses import fields

from astropy.units import Unit

from stellar_core.batch.columns import schema
from stellar_core.inference.result_columns import INTERVAL_PARTS, result_columns, spread_unit
from stellar_core.intervals import Interval
from stellar_core.quantities import LOG_AGE, QUANTITIES, TEFF

#: Columns of a batch that users' scripts read.
DOCUMENTED = (
    *("row", "input", "star", "specobjid", "plate", "mjd", "fiber", "source", "ra", "dec"),
    *(f"{name}_{part}" for name in ("teff", "logg", "feh", "log_age", "log_lifetime") for part in INTERVAL_PARTS),
    *("stage", "p_Hot", "p_Medium", "p_Cool", "p_Subgiant", "p_Red_Giant", "in_domain", "messages", "snr", "coverage"),
    *("redshift", "redshift_source", "photometry", "feature_distance", "misfit", "error", "sspp_teff", "sspp_flag"),
)
PARALLAX = ("parallax_mas", "parallax_err_mas", "source_id", "ruwe", "distance_pc_median", "av_mag_p84", "companion")


def test_parts_are_those_of_an_interval():
    assert list(INTERVAL_PARTS) == [field.name for field in fields(Interval)]


def test_a_batch_keeps_its_documented_columns_and_ends_with_those_of_the_parallax():
    names, more = schema().names, schema(gaia=True).names
    assert set(DOCUMENTED) <= set(names) and len(set(names)) == len(names) <= 84
    assert more[: len(names)] == names and set(PARALLAX) <= set(more[len(names) :])
    assert {"mass_median", "model", "model_sha256", "version", "mock_edition", "date"} <= set(names)


def test_a_batch_has_the_columns_of_one_star():
    for gaia in (False, True):
        assert {column.name for column in result_columns(gaia)} == set(schema(gaia).names) - {"row", "error"}


def test_every_unit_is_one_of_astropy_and_errors_of_logarithms_are_in_dex():
    for column in result_columns(True):
        assert column.description and (not column.unit or Unit(column.unit) is not None)
    units = {column.name: column.unit for column in result_columns(True)}
    assert units["log_age_std"] == units["sspp_logg_err"] == "dex" and units["log_age_mean"] == "dex(yr)"
    assert spread_unit(LOG_AGE) == "dex" and spread_unit(TEFF) == "K" and len(QUANTITIES) == 6
