"""The MOCK survey: its spectra and catalogue compared with real ones."""

import streamlit as st

from stellar_core.ui.shell import enter_page

enter_page()
st.title("How realistic is the MOCK survey?", anchor=False)

from stellar_core.ui.evidence.mock_survey import show_catalogue, show_headline, show_realism, show_spectra  # noqa: E402

show_headline()
show_realism()
show_spectra()
show_catalogue()
