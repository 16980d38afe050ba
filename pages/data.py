"""Installed data and models, downloads, connection to SDSS, citations."""

import streamlit as st

from stellar_core.ui.shell import enter_page

enter_page()
st.title("Data", anchor=False)

from stellar_core.ui.data.citations import show_citations, show_versions  # noqa: E402
from stellar_core.ui.data.page import show_downloads, show_inventory, show_sdss  # noqa: E402

show_inventory()
show_sdss()
show_downloads()
show_citations()
show_versions()
