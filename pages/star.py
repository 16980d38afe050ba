"""One star: look it up or upload its spectrum; age, lifetime and stage with error bars."""

import streamlit as st

from stellar_core.errors import StellarError
from stellar_core.ui.shell import complain, enter_page

enter_page()
st.title("Stellar Ages Explorer", anchor=False)

from stellar_core.ui import loaders  # noqa: E402  (the heading appears before anything slow)
from stellar_core.ui.answer import show_header, show_numbers, show_verdict  # noqa: E402
from stellar_core.ui.intake import choose_source  # noqa: E402
from stellar_core.ui.plots import show_kiel, show_spectrum  # noqa: E402
from stellar_core.ui.spread import show_spread  # noqa: E402
from stellar_core.ui.take_away import show_take_away  # noqa: E402
from stellar_core.ui.welcome import show_welcome  # noqa: E402

source, seed, samples, model = choose_source()
if source is None:
    show_welcome()
    st.stop()

try:
    with st.spinner("Reading the spectrum"):
        spectrum = loaders.spectrum(source)
except StellarError as error:
    complain(error)
    st.stop()

show_header(spectrum, source.star)
result = prepared = None
try:
    with st.spinner("Estimating age, lifetime and stage"):
        prepared = loaders.prepared(source, model)
        result = loaders.result(source, seed, samples, model)
except StellarError as error:
    complain(error)

if result is not None:
    show_verdict(result)
    show_numbers(result)
left, right = st.columns([1.7, 1], gap="medium") if result is not None else (st.container(), None)
with left:
    show_spectrum(spectrum, prepared)
if result is not None:
    with right:
        show_kiel(result)
    with st.spinner("Asking the isochrones"):
        opinion = loaders.second_opinion(result) if result.verdict.in_domain else {}
    show_spread(result, opinion)
    show_take_away(result, source, opinion)
