"""The stored test: round trip, size, panels and report."""

import re

import numpy as np
import pytest

from stellar_core import model_store
from stellar_core.errors import ModelError, ParameterError
from stellar_core.evaluation.html_report import write_report
from stellar_core.evaluation.panels import normalised_errors, panels, worst
from stellar_core.evaluation.reliability import covered
from stellar_core.evaluation.stored_predictions import NAME, read_test, write_test
from tests.stored_test_stars import stored


@pytest.fixture
def kept(tmp_path, monkeypatch):
    monkeypatch.setattr(model_store, "TRAINED_DIR", tmp_path)
    test = stored()
    write_test(tmp_path / "small", test)
    return test


def test_the_round_trip_is_within_a_twentieth_of_an_error(kept):
    again = read_test("small")
    assert (again.model, again.view, again.before, again.sha256) == (kept.model, kept.view, kept.before, kept.sha256)
    assert again.survey.name == kept.survey.name and len(again.stars) == 500
    half = (kept.stars.high - kept.stars.low) / 2
    for name in ("mean", "low", "high"):
        assert (np.abs(getattr(again.stars, name) - getattr(kept.stars, name)) < 0.05 * half).all()
    assert np.array_equal(again.stars.stage, kept.stars.stage)
    assert covered(again.stars.u[:, 3])["68"] == pytest.approx(covered(kept.stars.u[:, 3])["68"], abs=0.01)


def test_4000_stars_take_a_few_hundred_kilobytes(kept, tmp_path):
    assert (tmp_path / "small" / NAME).stat().st_size / 530 * 4400 < 800_000


def test_a_missing_test_is_an_error_of_one_line(kept):
    with pytest.raises(ModelError) as caught:
        read_test("none")
    assert "\n" not in str(caught.value)


def test_panels_have_figures_and_captions(kept):
    found = {panel.key: panel for panel in panels(kept, "log_age")}
    assert set(found) == {"entropy", "against", "reliability", "pit", "coverage", "sharpness"}
    share = 100 * covered(kept.stars.u[:, 3])["68"]
    assert f"{share:.1f}, " in found["reliability"].words and "MC dropout alone" in found["reliability"].words
    assert len(found["coverage"].figure.data) == 3


def test_the_worst_stars_have_the_largest_errors(kept):
    rows, off = worst(kept.survey, "log_age", 5), np.abs(kept.survey.mean - kept.survey.truth)[:, 3]
    assert off[rows].min() >= np.delete(off, rows).max() and (np.diff(off[rows]) <= 0).all()
    assert np.allclose(
        normalised_errors(kept.survey, "log_age"), (kept.survey.mean - kept.survey.truth)[:, 3] / 0.25, rtol=1e-3
    )


def test_the_report_is_self_contained(kept, tmp_path):
    path = tmp_path / "out.html"
    write_report(kept, path)
    text = path.read_text()
    outside = [tag for tag in re.findall(r"<(?:script|link|img)[^>]*>", text) if "src=" in tag or "href=" in tag]
    assert not outside and text.count('class="plotly-graph-div"') >= 12
    assert "MOCK" in text and kept.survey.name[worst(kept.survey, "log_age")[0]] in text
    with pytest.raises(ParameterError, match="does not exist"):
        write_report(kept, tmp_path / "none" / "out.html")
