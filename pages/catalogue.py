"""All stars of a catalogue on the Kiel diagram: filter, list, open, query."""

import streamlit as st

from stellar_core.ui.shell import enter_page

enter_page()
st.title("Catalogue", anchor=False)

from stellar_core.ui.catalogue.page import choose, open_catalogue, show_diagram  # noqa: E402
from stellar_core.ui.catalogue.stars import show_distributions, show_sql, show_stars  # noqa: E402

opened = open_catalogue()
if opened is not None:
    selection = choose(opened)
    selection = show_diagram(opened, selection)
    show_stars(opened, selection)
    show_distributions(opened, selection)
    show_sql(opened)
