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
READING = (
    "Bars: draws of the network, after its passes were widened by the misses it makes on MOCK stars it never saw. Dark "
    "band: 68 % of them; light band: 95 %; upright line: median; teal: the isochrones' median and 68 %. A wide or "
    "two-humped histogram says more than its median."
)
LIFETIMES_DIFFER = (
    "Lifetimes are not the same thing in both: the network learned the paper's rule, the isochrones give the tracks' own end."
)


def show_spread(result: Result, opinion: Mapping[str, object]) -> None:
    """One panel for each quantity: median, both intervals and the histogram of its draws.

    ``opinion`` is the isochrones' posterior, empty where they have no such star.
    """
    st.subheader("How sure is that?", anchor=False, help=HELP["interval"])
    with st.grid(4, gap="small", min_column_width=235):
        for quantity in (AGE, LOG_AGE, LOG_LIFETIME):
            _histogram(result, quantity, opinion)
        _stages(result, opinion)
        for quantity in (TEFF, LOGG, FEH):
            _histogram(result, quantity, opinion)
        with st.container(border=True, gap="xxsmall", height="stretch"):
            st.markdown("**Reading the panels**")
            st.caption(READING)
    if opinion:
        _beside(result, opinion)


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
    """The network, dropout alone and the isochrones, one row each, and whether they agree."""
    stages = opinion["stage"]
    best = max(stages, key=stages.__getitem__)
    mine = {quantity.key: quantity.interval(result) for quantity in (AGE, LIFETIME)}
    rows = [("**Network**, calibrated", mine, f"{result.most_likely_stage} {result.stage[result.most_likely_stage]:.0%}")]
    if result.network:
        alone = {quantity.key: result.network[quantity.field].to_dict() for quantity in (AGE, LIFETIME)}
        rows.append(("Monte Carlo dropout alone", alone, ""))
    rows.append(("**Isochrones**", {q.key: opinion[q.field] for q in (AGE, LIFETIME)}, f"{best} {stages[best]:.0%}"))
    table = ["| | Age (Gyr) | Lifetime (Gyr) | Stage |", "|:--|:--|:--|:--|"]
    table += [
        f"| {name} | {_short(AGE, found['age'])} | {_short(LIFETIME, found['lifetime'])} | {stage} |"
        for name, found, stage in rows
    ]
    st.subheader("A second opinion", anchor=False, help=HELP["isochrone"])
    st.markdown("\n".join(table))
    st.caption(disagreement(result.log_age.to_dict(), opinion["log_age"]) + " " + LIFETIMES_DIFFER)


def disagreement(one: Mapping[str, float], other: Mapping[str, float]) -> str:
    """How far two intervals of log age are apart, in words."""
    gap = abs(one["median"] - other["median"])
    width = float(np.hypot((one["p84"] - one["p16"]) / 2, (other["p84"] - other["p16"]) / 2))
    if gap <= width:
        return f"Network and isochrones agree on the age: {gap:.2f} dex apart, {width:.2f} dex expected from their errors."
    return (
        f"**Network and isochrones disagree on the age**: {gap:.2f} dex apart, {width:.2f} dex expected from their "
        "errors. Treat both with care."
    )


def _short(quantity: Quantity, interval: Mapping[str, float]) -> str:
    low, middle, high = (quantity.write(interval[name]) for name in ("p16", "median", "p84"))
    return f"**{middle}** ({low} – {high})"
