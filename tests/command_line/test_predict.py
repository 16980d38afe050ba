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


def test_a_parallax_of_the_mock_survey_or_typed_is_used_and_told(star):
    results = []
    for options in (("--gaia",), ("--parallax", "-0.2,0.1")):
        done = CliRunner().invoke(app, ["predict", "no such thing", star, "--samples", "2", *options, "--json"])
        assert done.exit_code == 0
        first, second = json.loads(done.stdout)
        assert set(first) == {"input", "error"}
        results.append(second)
    looked_up, typed = (one["parallax"] for one in results)
    assert looked_up["origin"] == "MOCK survey" and set(looked_up["magnitudes"]) == {"G", "BP", "RP"}
    assert (typed["origin"], typed["parallax_mas"], typed["parallax_err_mas"]) == ("entered", -0.2, 0.1)
    assert looked_up["without"]["log_age"] == typed["without"]["log_age"] != results[0]["log_age"]
    assert all(0 <= one[name] <= 1 for one in (looked_up, typed) for name in ("wrong_parallax", "companion"))


def test_text_output_tells_the_distance_and_the_age_without(star):
    done = CliRunner().invoke(app, ["predict", star, "--samples", "2", "--gaia"])
    assert done.exit_code == 0 and "(MOCK survey): distance" in done.stdout and "without it the age is" in done.stdout


def test_without_an_answer_of_gaia_the_result_still_comes(sdss, tmp_path, monkeypatch, shared_data):
    from stellar_core import lookup
    from stellar_core.network.retries import TransientError

    def away(*_args, **_options):
        raise TransientError("Gaia did not answer.")

    monkeypatch.setattr(lookup, "find_parallaxes", away)
    file = next((shared_data / "sdss").rglob("spec-*.fits"))
    done = CliRunner().invoke(app, ["predict", str(file), "--samples", "2", "--gaia", "--json"])
    (found,) = json.loads(done.stdout)
    assert done.exit_code == 0 and found["parallax"] is None
    assert any("Gaia was not used: Gaia did not answer." in message for message in found["verdict"]["messages"])


@pytest.mark.parametrize("text", ["2.5", "a,b", "1,0", "1,-2", "1,2,3"])
def test_a_parallax_that_is_none_is_one_error(text):
    done = CliRunner().invoke(app, ["predict", "x", "--parallax", text])
    assert isinstance(done.exception, StellarError) and "parallax" in str(done.exception)


def test_a_parallax_is_either_typed_or_looked_up():
    done = CliRunner().invoke(app, ["predict", "x", "--parallax", "1,0.1", "--gaia"])
    assert isinstance(done.exception, StellarError) and "either" in str(done.exception)


def test_a_parallax_without_any_magnitude_is_refused_in_one_sentence(tmp_path):
    spectrum = MockSurvey().spectrum(MockSurvey().examples()[0][0])
    path = tmp_path / "star.csv"
    lines = [f"{w:.4f},{f:.5g},{v:.5g}" for w, f, v in zip(spectrum.wavelength, spectrum.flux, spectrum.ivar)]
    path.write_text("wavelength,flux,ivar\n" + "\n".join(lines) + "\n")
    done = CliRunner().invoke(app, ["predict", str(path), "--samples", "2", "--parallax", "1,0.1", "--json"])
    (found,) = json.loads(done.stdout)
    assert done.exit_code == 2 and found["error"].startswith("A parallax needs a magnitude")
