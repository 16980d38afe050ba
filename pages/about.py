"""What is installed, how it was trained, and whom to cite."""

import streamlit as st

from stellar_core.ui.shell import enter_page

enter_page()
st.title("About", anchor=False)

from stellar_core.ui.credits import show_citations, show_models, show_versions  # noqa: E402

st.markdown(
    "Stellar Ages Explorer estimates age, lifetime and evolutionary stage of a star from its SDSS spectrum, by a network "
    "with Monte Carlo dropout, beside the evolutionary tracks that define those quantities."
)
show_models()
show_citations()
show_versions()
