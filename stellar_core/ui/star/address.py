"""The star in the address of the page: an entry of the browser's history per star, so that Back goes back star by star.

Streamlit adds an entry to the history where the app writes the address, and replaces the present one where a bound
widget does. The search box is therefore not bound: its callback writes the address, and `follow` reads it.
"""

from __future__ import annotations

import streamlit as st

from stellar_core.ui.star.parallax import forget_parallax
from stellar_core.ui.star.recent import is_file

#: Name of the star in the address, and key of the search box.
STAR = "star"


def shown() -> str:
    """Identifier of the star to show, or key of a recent file; empty for none."""
    return st.query_params.get(STAR, "").strip()


def follow() -> None:
    """Set the search box to the star of the address; call it before the box is drawn."""
    text = "" if is_file(shown()) else shown()
    if st.session_state.get(STAR, "").strip() != text:
        st.session_state[STAR] = text


def open_star(text: str) -> None:
    """Callback: show the star that ``text`` identifies, or a recent file by its key; an empty text shows none."""
    forget_parallax()
    if text:
        st.query_params[STAR] = text
    else:
        st.query_params.pop(STAR, None)
    st.session_state.opened = True


def open_typed() -> None:
    """Callback of the search box."""
    open_star(st.session_state[STAR].strip())
