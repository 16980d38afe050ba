"""Spectrum of one star."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from stellar_core.figures.spectrum import spectrum_figure
from stellar_core.ui import loaders
from stellar_core.ui.glossary import HELP
from stellar_core.ui.shell import on_phone, palette, show_plot

if TYPE_CHECKING:
    from stellar_core.inference.result import Result
    from stellar_core.preprocessing.spectra import PreparedSpectrum
    from stellar_core.spectrum import Spectrum
    from stellar_core.ui.loaders import Source

#: Height of the spectrum, pixels.
HEIGHT = 600
#: Angstrom per screen pixel for which line labels are laid out, on a laptop and on a phone.
LAPTOP, PHONE = 10.0, 24.0


def show_spectrum(
    source: Source, spectrum: Spectrum, prepared: PreparedSpectrum | None, result: Result | None, height: int = HEIGHT
) -> None:
    """Spectrum; ``prepared`` and ``result`` are None if the network rejected it; ``height`` in pixels."""
    star, sky = line_lists()
    emulated = loaders.emulated(source, result) if result is not None else None
    figure = spectrum_figure(
        spectrum.wavelength,
        spectrum.flux,
        spectrum.ivar,
        redshift=prepared.redshift if prepared else spectrum.redshift or 0.0,
        lines=star,
        sky=sky,
        filler=filler_ranges(prepared),
        model=spectrum.model,
        emulated=None if emulated is None else (emulated, emulated_name(result)),
        y_title=flux_title(spectrum),
        angstrom_per_pixel=PHONE if on_phone() else LAPTOP,
        narrow=on_phone(),
        palette=palette(),
        revision=spectrum.name,
        height=height,
    )
    st.caption(
        "Drag to zoom, double-click to reset. Click a name in the legend to show or hide it.", help=HELP["spectrum"]
    )
    show_plot(
        figure,
        "spectrum",
        f"spectrum-{spectrum.name}",
        f"Spectrum of {spectrum.name} with error band, masked pixels and line labels"
        + (", and residuals of the pipeline's model below" if spectrum.model is not None else ""),
    )


def flux_title(spectrum: Spectrum) -> str:
    """Title of the flux axis; without a unit for files of unknown unit."""
    return "Flux (10⁻¹⁷ erg/s/cm²/Å)" if "plate" in spectrum.meta else "Flux"


def emulated_name(result: Result) -> str:
    """Name of the emulated spectrum with its parameters."""
    atmosphere = f"{result.teff.median:.0f} K, {result.logg.median:.2f}, {result.feh.median:+.2f}"
    return f"emulated: {atmosphere}".replace("-", "−")


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
