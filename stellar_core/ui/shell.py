"""Shared by all pages: navigation, colours, figures, links and error messages."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import streamlit as st

from stellar_core.figures.palette import DARK, LIGHT, Palette
from stellar_core.paths import REPOSITORY
from stellar_core.ui.glossary import HELP, model_title

if TYPE_CHECKING:
    import plotly.graph_objects as go

ICON = Path(__file__).with_name("icon.svg")

#: Toolbar of a figure; images are saved as SVG.
PLOT_CONFIG = {
    "displaylogo": False,
    "modeBarButtonsToRemove": ["select2d", "lasso2d", "autoScale2d"],
    "scrollZoom": False,
}


def page_list() -> list:
    """Pages of the app, in the order of the menu."""
    return [
        st.Page(
            REPOSITORY / "pages" / "star.py",
            title="Star",
            icon=":material/star:",
            default=True,
            help="Age, lifetime and stage of one star from its SDSS spectrum.",
        ),
        st.Page(
            REPOSITORY / "pages" / "batch.py",
            title="Batch",
            icon=":material/table_rows:",
            help="Many stars at once: identifiers, a list or an archive of spectra.",
        ),
        st.Page(
            REPOSITORY / "pages" / "catalogue.py",
            title="Catalogue",
            icon=":material/scatter_plot:",
            help="All stars of a catalogue on the Kiel diagram: filter, list, open, query.",
        ),
        st.Page(
            REPOSITORY / "pages" / "uncertainty.py",
            title="Uncertainty",
            icon=":material/query_stats:",
            help="Coverage of the error bars on test stars, and the largest errors.",
        ),
        st.Page(
            REPOSITORY / "pages" / "mock.py",
            title="Mock survey",
            icon=":material/compare:",
            help="Comparison of MOCK spectra and catalogue with real ones.",
        ),
        st.Page(
            REPOSITORY / "pages" / "experiments.py",
            title="Experiments",
            icon=":material/science:",
            help="The paper's experiments reproduced on MOCK stars, learning curves and architectures.",
        ),
        st.Page(
            REPOSITORY / "pages" / "training.py",
            title="Training",
            icon=":material/model_training:",
            help="Train a model, follow its progress, compare runs, add one to the app.",
        ),
        st.Page(
            REPOSITORY / "pages" / "data.py",
            title="Data",
            icon=":material/database:",
            help="Installed data and models, downloads, connection to SDSS, citations.",
        ),
    ]


def configure() -> None:
    """Set title, icon and width of the window. Without an icon Streamlit would load one from the internet."""
    st.set_page_config(page_title="Stellar Ages Explorer", page_icon=str(ICON), layout="wide")


def enter_page() -> None:
    """Register the full menu if a page was opened without ``app.py``, and rerun. Call it first on every page."""
    if "shell" not in st.session_state:
        st.session_state.shell = True
        configure()
        st.navigation(page_list(), position="top")
        st.rerun()


def palette() -> Palette:
    """Colours for the current theme."""
    return DARK if st.context.theme.type == "dark" else LIGHT


def on_phone() -> bool:
    """True if the browser identifies itself as one on a phone."""
    return "Mobi" in st.context.headers.get("User-Agent", "")


def show_plot(figure: go.Figure, key: str, name: str, alt: str, on_box: Callable[[], None] | None = None) -> None:
    """Draw a figure with zoom and download as ``name``.svg; ``on_box`` is called after a box selection.

    On a phone, dragging scrolls the page instead.
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


def escape(text: object) -> str:
    """Escape ``text`` so that Markdown shows it literally."""
    return re.sub(r"([\\`*_\[\]<>$~|])", r"\\\1", str(text))


def show_error(error: Exception) -> None:
    """Show the message of an error that the user can fix."""
    st.error(escape(error), icon=":material/error:")


def app_address() -> str:
    """Scheme and host of this app, for links; empty outside a browser."""
    address = urlsplit(st.context.url or "")
    return f"{address.scheme}://{address.netloc}" if address.netloc else ""


def select_model(names: Sequence[str], key: str, **options: object) -> str:
    """Draw a select box of models, kept as ``key`` in the address by its folder name and shown by its title.

    A box bound by Streamlit itself would write the title into the address, and links would change with it.
    """
    wanted = st.query_params.get(key)
    if wanted in names:
        st.session_state[key] = wanted
    elif wanted is not None:
        st.query_params.pop(key)

    def update_address() -> None:
        if st.session_state[key] == names[0]:
            st.query_params.pop(key, None)
        else:
            st.query_params[key] = st.session_state[key]

    return st.selectbox(
        "Model", names, key=key, format_func=model_title, on_change=update_address, help=HELP["model"], **options
    )
