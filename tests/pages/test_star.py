"""The Star page: look-up, upload, bad input, permalinks."""

from __future__ import annotations

import json
import re
from urllib.parse import parse_qsl

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from stellar_core import lookup
from stellar_core.model_store import list_networks
from tests.pages.conftest import ROOT

LABELS = ["Age", "Stage", "Mass", "Lifetime", "Teff", "log g", "[Fe/H]"]


@pytest.fixture(scope="module")
def mock_name() -> str:
    return lookup.examples()[0][0].name


@pytest.fixture(scope="module")
def others() -> tuple[str, str]:
    return tuple(star.name for star, _ in lookup.examples()[1:3])


def numbers(app: AppTest) -> dict[str, str]:
    return {metric.label: metric.value for metric in app.metric}


def charts(app: AppTest) -> set[str]:
    """Keys of the figures."""
    return {chart.proto.id.rpartition("-")[2] for chart in app.get("plotly_chart")}


def text(app: AppTest) -> str:
    """All words on the page."""
    kinds = (app.title, app.header, app.subheader, app.markdown, app.caption)
    kinds += (app.error, app.warning, app.info, app.text)
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


@pytest.mark.slow
def test_the_landing_page_lists_inputs_and_examples(app):
    app.run()
    assert not app.exception and not app.error
    assert app.title[0].value == "Stellar Ages Explorer"
    assert [button.key for button in app.button if button.key.startswith("example_")]
    assert "plate-MJD-fiber" in text(app)


@pytest.mark.slow
def test_an_example_is_one_click_away(app, mock_name):
    app.run()
    app.button(key=f"example_{mock_name}").click().run()
    assert not app.exception and not app.error
    assert list(numbers(app)) == LABELS
    assert app.text_input(key="star").value == mock_name
    assert {"age_posterior", "life", "kiel", "absolute_magnitude", "estimates", "posterior_mass"} <= charts(app)
    assert "of about" in text(app) and "its age" in text(app)


@pytest.mark.slow
def test_a_mock_star_is_marked(app, mock_name):
    app.query_params["star"] = mock_name
    app.run()
    assert f"{mock_name} :orange-badge[MOCK]" in app.header[0].value
    assert any("Trained on **MOCK**" in caption.value for caption in app.caption)


@pytest.mark.slow
def test_every_form_of_an_identifier_gives_the_same_numbers(app, mock_name):
    star = lookup.resolve(mock_name)
    seen = []
    for form in (mock_name, star.specobjid, f"spec-{star.name}.fits", f"{star.plate} {star.mjd} {star.fiber}"):
        app.run()
        app.text_input(key="star").set_value(form).run()
        assert not app.exception and not app.error, form
        seen.append(numbers(app))
    assert all(one == seen[0] for one in seen)


def test_plate_and_fiber_alone_open_the_only_night(app, mock_name):
    star = lookup.resolve(mock_name)
    app.run()
    app.text_input(key="star").set_value(f"{star.plate} {star.fiber}").run()
    assert not app.exception and not app.error and list(numbers(app)) == LABELS
    assert any("the only night of this plate and fiber" in caption.value for caption in app.caption)


def test_plate_and_fiber_alone_list_the_nights(app, mock_name, monkeypatch):
    star = lookup.resolve(mock_name)
    monkeypatch.setattr("stellar_core.ui.loaders.nights", lambda plate, fiber: [star.mjd, star.mjd + 30])
    app.run()
    app.text_input(key="star").set_value(f"{star.plate} {star.fiber}").run()
    assert not app.exception and not app.error and not app.metric
    nights = [button for button in app.button if button.key.startswith("night_")]
    assert str(star.mjd) in [button.label for button in nights]
    app.button(key=f"night_{star.name}").click().run()
    assert list(numbers(app)) == LABELS


def follow(link: str) -> AppTest:
    """A new visitor opens ``link``."""
    other = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    for key, value in parse_qsl(link.partition("?")[2]):
        other.query_params[key] = value
    return other.run()


@pytest.mark.slow
def test_permalink_restores_the_whole_view(app, mock_name, others):
    app.query_params.update(
        {"star": mock_name, "seed": "7", "samples": "30", "model": "paper-setup-a", "compare": ",".join(others)}
    )
    app.run()
    app.segmented_control(key="behind").set_value("Tracks").run()
    app.toggle(key="drives").set_value(True).run()
    app.run()
    assert not app.exception and not app.error
    link = next(code.value for code in app.code if "star=" in code.value)
    other = follow(link)
    assert not other.exception and not other.error
    assert numbers(app) and numbers(other) == numbers(app)
    state = other.session_state
    assert (state["seed"], state["samples"], state["model"], state["behind"], state["drives"]) == (
        7,
        30,
        "paper-setup-a",
        "Tracks",
        True,
    )
    assert state["compared"] == list(others)
    keys = [chart.proto.id.rpartition("-")[2] for chart in other.get("plotly_chart")]
    assert keys == [chart.proto.id.rpartition("-")[2] for chart in app.get("plotly_chart")]
    assert {"compared", "compared_kiel"} <= set(keys)
    assert "Hiding " in text(other) and text(other).count("Hiding ") == text(app).count("Hiding ")


def test_estimates_are_compared_in_a_table_and_in_words(app, mock_name):
    app.query_params["star"] = mock_name
    app.run()
    table = next(table.value for table in app.table if "Lifetime (Gyr)" in table.value)
    assert [name.strip("*") for name in table["Estimate"]] == [
        "Neural posterior",
        "Paper's network (Model 6)",
        "Dropout spread",
        "Isochrone fit",
        "Template fit",
    ]
    assert table["Age (Gyr)"][0].startswith(f"**{numbers(app)['Age'].split()[0]}**")
    words = text(app)
    neural, paper = "Neural posterior", "Paper's network (Model 6)"
    for pair in (f"{neural} and {paper}", f"{neural} and Isochrone fit", f"{paper} and Isochrone fit"):
        assert re.search(re.escape(pair) + r" (agree|are in mild tension|disagree) on the age \(.* dex, .*σ\)", words)
    measured = list_networks()["paper-setup-a"]["metrics_mock_test"]["spectrum and photometry"]["log_age"]
    assert f"contains the true value of {measured['coverage_plain_mc_dropout']['68']:.1%} of MOCK test stars" in words
    app.selectbox(key="model").set_value("paper-setup-a").run()
    table = next(table.value for table in app.table if "Lifetime (Gyr)" in table.value)
    assert [name.strip("*") for name in table["Estimate"]] == [
        "Paper's network (Model 6)",
        "Neural posterior",
        "Dropout spread",
        "Isochrone fit",
        "Template fit",
    ]


@pytest.mark.slow
def test_the_viewer_gets_the_spectrum_and_an_address_can_ask_for_the_plain_figure(app, mock_name):
    app.query_params["star"] = mock_name
    app.run()
    data = json.loads(app.get("bidi_component")[0].proto.json)
    assert data["name"] == f"MOCK {mock_name}" and not data["shadings"]
    assert [overlay["key"] for overlay in data["overlays"]] == ["emulated", "pipeline"]
    assert "spectrum_plain" not in charts(app)
    app.toggle(key="drives").set_value(True).run()
    data = json.loads(app.get("bidi_component")[0].proto.json)
    assert [one["title"] for one in data["shadings"]] == ["log age", "Teff", "log g", "[Fe/H]", "error of log age"]
    app.query_params["viewer"] = "plain"
    app.run()
    assert not app.exception and not app.get("bidi_component") and "spectrum_plain" in charts(app)


@pytest.mark.slow
def test_the_effect_of_each_wavelength_range_is_computed_on_demand(app, mock_name):
    app.query_params["star"] = mock_name
    app.run()
    assert "Hiding" not in text(app)
    app.toggle(key="drives").set_value(True).run()
    assert not app.exception and re.search(r"Hiding 5160–5279 Å \(Mg b\) (raises|lowers) log g by .*σ", text(app))


def test_the_kiel_diagram_switches_between_tracks_and_isochrones(app, mock_name):
    app.query_params["star"] = mock_name
    app.run()

    def names():
        chart = next(chart for chart in app.get("plotly_chart") if chart.proto.id.endswith("-kiel"))
        return {trace.get("name") for trace in json.loads(chart.proto.spec)["data"]}

    assert {"4 Gyr", "68 % of the posterior", "draws"} <= names() and "tracks" not in names()
    app.segmented_control(key="behind").set_value("Tracks").run()
    assert "tracks" in names() and "4 Gyr" not in names()


@pytest.mark.slow
def test_stars_are_added_to_the_comparison_and_removed(app, mock_name, others):
    app.query_params.update({"star": mock_name, "compare": ",".join([*others, "<b>", "1-2-3"])})
    app.run()
    assert not app.exception and not app.error
    assert len(next(table.value for table in app.table if "S/N" in table.value)) == 3, (
        "the current star is compared too"
    )
    app.button(key="compare_star").click().run()
    assert app.query_params["compare"] == ",".join([*others, mock_name])
    app.button(key=f"remove_{others[0]}").click().run()
    table = next(table.value for table in app.table if "S/N" in table.value)
    assert [others[1] in table["Star"][0], mock_name in table["Star"][1], len(table)] == [True, True, 2]
    assert table["Age (Gyr)"][1].startswith(f"**{numbers(app)['Age'].split()[0]}**")
    app.text_input(key="star").set_value("").run()
    assert any("S/N" in table.value for table in app.table), "also without a current star"
    app.button(key="clear_all").click().run()
    assert "compare" not in app.query_params and not app.table


@pytest.mark.slow
def test_tables_are_sent_to_a_samp_hub(app, mock_name, monkeypatch):
    from stellar_core import samp
    from stellar_core.errors import ArchiveError
    from stellar_core.ui import loaders
    from stellar_core.ui.star import export_panel

    sent = []

    def send(data, name):
        if "draws" in name:
            raise ArchiveError("No program at the SAMP hub reads tables.")
        sent.append((data[:5], name))
        return ["TOPCAT"]

    monkeypatch.setattr(export_panel, "at_this_machine", lambda: True)
    monkeypatch.setattr(samp, "send_table", send)
    app.query_params["star"] = mock_name
    for runs in (False, True):
        monkeypatch.setattr(samp, "hub_runs", lambda runs=runs: runs)
        loaders.samp_hub.clear()
        app.run()
        assert any(button.key.startswith("samp_") for button in app.button) == runs
    app.button(key="samp_Spectrum").click().run()
    assert sent == [(b"<?xml", f"MOCK {mock_name} spectrum")] and "Sent to TOPCAT" in app.toast[0].value
    app.button(key="samp_Draws").click().run()
    assert "No program" in app.error[0].value
    loaders.samp_hub.clear()


@pytest.mark.slow
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
    from stellar_core.inference.base import BaseEstimator

    def again(*_args, **_options):
        raise AssertionError("the result must come from the cache")

    monkeypatch.setattr(BaseEstimator, "estimate", again)
    monkeypatch.setattr(BaseEstimator, "prepare", again)
    before = numbers(app)
    app.run()
    assert not app.exception and numbers(app) == before


def test_downloads_carry_the_result(app, mock_name):
    app.query_params["star"] = mock_name
    app.run()
    assert [button.label for button in app.get("download_button")][:7] == [
        "CSV",
        "ECSV",
        "FITS",
        "VOTable",
        "Parquet",
        "JSON",
        "Draws (FITS)",
    ]
    assert any("Estimator.load" in code.value for code in app.code)


def test_a_real_file_gives_a_result(app, shared_data):
    path = shared_data / "sdss" / "spec-1091-52902-0526.fits"
    upload(app, path.name, path.read_bytes())
    assert not app.exception and not app.error, text(app)
    assert list(numbers(app)) == LABELS
    assert "1091-52902-0526" in app.header[0].value and "your file" in app.header[0].value


@pytest.mark.slow
def test_an_uploaded_table_needs_unit_and_medium(app):
    upload(app, "star.csv", csv_spectrum(3800, 9200))
    assert not app.exception
    assert app.segmented_control(key="unit").value and app.segmented_control(key="medium").value
    app.segmented_control(key="medium").set_value("air").run()
    assert not app.exception and "star" in app.header[0].value


@pytest.mark.slow
def test_an_upload_and_a_look_up_replace_each_other(app, mock_name):
    app.query_params["star"] = mock_name
    app.run()
    upload(app, "star.csv", csv_spectrum(3800, 9200))
    assert app.text_input(key="star").value == ""
    assert "star" in app.header[0].value
    app.text_input(key="star").set_value(mock_name).run()
    assert mock_name in app.header[0].value
    app.text_input(key="star").set_value("").run()
    assert not app.header


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("-266-51602-31", ()),
        ("-4565636362342690816", ("negative",)),
        ("123456789012345678901234567890", ()),
        ("<script>alert(1)</script>", ("script", "is not a recognised SDSS identifier")),
        ("*_`$x$[link](http://x)", ("is not a recognised SDSS identifier",)),
        ("180.5 +12.2", ("archive could not be reached",)),
    ],
)
def test_an_unknown_identifier_gives_one_error_message(app, typed, words):
    app.run()
    app.text_input(key="star").set_value(typed).run()
    assert_one_sentence(app, *words)


def test_markup_in_the_box_is_shown_as_text(app):
    app.run()
    app.text_input(key="star").set_value("<script>alert(1)</script>").run()
    assert r"\<script\>" in app.error[0].value


def test_a_real_star_offline_gives_an_error_with_a_remedy(app):
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
def test_a_file_without_a_spectrum_gives_one_error_message(app, name, data):
    upload(app, name, data)
    assert not app.metric
    assert_one_sentence(app)


def test_a_truncated_file_gives_one_error_message(app, shared_data):
    data = (shared_data / "sdss" / "spec-1091-52902-0526.fits").read_bytes()
    upload(app, "cut.fits", data[: len(data) // 3])
    assert_one_sentence(app)


@pytest.mark.parametrize("name", ["spec-0266-51602-0001.fits"])
def test_a_galaxy_is_flagged(app, shared_data, name):
    upload(app, name, (shared_data / "sdss" / name).read_bytes())
    assert not app.exception
    assert len(app.error) == 1 and "galaxy" in app.error[0].value.lower()
    assert not app.metric and not charts(app) & {"age_posterior", "kiel", "posterior_teff"}, "folded"
    app.toggle(key="show_anyway_0266-51602-0001").set_value(True).run()
    assert not app.exception and "No age can be given" in text(app)
    assert len(app.metric) == len(LABELS) and all(metric.value.startswith(":gray[") for metric in app.metric)
    assert not charts(app) & {"age_posterior", "posterior_teff"}, "no large posterior"


def test_the_json_download_is_the_contract(app, mock_name):
    from stellar_core.inference.estimator import Estimator
    from stellar_core.inference.result_tables import result_json

    estimator, spectrum = Estimator.load(), lookup.load(lookup.resolve(mock_name))
    result = estimator.estimate(spectrum, samples=10, label="x")
    written = json.loads(result_json(result, spectrum, estimator.card["sha256"]))
    assert {"input", "star", "source", "model", "seed", "samples", "teff", "log_age", "stage", "verdict"} <= set(
        written
    )
    assert written["source"] == "mock"


@pytest.mark.slow
def test_the_code_shown_gives_all_the_numbers_shown(app, mock_name):
    app.query_params.update({"star": mock_name, "samples": "20"})
    app.run()
    code = next(code.value for code in app.code if "Estimator" in code.value)
    names: dict[str, object] = {}
    exec(code, names)  # noqa: S102  the page's own lines
    result = names["result"]
    assert f"{10 ** (result.log_age.median - 9):.1f}" == numbers(app)["Age"].split()[0]
    assert f"{result.teff.median:.0f}" == numbers(app)["Teff"].split()[0]
    table = next(table.value for table in app.table if "Lifetime (Gyr)" in table.value)
    ages = [
        result.log_age.median,
        names["other1"].log_age.median,
        names["other1"].network["log_age"].median,
        names["isochrones"]["log_age"]["median"],
    ]
    assert [cell.split("**")[1] for cell in table["Age (Gyr)"] if cell] == [f"{10 ** (age - 9):.1f}" for age in ages]


@pytest.mark.slow
def test_the_code_of_an_upload_names_the_file(app, shared_data, monkeypatch):
    path = shared_data / "sdss" / "spec-1091-52902-0526.fits"
    upload(app, path.name, path.read_bytes())
    code = next(code.value for code in app.code if "read_spectrum" in code.value)
    monkeypatch.chdir(path.parent)
    names: dict[str, object] = {}
    exec(code, names)  # noqa: S102  the page's own lines
    assert f"{names['result'].logg.median:.2f}" == numbers(app)["log g"].split()[0]


def test_a_page_opened_by_its_file_shows_the_menu(mock_name):
    page = AppTest.from_file(str(ROOT / "pages" / "star.py"), default_timeout=60)
    page.query_params["star"] = mock_name
    page.run()
    assert not page.exception
    assert list(numbers(page)) == LABELS
