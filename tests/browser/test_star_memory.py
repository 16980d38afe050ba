"""What a visitor expects of a browser: Back, the keyboard, names for screen readers, and stars that are still there."""

from __future__ import annotations

import re
import time

import pytest

from stellar_core import examples

pytestmark = pytest.mark.browser

NAMES = [one.star.name for one in examples.examples()]


def shown(tab, name: str) -> None:
    """Wait until the page shows the star ``name``."""
    tab.page.get_by_role("heading", name=re.compile(f"^{name}")).wait_for()
    tab.settle()


def back(tab) -> None:
    tab.page.go_back()
    tab.settle(1.0)


def focused(tab) -> str:
    return tab.page.evaluate("() => document.activeElement.innerText")


@pytest.mark.slow
def test_each_look_up_is_an_entry_of_the_history(visit):
    tab = visit()
    tab.open()
    before = tab.page.evaluate("history.length")
    for name in NAMES[:3]:
        tab.look_up(name)
        shown(tab, name)
    assert tab.page.evaluate("history.length") == before + 3
    for name in (NAMES[1], NAMES[0]):
        back(tab)
        shown(tab, name)
        assert tab.page.get_by_label("SDSS star", exact=True).input_value() == name
    back(tab)
    assert "star=" not in tab.page.url
    tab.page.get_by_role("button", name="30-second tour").wait_for()
    tab.page.go_forward()
    shown(tab, NAMES[0])
    tab.assert_no_errors()


@pytest.mark.slow
def test_back_from_another_page_returns_to_the_star(visit):
    tab = visit()
    tab.open(f"?star={NAMES[0]}")
    shown(tab, NAMES[0])
    tab.page.get_by_role("link", name="Data").first.click()
    tab.page.wait_for_selector("h1:has-text('Data')")
    tab.settle()
    back(tab)
    shown(tab, NAMES[0])
    tab.assert_no_errors()


@pytest.mark.slow
def test_the_tour_is_taken_by_keyboard_and_remembered(visit):
    tab = visit(1440, 900)
    tab.open()
    tab.page.get_by_role("button", name="30-second tour").focus()
    for number in range(1, len(NAMES) + 1):
        with tab.rerun():
            tab.page.keyboard.press("Enter")
        tab.page.get_by_text(f"Tour {number} of {len(NAMES)}").wait_for()
        tab.page.wait_for_function(
            "() => /Next star|Finish the tour/.test(document.activeElement.innerText)", timeout=20_000
        )
    with tab.rerun():
        tab.page.keyboard.press("Enter")
    tab.page.get_by_role("button", name="Tour again").wait_for()
    tab.page.reload()
    tab.page.get_by_role("button", name="Tour again").wait_for()
    tab.assert_no_errors()


@pytest.mark.slow
def test_the_focus_is_on_the_star_after_an_example(visit):
    tab = visit()
    tab.open()
    begun = time.monotonic()
    with tab.rerun():
        tab.page.get_by_role("button", name=examples.examples()[0].caption).press("Enter")
    tab.page.wait_for_function(f"() => document.activeElement.innerText.startsWith('{NAMES[0]}')", timeout=20_000)
    tab.numbers()
    assert time.monotonic() - begun < 60
    tab.assert_no_errors()


@pytest.mark.slow
def test_every_help_button_has_a_name_of_its_own(visit):
    tab = visit()
    tab.open(f"?star={NAMES[0]}")
    shown(tab, NAMES[0])
    tab.page.wait_for_function("() => !document.querySelector('button[aria-label=Help]')")
    names = tab.page.locator("button[aria-label^='Help for']").evaluate_all("all => all.map(one => one.ariaLabel)")
    assert len(names) >= 5 and len(set(names)) == len(names)
    tab.assert_no_errors()


@pytest.mark.slow
def test_the_comparison_is_in_sight_where_it_is_asked_for(visit, tmp_path):
    tab = visit(1440, 900)
    tab.open(f"?star={NAMES[0]}")
    shown(tab, NAMES[0])
    with tab.rerun():
        tab.page.get_by_role("button", name="Compare", exact=True).click()
    tab.page.get_by_text("Open another star and press Compare again.").wait_for()
    with tab.rerun():
        tab.page.get_by_label("SDSS star", exact=True).fill(NAMES[3])
        tab.page.keyboard.press("Enter")
    shown(tab, NAMES[3])
    with tab.rerun():
        tab.page.get_by_role("button", name="Compare", exact=True).click()
    panel = tab.page.get_by_text("Comparison of 2 stars")
    panel.wait_for()
    tab.settle(1.0)
    assert 0 < panel.bounding_box()["y"] < 600, "on the screen, below the button"
    tab.picture("star-comparison.png", tmp_path)
    tab.page.get_by_role("button", name=re.compile("Recent")).click()
    tab.page.get_by_role("button", name=re.compile(f"^{NAMES[0]}.*SDSS")).wait_for()
    tab.assert_no_errors()


@pytest.mark.slow
def test_a_file_that_is_too_large_is_refused_in_words(visit, tmp_path):
    big = tmp_path / "big.fits"
    big.write_bytes(b"SIMPLE  =" + bytes(25_000_000))
    tab = visit()
    tab.open()
    tab.page.get_by_text("Upload a spectrum").first.click()
    tab.page.get_by_text("20MB per file").wait_for()
    assert tab.page.get_by_text("20MB per file").count() == 1
    tab.page.locator("input[type=file]").set_input_files(str(big))
    words = tab.page.get_by_text("File must be 20.0MB or smaller.")
    words.wait_for()
    assert words.bounding_box()["width"] > 100 and words.bounding_box()["height"] > 10, "not for screen readers only"
    tab.page.keyboard.press("Escape")
    tab.look_up("<script>document.title='x'</script>")
    assert "is not a recognised SDSS identifier" in tab.page.get_by_test_id("stAlert").inner_text()
    assert tab.page.title() == "Stellar Ages Explorer"
    tab.assert_no_errors()
