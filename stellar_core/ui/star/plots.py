"""Spectrum of one star, and the effect of each range of wavelength on its result."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from stellar_core.figures.spectrum import spectrum_figure
from stellar_core.figures.spectrum_view import Overlay, SpectrumView
from stellar_core.ui import loaders
from stellar_core.ui.shell import on_phone, palette, show_plot
from stellar_core.ui.spectrum_viewer.component import spectrum_viewer
from stellar_core.ui.star.influence import choose_influence

if TYPE_CHECKING:
    from collections.abc import Sequence

    from stellar_core.figures.influence import Shading
    from stellar_core.inference.result import Result
    from stellar_core.preprocessing.spectra import PreparedSpectrum
    from stellar_core.spectrum import Spectrum
    from stellar_core.ui.loaders import Source

#: Height of the spectrum with its controls, pixels.
HEIGHT = 600
#: Angstrom per screen pixel for which line labels of the plain figure are laid out, on a laptop and on a phone.
LAPTOP, PHONE = 10.0, 24.0

ABOUT_EMULATED = (
    "Emulated spectrum of the estimated Teff, log g and [Fe/H]; its continuum follows the data over 301 Å, so that "
    "lines can be compared"
)
ABOUT_PIPELINE = "Model that the survey's pipeline fitted"


@st.fragment
def show_spectrum(
    source: Source, spectrum: Spectrum, prepared: PreparedSpectrum | None, result: Result | None, height: int = HEIGHT
) -> None:
    """Spectrum with its controls, and below it the switch for the effect of each range of wavelength.

    ``prepared`` and ``result`` are None if the network rejected the spectrum; ``height`` in pixels. Where the browser
    cannot draw the viewer, or the address has ``viewer=plain``, the plain figure is shown.
    """
    figure = st.container()
    shadings = choose_influence(source, result) if result is not None else []
    emulated = loaders.emulated(source, result) if result is not None else None
    view = spectrum_view(spectrum, prepared, emulated, shadings)
    with figure:
        if st.query_params.get("viewer") == "plain" or st.session_state.get("viewer_failed"):
            _show_plain(view, height)
        else:
            spectrum_viewer(view, "spectrum", palette(), height, _give_up)


def _give_up() -> None:
    """Show the plain figure for the rest of the session."""
    st.session_state.viewer_failed = True


def _show_plain(view: SpectrumView, height: int) -> None:
    """The figure without controls of its own."""
    scale = PHONE if on_phone() else LAPTOP
    st.caption("Drag to zoom, double-click to reset. Click a name in the legend to show or hide it.")
    show_plot(
        spectrum_figure(view, angstrom_per_pixel=scale, palette=palette(), height=height),
        "spectrum_plain",
        f"spectrum-{view.name}",
        f"Spectrum of {view.name} with error band, masked pixels and line labels"
        + (", and residuals of a model below" if view.overlays else ""),
    )


def spectrum_view(
    spectrum: Spectrum,
    prepared: PreparedSpectrum | None,
    emulated: np.ndarray | None = None,
    shadings: Sequence[Shading] = (),
) -> SpectrumView:
    """Arrays of the figure of a spectrum, on the page and in print.

    Parameters
    ----------
    emulated : (n_pixel,) float64, optional
        Emulated spectrum of the estimated atmosphere.
    shadings : sequence of Shading
        Effects of hiding each range of wavelength.
    """
    star, sky = line_lists()
    overlays = []
    if emulated is not None:
        overlays.append(Overlay("emulated", "model at the estimate", emulated, "accent", ABOUT_EMULATED))
    if spectrum.model is not None:
        overlays.append(Overlay("pipeline", "pipeline model", spectrum.model, "second", ABOUT_PIPELINE))
    return SpectrumView(
        name=f"MOCK {spectrum.name}" if spectrum.source == "mock" else spectrum.name,
        wavelength=spectrum.wavelength,
        flux=spectrum.flux,
        ivar=spectrum.ivar,
        redshift=prepared.redshift if prepared else spectrum.redshift or 0.0,
        flux_title=flux_title(spectrum),
        has_errors=spectrum.has_errors,
        lines=star,
        sky=sky,
        filler=filler_ranges(prepared),
        overlays=overlays,
        shadings=shadings,
    )


def flux_title(spectrum: Spectrum) -> str:
    """Title of the flux axis; without a unit for files of unknown unit."""
    return "Flux (10⁻¹⁷ erg/s/cm²/Å)" if "plate" in spectrum.meta else "Flux"


def line_lists() -> tuple[list[tuple[float, str]], list[tuple[float, str]]]:
    """Stellar lines and lines of the night sky, each as (vacuum wavelength in Angstrom, label)."""
    from stellar_core.spectral_lines import SKY_LINES, STELLAR_LINES

    star, sky = ([(line.wavelength, line.label) for line in table] for table in (STELLAR_LINES, SKY_LINES))
    return star, sky


def filler_ranges(prepared: PreparedSpectrum | None) -> list[tuple[float, float]]:
    """Unobserved rest-frame ranges, Angstrom."""
    if prepared is None:
        return []
    from stellar_core.preprocessing.grid import GRID

    empty = np.concatenate([[False], ~prepared.coverage, [False]])
    starts = np.flatnonzero(empty[1:] & ~empty[:-1])
    stops = np.flatnonzero(~empty[1:] & empty[:-1]) - 1
    return [(float(GRID[start]), float(GRID[stop])) for start, stop in zip(starts, stops)]
