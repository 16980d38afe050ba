"""All pages but the Star page in a real browser: catalogue, batch, and layout in light and dark."""

from __future__ import annotations

import os
import re
import shutil

import pytest

from stellar_core.catalogue.builder import default_path, make_catalogue
from stellar_core.catalogue.table import Catalogue

pytestmark = pytest.mark.browser

#: Stars of the catalogue that is made for these tests; the README's pictures show the machine's own, if it has one.
STARS = 300
PAGES = {
    "": 1,
    "batch": 0,
    "catalogue": 3,
    "uncertainty": 8,
    "mock": None,
    "experiments": 4,
    "training": None,
    "data": 0,
}
PICTURES = ("catalogue", "batch", "uncertainty", "experiments")


@pytest.fixture(scope="module", autouse=True)
def stars(cache) -> int:
    """Number of stars in the catalogue of the server."""
    place = cache / "catalogue" / "stars.parquet"
    if os.environ.get("STELLAR_SCREENSHOTS") == "1" and default_path().exists():
        place.parent.mkdir()
        shutil.copyfile(default_path(), place)
    else:
        make_catalogue(place, STARS)
    return Catalogue.open(place).count()


def chosen(tab) -> int:
    """Stars in the heading above the table."""
    heading = tab.page.get_by_role("heading", name=re.compile(r"^[\d,]+ stars?\b")).inner_text()
    return int(heading.split()[0].replace(",", ""))


def draw_box(tab, left: float, top: float, right: float, bottom: float, figure: str = "catalogue_diagram") -> None:
    """Drag over a figure, in shares of its width and height from its upper left corner."""
    canvas = tab.page.locator(f".st-key-{figure} .nsewdrag")
    canvas.scroll_into_view_if_needed()
    place = canvas.bounding_box()
    tab.page.mouse.move(place["x"] + left * place["width"], place["y"] + top * place["height"])
    tab.page.mouse.down()
    tab.page.mouse.move(place["x"] + right * place["width"], place["y"] + bottom * place["height"], steps=8)
    with tab.rerun():
        tab.page.mouse.up()


@pytest.mark.slow
def test_a_box_on_the_catalogue_leads_to_a_star_and_its_link_restores_the_box(visit, stars):
    tab = visit()
    tab.open("catalogue")
    tab.wait_for_charts(3)
    assert chosen(tab) == stars
    draw_box(tab, 0.35, 0.6, 0.6, 0.85)
    tab.page.wait_for_url(re.compile("box="))
    for _ in range(100):  # the heading follows the address, later on a loaded machine
        if (within := chosen(tab)) < stars:
            break
        tab.page.wait_for_timeout(100)
    assert 0 < within < stars
    tab.wait_for_charts(3)
    link = tab.page.url.partition("/catalogue")[2]
    table = tab.page.get_by_test_id("stDataFrame").first
    table.scroll_into_view_if_needed()
    with tab.rerun():
        table.click(position={"x": 20, "y": 55})
    with tab.rerun():
        tab.page.get_by_role("link", name=re.compile("^Open .* on the Star page")).click()
    tab.page.wait_for_selector("h1:has-text('Stellar Ages Explorer')")
    assert "star=16" in tab.page.url and len(tab.numbers()) == 7
    tab.assert_no_errors()
    other = visit()
    other.open("catalogue" + link)
    assert chosen(other) == within
    other.assert_no_errors()


@pytest.mark.slow
def test_boxes_on_the_histogram_and_the_sky_become_filters(visit, stars):
    tab = visit()
    tab.open("catalogue")
    tab.wait_for_charts(3)
    draw_box(tab, 0.5, 0.3, 0.8, 0.7, "brush-0-age_gyr")
    within = chosen(tab)
    assert 0 < within < stars and "filter=age_gyr" in tab.page.url
    tab.wait_for_charts(3)
    draw_box(tab, 0.3, 0.2, 0.7, 0.5, "brush-1-ra-dec")
    assert 0 < chosen(tab) < within and "dec" in tab.page.url
    tab.wait_for_charts(3)
    with tab.rerun():
        tab.page.get_by_role("button", name="Clear the limits of RA and Dec").click()
    assert chosen(tab) == within
    tab.assert_no_errors()


@pytest.mark.slow
def test_a_batch_of_twenty_stars_is_processed_and_downloaded(visit, tmp_path):
    tab = visit()
    tab.open("batch")
    with tab.rerun():
        tab.page.get_by_role("button", name=re.compile("Fill in 20")).click()
    with tab.rerun():
        tab.page.get_by_role("button", name="Run", exact=True).click()
    tab.page.get_by_role("heading", name="20 rows").wait_for()
    with tab.page.expect_download() as waiting:
        tab.page.get_by_role("button", name="CSV", exact=True).click()
    waiting.value.save_as(tmp_path / waiting.value.suggested_filename)
    (path,) = tmp_path.glob("MOCK-*.csv")
    assert len(path.read_text().splitlines()) == 21
    tab.assert_no_errors()
    tab.picture("batch.png", tmp_path, full=True)


@pytest.mark.slow
def test_every_page_fits_in_light_and_in_dark_at_390_pixels(visit, tmp_path):
    for name, charts in PAGES.items():
        tab = visit(color_scheme="light")
        tab.open(name)
        if charts is not None:
            tab.wait_for_charts(charts)
        tab.assert_no_errors()
        if name in PICTURES and name != "batch":
            tab.picture(f"{name}.png", tmp_path, full=True)
        tab.page.emulate_media(color_scheme="dark")
        tab.page.set_viewport_size({"width": 390, "height": 844})
        tab.page.reload()
        tab.page.wait_for_selector("h1")
        tab.settle()
        background = tab.page.get_by_test_id("stApp").evaluate("app => getComputedStyle(app).backgroundColor")
        assert background == "rgb(15, 21, 34)", name
        if charts is not None:
            tab.wait_for_charts(charts)
        tab.assert_no_errors()
        tab.page.context.close()
