"""A result as JSON and CSV."""

import csv
import io
import json

import numpy as np
import pytest

from stellar_core.exports import flatten, to_csv, to_json
from stellar_core.inference.result import Interval, Result, Verdict
from stellar_core.quantities import UNITS


@pytest.fixture()
def result():
    rng = np.random.default_rng(0)
    draws = {name: rng.normal(9.5, 0.1, 50) for name in UNITS}
    return Result(
        input='spec, with "quotes".fits',
        star="0266-51602-0031",
        source="upload",
        model="m",
        seed=3,
        samples=50,
        **{name: Interval.from_draws(values) for name, values in draws.items()},
        stage={"Hot": 0.2, "Medium": 0.8, "Cool": 0.0, "Subgiant": 0.0, "Red Giant": 0.0},
        verdict=Verdict(False, ("Low S/N.", "Not a star, says the pipeline.")),
        draws=draws,
        quality={"snr": 4.0, "photometry": "missing"},
    )


def test_json_is_the_object_of_the_command_line(result):
    assert json.loads(to_json(result)) == result.to_dict()


def test_csv_is_one_row_that_reads_back(result):
    rows = list(csv.DictReader(io.StringIO(to_csv(result))))
    assert len(rows) == 1
    row = rows[0]
    assert row["input"] == result.input
    assert float(row["log_age_median"]) == pytest.approx(result.log_age.median, rel=1e-12)
    assert float(row["stage_Medium"]) == 0.8
    assert row["verdict_in_domain"] == "False"
    assert row["verdict_messages"] == "Low S/N.; Not a star, says the pipeline."
    assert row["quality_snr"] == "4.0"


def test_keys_are_joined():
    assert flatten({"a": {"b c": {"d": 1}}, "e": [1, 2]}) == {"a_b_c_d": 1, "e": "1; 2"}


def test_more_goes_under_its_own_key(result):
    opinion = {"log_age": result.log_age.to_dict()}
    assert json.loads(to_json(result, isochrone=opinion))["isochrone"] == opinion
    row = next(csv.DictReader(io.StringIO(to_csv(result, isochrone=opinion))))
    assert float(row["isochrone_log_age_median"]) == pytest.approx(result.log_age.median)
