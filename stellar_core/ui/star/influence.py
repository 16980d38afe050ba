"""Effect of each range of wavelength on a result, on demand."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import streamlit as st

from stellar_core.errors import StellarError
from stellar_core.figures.influence import Shading, error_shading, quantity_shading
from stellar_core.quantities import FEH, LOG_AGE, LOGG, TEFF
from stellar_core.spectral_lines import STELLAR_LINES
from stellar_core.ui import loaders
from stellar_core.ui.glossary import HELP
from stellar_core.ui.shell import escape, show_error

if TYPE_CHECKING:
    from stellar_core.inference.occlusion import Influence
    from stellar_core.inference.result import Result
    from stellar_core.ui.loaders import Source

#: Quantities in the order of the menu of the figure.
ROWS = (LOG_AGE, TEFF, LOGG, FEH)


def choose_influence(source: Source, result: Result) -> list[Shading]:
    """Switch, and below it one sentence for each quantity; empty while it is off.

    The parallax is left out: it does not depend on the spectrum.
    """
    if not st.toggle("Which wavelengths matter?", key="drives", bind="query-params", help=HELP["drives"]):
        return []
    try:
        with st.spinner("Hiding each range of wavelength in turn", show_time=True):
            if result.parallax is not None:
                bare = replace(source, astrometry=None)
                result = loaders.result(bare, result.seed, result.samples, result.model)
            found = loaders.influence(source, result)
    except StellarError as error:
        show_error(error)
        return []
    shadings = influence_shadings(found)
    st.markdown(" ".join(escape(one.words[one.strongest]) for one in shadings))
    return shadings


def influence_shadings(found: Influence) -> list[Shading]:
    """One shading for each quantity, and one for the error of the age where the network's errors vary."""
    lines = [(line.wavelength, line.label) for line in STELLAR_LINES]
    shadings = [
        quantity_shading(one, found.edges, found.shift[one.field], found.error[one.field], lines) for one in ROWS
    ]
    if found.widening is not None:
        shadings.append(error_shading(LOG_AGE, found.edges, found.widening, lines))
    return shadings
