"""How far the error bars of a model can be trusted, from the test stored beside its weights."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from stellar_core.errors import StellarError
from stellar_core.evaluation import panels
from stellar_core.evaluation.stored_predictions import COLUMNS, NAME
from stellar_core.figures.palette import DARK
from stellar_core.model_store import adopted_models, list_models, model_folder
from stellar_core.stages import STAGES
from stellar_core.ui.shell import ROOT, show_error, palette, escape, show_plot

if TYPE_CHECKING:
    from stellar_core.evaluation.stored_predictions import StoredTest


@st.cache_resource(max_entries=4, show_spinner=False)
def _stored(model: str, stamp: int) -> StoredTest:
    from stellar_core.evaluation.stored_predictions import read_test

    return read_test(model)


@st.cache_data(max_entries=40, show_spinner=False)
def _panels(model: str, stamp: int, quantity: str, dark: bool, _test: StoredTest) -> list[panels.Panel]:
    return panels.panels(_test, quantity, palette())


def _stamp(model: str) -> int:
    """When the model's test was last stored, ns."""
    return (model_folder(model) / NAME).stat().st_mtime_ns


def tested_models() -> list[str]:
    """Models with a stored test, by name."""
    return [name for name in (*list_models(), *adopted_models()) if (model_folder(name) / NAME).exists()]


def choose() -> tuple[StoredTest | None, str]:
    """Draw the controls; the stored test of the chosen model, None where there is none, and the quantity."""
    names = tested_models()
    if not names:
        st.info(
            "No model has a stored test yet. `python -m stellar_core calibrate MODEL` makes one beside the weights.",
            icon=":material/info:",
        )
        return None, "log_age"
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        model = st.selectbox("Model", names, index=0, key="tested_model", bind="query-params", width=260)
        quantity = st.segmented_control(
            "Quantity",
            list(panels.TITLES),
            default="log_age",
            required=True,
            key="tested_quantity",
            format_func=lambda name: panels.TITLES[name],
        )
    try:
        return _stored(model, _stamp(model)), quantity
    except StellarError as error:
        show_error(error)
        return None, quantity


def show_panels(test: StoredTest, quantity: str) -> None:
    """All figures but the last, in pairs."""
    card = {**adopted_models(), **list_models()}.get(test.model, {})
    if card.get("sha256") != test.sha256:
        st.warning("This test was made with other weights than those in place now.", icon=":material/history:")
    st.markdown(
        f":orange-badge[MOCK] **{len(test.stars)} test stars** that the network never saw, by {test.view}. Intervals lean on "
        "the MOCK survey's mixture of ages and metallicities; of real stars the true age is not known."
    )
    found = _panels(test.model, _stamp(test.model), quantity, palette() is DARK, test)
    for pair in (found[:2], found[2:4], found[4:]):
        for column, panel in zip(st.columns([1, 1.5] if pair[0].key == "entropy" else 2, gap="large"), pair):
            with column:
                _show(panel)


def show_worst(test: StoredTest, quantity: str) -> None:
    """The survey's stars by error; a click opens one on the page of stars."""
    panel = panels.where_panel(test, quantity, palette())
    st.subheader("The largest errors :orange-badge[MOCK]", anchor=False)
    left, right = st.columns([1.2, 1], gap="large")
    with left:
        _show(panel)
    stars, column = test.survey, COLUMNS.index(quantity)
    rows, off = panels.worst(stars, quantity), panels.normalised_errors(stars, quantity)
    with right:
        st.markdown("**Furthest off**; open a star to see its spectrum and its answer")
        for row in rows:
            said = f"said {stars.mean[row, column]:.2f}, truly {stars.truth[row, column]:.2f}"
            alarm = " · gate spoke" if stars.domain_score[row] > 1 else ""
            stage = f"{STAGES[stars.stage[row]]}, S/N {stars.snr[row]:.0f}"
            with st.container(horizontal=True, vertical_alignment="center"):
                st.page_link(
                    ROOT / "pages" / "star.py",
                    label=stars.name[row],
                    icon=":material/open_in_new:",
                    query_params={"star": stars.name[row]},
                    width=170,
                )
                st.caption(escape(f"{said} ({off[row]:+.1f} errors) · {stage}{alarm}"))


def _show(panel: panels.Panel) -> None:
    st.markdown(f"**{escape(panel.heading)}**")
    show_plot(panel.figure, f"uncertainty_{panel.key}", f"uncertainty-{panel.key}", panel.words)
    st.caption(escape(panel.words))
