"""Training: start a run, watch it, stop and resume it, compare runs, adopt one as a model."""

import streamlit as st

from stellar_core.ui.shell import enter_page

enter_page()
st.title("Training", anchor=False)

from stellar_core.ui.training.form import show_form  # noqa: E402
from stellar_core.ui.training.page import choose_part, show_comparison, show_runs  # noqa: E402

st.caption(
    "A run goes on in a process of its own, also when this page is closed. Networks are calibrated and tested on "
    ":orange-badge[MOCK] stars; what they say of real ones has not been checked here."
)
part = choose_part()
if part == "New run":
    show_form()
elif part == "Compare":
    show_comparison()
else:
    show_runs()
