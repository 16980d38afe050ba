"""The Star page: input, result, figures, comparison and export for one star."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import streamlit as st

from stellar_core.errors import StellarError
from stellar_core.inference.reliability import assess
from stellar_core.ui import loaders
from stellar_core.ui.loaders import Source
from stellar_core.ui.request_priority import PRIORITY
from stellar_core.ui.shell import show_error
from stellar_core.ui.star.absolute_magnitude import diagram_bands, show_absolute_magnitude
from stellar_core.ui.star.comparison import reserve_comparison, show_compare_button, show_comparison
from stellar_core.ui.star.distance import show_distance, show_no_distance, wants_parallax
from stellar_core.ui.star.estimates import OtherEstimates, load_others, show_estimates
from stellar_core.ui.star.export_panel import show_export
from stellar_core.ui.star.kiel import show_kiel
from stellar_core.ui.star.parallax import ASKING, Question, ask_gaia, located, parallax_of
from stellar_core.ui.star.plots import show_spectrum
from stellar_core.ui.star.posterior_panels import show_posteriors
from stellar_core.ui.star.star_input import choose_source
from stellar_core.ui.star.summary import show_answer, show_header, show_refusal, show_verdict
from stellar_core.ui.star.welcome import show_welcome

if TYPE_CHECKING:
    from stellar_core.inference.result import Result
    from stellar_core.preprocessing.spectra import PreparedSpectrum
    from stellar_core.spectrum import Spectrum

#: Height of the spectrum and of the Kiel diagram, of the colour-magnitude diagram, and of a spectrum alone, pixels.
HEIGHT, DIAGRAM, WIDE = 560, 460, 520
#: Widths of the spectrum and of the diagrams beside it.
SHARES = (1.7, 1)


def show_star() -> None:
    """Draw the page; then ask Gaia for parallaxes that are not known yet, and draw it again."""
    source, *settings = choose_source()
    questions: list[Question] = []
    if source is None:
        slot = st.empty()
        questions += show_comparison(None, *settings)
        show_welcome()
    else:
        slot, source, asked = _show_result(source, *settings)
        questions += [*asked, *show_comparison(source, *settings)]
    if questions:
        with slot, st.spinner(ASKING):
            ask_gaia(questions)


def _show_result(
    source: Source, seed: int, samples: int, model: str
) -> tuple[st.delta_generator.DeltaGenerator, Source, Sequence[Question]]:
    """Everything about one star; returns the place of the distance, the source as used, and what to ask Gaia."""
    try:
        with st.spinner("Reading the spectrum"):
            spectrum = loaders.spectrum(source)
    except StellarError as error:
        show_error(error)
        return st.empty(), source, ()
    verdict = show_header(spectrum, source.star, lambda: show_compare_button(source))
    reserve_comparison()
    result = prepared = answer = with_parallax = None
    used = source
    try:
        with st.spinner("Estimating age, lifetime and stage"):
            prepared = loaders.prepared(source, model)
            if loaders.reads_parallax(model):
                answer = parallax_of(source, spectrum, entered=True)
                placed = located(source, answer)
                with_parallax = loaders.result(placed, seed, samples, model) if placed is not source else None
                used = placed if wants_parallax() else source
            result = loaders.result(used, seed, samples, model)
            reliability = assess(result, loaders.estimator(model).card)
    except StellarError as error:
        show_error(error)
    if result is None:
        show_spectrum(source, spectrum, prepared, None)
        return st.empty(), source, ()
    shown = reliability.level != "refused" or show_refusal(result)
    slot = st.empty()
    if shown:
        show_answer(result, reliability)
        slot = st.empty()
        with slot.container():
            if with_parallax is not None:
                show_distance(with_parallax)
            elif loaders.reads_parallax(model):
                show_no_distance(source, spectrum, answer)
            else:
                st.caption("This network cannot use a parallax; the neural posterior can.")
    show_verdict(result, reliability, verdict)
    PRIORITY.wait()
    place = _show_figures(used, spectrum, prepared, result, shown)
    others: OtherEstimates | None = None
    if result.verdict.in_domain:
        try:
            with st.spinner("Computing the other estimates"):
                others = load_others(used, result)
            show_estimates(result, others, spectrum.meta, place)
        except StellarError as error:
            show_error(error)
        show_posteriors(result, others.isochrones if others else {})
    show_export(result, used, spectrum, prepared, others)
    return slot, used, [answer] if isinstance(answer, Question) else ()


def _show_figures(
    source: Source, spectrum: Spectrum, prepared: PreparedSpectrum, result: Result, diagrams: bool
) -> st.delta_generator.DeltaGenerator | None:
    """Spectrum and Kiel diagram next to each other; below them, with a parallax, the colour-magnitude diagram.

    Without ``diagrams`` the spectrum alone, for an object that is not to be trusted. Returns the place beside the
    colour-magnitude diagram.
    """
    if not diagrams:
        show_spectrum(source, spectrum, prepared, result, WIDE)
        return None
    left, right = st.columns(SHARES, gap="medium")
    with left:
        show_spectrum(source, spectrum, prepared, result, HEIGHT)
    with right:
        show_kiel(result, HEIGHT)
    if (bands := diagram_bands(result, spectrum)) is None:
        return None
    left, right = st.columns(SHARES, gap="medium")
    with right:
        show_absolute_magnitude(result, spectrum, bands, DIAGRAM)
    return left
