"""The Star page: input, result, figures, comparison and export for one star."""

from __future__ import annotations

import streamlit as st

from stellar_core.errors import StellarError
from stellar_core.ui import loaders
from stellar_core.ui.loaders import Source
from stellar_core.ui.request_priority import PRIORITY
from stellar_core.ui.shell import show_error
from stellar_core.ui.star.comparison import show_compare_button, show_comparison
from stellar_core.ui.star.estimates import OtherEstimates, load_others, show_estimates
from stellar_core.ui.star.export_panel import show_export
from stellar_core.ui.star.influence import show_influence
from stellar_core.ui.star.plots import show_kiel, show_spectrum
from stellar_core.ui.star.posterior_panels import show_posteriors
from stellar_core.ui.star.star_input import choose_source
from stellar_core.ui.star.summary import show_header, show_numbers, show_verdict
from stellar_core.ui.star.welcome import show_welcome


def show_star() -> None:
    """Draw the page."""
    source, *settings = choose_source()
    if source is None:
        show_comparison(None, *settings)
        show_welcome()
        return
    _show_result(source, *settings)
    show_comparison(source, *settings)


def _show_result(source: Source, seed: int, samples: int, model: str) -> None:
    """Everything about one star."""
    try:
        with st.spinner("Reading the spectrum"):
            spectrum = loaders.spectrum(source)
    except StellarError as error:
        show_error(error)
        return
    show_header(spectrum, source.star, lambda: show_compare_button(source))
    result = prepared = None
    try:
        with st.spinner("Estimating age, lifetime and stage"):
            prepared = loaders.prepared(source, model)
            result = loaders.result(source, seed, samples, model)
    except StellarError as error:
        show_error(error)
    if result is None:
        show_spectrum(source, spectrum, prepared, None)
        return
    show_verdict(result)
    show_numbers(result)
    PRIORITY.wait()
    left, right = st.columns([1.7, 1], gap="medium")
    with left:
        show_spectrum(source, spectrum, prepared, result)
        below = st.container()
    with right:
        show_kiel(result)
    with below:
        show_influence(source, result, prepared)
    others: OtherEstimates | None = None
    if result.verdict.in_domain:
        try:
            with st.spinner("Computing the other estimates"):
                others = load_others(source, result)
            show_estimates(result, others, spectrum.meta)
        except StellarError as error:
            show_error(error)
    show_posteriors(result, others.isochrones if others else {})
    show_export(result, source, spectrum, prepared, others)
