"""The spread of the answer: histograms of the draws, and the second opinion."""

from __future__ import annotations

from typing import TYPE_CHECKING, Mapping

import numpy as np
import streamlit as st

from stellar_core.figures.distributions import histogram_figure, stage_figure
from stellar_core.ui.glossary import HELP
from stellar_core.ui.quantities import AGE, FEH, LIFETIME, LOG_AGE, LOG_LIFETIME, LOGG, TEFF, Quantity
from stellar_core.ui.shell import palette

if TYPE_CHECKING:
    from stellar_core.inference.result import Result

QUIET = {"displayModeBar": False}


def second_opinion(result: Result) -> Mapping[str, object]:
    """The isochrone posterior that came with the result; empty where there is none."""
    found = result.to_dict().get("isochrone") or {}
    return found.get("posterior") or found if isinstance(found, Mapping) else {}


def show_spread(result: Result) -> None:
    """One panel for each quantity: median, both intervals and the histogram of its draws."""
    opinion = second_opinion(result)
    st.subheader("How sure is that?", anchor=False, help=HELP["interval"])
    with st.grid(4, gap="small", min_column_width=235):
        for quantity in (AGE, LOG_AGE, LOG_LIFETIME):
            _histogram(result, quantity, opinion)
        _stages(result, opinion)
        for quantity in (TEFF, LOGG, FEH):
            _histogram(result, quantity, opinion)
        if opinion:
            _beside(result, opinion)
        else:
            _reading(result)


def _histogram(result: Result, quantity: Quantity, opinion: Mapping[str, object]) -> None:
    interval = quantity.interval(result)
    other = opinion.get(quantity.field)
    with st.container(border=True, gap="xxsmall", height="stretch"):
        st.markdown(f"**{quantity.title}**", help=HELP[quantity.key])
        st.caption(f"Median **{quantity.headline(interval)}**  \n{quantity.ranges(interval)}")
        st.plotly_chart(
            histogram_figure(
                quantity.convert(result.draws[quantity.field]),
                quantity.quantiles(interval),
                unit=quantity.unit,
                second=quantity.quantiles(other)[1:4] if isinstance(other, Mapping) else None,
                limits=quantity.limits,
                trusted=result.verdict.in_domain,
                palette=palette(),
            ),
            key=f"spread_{quantity.key}",
            config=QUIET,
            alt=f"Histogram of the draws of {quantity.title}, median {quantity.headline(interval)}",
        )


def _stages(result: Result, opinion: Mapping[str, object]) -> None:
    draws = result.draws.get("stage")
    ranges = None
    if draws is not None:
        low, high = np.quantile(np.asarray(draws, float), [0.16, 0.84], axis=0)
        ranges = {name: (float(a), float(b)) for name, a, b in zip(result.stage, low, high)}
    other = opinion.get("stage")
    with st.container(border=True, gap="xxsmall", height="stretch"):
        st.markdown("**Stage**", help=HELP["stage"])
        st.plotly_chart(
            stage_figure(
                result.stage,
                interval=ranges,
                second=other if isinstance(other, Mapping) else None,
                trusted=result.verdict.in_domain,
                palette=palette(),
            ),
            key="spread_stage",
            config=QUIET,
            alt="Stage probabilities: " + ", ".join(f"{name} {p:.0%}" for name, p in result.stage.items()),
        )


def _beside(result: Result, opinion: Mapping[str, object]) -> None:
    """The network's and the isochrones' answers side by side."""
    rows = ["| | network | isochrones |", "|:--|:--|:--|"]
    for quantity in (AGE, LIFETIME):
        other = opinion.get(quantity.field)
        if isinstance(other, Mapping):
            mine = quantity.interval(result)
            rows.append(f"| {quantity.title} ({quantity.unit}) | {_short(quantity, mine)} | {_short(quantity, other)} |")
    stages = opinion.get("stage")
    if isinstance(stages, Mapping) and stages:
        best = max(stages, key=stages.__getitem__)
        rows.append(f"| Stage | {result.most_likely_stage} | {best} {stages[best]:.0%} |")
    with st.container(border=True, gap="xxsmall", height="stretch"):
        st.markdown("**Second opinion**", help=HELP["isochrone"])
        st.markdown("\n".join(rows))
        st.caption("Teal marks in the panels show the isochrones' median and 68 % range.")


def _reading(result: Result) -> None:
    """How to read the panels."""
    with st.container(border=True, gap="xxsmall", height="stretch"):
        st.markdown("**Reading the panels**")
        st.caption(
            f"Bars: the {result.samples} answers of the network, one per pass. Dark band: 68 % of them; light band: "
            "95 %; upright line: their median. A wide or two-humped histogram says more than its median."
        )


def _short(quantity: Quantity, interval: Mapping[str, float]) -> str:
    return f"**{quantity.write(interval['median'])}** ({quantity.write(interval['p16'])} – {quantity.write(interval['p84'])})"
