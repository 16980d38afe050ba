"""What every page shares: navigation, colours and the wording of errors."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from stellar_core.figures.palette import DARK, LIGHT, Palette

if TYPE_CHECKING:
    import plotly.graph_objects as go

ROOT = Path(__file__).resolve().parents[2]
ICON = Path(__file__).with_name("icon.svg")

#: Buttons that a plot keeps; a picture is saved as SVG, sharp at any print size.
PLOT_CONFIG = {
    "displaylogo": False,
    "modeBarButtonsToRemove": ["select2d", "lasso2d", "autoScale2d"],
    "scrollZoom": False,
}


def page_list() -> list:
    """The pages of the app, in the order of the menu."""
    return [
        st.Page(
            ROOT / "pages" / "star.py",
            title="Star",
            icon=":material/star:",
            default=True,
            help="Age, lifetime and stage of one star from its SDSS spectrum.",
        ),
        st.Page(
            ROOT / "pages" / "batch.py",
            title="Batch",
            icon=":material/table_rows:",
            help="Many stars at once: identifiers, a list or an archive of spectra.",
        ),
        st.Page(
            ROOT / "pages" / "catalogue.py",
            title="Catalogue",
            icon=":material/scatter_plot:",
            help="All stars on the stage diagram: choose, list, open, ask.",
        ),
        st.Page(
            ROOT / "pages" / "uncertainty.py",
            title="Uncertainty",
            icon=":material/query_stats:",
            help="What error bars claim beside what they hold, and the largest errors.",
        ),
        st.Page(
            ROOT / "pages" / "mock.py",
            title="Mock survey",
            icon=":material/compare:",
            help="How near the MOCK spectra and catalogue are to real ones.",
        ),
        st.Page(
            ROOT / "pages" / "experiments.py",
            title="Experiments",
            icon=":material/science:",
            help="The paper's tables beside ours, learning curves and architectures.",
        ),
        st.Page(
            ROOT / "pages" / "training.py",
            title="Training",
            icon=":material/model_training:",
            help="Start a run of your own, watch it, compare runs, adopt one as a model.",
        ),
        st.Page(
            ROOT / "pages" / "data.py",
            title="Data",
            icon=":material/database:",
            help="What is installed and from where, downloads, the state of SDSS, and whom to cite.",
        ),
    ]


def configure() -> None:
    """Title, icon and width of the window; without an icon of its own a page would have one fetched from elsewhere."""
    st.set_page_config(page_title="Stellar Ages Explorer", page_icon=str(ICON), layout="wide")


def enter_page() -> None:
    """Hand a page that was opened by its own address to the app's navigation.

    A fresh server runs a file under ``pages/`` without ``app.py``; this registers the
    full menu and starts over. Call it first on every page.
    """
    if "shell" not in st.session_state:
        st.session_state.shell = True
        configure()
        st.navigation(page_list(), position="top")
        st.rerun()


def palette() -> Palette:
    """Colours for the background the visitor has chosen."""
    return DARK if st.context.theme.type == "dark" else LIGHT


def on_phone() -> bool:
    """Whether the browser says that it runs on a phone."""
    return "Mobi" in st.context.headers.get("User-Agent", "")


def show_plot(figure: go.Figure, key: str, name: str, alt: str, on_box: Callable[[], None] | None = None) -> None:
    """Draw a figure that can be zoomed, and saved as ``name``.svg; ``on_box`` is called when a box was drawn on it.

    On a phone a drag scrolls the page instead of zooming the figure.
    """
    if on_phone():
        figure.update_layout(dragmode=False)
        config: dict[str, object] = {"displayModeBar": False}
    else:
        config = {**PLOT_CONFIG, "toImageButtonOptions": {"format": "svg", "filename": name}}
    if on_box is None:
        st.plotly_chart(figure, key=key, config=config, alt=alt)
        return
    config |= {"modeBarButtonsToRemove": ["lasso2d", "autoScale2d"]}
    st.plotly_chart(figure, key=key, config=config, alt=alt, on_select=on_box, selection_mode="box")


def plain(text: object) -> str:
    """``text`` so that Markdown shows it letter by letter."""
    return re.sub(r"([\\`*_\[\]<>$~|])", r"\\\1", str(text))


def complain(error: Exception) -> None:
    """Show an error the user can do something about."""
    st.error(plain(error), icon=":material/error:")
