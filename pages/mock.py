"""The MOCK survey: how near its spectra and its catalogue are to real ones."""

import streamlit as st

from stellar_core.ui.shell import enter_page

enter_page()
st.title("Mock survey: how good is it?", anchor=False)

from stellar_core.ui.evidence.mock_survey import show_catalogue, show_realism, show_spectra  # noqa: E402

st.markdown(
    "The networks here have learned from MOCK stars only. This page shows, from stored comparisons, how near those "
    "come to what telescopes saw. What is made is marked :orange-badge[MOCK], what was observed :blue-badge[REAL]."
)
show_realism()
show_spectra()
show_catalogue()
