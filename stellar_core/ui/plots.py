"""The two large panels: the spectrum and the Kiel diagram."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from stellar_core.errors import ParameterError
from stellar_core.figures.kiel import KielStar, Track, kiel_figure
from stellar_core.figures.spectrum import spectrum_figure
from stellar_core.ui import loaders
from stellar_core.ui.glossary import HELP
from stellar_core.ui.shell import on_phone, palette, show_plot

if TYPE_CHECKING:
    from stellar_core.inference.result import Result
    from stellar_core.preprocessing.spectra import PreparedSpectrum
    from stellar_core.spectrum import Spectrum

#: Initial masses of the tracks drawn, Msun.
MASSES = (0.7, 0.8, 0.9, 1.0, 1.2, 1.5, 2.0, 3.0)
#: Angstrom per screen pixel for which line labels are laid out, on a laptop and on a phone.
LAPTOP, PHONE = 10.0, 24.0


def show_spectrum(spectrum: Spectrum, prepared: PreparedSpectrum | None) -> None:
    """The spectrum; ``prepared`` is None where the network refused it."""
    star, sky = line_lists()
    figure = spectrum_figure(
        spectrum.wavelength,
        spectrum.flux,
        spectrum.ivar,
        redshift=prepared.redshift if prepared else spectrum.redshift or 0.0,
        lines=star,
        sky=sky,
        filler=filler_ranges(prepared),
        model=spectrum.model,
        y_title="Flux (10⁻¹⁷ erg/s/cm²/Å)" if "plate" in spectrum.meta else "Flux",
        angstrom_per_pixel=PHONE if on_phone() else LAPTOP,
        palette=palette(),
        revision=spectrum.name,
    )
    st.caption("Drag to zoom, double-click to see all again; a click on a name below hides it.", help=HELP["spectrum"])
    show_plot(
        figure,
        "spectrum",
        f"spectrum-{spectrum.name}",
        f"Spectrum of {spectrum.name} with error band, masked pixels and line labels",
    )


def line_lists() -> tuple[list[tuple[float, str]], list[tuple[float, str]]]:
    """(lines of stars, lines of the night sky), each as (vacuum wavelength in Angstrom, label)."""
    from stellar_core.lines import SKY_LINES, STELLAR_LINES

    star, sky = ([(line.wavelength, line.label) for line in table] for table in (STELLAR_LINES, SKY_LINES))
    return star, sky


def filler_ranges(prepared: PreparedSpectrum | None) -> list[tuple[float, float]]:
    """Rest-frame ranges without coverage in the network's input, Angstrom."""
    if prepared is None:
        return []
    from stellar_core.preprocessing.spectra import GRID

    empty = np.concatenate([[False], ~prepared.coverage, [False]])
    starts = np.flatnonzero(empty[1:] & ~empty[:-1])
    stops = np.flatnonzero(~empty[1:] & empty[:-1]) - 1
    return [(float(GRID[start]), float(GRID[stop])) for start, stop in zip(starts, stops)]


@st.cache_data(max_entries=64, show_spinner=False)
def kiel_tracks(feh: float) -> list[Track]:
    """Tracks at [Fe/H] ``feh`` from the main sequence to the tip of the red-giant branch."""
    from stellar_core.isochrones.tracks import RGB_TIP

    found = []
    for mass in MASSES:
        try:
            points = loaders.tracks().track(mass, feh)
        except ParameterError:
            continue
        points = points.select((points.eep <= RGB_TIP) & (10.0**points.log_age <= 14e9))
        if len(points.eep) > 1:
            found.append(Track(mass, points.teff, points.logg))
    return found


def show_kiel(result: Result) -> None:
    """The star among the stages and tracks of its metallicity."""
    tracks = loaders.tracks()
    feh = float(np.clip(round(result.feh.median, 1), tracks.feh[0], tracks.feh[-1])) + 0.0  # no minus zero
    star = KielStar(
        result.star,
        (result.teff.p16, result.teff.median, result.teff.p84),
        (result.logg.p16, result.logg.median, result.logg.p84),
        result.draws.get("teff"),
        result.draws.get("logg"),
    )
    st.caption(
        f"MIST tracks at [Fe/H] = {feh:+.1f}, labels: initial mass in solar masses".replace("-", "−"),
        help=f"{HELP['kiel']} Tracks in use: {loaders.tracks().source}.",
    )
    figure = kiel_figure(
        star, kiel_tracks(feh), trusted=result.verdict.in_domain, palette=palette(), revision=result.star, height=520
    )
    show_plot(
        figure, "kiel", f"kiel-{result.star}",
        f"Kiel diagram: {result.star} at {result.teff.median:.0f} K and log g {result.logg.median:.2f}",
    )
