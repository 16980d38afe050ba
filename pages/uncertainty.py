"""Coverage of the error bars of any tested model, and its largest errors."""

import streamlit as st

from stellar_core.ui.shell import enter_page

enter_page()
st.title("Can the error bars be trusted?", anchor=False)

from stellar_core.ui.evidence.uncertainty import choose, show_panels, show_worst  # noqa: E402

test, quantity = choose()
if test is not None:
    show_panels(test, quantity)
    show_worst(test, quantity)
