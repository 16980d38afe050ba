"""The main path in a real browser: from a file or a name to an age."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from astropy.io import fits

from stellar_core import lookup
from stellar_core.figures.palette import DARK

pytestmark = pytest.mark.browser

REAL = "spec-1091-52902-0526.fits"
PHONE = (
    "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0 Mobile Safari/537.36"
)


@pytest.fixture(scope="module")
def names() -> list[str]:
    return [star.name for star, _ in lookup.examples()]


@pytest.mark.slow
def test_upload_of_a_real_spectrum_gives_a_result(visit, shared_data, tmp_path):
    tab = visit()
    tab.open()
    tab.upload(shared_data / "sdss" / REAL)
    assert tab.page.get_by_text("1091-52902-0526").first.is_visible()
    assert len(tab.numbers()) == 7 and tab.numbers()[0].endswith("Gyr")
    tab.wait_for_charts(10)
    assert tab.page.get_by_test_id("stAlertContentError").count() == 0
    tab.assert_no_errors()
    tab.picture("star-light.png", tmp_path, full=True)
    tab.page.get_by_role("button", name="Download", exact=True).click()
    with fits.open(download(tab, "FITS")) as file:
        assert [unit.name for unit in file] == ["PRIMARY", "RESULT", "SPECTRUM"]
        assert f"{10 ** (file['RESULT'].data['log_age_median'][0] - 9):.1f}" == tab.numbers()[0].split()[0]
    assert download(tab, "Figure (PDF)").read_bytes().startswith(b"%PDF")
    tab.assert_no_errors()


def download(tab, label: str) -> Path:
    """What the button with this label gives."""
    with tab.page.expect_download() as found:
        tab.page.get_by_role("button", name=label, exact=True).click()
    return Path(found.value.path())


@pytest.mark.slow
def test_look_up_comparison_and_permalink_show_the_same_view(visit, names, tmp_path):
    tab = visit()
    tab.open(f"?compare={names[1]},{names[2]}")
    tab.look_up(lookup.resolve(names[0]).specobjid)
    first = tab.numbers()
    assert len(first) == 7
    with tab.rerun():
        tab.page.get_by_role("button", name="Compare", exact=True).click()
    assert f"compare={names[1]}%2C{names[2]}%2C{names[0]}" in tab.page.url.replace(",", "%2C")
    with tab.rerun():
        tab.page.get_by_role("radio", name="Tracks").click()
    with tab.rerun():
        tab.page.get_by_text("Which wavelengths matter?").click()
    assert tab.page.get_by_text("Hiding ").first.is_visible()
    tab.wait_for_charts(13)
    tab.page.get_by_text("Link", exact=True).click()
    code = tab.page.locator(".stCode", has_text="drives=true").first
    code.wait_for()
    link = code.inner_text().strip()
    tab.assert_no_errors()
    other = visit(1366, 1000)
    other.open(link.partition("/?")[2] and "?" + link.partition("/?")[2])
    other.wait_for_charts(13)
    assert other.numbers() == first
    labels = other.page.locator(".st-key-kiel .js-plotly-plot").evaluate("plot => plot.data.map(trace => trace.name)")
    assert "tracks" in labels and "4 Gyr" not in labels
    assert other.page.get_by_label("Effect of hiding on").is_visible()
    assert other.page.locator(".st-key-compared .js-plotly-plot").evaluate("plot => plot.data.length") == 4
    other.assert_no_errors()
    other.page.get_by_text("Comparison of estimates").scroll_into_view_if_needed()
    other.picture("star-estimates.png", tmp_path)
    other.page.get_by_text("Comparison of 3 stars", exact=True).scroll_into_view_if_needed()
    other.picture("star-comparison.png", tmp_path)


@pytest.mark.slow
def test_every_control_is_reached_by_keyboard(visit, names):
    tab = visit()
    tab.open(f"?star={names[0]}")
    tab.wait_for_charts(11)
    tab.wait_for_viewer()
    reach_by_keyboard(tab)
    tab.assert_no_errors()


def reach_by_keyboard(tab) -> None:
    """Every control of the page in reading order."""
    tab.page.get_by_label("SDSS star", exact=True).focus()
    seen: list[list[str]] = []
    for _ in range(95):
        tab.page.keyboard.press("Tab")
        seen.append(
            tab.page.evaluate(
                "() => (document.activeElement.innerText || document.activeElement.ariaLabel || '').split('\\n')"
            )
        )
    wanted = [
        "Upload a spectrum",
        "Parallax",
        "Settings",
        "Compare",
        "With the parallax",
        "Which wavelengths matter?",
        "Isochrones",
        "Download",
        "Show the code",
        "Link",
    ]
    places = [next((k for k, lines in enumerate(seen) if words in lines), None) for words in wanted]
    assert None not in places and places == sorted(places), dict(zip(wanted, places))


@pytest.mark.slow
def test_dark_mode(visit, names, tmp_path):
    tab = visit(1366, 1240, color_scheme="dark")
    tab.open(f"?star={names[0]}")
    tab.wait_for_charts(11)
    background = tab.page.get_by_test_id("stApp").evaluate("app => getComputedStyle(app).backgroundColor")
    assert background == "rgb(15, 21, 34)"
    tab.wait_for_viewer()
    colour = tab.page.locator(".viewer").evaluate("viewer => viewer.style.getPropertyValue('--muted')")
    assert colour == DARK.muted, "the figure follows the dark theme"
    tab.assert_no_errors()
    tab.picture("star-dark.png", tmp_path)


@pytest.mark.slow
def test_phone(visit, names, tmp_path):
    tab = visit(390, 844, is_mobile=True, has_touch=True, device_scale_factor=2, user_agent=PHONE)
    tab.open(f"?star={names[0]}")
    assert len(tab.numbers()) == 7
    tab.wait_for_charts(11)
    tab.wait_for_viewer()
    touch = tab.page.locator(".viewer .plot").evaluate("plot => getComputedStyle(plot).touchAction")
    assert touch == "pan-y", "a finger that moves up or down scrolls the page"
    tab.assert_no_errors()
    tab.picture("star-phone.png", tmp_path)


@pytest.mark.slow
def test_landing_page(visit, tmp_path):
    tab = visit(1366, 768)
    tab.open()
    tab.wait_for_charts(1)
    tab.assert_no_errors()
    tab.picture("landing.png", tmp_path)
    tab.page.get_by_text("Data", exact=True).first.click()
    tab.page.wait_for_selector("h1:has-text('Data')")
    tab.settle()
    tab.assert_no_errors()


def distance(tab) -> list[str]:
    """Lines of the frame that says what the distance does."""
    frame = tab.page.get_by_text("The distance moves the age from").locator(
        "xpath=ancestor::*[@data-testid='stVerticalBlock'][1]"
    )
    return [line for line in frame.inner_text().splitlines() if line]


@pytest.mark.slow
def test_a_star_with_gaia_is_answered_with_and_without_and_its_link_gives_the_same(visit, names, tmp_path):
    tab = visit(1440, 900)
    tab.open()
    tab.look_up(names[1])
    tab.wait_for_charts(11)
    used, lines = tab.numbers(), distance(tab)
    assert re.fullmatch(r"The distance moves the age from .+ to .+ Gyr.*", lines[0])
    assert f"to {used[0]}" in lines[0] and any(" pc (68 %" in line for line in lines)
    axis = tab.page.locator(".st-key-absolute_magnitude .js-plotly-plot").evaluate("p => p._fullLayout.yaxis.range")
    assert axis[0] > axis[1], "bright stars at the top"
    tab.picture("star-distance.png", tmp_path)
    with tab.rerun():
        tab.page.get_by_role("radio", name="Without", exact=True).click()
    tab.wait_for_charts(10)
    alone = tab.numbers()
    assert alone != used and distance(tab)[0] == lines[0] and "answer=without" in tab.page.url
    tab.page.get_by_text("Link", exact=True).click()
    code = tab.page.locator(".stCode", has_text="answer=without").first
    code.wait_for()
    tab.assert_no_errors()
    other = visit(1366, 900)
    other.open("?" + code.inner_text().strip().partition("/?")[2])
    assert other.numbers() == alone
    with other.rerun():
        other.page.get_by_role("radio", name="With the parallax").click()
    assert other.numbers() == used and "answer" not in other.page.url
    other.assert_no_errors()


@pytest.mark.slow
def test_a_parallax_is_entered_for_an_uploaded_file(visit, shared_data):
    tab = visit()
    tab.open()
    tab.upload(shared_data / "sdss" / "spec-0461-51910-0134.fits")
    alone = tab.numbers()
    assert tab.page.get_by_text("No distance was used.").is_visible()
    tab.page.get_by_text("Parallax", exact=True).first.click()
    box = tab.page.get_by_label("Parallax and its error (mas)", exact=True)
    box.fill("0.50 ± 0.03")
    with tab.rerun():
        box.press("Enter")
    tab.page.keyboard.press("Escape")
    assert tab.numbers() != alone and any("0.500 ± 0.030 mas (entered)" in line for line in distance(tab))
    tab.wait_for_charts(11)
    tab.assert_no_errors()


@pytest.mark.slow
def test_a_link_with_a_parallax_gives_the_same_numbers(visit, names):
    seen = []
    for link in (f"?star={names[1]}&parallax=0.75%20%C2%B1%200.02", f"?star={names[1]}&parallax=0.75,0.02"):
        tab = visit()
        tab.open(link)
        assert any("0.750 ± 0.020 mas (entered)" in line for line in distance(tab))
        seen.append(tab.numbers())
        tab.assert_no_errors()
    assert seen[0] == seen[1]


@pytest.mark.slow
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_serious_and_the_headings_have_no_gap(visit, names, theme):
    from axe_playwright_python.sync_playwright import Axe

    tab = visit(1440, 900, color_scheme=theme)
    tab.open(f"?star={names[0]}")
    tab.wait_for_charts(11)
    tab.page.get_by_test_id("stPopoverButton").filter(has_text=re.compile("Reliable|Prior-dominated")).first.click()
    tab.page.get_by_text("Log age is off by").wait_for()
    found = Axe().run(tab.page).response["violations"]
    assert [one["id"] for one in found if one["impact"] in ("serious", "critical")] == []
    levels = tab.page.evaluate("[...document.querySelectorAll('h1,h2,h3,h4')].map(one => Number(one.tagName[1]))")
    assert levels[:2] == [1, 2] and all(after - before <= 1 for before, after in zip(levels, levels[1:]))
