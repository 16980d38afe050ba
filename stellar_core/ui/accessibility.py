"""What keyboards and screen readers need beyond Streamlit: the focus after a jump, and names of the help buttons."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import streamlit as st

from stellar_core.ui.shell import palette

#: Streamlit hides the reason why a file was refused from all but screen readers.
STYLE = """
.stFileChip[aria-invalid="true"] { flex-wrap: wrap; height: auto; max-width: none; }
.stFileChip[aria-invalid="true"] [role="alert"] {
  position: static; width: 100%; height: auto; margin: 0; clip: auto; clip-path: none; white-space: normal; }
"""
#: Streamlit writes the selected segment in the primary colour, which is too dark on a dark background.
SELECTED = '[data-testid="stButtonGroup"] [data-selected="true"] p {{ color: {colour}; }}'


def assist() -> None:
    """Name the help buttons after what they explain, show why a file was refused, and make selected segments legible;
    call it once per page."""
    run_script(_text("help_names.js"), "assist", STYLE + SELECTED.format(colour=palette().data))


def move_focus() -> None:
    """Move the focus to what was opened, if it was lost with the button that was pressed."""
    if not st.session_state.pop("opened", False):
        return
    st.session_state.openings = st.session_state.get("openings", 0) + 1
    run_script(f"/* {st.session_state.openings} */ {_text('move_focus.js')}", "move_focus")


def run_script(code: str, key: str, style: str = "") -> None:
    """Run JavaScript in the page, once for each new ``code``, and apply a style; neither takes space."""
    style = f'[data-testid="stLayoutWrapper"]:has(> .st-key-{key}) {{ display: none }} {style}'
    with st.container(key=key):
        st.html(f"<style>{style}</style><script>{code}</script>", unsafe_allow_javascript=True)


@cache
def _text(name: str) -> str:
    return Path(__file__).with_name(name).read_text(encoding="utf-8")
