"""A tour of half a minute over the real example stars: one star and one sentence per step."""

from __future__ import annotations

import streamlit as st

from stellar_core.examples import Example, examples
from stellar_core.ui.accessibility import run_script
from stellar_core.ui.star.address import open_star

#: Cookie by which the browser remembers that the tour was taken or ended, and how long, s.
COOKIE, KEPT = "stellar_ages_tour", 365 * 86400


def show_offer() -> None:
    """Button that starts the tour; less prominent in a browser that has seen it."""
    seen = "tour_over" in st.session_state or COOKIE in st.context.cookies
    st.button(
        "Tour again" if seen else "30-second tour",
        key="tour_start",
        icon=":material/directions_walk:",
        type="tertiary" if seen else "primary",
        help="Five stars, one sentence each. You can end it at any time.",
        on_click=_start,
    )


def show_tour(name: str) -> None:
    """Bar of the tour, if it is under way and the star ``name`` is one of its steps."""
    if st.session_state.get("tour_over"):
        run_script(f"document.cookie = '{COOKIE}=1; max-age={KEPT}; path=/; SameSite=Lax'", "tour_cookie")
    steps = examples()
    number = next((n for n, one in enumerate(steps) if one.star.name == name), None)
    if number is None or not st.session_state.get("tour"):
        return
    with st.container(border=True, key="tour"):
        with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
            st.markdown(_sentence(steps[number], number + 1, len(steps)), width="content")
            with st.container(horizontal=True, width="content"):
                last = number + 1 == len(steps)
                if number:
                    st.button("Previous", key="tour_previous", on_click=open_star, args=(steps[number - 1].star.name,))
                if last:
                    st.button("Finish the tour", key="tour_next", type="primary", on_click=_end, args=(True,))
                else:
                    following = steps[number + 1].star.name
                    st.button("Next star", key="tour_next", type="primary", on_click=open_star, args=(following,))
                    st.button("End the tour", key="tour_end", type="tertiary", on_click=_end)


def _sentence(one: Example, number: int, total: int) -> str:
    return f":gray[Tour {number} of {total}] **{one.caption}.** {one.lesson}"


def _start() -> None:
    st.session_state.tour = True
    open_star(examples()[0].star.name)


def _end(home: bool = False) -> None:
    """Callback: end the tour, on the page of the last star or at the beginning."""
    st.session_state.tour = False
    st.session_state.tour_over = True
    if home:
        open_star("")
