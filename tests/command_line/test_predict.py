"""``predict`` on the command line: JSON, exit codes, one line for each failure."""

import json

import pytest
from typer.testing import CliRunner

from stellar_core.__main__ import app
from stellar_core.errors import StellarError
from stellar_core.mock.survey import MockSurvey


@pytest.fixture(scope="module")
def star() -> str:
    return MockSurvey().examples()[0][0].name


@pytest.mark.slow
def test_json_has_one_object_per_input_in_order(star):
    done = CliRunner().invoke(app, ["predict", "no such thing", star, "--samples", "5", "--json"])
    first, second = json.loads(done.stdout)
    assert done.exit_code == 0
    assert set(first) == {"input", "error"} and "\n" not in first["error"]
    assert second["star"] == star and second["source"] == "mock" and second["samples"] == 5
    assert second["model"] == "isochrone", "Model 9 is the default"


def test_status_2_when_nothing_gave_a_result():
    done = CliRunner().invoke(app, ["predict", "-5", "<script>", "missing.fits", "--json"])
    assert done.exit_code == 2 and [set(item) for item in json.loads(done.stdout)] == [{"input", "error"}] * 3


def test_text_output_marks_mock_stars(star):
    done = CliRunner().invoke(app, ["predict", star, "--samples", "5"])
    assert done.exit_code == 0 and "[MOCK star]" in done.stdout and "Gyr" in done.stdout


@pytest.mark.slow
def test_the_prior_of_the_galaxy_changes_ages_and_a_network_without_prior_refuses(star):
    ages = []
    for population in ("flat", "Galaxy"):
        done = CliRunner().invoke(app, ["predict", star, "--samples", "5", "--population", population, "--json"])
        ages.append(json.loads(done.stdout)[0]["log_age"]["mean"])
    assert ages[0] != ages[1]
    refused = CliRunner().invoke(app, ["predict", star, "--model", "paper-setup-a", "--population", "Galaxy"])
    assert isinstance(refused.exception, StellarError) and "no prior" in str(refused.exception)


def test_unknown_model_is_an_error_that_names_it():
    done = CliRunner().invoke(app, ["predict", "x", "--model", "nothing"])
    assert isinstance(done.exception, StellarError) and "nothing" in str(done.exception)


@pytest.mark.parametrize("content", [b"", b"hello", b"SIMPLE  =                    T", b"\x00" * 5000])
def test_damaged_files_give_one_sentence(tmp_path, content):
    path = tmp_path / "spec.fits"
    path.write_bytes(content)
    done = CliRunner().invoke(app, ["predict", str(path), "--json"])
    assert done.exit_code == 2
    error = json.loads(done.stdout)[0]["error"]
    assert error and "\n" not in error and "Traceback" not in error
