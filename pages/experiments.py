"""The paper's three phases on MOCK stars, its tables beside ours, and how its networks are built."""

import streamlit as st

from stellar_core.ui.shell import enter_page

enter_page()
st.title("Experiments: the paper's tables beside ours", anchor=False)

from stellar_core.ui.evidence.experiments import (
    choose_phase,
    show_architecture,
    show_curves,
    show_errors,
    show_findings,
    show_tables,
)  # noqa: E402

results = choose_phase()
if results is not None:
    show_findings(results)
    show_tables(results)
    left, right = st.columns(2, gap="large")
    with left:
        show_curves(results)
    with right:
        show_errors(results)
show_architecture()
