"""Which wavelengths the answer leans on, on demand."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from stellar_core.errors import StellarError
from stellar_core.figures.influence import influence_figure
from stellar_core.quantities import FEH, LOG_AGE, LOGG, TEFF
from stellar_core.ui import loaders
from stellar_core.ui.glossary import HELP
from stellar_core.ui.shell import complain, palette, show_plot
from stellar_core.ui.star.plots import line_lists

if TYPE_CHECKING:
    from stellar_core.inference.occlusion import Influence
    from stellar_core.inference.result import Result
    from stellar_core.preprocessing.spectra import PreparedSpectrum
    from stellar_core.ui.loaders import Source

#: Quantities and the units of their differences.
ROWS = ((LOG_AGE, "dex"), (TEFF, "K"), (LOGG, "dex"), (FEH, "dex"))


@st.fragment
def show_influence(source: Source, result: Result, prepared: PreparedSpectrum) -> None:
    """A switch; behind it what hiding each range of wavelengths does to the answer."""
    if not st.toggle("What drives this answer?", key="drives", bind="query-params", help=HELP["drives"]):
        return
    try:
        with st.spinner("Hiding one range of wavelengths after another", show_time=True):
            found = loaders.influence(source, result)
    except StellarError as error:
        complain(error)
        return
    from stellar_core.preprocessing.spectra import GRID

    rows = [(quantity.title, unit, found.shift[quantity.field], found.error[quantity.field]) for quantity, unit in ROWS]
    if found.widening is not None:
        rows.append(("σ(log age)", "%", 100 * found.widening, None))
    flux = np.where(prepared.coverage, prepared.flux, np.nan)
    words = " ".join(_sentence(found, quantity, unit) for quantity, unit in ROWS)
    st.markdown(words)
    show_plot(
        influence_figure(
            GRID,
            flux,
            found.edges,
            rows,
            lines=line_lists()[0],
            view=(found.edges[0, 0], found.edges[-1, 1]),
            palette=palette(),
            revision=result.star,
            height=140 + 95 * len(rows),
        ),
        "influence",
        f"influence-{result.star}",
        f"What hiding each range of wavelengths does. {words}",
    )


def _sentence(found: Influence, quantity, unit: str) -> str:
    at = found.strongest(quantity.field)
    (low, high), moved = found.edges[at], found.shift[quantity.field][at]
    part = abs(moved) / found.error[quantity.field]
    value = format(moved, "+.0f" if unit == "K" else "+.2f").replace("-", "−")
    title = quantity.title.replace("[", "\\[").replace("]", "\\]")
    return f"{title[0].upper()}{title[1:]} leans most on {low:.0f}–{high:.0f} Å: without it {value} {unit}, {part:.1f} of its error."
