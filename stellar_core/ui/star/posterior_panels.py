"""Posteriors of the quantities beside the age: histograms of the draws, with the isochrone fit for comparison."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from stellar_core.figures.distributions import histogram_figure, stage_figure
from stellar_core.intervals import Interval
from stellar_core.quantities import AGE, FEH, LIFETIME, LOGG, MASS, STAGE_TITLES, TEFF, Quantity
from stellar_core.ui.glossary import HELP
from stellar_core.ui.shell import palette

if TYPE_CHECKING:
    from stellar_core.inference.result import Result

QUIET = {"displayModeBar": False}
#: Origin of the draws: from the neural posterior if True, else from a network of the paper.
DRAWS = {
    True: "Bars: draws from the neural posterior, each on a MIST track.",
    False: "Bars: dropout passes of the network, recalibrated with residuals on MOCK stars not used in training.",
}
READING = "Dark and light band: 68 % and 95 %; line: median; teal: median and 68 % of the isochrone fit."
EXPLAINED = ("interval", "teff", "lifetime", "stage")
PARTS = {"epistemic": "model uncertainty", "input_noise": "noise", "aleatoric": "intrinsic"}


def show_posteriors(result: Result, isochrones: Mapping[str, object]) -> None:
    """One panel per quantity; ``isochrones`` is the isochrone fit, empty if there is none."""
    st.subheader("Posteriors", anchor=False, help=" ".join(HELP[name] for name in EXPLAINED))
    words = [DRAWS[result.from_isochrones], READING]
    if "log_age" in result.parts:
        parts = result.parts["log_age"].to_dict()
        listed = ", ".join(f"{words} {parts[name]:.2f}" for name, words in PARTS.items())
        words.append(f"Contributions to the error of log age (dex): {listed}.")
    st.caption(" ".join(words))
    other = isochrones.get("other_prior")
    if isinstance(other, Mapping) and other["prior_dominated"] and result.parallax is None:  # the fit has no parallax
        st.caption(sentence_on_prior(other), help=HELP["prior"])
    with st.grid(3, gap="small", min_column_width=260):
        for quantity in (TEFF, LOGG, FEH, *((MASS,) if "mass" in result.draws else ()), LIFETIME):
            _histogram(result, quantity, isochrones)
        _stages(result, isochrones)


def sentence_on_prior(other: Mapping[str, object]) -> str:
    """The age under another prior, an ``other_prior`` of the isochrone fit that the prior dominates."""
    low, middle, high = (AGE.write(other["log_age"][part]) for part in ("p16", "median", "p84"))
    return (
        f"The prior decides the age: with the ages and [Fe/H] of the {other['population']}'s discs and halo the "
        f"isochrone fit gives {middle} Gyr, 68 % {low} to {high} Gyr."
    )


def _histogram(result: Result, quantity: Quantity, isochrones: Mapping[str, object]) -> None:
    draws = np.asarray(result.draws[quantity.field], float)
    interval = Interval.from_draws(draws).to_dict() if quantity is MASS else quantity.interval(result)
    other = isochrones.get(quantity.field)
    with st.container(border=True, gap="xxsmall", height="stretch"):
        st.markdown(f"**{quantity.title}**")
        st.plotly_chart(
            histogram_figure(
                quantity.convert(draws),
                quantity.quantiles(interval),
                unit=quantity.label,
                second=quantity.quantiles(other)[1:4] if isinstance(other, Mapping) else None,
                limits=quantity.limits,
                palette=palette(),
            ),
            key=f"posterior_{quantity.key}",
            config=QUIET,
            alt=f"Histogram of the draws of {quantity.title}, 95 % between {quantity.write(interval['p025'])} and "
            f"{quantity.write(interval['p975'])} {quantity.unit}",
        )


def _stages(result: Result, isochrones: Mapping[str, object]) -> None:
    draws = result.draws.get("stage")
    ranges = None
    if draws is not None:
        low, high = np.quantile(np.asarray(draws, float), [0.16, 0.84], axis=0)
        ranges = {name: (float(a), float(b)) for name, a, b in zip(result.stage, low, high)}
    other = isochrones.get("stage")
    with st.container(border=True, gap="xxsmall", height="stretch"):
        st.markdown("**Stage**")
        st.plotly_chart(
            stage_figure(
                result.stage,
                interval=ranges,
                second=other if isinstance(other, Mapping) else None,
                palette=palette(),
                height=190,
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
