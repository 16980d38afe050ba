"""One star: look it up or upload its spectrum; age, lifetime and stage with error bars."""

import streamlit as st

from stellar_core.errors import StellarError
from stellar_core.ui.shell import complain, enter_page

enter_page()
st.title("Stellar Ages Explorer", anchor=False)

from stellar_core.ui import loaders  # noqa: E402  (the heading appears before anything slow)
from stellar_core.ui.request_priority import TURNS  # noqa: E402
from stellar_core.ui.star.comparison import show_comparison, show_keep  # noqa: E402
from stellar_core.ui.star.estimates import ask_others, show_opinions  # noqa: E402
from stellar_core.ui.star.export_panel import show_take_away  # noqa: E402
from stellar_core.ui.star.influence import show_influence  # noqa: E402
from stellar_core.ui.star.plots import show_kiel, show_spectrum  # noqa: E402
from stellar_core.ui.star.posterior_panels import show_spread  # noqa: E402
from stellar_core.ui.star.star_input import choose_source  # noqa: E402
from stellar_core.ui.star.summary import show_header, show_numbers, show_verdict  # noqa: E402
from stellar_core.ui.star.welcome import show_welcome  # noqa: E402

source, *asked = choose_source()
if source is None:
    show_comparison(None, *asked)
    show_welcome()
    st.stop()

seed, samples, model = asked
try:
    with st.spinner("Reading the spectrum"):
        spectrum = loaders.spectrum(source)
except StellarError as error:
    complain(error)
    show_comparison(None, *asked)
    st.stop()

show_header(spectrum, source.star, lambda: show_keep(source))
result = prepared = None
try:
    with st.spinner("Estimating age, lifetime and stage"):
        prepared = loaders.prepared(source, model)
        result = loaders.result(source, seed, samples, model)
except StellarError as error:
    complain(error)

if result is None:
    show_spectrum(source, spectrum, prepared, None)
else:
    show_verdict(result)
    show_numbers(result)
    TURNS.give_way()
    left, right = st.columns([1.7, 1], gap="medium")
    with left:
        show_spectrum(source, spectrum, prepared, result)
        below = st.container()
    with right:
        show_kiel(result)
    with below:
        show_influence(source, result, prepared)
    others = None
    if result.verdict.in_domain:
        try:
            with st.spinner("Asking the other network and the isochrones"):
                others = ask_others(source, result)
            show_opinions(result, others, spectrum.meta)
        except StellarError as error:
            complain(error)
    show_spread(result, others.isochrones if others else {})
    show_take_away(result, source, spectrum, prepared, others)
show_comparison(source, *asked)
