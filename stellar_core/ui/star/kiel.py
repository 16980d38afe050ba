"""Kiel diagram of one star."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from stellar_core.errors import ParameterError
from stellar_core.figures.kiel import KielStar, Track, count_stars, kiel_figure
from stellar_core.figures.star_diagram import AgeCurve, Draws
from stellar_core.quantities import AGE
from stellar_core.ui import loaders
from stellar_core.ui.glossary import HELP
from stellar_core.ui.shell import on_phone, palette, show_plot

if TYPE_CHECKING:
    from stellar_core.inference.result import Result
    from stellar_core.isochrones.tracks import TrackPoints

#: Initial masses of the plotted tracks, Msun.
MASSES = (0.7, 0.8, 0.9, 1.0, 1.2, 1.5, 2.0, 3.0)
#: Ages of the plotted isochrones, Gyr.
AGES = (1, 2, 4, 8, 12)
#: Curves in the background of the Kiel diagram.
BEHIND = ("Isochrones", "Tracks")
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
def kiel_isochrones(feh: float) -> list[AgeCurve]:
    """Isochrones at [Fe/H] ``feh`` from the main sequence to the tip of the red-giant branch."""
    return [AgeCurve(age, points.teff, points.logg, points.mass) for age, points in isochrone_points(feh)]


def isochrone_points(feh: float) -> list[tuple[float, TrackPoints]]:
    """Points of each of `AGES` at [Fe/H] ``feh``, from the main sequence to the tip of the red-giant branch."""
    from stellar_core.isochrones.tracks import RGB_TIP

    found = []
    for age in AGES:
        points = loaders.tracks().isochrone(float(np.log10(age * 1e9)), feh)
        points = points.select(points.eep <= RGB_TIP)
        if len(points.eep) > 1:
            found.append((age, points))
    return found


def catalogue_counts() -> np.ndarray | None:
    """Stars of the app's catalogue in the bins of the diagram; None before it is made."""
    from stellar_core.catalogue.builder import default_path

    path = default_path()
    return _counts(str(path), path.stat().st_mtime_ns) if path.exists() else None


@st.cache_data(max_entries=2, show_spinner=False)
def _counts(path: str, stamp: int) -> np.ndarray | None:
    import pyarrow as pa
    from pyarrow import parquet

    try:
        table = parquet.read_table(path, columns=["teff_K", "logg_dex"])
    except (OSError, pa.ArrowException):
        return None
    return count_stars(*(table[name].to_numpy() for name in table.column_names))


def nearest_feh(result: Result) -> float:
    """[Fe/H] of the star rounded to 0.1 dex, within the tracks."""
    tracks = loaders.tracks()
    return float(np.clip(round(result.feh.median, 1), tracks.feh[0], tracks.feh[-1])) + 0.0  # no minus zero


def kiel_star(result: Result) -> KielStar:
    """Convert a result to a point with its draws."""
    return KielStar(
        result.star,
        (result.teff.p16, result.teff.median, result.teff.p84),
        (result.logg.p16, result.logg.median, result.logg.p84),
        diagram_draws(result, result.draws.get("teff"), result.draws.get("logg")),
        age_and_mass(result),
    )


def diagram_draws(result: Result, x: np.ndarray | None, y: np.ndarray | None) -> Draws | None:
    """Draws at ``x`` and ``y`` with their ages and masses; None without any."""
    if x is None or y is None:
        return None
    mass = result.draws.get("mass")
    return Draws(x, y, AGE.convert(result.draws["log_age"]), None if mass is None else np.asarray(mass, float))


def age_and_mass(result: Result) -> str:
    """Age, and mass where the network gives one, in words for a figure."""
    words = [AGE.headline(AGE.interval(result))]
    if "mass" in result.draws:
        words.append(f"{np.median(result.draws['mass']):.2f} Msun")
    return ", ".join(words)


@st.fragment
def show_kiel(result: Result, height: int = HEIGHT) -> None:
    """Kiel diagram with stages, and isochrones or tracks of the star's metallicity; ``height`` in pixels."""
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
        label = "age (Gyr)" if behind == BEHIND[0] else "initial mass (Msun)"
        st.caption(
            f"MIST at [Fe/H] = {feh:+.1f}; labels: {label}".replace("-", "−"),
            help=f"{HELP['kiel']} Tracks: {loaders.tracks().source}.",
            width="content",
        )
    curves = {"isochrones": kiel_isochrones(feh)} if behind == BEHIND[0] else {"tracks": kiel_tracks(feh)}
    figure = kiel_figure(
        kiel_star(result),
        **curves,
        counts=catalogue_counts(),
        trusted=result.verdict.in_domain,
        inset=not on_phone(),
        palette=palette(),
        revision=result.star,
        height=PHONE_HEIGHT if on_phone() else height,
    )
    show_plot(
        figure,
        "kiel",
        f"kiel-{result.star}",
        f"Kiel diagram: {result.star} at {result.teff.median:.0f} K, log g {result.logg.median:.2f}, "
        f"{age_and_mass(result)}, with {behind.lower()}",
    )
