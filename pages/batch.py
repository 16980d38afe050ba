"""Results for many stars in one table, from identifiers, a list or an archive of spectra."""

import streamlit as st

from stellar_core.ui.shell import enter_page

enter_page()
st.title("Batch", anchor=False)

from stellar_core.ui.batch.page import choose, process_rows  # noqa: E402
from stellar_core.ui.batch.table import show_results  # noqa: E402

run = choose()
if run is not None:
    process_rows(run)
    show_results(run)
