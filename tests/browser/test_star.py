"""The main path in a real browser: from a file or a name to an age."""

from __future__ import annotations

import pytest

from stellar_core import lookup

pytestmark = pytest.mark.browser

REAL = "spec-1091-52902-0526.fits"
PHONE = (
    "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0 Mobile Safari/537.36"
)


@pytest.fixture(scope="module")
def names() -> list[str]:
    return [star.name for star, _ in lookup.examples()]


def test_upload_of_a_real_spectrum_gives_a_result(visit, shared_data, tmp_path):
    tab = visit()
    tab.open()
    tab.upload(shared_data / "sdss" / REAL)
    assert tab.page.get_by_text("1091-52902-0526").first.is_visible()
    assert len(tab.numbers()) == 6 and tab.numbers()[0].endswith("Gyr")
    tab.wait_for_charts(9)
    assert tab.page.get_by_test_id("stAlertContentError").count() == 0
    tab.assert_calm()
    tab.picture("star-light.png", tmp_path, full=True)


def test_look_up_and_permalink_bring_the_same_numbers(visit, names):
    tab = visit()
    tab.open()
    tab.look_up(lookup.resolve(names[0]).specobjid)
    first = tab.numbers()
    assert len(first) == 6
    tab.page.get_by_text("Link", exact=True).click()
    link = tab.page.locator(".stCode", has_text="star=").first.inner_text().strip()
    other = visit()
    other.open(link.partition("/?")[2] and "?" + link.partition("/?")[2])
    assert other.numbers() == first
    tab.assert_calm()
    other.assert_calm()


def test_zoom_stays_with_the_star_and_leaves_with_it(visit, names):
    tab = visit()
    tab.open(f"?star={names[0]}")
    tab.wait_for_charts(9)
    whole = tab.range_of("spectrum")
    canvas = tab.page.locator(".st-key-spectrum .nsewdrag[data-subplot=xy]")
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    tab.page.mouse.move(box["x"] + 0.3 * box["width"], box["y"] + 0.4 * box["height"])
    tab.page.mouse.down()
    tab.page.mouse.move(box["x"] + 0.5 * box["width"], box["y"] + 0.42 * box["height"], steps=8)
    tab.page.mouse.up()
    tab.page.wait_for_timeout(800)
    zoomed = tab.range_of("spectrum")
    assert zoomed[1] - zoomed[0] < 0.4 * (whole[1] - whole[0])
    tab.smooth_fully()
    tab.choose_frame("Observed")
    tab.page.get_by_text("Settings").first.click()
    tab.page.get_by_label("Seed", exact=True).fill("3")
    tab.page.keyboard.press("Enter")
    tab.settle()
    assert "seed=3" in tab.page.url
    assert tab.range_of("spectrum") == pytest.approx(zoomed, abs=0.01)
    tab.look_up(names[1])
    assert tab.range_of("spectrum") == pytest.approx(whole, abs=150)
    tab.assert_calm()


def test_smoothing_and_frame_act_on_the_figure(visit, names):
    tab = visit()
    tab.open(f"?star={names[0]}")
    tab.wait_for_charts(9)
    rough, at_rest = tab.curve("flux", "y"), tab.curve("flux", "x")
    sky = tab.curve("night sky", "x")
    assert all(value is None for value in sky)
    tab.smooth_fully()
    smooth = tab.curve("flux", "y")
    assert len(smooth) == len(rough)

    def roughness(values):
        present = [value for value in values if value is not None]
        return sum(abs(b - a) for a, b in zip(present, present[1:]))

    assert roughness(smooth) < 0.5 * roughness(rough)
    tab.choose_frame("Observed")
    observed = tab.curve("flux", "x")
    redshift = lookup.load(lookup.resolve(names[0])).redshift
    assert observed[1000] / at_rest[1000] - 1 == pytest.approx(redshift, abs=1e-6)
    assert tab.curve("night sky", "x")[0] == pytest.approx(5578.888, abs=0.01)
    assert tab.title_of_x("spectrum").startswith("Observed")
    tab.choose_frame("Rest")
    assert tab.curve("flux", "x") == at_rest
    tab.assert_calm()


def test_dark_mode(visit, names, tmp_path):
    tab = visit(1366, 1240, color_scheme="dark")
    tab.open(f"?star={names[0]}")
    tab.wait_for_charts(9)
    background = tab.page.get_by_test_id("stApp").evaluate("app => getComputedStyle(app).backgroundColor")
    assert background == "rgb(15, 21, 34)"
    line = tab.page.locator(".st-key-spectrum .js-plotly-plot").evaluate(
        "plot => plot.data.find(trace => (trace.name || '').startsWith('flux')).line.color"
    )
    assert line == "#a9c8f5", "the figure follows the dark theme"
    tab.assert_calm()
    tab.picture("star-dark.png", tmp_path)


def test_phone(visit, names, tmp_path):
    tab = visit(390, 844, is_mobile=True, has_touch=True, device_scale_factor=2, user_agent=PHONE)
    tab.open(f"?star={names[0]}")
    assert len(tab.numbers()) == 6
    tab.wait_for_charts(9)
    drag = tab.page.locator(".st-key-spectrum .js-plotly-plot").evaluate("plot => plot._fullLayout.dragmode")
    assert drag is False, "a finger on the figure scrolls the page"
    tab.assert_calm()
    tab.picture("star-phone.png", tmp_path)


def test_landing_page(visit, tmp_path):
    tab = visit(1366, 768)
    tab.open()
    tab.wait_for_charts(1)
    tab.assert_calm()
    tab.picture("landing.png", tmp_path)
    tab.page.get_by_text("Data", exact=True).first.click()
    tab.page.wait_for_selector("h1:has-text('Data')")
    tab.settle()
    tab.assert_calm()


def test_a_file_too_large_is_refused_in_words(visit, tmp_path):
    big = tmp_path / "big.fits"
    big.write_bytes(b"SIMPLE  =" + bytes(25_000_000))
    tab = visit()
    tab.open()
    tab.upload(big)
    assert "larger than 20 MB" in tab.page.get_by_test_id("stAlert").inner_text()
    tab.assert_calm()
    tab.look_up("<script>document.title='x'</script>")
    assert "names no SDSS spectrum" in tab.page.get_by_test_id("stAlert").inner_text()
    assert tab.page.title() == "Stellar Ages Explorer"
    tab.assert_calm()
