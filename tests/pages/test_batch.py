"""The Batch page: one row per input, links to the Star page, results kept on reruns."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from stellar_core import examples
from stellar_core.batch import worker
from stellar_core.batch.identifier_chunk import IdentifierChunk
from stellar_core.mock.survey import MockSurvey
from stellar_core.network.retries import TransientError
from tests.batch.test_uploads import archive
from tests.pages.conftest import ROOT


@pytest.fixture()
def page() -> AppTest:
    return AppTest.from_file(str(ROOT / "pages" / "batch.py"), default_timeout=120).run()


def words(shown: AppTest) -> str:
    kinds = (shown.subheader, shown.markdown, shown.caption, shown.info, shown.warning, shown.error)
    return "\n".join(str(item.value) for kind in kinds for item in kind)


def ask(shown: AppTest, text: str) -> AppTest:
    shown.text_area(key="batch_text").set_value(text)
    return next(button for button in shown.button if button.label == "Run").click().run()


def test_each_input_gives_a_row(page):
    assert not page.exception and "500 stars" in words(page)
    page = next(button for button in page.button if "MOCK" in button.label).click().run()
    text = page.text_area(key="batch_text").value
    assert len(text.splitlines()) == 20
    page = ask(page, f"{text}\n/etc/passwd\n")
    assert not page.exception and not page.error
    table = page.dataframe[0].value
    assert len(table) == 21 and "MOCK" in words(page)
    assert list(table.Star[:20]) == [f"/?star={star}&model=isochrone" for star in text.splitlines()]
    assert table.Source[:20].eq("MOCK").all() and table["Age (Gyr)"][:20].between(0, 13.81).all()
    assert "is not a recognised SDSS identifier" in table.Message[20] and table.Star.isna()[20]
    assert len(page.get("download_button")) == 6 and len(page.get("plotly_chart")) == 2


def test_an_archive_is_read_and_a_hostile_one_is_rejected(page):
    page.file_uploader[0].upload("x.zip", archive({"../a.fits": b"", "notes.txt": b"no spectrum"}), "application/zip")
    page = ask(page, "")
    assert not page.exception
    assert len(page.dataframe[0].value) == 2 and "leads out" in page.dataframe[0].value.Message[0]
    page.file_uploader[0].upload("x.zip", b"PK\x03\x04" + b"PK\x01\x02" * 10_001, "application/zip")
    page = ask(page, "")
    assert not page.exception and "command line" in page.error[0].value and not page.dataframe


def test_a_row_of_an_archive_opens_on_the_star_page(app, monkeypatch):
    page = app.run().switch_page("pages/batch.py").run()
    monkeypatch.setattr("streamlit.dataframe", lambda *_args, **_options: {"selection": {"rows": [0]}})
    data = archive({"one.fits": examples.examples()[0].path.read_bytes()})
    page.file_uploader[0].upload("x.zip", data, "application/zip")
    page = ask(page, "")
    assert not page.exception and not page.error
    ((key, source),) = page.session_state["recent"].items()
    assert source.label == "one.fits" and source.row == 0
    assert f"star={key}" in page.get("page_link")[0].proto.query_string


@pytest.mark.slow
def test_results_are_kept_and_transient_errors_are_retried(page, monkeypatch):
    stars = [star.name for star in MockSurvey().star_ids(16001)[:40]]
    asked, real, away = [], worker.estimate_chunk, {stars[35]}
    record = lambda network, task: (asked.append(task.number), real(network, task))[1]
    monkeypatch.setattr(worker, "estimate_chunk", record)
    one = IdentifierChunk._read
    monkeypatch.setattr(
        IdentifierChunk,
        "_read",
        lambda self, archive, text: TransientError("SDSS is away.") if text in away else one(self, archive, text),
    )
    page = ask(page, "\n".join(stars))
    assert asked == [0, 1] and "SDSS is away" in words(page) and len(page.dataframe[0].value) == 40
    page = page.run()
    assert asked == [0, 1]
    away.clear()
    page = next(button for button in page.button if button.label == "Try again").click().run()
    assert asked == [0, 1, 1] and not page.warning and page.dataframe[0].value["Age (Gyr)"].notna().sum() >= 39
    page = ask(page, "\n".join(stars))
    assert asked == [0, 1, 1], "the same inputs are not processed twice"
    page = ask(page, "\n".join(stars[:33]) + "\n")
    assert asked == [0, 1, 1, 0, 1] and len(page.dataframe[0].value) == 33


def test_empty_and_too_long_lists_give_one_error_message(page):
    assert "no identifier" in ask(page, " \n").error[0].value
    assert "--list ids.csv" in ask(page, "1-52000-1\n" * 501).error[0].value
