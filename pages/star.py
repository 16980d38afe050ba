"""Age, lifetime and stage of one star, from SDSS or from an uploaded spectrum."""

import streamlit as st

from stellar_core.ui.shell import enter_page

enter_page()
st.title("Stellar Ages Explorer", anchor=False)

from stellar_core.ui.star.page import show_star  # noqa: E402  (the title appears before slow imports)

show_star()
