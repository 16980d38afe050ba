"""The Star page remembers: examples, the tour, failed look-ups, recent stars, uploads in the comparison."""

from __future__ import annotations

import pytest

from stellar_core import examples, lookup
from stellar_core.errors import ArchiveError
from stellar_core.sdss import archive
from stellar_core.ui.star import comparison
from stellar_core.ui.star.recent import key_of
from tests.batch.test_uploads import archive as zipped
from tests.pages import test_star

FIRST = examples.examples()[0]


def text(app) -> str:
    """All words on the page."""
    return "\n".join([test_star.text(app), *(str(header.value) for header in app.header)])


def upload(app, name: str, data: bytes) -> None:
    app.run()
    app.file_uploader[0].upload(name, data)
    app.run()


def keys(app, prefix: str) -> list[str]:
    return [button.key.removeprefix(prefix) for button in app.button if str(button.key).startswith(prefix)]


def compared_table(app) -> dict[str, list[str]] | None:
    return next((table.value for table in app.table if "S/N" in table.value), None)


def test_real_examples_come_first_and_open_without_a_network(app):
    app.run()
    shown = keys(app, "example_")
    real = [one.star.name for one in examples.examples()]
    assert shown[: len(real)] == real and all(name.startswith("16") for name in shown[len(real) :])
    assert "MOCK" in text(app) and FIRST.lesson in text(app)
    app.button(key=f"example_{FIRST.star.name}").click().run()
    assert not app.exception and not app.error
    assert FIRST.star.name in text(app) and app.query_params["star"] == FIRST.star.name
    assert f"SSPP: {FIRST.sspp['teff']:.0f} K" in text(app), "SDSS's own values are shown beside ours"


def test_the_tour_goes_over_the_examples_and_can_be_ended(app):
    app.run()
    app.button(key="tour_start").click().run()
    for number, one in enumerate(examples.examples(), 1):
        assert app.query_params["star"] == one.star.name
        assert f"Tour {number} of {len(examples.examples())}" in text(app) and one.lesson in text(app)
        app.button(key="tour_next").click().run()
    assert "star" not in app.query_params and "Tour 5" not in text(app)
    assert app.button(key="tour_start").label == "Tour again", "remembered"
    app.button(key="tour_start").click().run()
    app.button(key="tour_end").click().run()
    assert app.query_params["star"] == FIRST.star.name and not keys(app, "tour_")


def test_a_failed_look_up_offers_another_attempt_and_the_examples(app, monkeypatch):
    app.run()
    app.text_input(key="star").set_value("266-51602-31").run()
    assert len(app.error) == 1 and "could not be reached" in app.error[0].value
    assert keys(app, "example_")[0] == FIRST.star.name and not app.metric
    monkeypatch.setattr(archive, "fetch_spectrum", lambda star: FIRST.spectrum())
    app.button(key="retry").click().run()
    assert not app.error and app.metric
    app.text_input(key="star").set_value("nonsense").run()
    assert len(app.error) == 1 and not keys(app, "retry"), "another attempt would not help"
    assert keys(app, "example_")


def test_the_position_of_a_mock_star_opens_it_without_a_network(app):
    star, _ = lookup.examples()[0]
    meta = lookup.load(star).meta
    app.run()
    app.text_input(key="star").set_value(f"{meta['ra']:.5f} {meta['dec']:+.5f}").run()
    assert not app.error and "A MOCK star has this position." in text(app) and star.name in text(app)


def test_recent_stars_and_uploads_are_one_press_away(app):
    data = FIRST.path.read_bytes()
    other = examples.examples()[1].star.name
    upload(app, "mine.fits", data)
    mine = app.query_params["star"]
    assert app.text_input(key="star").value == "" and FIRST.star.name in text(app)
    app.text_input(key="star").set_value(examples.examples()[1].star.specobjid).run()
    app.run()
    assert keys(app, "recent_") == [mine] and app.button(key=f"recent_{mine}").label.startswith("mine.fits")
    app.button(key=f"recent_{mine}").click().run()
    assert app.query_params["star"] == mine and FIRST.star.name in text(app) and "your file" in text(app)
    assert keys(app, "recent_") == [other]


def test_a_link_to_a_file_of_another_visit_says_so(app):
    app.query_params["star"] = "file-0123456789ab"
    app.run()
    assert "uploaded in another visit" in app.error[0].value and keys(app, "example_")


def test_an_upload_is_compared_with_a_star(app):
    upload(app, "mine.fits", FIRST.path.read_bytes())
    mine = app.query_params["star"]
    app.button(key="compare_star").click().run()
    assert "Open another star" in text(app) and compared_table(app) is None
    other = examples.examples()[1].star.name
    app.text_input(key="star").set_value(other).run()
    assert "Press Compare to add this star." in text(app)
    app.button(key="compare_star").click().run()
    assert app.query_params["compare"] == f"{mine},{other}"
    assert len(compared_table(app)["Star"]) == 2 and keys(app, "remove_") == [mine, other]
    app.button(key=f"remove_{mine}").click().run()
    assert compared_table(app) is None and app.query_params["compare"] == other


@pytest.mark.slow
def test_a_full_comparison_says_why_no_star_can_be_added(app):
    names = [one.star.name for one in examples.examples()]
    app.query_params.update({"star": names[4], "compare": ",".join(names[:4])})
    app.run()
    assert app.button(key="compare_star").disabled and comparison.FULL in text(app)
    app.button(key=f"remove_{names[0]}").click().run()
    assert not app.button(key="compare_star").disabled and comparison.FULL not in text(app)


def test_going_back_in_the_browser_fills_the_search_box(app):
    app.run()
    app.text_input(key="star").set_value(FIRST.star.name).run()
    app.query_params["star"] = examples.examples()[1].star.name
    app.run()
    assert app.text_input(key="star").value == examples.examples()[1].star.name
    del app.query_params["star"]
    app.run()
    assert app.text_input(key="star").value == "" and keys(app, "example_")


def test_a_row_of_an_archive_opens_on_the_star_page(app):
    from stellar_core import sandbox
    from stellar_core.ui.loaders import Source

    opened = sandbox.read_inputs("a.zip", zipped({"one.fits": FIRST.path.read_bytes(), "notes.txt": b"none"}))
    source = Source("one.fits", archive=opened, row=0)
    app.session_state["recent"] = {key_of(source): source}
    app.query_params["star"] = key_of(source)
    app.run()
    assert not app.error and FIRST.star.name in text(app)
    bad = Source("notes.txt", archive=opened, row=1)
    app.session_state["recent"] = {key_of(bad): bad}
    app.query_params["star"] = key_of(bad)
    app.run()
    assert len(app.error) == 1 and keys(app, "example_")


def test_the_archive_is_not_asked_for_an_example(app, monkeypatch):
    def refuse(*_args, **_options):
        raise ArchiveError("asked")

    monkeypatch.setattr(archive, "fetch_spectrum", refuse)
    app.query_params["star"] = FIRST.star.specobjid
    app.run()
    assert not app.error and app.metric
