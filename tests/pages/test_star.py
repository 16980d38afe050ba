"""The star page: looking up, uploading, bad input, permalinks."""

from __future__ import annotations

import json

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from stellar_core import lookup
from tests.pages.conftest import ROOT

LABELS = ["Age", "Lifetime", "Stage", "Teff", "log g", "[Fe/H]"]


@pytest.fixture(scope="module")
def mock_name() -> str:
    return lookup.examples()[0][0].name


def numbers(app: AppTest) -> dict[str, str]:
    return {metric.label: metric.value for metric in app.metric}


def text(app: AppTest) -> str:
    """All words on the page."""
    kinds = (app.title, app.subheader, app.markdown, app.caption, app.error, app.warning, app.info, app.text)
    return "\n".join(str(element.value) for kind in kinds for element in kind)


def upload(app: AppTest, name: str, data: bytes) -> AppTest:
    app.run()
    app.file_uploader[0].upload(name, data)
    return app.run()


def assert_one_sentence(app: AppTest, *words: str) -> None:
    """One error, in words, and the app still stands."""
    assert not app.exception
    assert len(app.error) == 1, text(app)
    sentence = app.error[0].value
    assert "Traceback" not in sentence and "\n" not in sentence.strip()
    for word in words:
        assert word.lower() in sentence.lower()
    assert app.text_input(key="star")
    app.text_input(key="star").set_value("").run()
    assert not app.exception


def csv_spectrum(low: float, high: float, flux: str = "flux", step: float = 1.0) -> bytes:
    wavelength = np.arange(low, high, step)
    values = 10 + np.sin(wavelength / 30) + np.random.default_rng(0).normal(0, 0.2, wavelength.size)
    rows = "\n".join(f"{x:.2f},{y:.4f},0.2" for x, y in zip(wavelength, values))
    return f"wavelength,{flux},error\n{rows}\n".encode()


def test_landing_page_offers_what_to_do(app):
    app.run()
    assert not app.exception and not app.error
    assert app.title[0].value == "Stellar Ages Explorer"
    assert [button.key for button in app.button if button.key.startswith("example_")]
    assert "plate-MJD-fiber" in text(app)


def test_an_example_is_one_click_away(app, mock_name):
    app.run()
    app.button(key=f"example_{mock_name}").click().run()
    assert not app.exception and not app.error
    assert list(numbers(app)) == LABELS
    assert app.text_input(key="star").value == mock_name
    assert len(app.get("plotly_chart")) == 10


def test_mock_is_said_on_a_mock_star(app, mock_name):
    app.query_params["star"] = mock_name
    app.run()
    assert f"{mock_name} :orange-badge[MOCK]" in app.subheader[0].value
    assert any("trained on MOCK" in caption.value for caption in app.caption)


def test_every_way_to_write_the_star_gives_the_same_numbers(app, mock_name):
    star = lookup.resolve(mock_name)
    seen = []
    for form in (mock_name, star.specobjid, f"spec-{star.name}.fits", f"{star.plate} {star.mjd} {star.fiber}"):
        app.run()
        app.text_input(key="star").set_value(form).run()
        assert not app.exception and not app.error, form
        seen.append(numbers(app))
    assert all(one == seen[0] for one in seen)


def test_plate_and_fiber_alone_list_the_nights(app, mock_name):
    star = lookup.resolve(mock_name)
    app.run()
    app.text_input(key="star").set_value(f"{star.plate} {star.fiber}").run()
    assert not app.exception and not app.error and not app.metric
    nights = [button for button in app.button if button.key.startswith("night_")]
    assert str(star.mjd) in [button.label for button in nights]
    app.button(key=f"night_{star.name}").click().run()
    assert list(numbers(app)) == LABELS


def test_permalink_restores_star_and_numbers(app, mock_name):
    app.query_params.update({"star": mock_name, "seed": "7", "samples": "30"})
    app.run()
    link = next(code.value for code in app.code if "star=" in code.value)
    first = numbers(app)
    other = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    for pair in link.partition("?")[2].split("&"):
        key, _, value = pair.partition("=")
        other.query_params[key] = value
    other.run()
    assert not other.exception and not other.error
    assert first and numbers(other) == first
    assert (other.session_state["seed"], other.session_state["samples"]) == (7, 30)


def test_another_seed_gives_other_draws_of_the_same_star(app, mock_name):
    app.query_params["star"] = mock_name
    app.run()
    charts = [chart.proto.spec for chart in app.get("plotly_chart")]
    app.number_input(key="seed").set_value(1).run()
    assert not app.exception
    assert [chart.proto.spec for chart in app.get("plotly_chart")] != charts


def test_the_same_star_is_not_computed_again(app, mock_name, monkeypatch):
    app.query_params["star"] = mock_name
    app.run()
    from stellar_core.inference.estimator import Estimator

    def again(*_args, **_options):
        raise AssertionError("the answer must come from the cache")

    monkeypatch.setattr(Estimator, "estimate", again)
    monkeypatch.setattr(Estimator, "prepare", again)
    before = numbers(app)
    app.run()
    assert not app.exception and numbers(app) == before


def test_downloads_carry_the_result(app, mock_name):
    app.query_params["star"] = mock_name
    app.run()
    assert [button.label for button in app.get("download_button")][:6] == ["JSON", "CSV", "ECSV", "VOTable", "FITS, with the draws", "Draws, Parquet"]
    assert any("Estimator.load" in code.value for code in app.code)


def test_a_real_file_gives_a_result(app, shared_data):
    path = shared_data / "sdss" / "spec-1091-52902-0526.fits"
    upload(app, path.name, path.read_bytes())
    assert not app.exception and not app.error, text(app)
    assert list(numbers(app)) == LABELS
    assert "1091-52902-0526" in app.subheader[0].value and "your file" in app.subheader[0].value


def test_a_table_is_asked_for_unit_and_medium(app):
    upload(app, "star.csv", csv_spectrum(3800, 9200))
    assert not app.exception
    assert app.segmented_control(key="unit").value and app.segmented_control(key="medium").value
    app.segmented_control(key="medium").set_value("air").run()
    assert not app.exception and len(app.get("plotly_chart")) >= 1


def test_an_upload_and_a_look_up_replace_each_other(app, mock_name):
    app.query_params["star"] = mock_name
    app.run()
    upload(app, "star.csv", csv_spectrum(3800, 9200))
    assert app.text_input(key="star").value == ""
    assert "star" in app.subheader[0].value
    app.text_input(key="star").set_value(mock_name).run()
    assert mock_name in app.subheader[0].value
    app.text_input(key="star").set_value("").run()
    assert not app.subheader


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("-266-51602-31", ()),
        ("-4565636362342690816", ("negative",)),
        ("123456789012345678901234567890", ()),
        ("<script>alert(1)</script>", ("script", "names no SDSS spectrum")),
        ("*_`$x$[link](http://x)", ("names no SDSS spectrum",)),
        ("180.5 +12.2", ("archive could not be reached",)),
    ],
)
def test_what_names_no_star_is_answered_in_one_sentence(app, typed, words):
    app.run()
    app.text_input(key="star").set_value(typed).run()
    assert_one_sentence(app, *words)


def test_markup_in_the_box_is_shown_as_text(app):
    app.run()
    app.text_input(key="star").set_value("<script>alert(1)</script>").run()
    assert r"\<script\>" in app.error[0].value


def test_a_real_star_without_network_says_what_to_do(app):
    app.run()
    app.text_input(key="star").set_value("266-51602-31").run()
    assert_one_sentence(app, "could not be reached", "Upload")


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("notes.fits", b"These are my notes, no spectrum at all.\n"),
        ("empty.fits", b""),
        ("nan.csv", b"wavelength,flux\n" + b"".join(b"%d,nan\n" % x for x in range(4000, 8000))),
        ("noflux.csv", b"wavelength,colour\n" + b"".join(b"%d,1.0\n" % x for x in range(4000, 8000))),
        ("huge.fits", b"SIMPLE  =" + bytes(25 * 1024 * 1024)),
        ("short.csv", csv_spectrum(5000, 5200, step=0.5)),
        ("flat.csv", b"wavelength,flux\n" + b"".join(b"%d,1.0\n" % x for x in range(3800, 9200))),
    ],
)
def test_a_file_without_a_spectrum_is_answered_in_one_sentence(app, name, data):
    upload(app, name, data)
    assert not app.metric
    assert_one_sentence(app)


def test_a_truncated_file_is_answered_in_one_sentence(app, shared_data):
    data = (shared_data / "sdss" / "spec-1091-52902-0526.fits").read_bytes()
    upload(app, "cut.fits", data[: len(data) // 3])
    assert_one_sentence(app)


@pytest.mark.parametrize("name", ["spec-0266-51602-0001.fits"])
def test_a_galaxy_is_not_taken_for_a_star(app, shared_data, name):
    upload(app, name, (shared_data / "sdss" / name).read_bytes())
    assert not app.exception
    assert len(app.error) == 1 and "galaxy" in app.error[0].value.lower()
    for metric in app.metric:
        assert metric.value.startswith(":gray[")


def test_the_json_download_is_the_contract(app, mock_name):
    from stellar_core.exports import to_json
    from stellar_core.inference.estimator import Estimator

    result = Estimator.load().estimate(lookup.load(lookup.resolve(mock_name)), samples=10, label="x")
    written = json.loads(to_json(result))
    assert {"input", "star", "source", "model", "seed", "samples", "teff", "log_age", "stage", "verdict"} <= set(written)
    assert written["source"] == "mock"


def test_the_code_shown_gives_the_numbers_shown(app, mock_name):
    app.query_params.update({"star": mock_name, "samples": "20"})
    app.run()
    code = next(code.value for code in app.code if "Estimator" in code.value)
    names: dict[str, object] = {}
    exec(code, names)  # noqa: S102  the page's own three lines
    result = names["result"]
    assert f"{10 ** (result.log_age.median - 9):.1f} Gyr" == numbers(app)["Age"]
    assert f"{result.teff.median:.0f} K" == numbers(app)["Teff"]


def test_a_page_opened_by_its_file_joins_the_menu(mock_name):
    page = AppTest.from_file(str(ROOT / "pages" / "star.py"), default_timeout=60)
    page.query_params["star"] = mock_name
    page.run()
    assert not page.exception
    assert list(numbers(page)) == LABELS
