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
| specobjid | `3628822210619219968` |
| plate-MJD-fiber | `3223-54865-170`, also with spaces, commas or slashes |
| plate and fiber | `3223 170`, then choose the night |
| spec file name | `spec-3223-54865-0170.fits` |
| SDSS URL | SAS, SkyServer or the DR17 viewer |
| position | `145.42972 36.17454` or `09:41:43.13 +36:10:28.3` (nearest spectrum) |
| your own file | *Upload a spectrum*: FITS (lite, full or coadd only), CSV or ASCII |
"""


def show_welcome() -> None:
    """Possible inputs and results, and an empty Kiel diagram."""
    left, right = st.columns([1, 1], gap="large")
    with left:
        st.markdown(INTRODUCTION)
        st.markdown(FORMS)
        st.caption(
            "Other SDSS stars are downloaded from the SDSS archive, and parallaxes from Gaia's. Examples, uploads and "
            "MOCK stars (plates 16000 to 16383, unused by SDSS) need no network."
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
