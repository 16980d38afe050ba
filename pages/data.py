"""What is installed and where it came from, what can be fetched, whether SDSS answers, and whom to cite."""

import streamlit as st

from stellar_core.ui.shell import enter_page

enter_page()
st.title("Data", anchor=False)

from stellar_core.ui.data.citations import show_citations, show_versions  # noqa: E402
from stellar_core.ui.data.page import show_downloads, show_holdings, show_sdss  # noqa: E402

st.markdown(
    "Everything the answers rest on: each trained part carries a card that says from what it was made, and its sha256 "
    "names its weights exactly."
)
show_holdings()
show_sdss()
show_downloads()
show_citations()
show_versions()
