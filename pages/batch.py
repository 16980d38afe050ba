"""Answers for many stars: identifiers, a list or an archive of spectra in, one table out."""

import streamlit as st

from stellar_core.ui.shell import enter_page

enter_page()
st.title("Batch", anchor=False)

from stellar_core.ui.batch.page import answer_rows, choose  # noqa: E402
from stellar_core.ui.batch.table import show_answers  # noqa: E402

run = choose()
if run is not None:
    answer_rows(run)
    show_answers(run)
