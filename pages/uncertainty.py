"""Isochrone fits of real stars against known ages; coverage of the error bars of any tested model on MOCK stars."""

import streamlit as st

from stellar_core.ui.shell import enter_page

enter_page()
st.title("Can the error bars be trusted?", anchor=False)

from stellar_core.ui.evidence.real_stars import show_real_stars  # noqa: E402
from stellar_core.ui.evidence.uncertainty import choose, show_panels, show_worst  # noqa: E402

show_real_stars()
st.subheader("The networks on MOCK stars", anchor=False)
test, quantity = choose()
if test is not None:
    show_panels(test, quantity)
    show_worst(test, quantity)
