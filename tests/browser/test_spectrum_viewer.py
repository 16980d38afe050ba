"""The viewer of a spectrum, alone in a page without a server, and in the app."""

from __future__ import annotations

import json

import numpy as np
import pytest

from stellar_core import lookup
from stellar_core.constants import SPEED_OF_LIGHT
from stellar_core.figures.influence import quantity_shading
from stellar_core.figures.palette import DARK, LIGHT
from stellar_core.figures.spectrum_view import SMOOTHING, Overlay, SpectrumView
from stellar_core.quantities import LOG_AGE, LOGG
from stellar_core.spectral_lines import REGIONS, SKY_LINES, STELLAR_LINES, vacuum_to_air
from stellar_core.ui.spectrum_viewer.component import CSS, HTML, JS, payload

pytestmark = pytest.mark.browser

REDSHIFT = 0.0005
#: The theme's properties as Streamlit passes them, with the colours of .streamlit/config.toml.
THEMES = {
    "light": (LIGHT, "#ffffff", "#f4f6fa", "#2458a8", "#dde3ec"),
    "dark": (DARK, "#0f1522", "#182032", "#3f74c8", "#2a3345"),
}
EDGES = np.array([[5040.0, 5159.0], [5160.0, 5279.0], [6480.0, 6599.0]])


def made_view(name: str = "MOCK star", **options) -> SpectrumView:
    """A spectrum of 3,800 pixels with lines, noise, masked pixels and two models."""
    rng = np.random.default_rng(1)
    wavelength = 10 ** (3.58 + 1e-4 * np.arange(3840))
    rest = wavelength / (1 + REDSHIFT)
    smooth = 100 * np.exp(-(((rest - 5000) / 3000) ** 2))
    for line in STELLAR_LINES:
        smooth *= 1 - 0.4 * np.exp(-0.5 * ((rest - line.wavelength) / 4) ** 2)
    ivar = np.full(wavelength.size, (40 / 60) ** 2) * (wavelength / 6000)
    flux = smooth + rng.normal(0, 1, wavelength.size) / np.sqrt(ivar)
    masked = (rest > 6570) & (rest < 6576)
    ivar[masked], flux[masked] = 0.0, 1e5
    shadings = [
        quantity_shading(LOG_AGE, EDGES, np.array([-0.26, 0.1, 0.001]), 0.29, made_lines()),
        quantity_shading(LOGG, EDGES, np.array([0.05, -0.4, 0.01]), 0.1, made_lines()),
    ]
    return SpectrumView(
        name,
        wavelength,
        flux,
        ivar,
        redshift=REDSHIFT,
        flux_title="Flux (10⁻¹⁷ erg/s/cm²/Å)",
        lines=made_lines(),
        sky=[(line.wavelength, line.label) for line in SKY_LINES],
        overlays=[
            Overlay("emulated", "model at the estimate", smooth),
            Overlay("pipeline", "pipeline", smooth, "second"),
        ],
        **({"shadings": shadings} | options),
    )


def made_lines() -> list[tuple[float, str]]:
    return [(line.wavelength, line.label) for line in STELLAR_LINES]


class Mounted:
    """The viewer in a page of its own, in a shadow root as Streamlit mounts it."""

    def __init__(self, page, theme: str) -> None:
        self.page = page
        self.palette, background, second, primary, border = THEMES[theme]
        self.errors: list[str] = []
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        properties = {
            "--st-text-color": self.palette.ink,
            "--st-background-color": background,
            "--st-secondary-background-color": second,
            "--st-primary-color": primary,
            "--st-border-color": border,
            "--st-font": "sans-serif",
        }
        style = "; ".join(f"{key}: {value}" for key, value in properties.items())
        script = JS.replace("export default function", "function mount")
        page.set_content(
            "<!doctype html><html lang='en'><meta name='viewport' content='width=device-width, initial-scale=1'>"
            f"<title>Viewer</title><body style='margin: 8px; background: {background}'>"
            f"<main><h1 style='color: {self.palette.ink}'>Spectrum</h1><div id='host' style='{style}'></div></main>"
            f"<script>{script}</script></body></html>"
        )
        page.evaluate(
            "([html, css]) => { window.failures = []; window.shadow = host.attachShadow({mode: 'open'});"
            " shadow.innerHTML = `<div><div>${html}</div><style>${css}</style></div>`; }",
            [HTML, CSS],
        )

    def show(self, view: SpectrumView, height: int = 560) -> Mounted:
        """Pass the data of a star, as every run of the app does, and wait until it is drawn."""
        self.view = view
        data = json.loads(json.dumps(payload(view, self.palette, height)))
        self.page.evaluate(
            "data => mount({data, parentElement: shadow,"
            " setTriggerValue: (name, message) => failures.push([name, message])})",
            data,
        )
        self.page.wait_for_function(
            "() => failures.length || performance.getEntriesByName('spectrum-draw').length", timeout=60_000
        )
        return self

    def get(self, code: str):
        """Value of an expression with the viewer as ``v``."""
        return self.page.evaluate(f"() => {{ const v = viewers.get(shadow.querySelector('.viewer')); return {code}; }}")

    def text(self, name: str) -> str:
        return self.page.locator(f".{name}").text_content()

    def button(self, label: str):
        return self.page.get_by_role("button", name=label, exact=True)

    def x_of(self, rest: float) -> float:
        """Place of a wavelength on the screen."""
        return self.page.locator(".plot").bounding_box()["x"] + self.get(f"v.layout.x({rest})")

    def drag(self, first: float, last: float) -> None:
        """Drag with the mouse from one wavelength to another."""
        box = self.page.locator(".plot").bounding_box()
        y = box["y"] + box["height"] / 2
        start, stop = self.x_of(first), self.x_of(last)
        self.page.mouse.move(start, y)
        self.page.mouse.down()
        self.page.mouse.move((start + stop) / 2, y + 9)
        self.page.mouse.move(stop, y + 30)
        self.page.mouse.up()


@pytest.fixture()
def mounted(chromium):
    """Open the viewer: ``mounted(theme, width, height, **options of the browser context)``."""
    contexts = []

    def open_page(theme: str = "light", width: int = 900, height: int = 760, **options) -> Mounted:
        context = chromium.new_context(viewport={"width": width, "height": height}, **options)
        contexts.append(context)
        return Mounted(context.new_page(), theme)

    yield open_page
    for context in contexts:
        context.close()


def snr_in(view: SpectrumView, low: float, high: float) -> float:
    inside = (view.rest >= low) & (view.rest <= high) & (view.ivar > 0)
    return float(np.median((view.flux * np.sqrt(view.ivar))[inside]))


def test_arrays_agree_with_python(mounted):
    tab = mounted().show(made_view())
    view, page = tab.view, tab.page
    for width in SMOOTHING:
        tab.page.locator("select.smoothing").select_option(str(width))
        flux, error = view.curve(width)
        for name, expected in (
            ("v.smoothed.mean", flux),
            ("v.smoothed.error", error),
            ("v.overlays[0].smoothed", view.overlay_curve(view.overlays[0], width)),
        ):
            found = np.array(tab.get(f"Array.from({name})"), float)
            np.testing.assert_allclose(found, expected, rtol=2e-5, err_msg=f"{name} at {width}")
        found = np.array(tab.get("Array.from(v.rest, (_, i) => v.residual(v.model, i))"), float)
        np.testing.assert_allclose(found, view.residual(view.overlays[0], width), rtol=1e-3, atol=1e-3)
    rest = [3800.0, 5000.0, 6564.6, 9000.0]
    for index, (observed, air) in enumerate([(False, False), (False, True), (True, False), (True, True)]):
        page.locator("select.frame").select_option(str(index))
        vacuum = np.array(rest) * (1 + REDSHIFT * observed)
        shown = tab.get(f"{rest}.map(x => v.wavelengths().shown(x))")
        np.testing.assert_allclose(shown, vacuum_to_air(vacuum) if air else vacuum, atol=2e-3)
        np.testing.assert_allclose(tab.get(f"{shown}.map(x => v.wavelengths().rest(x))"), rest, atol=2e-3)
    assert not tab.errors and not tab.get("failures")


def test_a_region_is_shown_with_its_signal_to_noise_in_words(mounted):
    tab = mounted().show(made_view())
    view = tab.view
    whole = float(np.median((view.flux * np.sqrt(view.ivar))[view.ivar > 0]))
    good, masked = int((view.ivar > 0).sum()), int((view.ivar <= 0).sum())
    counted = f"median of {good:,} pixels, {masked} masked"
    assert tab.text("noise") == f"Whole spectrum: S/N {whole:.0f} per pixel ({counted})."
    assert tab.button("Whole").get_attribute("aria-pressed") == "true"
    limits = tab.get("v.limits")
    for region in REGIONS:
        tab.button(region.label).click()
        assert tab.get("v.range") == pytest.approx([region.low, region.high])
        ratio = f"S/N {snr_in(view, region.low, region.high):.0f} per pixel"
        assert tab.text("noise").startswith(f"{region.label}, {region.low:.0f}–{region.high:.0f} Å: {ratio}")
        pressed = tab.page.locator(".regions button[aria-pressed=true]").all_inner_texts()
        assert pressed == [region.label]
        inside = (view.rest >= region.low) & (view.rest <= region.high)
        flux = view.curve(3)[0][inside]
        low, high = tab.get("v.limits")
        assert low < np.nanmin(flux) and high > np.nanmax(flux), "everything visible fits"
        assert high - low < 0.95 * (limits[1] - limits[0]), "and fills the figure"
    tab.button("Hα").click()
    hidden = int(((view.rest >= 6500) & (view.rest <= 6630) & (view.ivar <= 0)).sum())
    assert hidden and tab.text("noise").endswith(f", {hidden} masked).")
    assert not tab.errors


def test_regions_outside_the_spectrum_cannot_be_pressed(mounted):
    view = made_view()
    blue = slice(0, 2000)
    short = SpectrumView("blue", view.wavelength[blue], view.flux[blue], view.ivar[blue], has_errors=False)
    tab = mounted().show(short)
    assert [tab.button(region.label).is_disabled() for region in REGIONS] == [False] * 4 + [True] * 2
    assert "errors estimated from the scatter" in tab.text("noise")
    assert tab.page.get_by_label("residuals").count() == 0, "no model, no residuals"


def test_a_drag_zooms_in_wavelength_and_the_flux_axis_follows(mounted):
    tab = mounted().show(made_view())
    whole, limits = tab.get("v.range"), tab.get("v.limits")
    tab.drag(6500, 6630)
    assert tab.get("v.range") == pytest.approx([6500, 6630], abs=8)
    low, high = tab.get("v.limits")
    assert high - low < 0.8 * (limits[1] - limits[0])
    box = tab.page.locator(".plot").bounding_box()
    tab.page.mouse.dblclick(box["x"] + 300, box["y"] + 200)
    assert tab.get("v.range") == whole and tab.get("v.limits") == limits
    tab.button("Na D").click()
    tab.drag(5880, 5884)
    assert 12 < np.ptp(tab.get("v.range")) < 60, "not closer than a dozen pixels"
    tab.button("Mg b").click()
    tab.page.keyboard.down("Shift")
    tab.drag(5200, 5180)
    tab.page.keyboard.up("Shift")
    assert tab.get("v.range") == pytest.approx([5130, 5260], abs=1)
    assert not tab.errors and not tab.get("failures")


def test_the_crosshair_reads_a_pixel_by_mouse_and_by_keyboard(mounted):
    tab = mounted().show(made_view(shadings=[]))
    view = tab.view
    pixel = int(np.abs(view.rest - 6564.6).argmin())
    tab.button("Hα").click()
    box = tab.page.locator(".plot").bounding_box()
    tab.page.mouse.move(tab.x_of(float(view.rest[pixel])), box["y"] + 150)
    flux, error = (float(curve[pixel]) for curve in view.curve(3))
    ratio = float(view.flux[pixel] * np.sqrt(view.ivar[pixel]))
    reading = tab.text("reading")
    assert reading.startswith(f"{view.rest[pixel]:.1f} Å rest, {view.wavelength[pixel]:.1f} Å observed (vacuum)")
    digits = 1 - int(np.floor(np.log10(error)))
    assert f"flux {flux:.{digits}f} ± {error:.{digits}f} (mean of 3)" in reading
    assert f"S/N {ratio:.1f} per pixel" in reading and "nearest line Hα (" in reading
    tab.page.mouse.move(2, 2)
    assert tab.text("reading").startswith("Drag to zoom")
    tab.page.locator(".plot").focus()
    tab.page.mouse.move(tab.x_of(6560), box["y"] + 150)
    at = tab.get("v.cursor")
    tab.page.keyboard.press("ArrowRight")
    tab.page.keyboard.press("Shift+ArrowRight")
    assert tab.get("v.cursor") == at + 21
    assert tab.page.locator(".plot").get_attribute("aria-valuetext") == tab.text("reading")
    tab.page.keyboard.press("Home")
    assert tab.get("[v.cursor, v.range[0]]") == [0, pytest.approx(view.rest[0])], "the view follows"
    width = np.ptp(tab.get("v.range"))
    tab.page.keyboard.press("-")
    assert np.ptp(tab.get("v.range")) == pytest.approx(2 * width)
    tab.page.keyboard.press("+")
    assert np.ptp(tab.get("v.range")) == pytest.approx(width)
    tab.page.keyboard.press("0")
    assert tab.button("Whole").get_attribute("aria-pressed") == "true"
    masked = int(np.flatnonzero(view.ivar <= 0)[0])
    tab.get(f"v.point({masked})")
    assert "masked" in tab.text("reading") and "S/N" not in tab.text("reading")
    assert not tab.errors


def test_lines_are_shifted_without_the_data(mounted):
    tab = mounted().show(made_view())
    shift = tab.page.get_by_label("Shift of lines")
    shift.fill("300")
    lines = np.array([wavelength for wavelength, _ in tab.get("v.marks.star")])
    np.testing.assert_allclose(lines / [line.wavelength for line in STELLAR_LINES] - 1, 300 / SPEED_OF_LIGHT)
    sky = [wavelength for wavelength, _ in tab.get("v.marks.sky")]
    np.testing.assert_allclose(sky, np.array([line.wavelength for line in SKY_LINES]) / (1 + REDSHIFT))
    np.testing.assert_allclose(tab.get("Array.from(v.rest)"), tab.view.rest, rtol=1e-6)


def test_the_effect_of_hiding_is_read_and_chosen(mounted):
    tab = mounted().show(made_view())
    tab.button("Mg b").click()
    pixel = int(np.abs(tab.view.rest - 5150).argmin())
    tab.get(f"v.point({pixel})")
    assert tab.text("reading").endswith("\n" + tab.view.shadings[0].words[0])
    tab.page.get_by_label("Effect of hiding on").select_option(label="log g")
    assert tab.text("reading").endswith("\n" + tab.view.shadings[1].words[0])
    tab.show(made_view(shadings=[]))
    assert not tab.page.get_by_label("Effect of hiding on").is_visible()
    assert "Hiding" not in tab.text("reading") and not tab.errors


def test_the_range_of_each_star_is_kept(mounted):
    tab = mounted().show(made_view("a"))
    whole = tab.get("v.range")
    tab.button("Na D").click()
    tab.page.locator("select.smoothing").select_option("15")
    tab.show(made_view("b"))
    assert tab.get("v.range") == whole and tab.page.locator("select.smoothing").input_value() == "15"
    tab.show(made_view("a"))
    assert tab.get("v.range") == [5850, 5940]


def test_an_error_while_drawing_is_reported_once(mounted):
    tab = mounted()
    tab.page.evaluate("HTMLCanvasElement.prototype.getContext = () => null")
    tab.show(made_view())
    assert [name for name, _ in tab.get("failures")] == ["failed"]


def test_two_fingers_zoom_and_a_phone_has_room(mounted):
    tab = mounted("light", 390, 844, is_mobile=True, has_touch=True, device_scale_factor=2).show(made_view())
    page = tab.page
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    whole = tab.get("v.range")
    box = page.locator(".plot").bounding_box()
    session = page.context.new_cdp_session(page)

    def touch(kind: str, *places: float) -> None:
        points = [{"x": box["x"] + x, "y": box["y"] + 150, "id": k} for k, x in enumerate(places)]
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    touch("touchStart", 150)
    touch("touchStart", 150, 250)
    before = tab.get("[150, 250].map(x => v.layout.rest(x))")
    touch("touchMove", 100, 300)
    touch("touchEnd")
    assert np.ptp(tab.get("v.range")) == pytest.approx(np.ptp(whole) / 2, rel=0.02)
    np.testing.assert_allclose(tab.get("[100, 300].map(x => v.layout.rest(x))"), before, atol=1)
    places = page.evaluate(
        "() => [...shadow.querySelectorAll('button, label, p, .plot')].filter(e => e.offsetParent)"
        ".map(e => { const b = e.getBoundingClientRect(); return [b.left, b.top, b.right, b.bottom]; })"
    )
    for k, (left, top, right, bottom) in enumerate(places):
        assert left >= 0 and right <= 390
        for other in places[k + 1 :]:
            apart = right <= other[0] + 1 or other[2] <= left + 1 or bottom <= other[1] + 1 or other[3] <= top + 1
            assert apart, "controls overlap"
    assert not tab.errors


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_serious_and_every_control_is_reached_by_keyboard(mounted, theme):
    from axe_playwright_python.sync_playwright import Axe

    tab = mounted(theme).show(made_view())
    found = [
        (one["id"], one["impact"], one["nodes"][0]["html"][:200])
        for one in Axe().run(tab.page).response["violations"]
        if one["impact"] in ("serious", "critical")
    ]
    assert not found
    tab.page.evaluate("document.activeElement.blur()")
    reached = []
    for _ in range(20):
        tab.page.keyboard.press("Tab")
        reached.append(
            tab.page.evaluate(
                "() => { const e = shadow.activeElement; return e && (e.name || e.className || e.innerText); }"
            )
        )
    wanted = [
        "Whole",
        "Ca triplet",
        "plot",
        "errors",
        "emulated",
        "residuals",
        "sky",
        "effect",
        "smoothing",
        "frame",
        "shift",
    ]
    places = [reached.index(name) for name in wanted]
    assert places == sorted(places) and "picture" in reached


def test_the_picture_carries_the_name_of_the_star(mounted):
    tab = mounted().show(made_view("MOCK 16000-1-1"))
    with tab.page.expect_download() as waiting:
        tab.button("Save picture").click()
    assert waiting.value.suggested_filename == "spectrum-MOCK-16000-1-1.png"


def test_a_spectrum_of_sdss_takes_less_than_150_kilobytes():
    assert len(json.dumps(payload(made_view(), LIGHT, 560))) < 150_000


@pytest.fixture(scope="module")
def names() -> list[str]:
    return [star.name for star, _ in lookup.examples()]


def dragged(tab, first: float, last: float) -> None:
    """Drag over the spectrum in the app, in shares of its width."""
    plot = tab.page.locator(".viewer .plot")
    plot.scroll_into_view_if_needed()
    box = plot.bounding_box()
    y = box["y"] + box["height"] / 2
    tab.page.mouse.move(box["x"] + first * box["width"], y)
    tab.page.mouse.down()
    tab.page.mouse.move(box["x"] + last * box["width"], y + 20, steps=8)
    tab.page.mouse.up()


@pytest.mark.slow
def test_the_viewer_asks_the_server_for_nothing_and_keeps_its_range(visit, names):
    tab = visit(1440, 900)
    sent = []
    tab.page.on("websocket", lambda socket: socket.on("framesent", lambda frame: sent.append(frame)))
    tab.open(f"?star={names[0]}")
    tab.wait_for_viewer()
    tab.settle(2.0)
    assert sent, "the frames are seen"
    sent.clear()
    noise = tab.page.locator(".viewer .noise")
    dragged(tab, 0.3, 0.5)
    tab.page.locator(".viewer .plot").press("ArrowRight")
    tab.page.locator(".viewer select.smoothing").select_option("15")
    tab.page.locator(".viewer select.frame").select_option("3")
    zoomed = noise.text_content()
    assert "Å: S/N" in zoomed and not zoomed.startswith("Whole")
    assert "Å observed (air)" in tab.page.locator(".viewer .reading").text_content()
    tab.settle(1.0)
    assert not sent
    with tab.rerun():
        tab.page.get_by_text("Which wavelengths matter?").click()
    tab.page.get_by_label("Effect of hiding on").wait_for()
    assert noise.text_content() == zoomed
    tab.look_up(names[1])
    tab.page.wait_for_function("() => document.querySelector('.st-key-spectrum')")
    tab.settle()
    assert noise.text_content().startswith("Whole spectrum")
    tab.assert_no_errors()


@pytest.mark.slow
def test_a_browser_that_cannot_draw_gets_the_plain_figure(visit, names):
    tab = visit()
    tab.page.add_init_script(
        "const context = HTMLCanvasElement.prototype.getContext;"
        "HTMLCanvasElement.prototype.getContext = function (...options) {"
        " return this.closest('.viewer') ? null : context.apply(this, options); };"
    )
    tab.open(f"?star={names[0]}")
    tab.page.locator(".st-key-spectrum_plain .js-plotly-plot").wait_for()
    tab.page.locator(".viewer").wait_for(state="detached")  # Streamlit removes old elements when the run has ended
    tab.assert_no_errors()


@pytest.mark.slow
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_serious_in_the_viewer_of_the_star_page(visit, names, theme):
    from axe_playwright_python.sync_playwright import Axe

    tab = visit(1440, 900, color_scheme=theme)
    tab.open(f"?star={names[0]}&drives=true")
    tab.wait_for_viewer()
    tab.page.get_by_label("Effect of hiding on").wait_for()
    found = Axe().run(tab.page, context=".st-key-spectrum").response["violations"]
    assert not [(one["id"], one["nodes"][0]["html"][:200]) for one in found if one["impact"] in ("serious", "critical")]
