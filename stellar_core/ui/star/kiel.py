"""Kiel diagram of one star."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from stellar_core.errors import ParameterError
from stellar_core.figures.kiel import Isochrone, KielStar, Track, kiel_figure
from stellar_core.ui import loaders
from stellar_core.ui.glossary import HELP
from stellar_core.ui.shell import on_phone, palette, show_plot

if TYPE_CHECKING:
    from stellar_core.inference.result import Result

#: Initial masses of the plotted tracks, Msun.
MASSES = (0.7, 0.8, 0.9, 1.0, 1.2, 1.5, 2.0, 3.0)
#: Ages of the plotted isochrones, Gyr.
AGES = (1, 2, 4, 8, 12)
#: Curves in the background of the Kiel diagram.
BEHIND = ("Tracks", "Isochrones")
#: Height of the diagram, pixels.
HEIGHT, PHONE_HEIGHT = 600, 440


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


@st.cache_data(max_entries=64, show_spinner=False)
def kiel_isochrones(feh: float) -> list[Isochrone]:
    """Isochrones at [Fe/H] ``feh`` from the main sequence to the tip of the red-giant branch."""
    from stellar_core.isochrones.tracks import RGB_TIP

    found = []
    for age in AGES:
        points = loaders.tracks().isochrone(float(np.log10(age * 1e9)), feh)
        points = points.select(points.eep <= RGB_TIP)
        if len(points.eep) > 1:
            found.append(Isochrone(age, points.teff, points.logg))
    return found


def nearest_feh(result: Result) -> float:
    """[Fe/H] of the star rounded to 0.1 dex, within the tracks."""
    tracks = loaders.tracks()
    return float(np.clip(round(result.feh.median, 1), tracks.feh[0], tracks.feh[-1])) + 0.0  # no minus zero


def kiel_star(result: Result) -> KielStar:
    """Convert a result to a point with error bars and draws."""
    return KielStar(
        result.star,
        (result.teff.p16, result.teff.median, result.teff.p84),
        (result.logg.p16, result.logg.median, result.logg.p84),
        result.draws.get("teff"),
        result.draws.get("logg"),
    )


@st.fragment
def show_kiel(result: Result, height: int = HEIGHT) -> None:
    """Kiel diagram with stages, and tracks or isochrones of the star's metallicity; ``height`` in pixels."""
    feh = nearest_feh(result)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        behind = st.segmented_control(
            "Curves",
            BEHIND,
            default=BEHIND[0],
            required=True,
            key="behind",
            bind="query-params",
            label_visibility="collapsed",
        )
        label = "initial mass (Msun)" if behind == BEHIND[0] else "age (Gyr)"
        st.caption(
            f"MIST at [Fe/H] = {feh:+.1f}; labels: {label}".replace("-", "−"),
            help=f"{HELP['kiel']} Tracks: {loaders.tracks().source}.",
            width="content",
        )
    curves = {"tracks": kiel_tracks(feh)} if behind == BEHIND[0] else {"isochrones": kiel_isochrones(feh)}
    figure = kiel_figure(
        kiel_star(result),
        **curves,
        trusted=result.verdict.in_domain,
        palette=palette(),
        revision=result.star,
        height=PHONE_HEIGHT if on_phone() else height,
    )
    show_plot(
        figure,
        "kiel",
        f"kiel-{result.star}",
        f"Kiel diagram: {result.star} at {result.teff.median:.0f} K, log g {result.logg.median:.2f}, {behind.lower()}",
    )
