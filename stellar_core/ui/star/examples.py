"""Example stars on the Star page: real ones that ship with the app, then stars of the MOCK survey."""

from __future__ import annotations

import streamlit as st

from stellar_core.examples import Example, examples
from stellar_core.ui import loaders
from stellar_core.ui.star.address import open_star
from stellar_core.ui.star.tour import show_offer


def show_examples(brief: bool = False) -> None:
    """One button for each example; with a sentence on each real star unless ``brief``."""
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.markdown("**Begin with a real SDSS star** (no network needed)", width="content")
        show_offer()
    if brief:
        with st.container(horizontal=True, vertical_alignment="center"):
            for one in examples():
                _button(one)
    else:
        with st.grid(len(examples()), gap="small", min_column_width=170):
            for one in examples():
                with st.container(border=True, gap="xxsmall", height="stretch"):
                    _button(one, width="stretch")
                    st.caption(one.lesson)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(":orange-badge[MOCK] :small[simulated stars:]", width="content")
        for star, caption in loaders.examples():
            st.button(
                caption,
                key=f"example_{star.name}",
                type="tertiary",
                help=f"MOCK star {star.name}",
                on_click=open_star,
                args=(star.name,),
            )


def _button(one: Example, **options: str) -> None:
    name = one.star.name
    st.button(one.caption, key=f"example_{name}", help=f"SDSS {name}", on_click=open_star, args=(name,), **options)
