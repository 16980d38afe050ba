"""All stars of the catalogue on the stage diagram: choose, list, open, ask."""

import streamlit as st

from stellar_core.ui.shell import enter_page

enter_page()
st.title("Catalogue", anchor=False)

from stellar_core.ui.catalogue import choose, open_catalogue, show_diagram, show_distributions, show_sql, show_stars  # noqa: E402

st.markdown(
    "Every star of the :orange-badge[MOCK] survey. Teff, log g and [Fe/H] are those of its mock pipeline; ages, lifetimes and "
    "stages are the isochrones' posterior from them (errors 75 K, 0.20 and 0.10 dex), not a network's."
)
catalogue = open_catalogue()
if catalogue is not None:
    ranges, stages, title = choose(catalogue)
    chosen = show_diagram(catalogue, ranges, stages, title)
    show_stars(catalogue, chosen, stages)
    show_distributions(catalogue, chosen, stages, title)
    show_sql(catalogue)
