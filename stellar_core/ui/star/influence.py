"""Sensitivity of a result to each range of wavelength, on demand."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from stellar_core.errors import StellarError
from stellar_core.figures.influence import influence_figure
from stellar_core.quantities import FEH, LOG_AGE, LOGG, TEFF, Quantity
from stellar_core.ui import loaders
from stellar_core.ui.glossary import HELP
from stellar_core.ui.shell import escape, palette, show_error, show_plot
from stellar_core.ui.star.plots import line_lists

if TYPE_CHECKING:
    from stellar_core.inference.occlusion import Influence
    from stellar_core.inference.result import Result
    from stellar_core.preprocessing.spectra import PreparedSpectrum
    from stellar_core.ui.loaders import Source

#: Quantities in the order of the figure.
ROWS = (LOG_AGE, TEFF, LOGG, FEH)


@st.fragment
def show_influence(source: Source, result: Result, prepared: PreparedSpectrum) -> None:
    """Switch and figure: change of the result when each range of wavelength is hidden.

    The parallax is left out: it does not depend on the spectrum.
    """
    if not st.toggle("Which wavelengths matter?", key="drives", bind="query-params", help=HELP["drives"]):
        return
    try:
        with st.spinner("Hiding each range of wavelength in turn", show_time=True):
            if result.parallax is not None:
                bare = replace(source, astrometry=None)
                result = loaders.result(bare, result.seed, result.samples, result.model)
            found = loaders.influence(source, result)
    except StellarError as error:
        show_error(error)
        return
    from stellar_core.preprocessing.grid import GRID

    rows = [(one.title, one.error_unit, found.shift[one.field], found.error[one.field]) for one in ROWS]
    if found.widening is not None:
        rows.append(("σ(log age)", "%", 100 * found.widening, None))
    flux = np.where(prepared.coverage, prepared.flux, np.nan)
    words = " ".join(_sentence(found, quantity) for quantity in ROWS)
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
        f"Change of the result when each range of wavelength is hidden. {words}",
    )


def _sentence(found: Influence, quantity: Quantity) -> str:
    """Describe the range with the largest effect on one quantity."""
    at = found.strongest(quantity.field)
    (low, high), shift = found.edges[at], found.shift[quantity.field][at]
    lines = list(dict.fromkeys(label for wavelength, label in line_lists()[0] if low <= wavelength <= high))[:2]
    inside = f" ({', '.join(lines)})" if lines else ""
    change = f"{'raises' if shift > 0 else 'lowers'} {quantity.title} by {quantity.write(abs(shift)).lstrip('+')}"
    sigma = abs(shift) / found.error[quantity.field]
    return escape(f"Hiding {low:.0f}–{high:.0f} Å{inside} {change} {quantity.error_unit} ({sigma:.1f}σ).")
