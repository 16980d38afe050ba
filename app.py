"""Stellar Ages Explorer: ``streamlit run app.py``."""

import streamlit as st

from stellar_core.ui.accessibility import assist
from stellar_core.ui.shell import ICON, configure, page_list

configure()
st.logo(str(ICON), size="large")
st.session_state.shell = True
assist()
st.navigation(page_list(), position="top").run()
