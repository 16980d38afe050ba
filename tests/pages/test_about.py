"""The About page: cards, versions and citations."""

from streamlit.testing.v1 import AppTest

import stellar_core
from stellar_core.cards import list_models
from tests.pages.conftest import ROOT


def test_every_trained_part_shows_its_card(app):
    app.run()
    app.switch_page("pages/about.py").run()
    assert not app.exception
    labels = [expander.label for expander in app.expander]
    cards = list_models()
    assert cards and len(labels) == len(cards)
    for name, card in cards.items():
        assert any(f"**{name}**" in label for label in labels)
        assert any(card["sha256"] in caption.value for caption in app.caption)


def test_versions_and_citations_are_there():
    page = AppTest.from_file(str(ROOT / "pages" / "about.py"), default_timeout=60).run()
    assert not page.exception
    assert any(stellar_core.__version__ in caption.value for caption in page.caption)
    assert any("Choi et al. 2016" in markdown.value for markdown in page.markdown)
