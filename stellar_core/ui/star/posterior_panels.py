"""The spread of the answer: histograms of the draws, and the second opinion."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from stellar_core.figures.distributions import histogram_figure, stage_figure
from stellar_core.quantities import AGE, FEH, LOG_AGE, LOG_LIFETIME, LOGG, TEFF, Quantity
from stellar_core.ui.glossary import HELP
from stellar_core.ui.shell import palette

if TYPE_CHECKING:
    from stellar_core.inference.result import Result

QUIET = {"displayModeBar": False}
#: What the draws are: of Model 9, and of the paper's models.
DRAWS = {
    True: "Bars: draws from the network's posterior, each a point of the MIST tracks; the steps between points are smoothed out.",
    False: "Bars: draws of the network, after its passes were widened by the misses it makes on MOCK stars it never saw.",
}
READING = (
    "Dark band: 68 %; light band: 95 %; upright line: median; teal: the isochrones' median and 68 %. A wide or two-humped "
    "histogram says more than its median."
)
PARTS = {
    "epistemic": "what the network does not know",
    "input_noise": "the noise of this spectrum",
    "aleatoric": "what such data cannot tell",
}


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
            st.caption(f"{DRAWS[result.from_isochrones]} {READING}")
            if "log_age" in result.parts:
                parts = result.parts["log_age"].to_dict()
                listed = ", ".join(f"{words} **{parts[name]:.2f}**" for name, words in PARTS.items())
                st.caption(f"Error of log age in dex: {listed}.")


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
