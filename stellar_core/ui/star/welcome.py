"""Introduction on the Star page before a star is chosen."""

from __future__ import annotations

import streamlit as st

from stellar_core import sandbox
from stellar_core.errors import StellarError
from stellar_core.figures.kiel import kiel_figure
from stellar_core.ui import loaders
from stellar_core.ui.glossary import HELP, INTRODUCTION
from stellar_core.ui.shell import palette, show_error, show_plot
from stellar_core.ui.star.kiel import kiel_tracks

FORMS = """
| You can enter | Example |
|:--|:--|
| specobjid | `4565636362342690816` |
| plate-MJD-fiber | `266-51602-31`, also with spaces, commas or slashes |
| plate and fiber | `266 31`, then choose the night |
| spec file name | `spec-0266-51602-0031.fits` |
| SDSS URL | SAS, SkyServer or the DR17 viewer |
| position | `147.32107 -0.00657` or `09:49:17.05 -00:00:23.7` (nearest spectrum) |
| your own file | *Upload a spectrum*: FITS (lite, full or coadd only), CSV or ASCII |
"""


def show_welcome() -> None:
    """Possible inputs and results, and an empty Kiel diagram."""
    left, right = st.columns([1, 1], gap="large")
    with left:
        st.markdown(INTRODUCTION)
        st.markdown(FORMS)
        st.caption(
            "SDSS stars are downloaded from the SDSS archive, and their parallaxes from Gaia's. Uploads and the MOCK "
            "survey (plates 16000 to 16383, unused by SDSS) work offline."
        )
    with right:
        st.markdown("**Kiel diagram**", help=HELP["kiel"])
        show_plot(
            kiel_figure(None, kiel_tracks(0.0), palette=palette(), revision="welcome", height=430),
            "welcome",
            "kiel",
            "Kiel diagram with the five stages and MIST tracks of solar metallicity",
        )
    try:
        sandbox.warm()
        loaders.warm()  # while the visitor reads, so that the first star is fast
    except StellarError as error:
        show_error(error)
