"""The paper's three phases repeated, its tables and ours, its training and ours, and its architectures."""

import streamlit as st

from stellar_core.ui.shell import enter_page

enter_page()
st.title("Do the paper's findings hold?", anchor=False)

from stellar_core.ui.evidence.experiments import (  # noqa: E402
    choose_phase,
    show_architecture,
    show_curves,
    show_differences,
    show_errors,
    show_findings,
    show_tables,
)

results = choose_phase()
if results is not None:
    show_findings(results)
    show_tables(results)
    left, right = st.columns(2, gap="large")
    with left:
        show_curves(results)
    with right:
        show_errors(results)
show_differences()
show_architecture()
