"""Training: start, follow, stop and resume runs, compare them, and add one to the app."""

import streamlit as st

from stellar_core.ui.shell import enter_page

enter_page()
st.title("Training", anchor=False)

from stellar_core.ui.training.form import show_form  # noqa: E402
from stellar_core.ui.training.page import choose_part, show_comparison, show_runs  # noqa: E402

st.caption(
    "Train a model, then use it on the other pages. A run continues in the background when this page is closed. "
    "Models are calibrated and tested on :orange-badge[MOCK] stars only."
)
part = choose_part()
if part == "New run":
    show_form()
elif part == "Compare":
    show_comparison()
else:
    show_runs()
