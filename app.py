"""Stellar Ages Explorer: ``streamlit run app.py``."""

import streamlit as st

from stellar_core.ui.shell import ICON, page_list

st.set_page_config(page_title="Stellar Ages Explorer", page_icon=str(ICON), layout="wide")
st.logo(str(ICON), size="large")
st.session_state.shell = True
st.navigation(page_list(), position="top").run()
