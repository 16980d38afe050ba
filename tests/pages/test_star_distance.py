"""The Star page with a distance: looked up, entered, refused, absent; and in a link."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from stellar_core import lookup
from stellar_core.astrometry import Astrometry
from stellar_core.errors import ArchiveError, ParameterError
from stellar_core.gaia import Finding
from stellar_core.ui.star.parallax import parse_entered
from tests.pages.test_star import assert_one_sentence, charts, follow, numbers, text, upload

REAL = "spec-1091-52902-0526.fits"
STAR = "1091-52902-526"
WITH_PHOTOMETRY = "spec-0461-51910-0134.fits"
SENTENCE = re.compile(r"The distance moves the age from (.+) to \*\*(.+ Gyr)\*\*")


@pytest.fixture(autouse=True)
def no_archive(monkeypatch):
    """Gaia may be asked by `lookup` alone, which the tests replace."""
    import stellar_core.gaia

    def asked(*_args, **_options):
        raise AssertionError("no archive is asked here")

    monkeypatch.setattr(stellar_core.gaia, "open_archive", asked)


@pytest.fixture()
def sdss_star(app, shared_data, monkeypatch):
    """A real star of SDSS as the page looks it up."""
    from stellar_core.sdss import archive
    from stellar_core.sdss.readers import read_spectrum
    from stellar_core.ui import loaders

    spectrum = replace(read_spectrum(shared_data / "sdss" / REAL), source="sdss")
    monkeypatch.setattr(archive, "fetch_spectrum", lambda star: spectrum)
    loaders._spectrum.clear()
    yield app
    loaders._spectrum.clear()


def gaia(parallax: float, source_id: str = "4583627001381815936", ruwe: float = 1.0) -> Astrometry:
    return Astrometry(parallax, 0.03, {"G": (15.9, 0.003)}, origin="Gaia DR3", source_id=source_id, ruwe=ruwe)


def link_of(app) -> str:
    return next(code.value for code in app.code if "star=" in code.value)


@pytest.mark.parametrize(
    "words", ["2.51 ± 0.03", "2.51,0.03", "2.51 0.03", " 2.51+-0.03 mas", "2.51 +/- 0.03", "2.51±0.03"]
)
def test_a_parallax_is_read_in_every_usual_form(words):
    assert parse_entered(words) == Astrometry(2.51, 0.03)


def test_a_negative_parallax_is_data():
    assert parse_entered("-0.12 ± 0.07") == Astrometry(-0.12, 0.07)


@pytest.mark.parametrize(
    "words", ["2.51", "2.51 ± -0.03", "2.51 ± 0", "nan 0.1", "two ± one", "2,51 ± 0,03", "1 2 3", "1e9 1"]
)
def test_other_text_is_refused(words):
    with pytest.raises(ParameterError):
        parse_entered(words)


def test_a_mock_star_has_both_answers_and_its_link_the_same_numbers(app):
    app.query_params["star"] = next(star.name for star, caption in lookup.examples() if caption == "Turn-off star")
    app.run()
    assert not app.exception and not app.error, text(app)
    before, after = SENTENCE.search(text(app)).groups()
    shown = numbers(app)
    assert shown["Age"] == after and f"{before} Gyr" != after
    assert re.search(r"Distance \*\*\d+ pc\*\* \(68 %: \d+ – \d+\)", text(app))
    assert "absolute_magnitude" in charts(app)
    assert "uses the parallax" in text(app)
    other = follow(link_of(app))
    assert numbers(other) == shown and "answer" not in other.query_params

    app.segmented_control(key="answer").set_value("without").run()
    assert not app.exception and not app.error
    assert numbers(app)["Age"] == f"{before} Gyr" and SENTENCE.search(text(app)).groups() == (before, after)
    assert "absolute_magnitude" not in charts(app) and app.query_params["answer"] == "without"
    other = follow(link_of(app))
    assert numbers(other) == numbers(app) and other.segmented_control(key="answer").value == "without"


def test_gaia_is_asked_after_the_answer_and_a_fault_leaves_the_answer(sdss_star, monkeypatch):
    from stellar_core.inference.base import BaseEstimator

    app, order = sdss_star, []
    estimate = BaseEstimator.estimate

    def recorded(self, spectrum, **options):
        order.append("estimate")
        return estimate(self, spectrum, **options)

    def down(spectra, **_options):
        order.append("Gaia")
        raise ArchiveError("Gaia did not answer within 20 s.", remedy="Upload the file.")

    monkeypatch.setattr(BaseEstimator, "estimate", recorded)
    monkeypatch.setattr(lookup, "find_parallaxes", down)
    app.query_params.update({"star": STAR, "samples": "10", "seed": "11"})
    app.run()
    assert not app.exception and not app.error, text(app)
    alone = numbers(app)
    assert alone["Age"].endswith("Gyr") and "Gaia was not used: Gaia did not answer within 20 s." in text(app)
    assert "Upload the file" not in text(app), "it would not help"
    assert order.count("Gaia") == 1 and order.index("estimate") < order.index("Gaia")
    assert "absolute_magnitude" not in charts(app) and "answer=without" in link_of(app)
    app.run()
    assert order.count("Gaia") == 1, "asked again without a wish"

    monkeypatch.setattr(lookup, "find_parallaxes", lambda spectra, **_: [Finding(gaia(2.5, ruwe=2.3))] * len(spectra))
    app.button(key="gaia_again").click().run()
    assert not app.exception and not app.error
    assert numbers(app) != alone and "Parallax **2.500 ± 0.030 mas** (Gaia DR3 4583627001381815936)" in text(app)
    assert "Gaia's RUWE is 2.3" in text(app)
    assert "find_source('4583627001381815936')" in next(code.value for code in app.code if "Estimator" in code.value)


@pytest.mark.slow
def test_a_star_without_parallax_in_gaia_keeps_its_answer(sdss_star, monkeypatch):
    monkeypatch.setattr(lookup, "find_parallaxes", lambda spectra, **_: [Finding(None, ("Gaia has no source here.",))])
    sdss_star.query_params["star"] = STAR
    sdss_star.run()
    assert not sdss_star.exception and numbers(sdss_star)["Age"] and "Gaia has no source here." in text(sdss_star)
    assert "gaia_again" not in [button.key for button in sdss_star.button]


@pytest.mark.slow
def test_an_entered_source_is_looked_up_and_kept_in_the_link(sdss_star, monkeypatch):
    asked = []

    def find_source(text, *, spectrum):
        asked.append(text)
        if text == "7":
            raise ArchiveError("Gaia DR3 has no source 7.")
        return gaia(2.5, text)

    monkeypatch.setattr("stellar_core.gaia.find_source", find_source)
    monkeypatch.setattr(lookup, "find_parallaxes", lambda spectra, **_: [Finding(gaia(1.2))] * len(spectra))
    app = sdss_star
    app.query_params["star"] = STAR
    app.run()
    by_position = numbers(app)
    assert not asked and "gaia=" not in link_of(app)
    app.text_input(key="gaia").set_value("7").run()
    assert not app.exception and "Gaia was not used: Gaia DR3 has no source 7." in text(app) and numbers(app)["Age"]
    app.text_input(key="gaia").set_value("123456").run()
    assert asked == ["7", "123456"] and "2.500 ± 0.030 mas** (Gaia DR3 123456)" in text(app)
    assert numbers(app) != by_position and "gaia=123456" in link_of(app)
    other = follow(link_of(app))
    assert not other.exception and numbers(other) == numbers(app)


@pytest.mark.slow
def test_a_parallax_is_entered_for_an_uploaded_file(app, shared_data, monkeypatch):
    def unwanted(*_args, **_options):
        raise AssertionError("an upload is not looked up without being asked")

    monkeypatch.setattr(lookup, "find_parallaxes", unwanted)
    path = shared_data / "sdss" / WITH_PHOTOMETRY
    upload(app, path.name, path.read_bytes())
    assert not app.exception and "No distance was used" in text(app)
    alone = numbers(app)
    app.text_input(key="parallax").set_value("two and a half").run()
    assert not app.exception and numbers(app) == alone and "A parallax is given with its error" in text(app)
    app.text_input(key="parallax").set_value("0.50 ± 0.03").run()
    assert not app.exception and not app.error, text(app)
    assert "Parallax **0.500 ± 0.030 mas** (entered)" in text(app) and numbers(app) != alone
    assert "absolute_magnitude" in charts(app), "from g and r"
    assert "Astrometry(0.5, 0.03)" in next(code.value for code in app.code if "Estimator" in code.value)
    app.text_input(key="parallax").set_value("1.2 0.03").run()
    assert "The parallax is not believed" in text(app) and "contradicts the spectrum" in text(app)
    medians = [float(one["Age"].split()[0]) for one in (numbers(app), alone)]
    assert abs(medians[0] - medians[1]) < 0.2 * medians[1], "the brightness alone adds little"
    asked = []
    monkeypatch.setattr(lookup, "find_parallaxes", lambda spectra, **_: asked.append(1) or [Finding(gaia(2.5))])
    app.text_input(key="parallax").set_value("").run()
    assert not asked and numbers(app) == alone
    app.button(key="gaia_position").click().run()
    assert not app.exception and asked == [1] and "(Gaia DR3 4583627001381815936)" in text(app)


@pytest.mark.slow
def test_a_parallax_belongs_to_one_star(app):
    first, second = (star.name for star, _ in lookup.examples()[:2])
    app.query_params.update({"star": first, "parallax": "2.51,0.03"})
    app.run()
    assert not app.exception and "2.510 ± 0.030 mas** (entered)" in text(app)
    entered = numbers(app)
    assert "parallax=2.51,0.03" in link_of(app) and numbers(follow(link_of(app))) == entered
    app.text_input(key="star").set_value(second).run()
    assert app.text_input(key="parallax").value == "" and "(MOCK survey)" in text(app)
    assert "parallax" not in app.query_params


@pytest.mark.slow
def test_a_file_without_magnitudes_needs_a_source_id(app):
    from tests.pages.test_star import csv_spectrum

    upload(app, "star.csv", csv_spectrum(3800, 9200))
    app.text_input(key="parallax").set_value("2.51 ± 0.03").run()
    assert not app.exception and not numbers(app), "no star: folded"
    next(toggle for toggle in app.toggle if toggle.key.startswith("show_anyway")).set_value(True).run()
    assert not app.exception and numbers(app) and "needs a magnitude" in text(app)
    app.text_input(key="star").set_value("-266-51602-31").run()
    assert_one_sentence(app)


@pytest.mark.slow
def test_compared_stars_have_distances(app):
    stars = [star.name for star, _ in lookup.examples()[:2]]
    app.query_params["compare"] = ",".join(stars)
    app.run()
    table = next(table.value for table in app.table if "S/N" in table.value)
    assert all(cell.startswith("**") for cell in table["Distance (pc)"]) and all(table["Without parallax (Gyr)"])
