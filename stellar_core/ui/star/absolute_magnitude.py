"""Colour-magnitude diagram of a star with a parallax."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from stellar_core.figures.absolute_magnitude import PlacedStar, absolute_magnitude_figure
from stellar_core.figures.star_diagram import AgeCurve
from stellar_core.photometry import BANDS
from stellar_core.ui.glossary import HELP
from stellar_core.ui.shell import on_phone, palette, show_plot
from stellar_core.ui.star.kiel import AGES, PHONE_HEIGHT, age_and_mass, diagram_draws, isochrone_points, nearest_feh

#: Height of the line above the diagram, that of the switch above the Kiel diagram, pixels.
BESIDE_SWITCH = 40

if TYPE_CHECKING:
    from stellar_core.inference.result import Result
    from stellar_core.isochrones.absolute_magnitudes import ColourBands
    from stellar_core.spectrum import Spectrum


def diagram_bands(result: Result, spectrum: Spectrum) -> ColourBands | None:
    """Bands of the diagram; None without a parallax or without magnitudes for it."""
    if result.parallax is None:
        return None
    from stellar_core.isochrones.absolute_magnitudes import choose_bands

    return choose_bands(_magnitudes(result, spectrum))


def show_absolute_magnitude(result: Result, spectrum: Spectrum, bands: ColourBands, height: int) -> None:
    """Draw the star at its distance, corrected for extinction, with isochrones of its metallicity."""
    feh = nearest_feh(result)
    words = f"MIST isochrones at [Fe/H] = {feh:+.1f}; labels: age (Gyr)".replace("-", "−")
    with st.container(horizontal=True, vertical_alignment="center", height=BESIDE_SWITCH, border=False):
        st.caption(words, help=HELP["absolute_magnitude"], width="content")
    star = _placed(result, spectrum, bands)
    show_plot(
        absolute_magnitude_figure(
            star,
            magnitude_isochrones(feh, bands),
            bands.magnitude,
            trusted=result.verdict.in_domain,
            inset=not on_phone(),
            palette=palette(),
            revision=result.star,
            height=PHONE_HEIGHT if on_phone() else height,
        ),
        "absolute_magnitude",
        f"absolute-magnitude-{result.star}",
        f"Colour-magnitude diagram: {result.star} at {bands.blue} − {bands.red} = {star.colour[1]:.2f} mag, absolute "
        f"magnitude M_{bands.magnitude} = {star.magnitude[1]:.2f}, with isochrones of {', '.join(map(str, AGES))} Gyr",
    )


@st.cache_data(max_entries=64, show_spinner=False)
def magnitude_isochrones(feh: float, bands: ColourBands) -> list[AgeCurve]:
    """Isochrones at [Fe/H] ``feh`` from the main sequence to the tip of the red-giant branch."""
    from stellar_core.isochrones.absolute_magnitudes import model_magnitudes

    found = []
    for age, points in isochrone_points(feh):
        columns = points.teff, points.logg, points.feh_surface, points.log_radius
        found.append(AgeCurve(age, *model_magnitudes(*columns, bands), points.mass))
    return found


def _magnitudes(result: Result, spectrum: Spectrum) -> dict[str, tuple[float, float]]:
    """Magnitudes and errors by band: Gaia's, and those of PhotoObj that are complete."""
    found = {band: tuple(values) for band, values in result.parallax["magnitudes"].items()}
    if spectrum.photometry is not None:
        values = zip(BANDS, spectrum.photometry.psf_mag.tolist(), spectrum.photometry.psf_mag_err.tolist())
        found |= {band: (value, error) for band, value, error in values if np.isfinite([value, error]).all()}
    return found


def _placed(result: Result, spectrum: Spectrum, bands: ColourBands) -> PlacedStar:
    from stellar_core.isochrones.absolute_magnitudes import log_radius, model_magnitudes, observed_magnitudes

    atmosphere = result.teff.median, result.logg.median, result.feh.median
    used = result.parallax
    place = observed_magnitudes(_magnitudes(result, spectrum), used["distance_pc"], used["av_mag"], atmosphere, bands)
    draws = [np.asarray(result.draws[name], float) for name in ("teff", "logg", "feh")]
    radius = log_radius(np.asarray(result.draws["mass"], float), draws[1])
    shown = diagram_draws(result, *model_magnitudes(*draws, radius, bands))
    return PlacedStar(result.star, *place, shown, age_and_mass(result))
