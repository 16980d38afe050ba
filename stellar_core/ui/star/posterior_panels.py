"""Posterior of each quantity: histograms of the draws, with the isochrone fit for comparison."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from stellar_core.figures.distributions import histogram_figure, stage_figure
from stellar_core.quantities import AGE, FEH, LOG_AGE, LOG_LIFETIME, LOGG, STAGE_TITLES, TEFF, Quantity
from stellar_core.ui.glossary import HELP
from stellar_core.ui.shell import palette

if TYPE_CHECKING:
    from stellar_core.inference.result import Result

QUIET = {"displayModeBar": False}
#: Origin of the draws: from the neural posterior if True, else from a network of the paper.
DRAWS = {
    True: "Bars: draws from the neural posterior. Each lies on a MIST track; steps between points are smoothed.",
    False: "Bars: dropout passes of the network, recalibrated with residuals on MOCK stars not used in training.",
}
READING = (
    "Dark band: 68 %; light band: 95 %; vertical line: median; teal: median and 68 % of the isochrone fit. For a wide "
    "or bimodal histogram, use the whole distribution, not its median."
)
PARTS = {"epistemic": "model uncertainty", "input_noise": "noise", "aleatoric": "intrinsic"}


def show_posteriors(result: Result, isochrones: Mapping[str, object]) -> None:
    """One panel per quantity: median, both intervals and the histogram of its draws.

    ``isochrones`` is the isochrone fit; empty if there is none.
    """
    age = AGE.interval(result)
    st.subheader("Uncertainties", anchor=False, help=HELP["interval"])
    st.markdown(
        f"The age lies between **{AGE.write(age['p16'])} and {AGE.write(age['p84'])} Gyr** with 68 % probability, and "
        f"between {AGE.write(age['p025'])} and {AGE.write(age['p975'])} Gyr with 95 %."
    )
    other = isochrones.get("other_prior")
    if isinstance(other, Mapping) and other["prior_dominated"] and result.parallax is None:  # the fit has no parallax
        st.caption(sentence_on_prior(other), help=HELP["prior"])
    with st.grid(4, gap="small", min_column_width=235):
        for quantity in (AGE, LOG_AGE, LOG_LIFETIME):
            _histogram(result, quantity, isochrones)
        _stages(result, isochrones)
        for quantity in (TEFF, LOGG, FEH):
            _histogram(result, quantity, isochrones)
        with st.container(border=True, gap="xxsmall", height="stretch"):
            st.markdown("**How to read these panels**")
            st.caption(f"{DRAWS[result.from_isochrones]} {READING}")
            if "log_age" in result.parts:
                parts = result.parts["log_age"].to_dict()
                listed = ", ".join(f"{words} **{parts[name]:.2f}**" for name, words in PARTS.items())
                st.caption(f"Contributions to the error of log age (dex): {listed}.")


def sentence_on_prior(other: Mapping[str, object]) -> str:
    """The age under another prior, an ``other_prior`` of the isochrone fit that the prior dominates."""
    low, middle, high = (AGE.write(other["log_age"][part]) for part in ("p16", "median", "p84"))
    return (
        f"The spectrum leaves the age to the prior: with the ages and [Fe/H] of the {other['population']}'s discs and "
        f"halo the isochrone fit gives {middle} Gyr, 68 % {low} to {high} Gyr."
    )


def _histogram(result: Result, quantity: Quantity, isochrones: Mapping[str, object]) -> None:
    interval = quantity.interval(result)
    other = isochrones.get(quantity.field)
    with st.container(border=True, gap="xxsmall", height="stretch"):
        st.markdown(f"**{quantity.title}**", help=HELP[quantity.key])
        st.caption(f"Median **{quantity.headline(interval)}**  \n{quantity.ranges(interval)}")
        st.plotly_chart(
            histogram_figure(
                quantity.convert(result.draws[quantity.field]),
                quantity.quantiles(interval),
                unit=quantity.label,
                second=quantity.quantiles(other)[1:4] if isinstance(other, Mapping) else None,
                limits=quantity.limits,
                trusted=result.verdict.in_domain,
                palette=palette(),
            ),
            key=f"posterior_{quantity.key}",
            config=QUIET,
            alt=f"Histogram of the draws of {quantity.title}, median {quantity.headline(interval)}",
        )


def _stages(result: Result, isochrones: Mapping[str, object]) -> None:
    draws = result.draws.get("stage")
    ranges = None
    if draws is not None:
        low, high = np.quantile(np.asarray(draws, float), [0.16, 0.84], axis=0)
        ranges = {name: (float(a), float(b)) for name, a, b in zip(result.stage, low, high)}
    other = isochrones.get("stage")
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
            key="posterior_stage",
            config=QUIET,
            alt="Stage probabilities: "
            + ", ".join(f"{STAGE_TITLES[name]} {p:.0%}" for name, p in result.stage.items()),
        )
        phase = other_phase if isinstance(other_phase := isochrones.get("phase"), Mapping) else {}
        likely = [f"{name} {p:.0%}" for name, p in sorted(phase.items(), key=lambda item: -item[1]) if p >= 0.05]
        if likely:
            st.caption(f"Evolutionary phase (isochrone fit): {', '.join(likely)}", help=HELP["phase"])
