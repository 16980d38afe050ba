"""The Uncertainty page: coverage of the error bars of a model, from its stored test."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from stellar_core.errors import StellarError
from stellar_core.evaluation import panels
from stellar_core.evaluation.reliability import covered
from stellar_core.evaluation.stored_predictions import COLUMNS, NAME
from stellar_core.figures.palette import DARK
from stellar_core.model_store import adopted_models, list_models, model_folder
from stellar_core.paths import REPOSITORY
from stellar_core.quantities import STAGE_SHORT
from stellar_core.stages import STAGES
from stellar_core.ui.shell import escape, palette, select_model, show_error, show_plot

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
    """Modification time of the stored test of a model, ns."""
    return (model_folder(model) / NAME).stat().st_mtime_ns


def tested_models() -> list[str]:
    """Names of models with a stored test."""
    return [name for name in (*list_models(), *adopted_models()) if (model_folder(name) / NAME).exists()]


def choose() -> tuple[StoredTest | None, str]:
    """Draw the controls; return the stored test of the chosen model, or None, and the quantity."""
    names = tested_models()
    if not names:
        st.info(
            "No model has a stored test yet. Run `python -m stellar_core calibrate MODEL` to create one.",
            icon=":material/info:",
        )
        return None, "log_age"
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        model = select_model(names, "tested_model", width=260)
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
    """Coverage in one sentence, and all figures but the last, in pairs."""
    card = {**adopted_models(), **list_models()}.get(test.model, {})
    if card.get("sha256") != test.sha256:
        st.warning("This test belongs to other weights than those installed.", icon=":material/history:")
    share = covered(test.stars.u[:, COLUMNS.index(quantity)])
    st.markdown(
        f"The 68 % interval of {panels.TITLES[quantity].partition(' (')[0]} contains the true value of "
        f"**{share['68']:.1%}** of :orange-badge[MOCK] **{len(test.stars)} test stars** not used in training; the 95 % "
        f"interval, of {share['95']:.1%}. Input: {test.view}. Intervals assume the ages and metallicities of the MOCK "
        "survey."
    )
    found = _panels(test.model, _stamp(test.model), quantity, palette() is DARK, test)
    for pair in (found[:2], found[2:4], found[4:]):
        for column, panel in zip(st.columns([1, 1.5] if pair[0].key == "entropy" else 2, gap="large"), pair):
            with column:
                _show(panel)


def show_worst(test: StoredTest, quantity: str) -> None:
    """Stars with the largest errors, with links to the Star page."""
    panel = panels.where_panel(test, quantity, palette())
    st.subheader("The largest errors :orange-badge[MOCK]", anchor=False)
    left, right = st.columns(2, gap="large")
    with left:
        _show(panel)
    stars, column = test.survey, COLUMNS.index(quantity)
    rows, off = panels.worst(stars, quantity), panels.normalised_errors(stars, quantity)
    with right:
        st.markdown("**Largest errors**; open a star to see its spectrum and result")
        for row in rows:
            values = f"predicted {stars.mean[row, column]:.2f}, true {stars.truth[row, column]:.2f}"
            flag = " · flagged" if stars.domain_score[row] > 1 else ""
            stage = f"{STAGE_SHORT[STAGES[stars.stage[row]]]}, S/N {stars.snr[row]:.0f}"
            with st.container(horizontal=True, vertical_alignment="center"):
                st.page_link(
                    REPOSITORY / "pages" / "star.py",
                    label=stars.name[row],
                    icon=":material/open_in_new:",
                    query_params={"star": stars.name[row]},
                    width=170,
                )
                st.caption(escape(f"{values} ({off[row]:+.1f}σ) · {stage}{flag}"))


def _show(panel: panels.Panel) -> None:
    st.markdown(f"**{escape(panel.heading)}**")
    show_plot(panel.figure, f"uncertainty_{panel.key}", f"uncertainty-{panel.key}", panel.words)
    st.caption(escape(panel.words))
