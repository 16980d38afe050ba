"""What a visitor sees before a star is chosen."""

from __future__ import annotations

import streamlit as st

from stellar_core import sandbox
from stellar_core.errors import StellarError
from stellar_core.figures.kiel import kiel_figure
from stellar_core.ui import loaders
from stellar_core.ui.glossary import EMPTY, HELP
from stellar_core.ui.shell import complain, palette, show_plot
from stellar_core.ui.star.plots import kiel_tracks

FORMS = """
| Give | for example |
|:--|:--|
| specobjid | `4565636362342690816` |
| plate-MJD-fiber | `266-51602-31`, also with spaces, commas or slashes |
| plate and fiber | `266 31`, the nights are then listed |
| spec file name | `spec-0266-51602-0031.fits` |
| SDSS URL | SAS, SkyServer or the DR17 viewer |
| position | `147.32107 -0.00657` or `09:49:17.05 -00:00:23.7`: the nearest spectrum |
| your own file | FITS (lite, full or coadd only), CSV or ASCII, by *Upload a spectrum* |
"""


def show_welcome() -> None:
    """What to give, what comes back, and the map on which the star will be placed."""
    left, right = st.columns([1, 1], gap="large")
    with left:
        st.markdown(EMPTY)
        st.markdown(FORMS)
        st.caption(
            "Stars of SDSS are fetched from the SDSS archive and need a network; uploads and the MOCK survey "
            "(plates 16000 to 16383, which SDSS never used) do not."
        )
    with right:
        st.markdown("**Where the star will be placed**", help=HELP["kiel"])
        show_plot(
            kiel_figure(None, kiel_tracks(0.0), palette=palette(), revision="welcome", height=430),
            "welcome",
            "kiel",
            "Kiel diagram with the five stages and MIST tracks of solar metallicity",
        )
    try:
        sandbox.warm()
        loaders.warm()  # while the visitor reads, so that the first star need not wait
    except StellarError as error:
        complain(error)
