"""The Kiel diagram: effective temperature against surface gravity."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go

from stellar_core.figures.palette import LIGHT, Palette, base_layout, faded
from stellar_core.figures.star_marker import add_star
from stellar_core.quantities import STAGE_TITLES
from stellar_core.stages import DEFAULT_THRESHOLDS, STAGES, StageThresholds

#: Extent of the stage regions: K and dex(cm/s2).
TEFF_LIMITS = (2500.0, 12000.0)
LOGG_LIMITS = (-1.0, 6.0)
#: Default view, hot stars to the left and dwarfs at the bottom.
TEFF_VIEW = (8000.0, 3400.0)
LOGG_VIEW = (5.3, 0.0)


@dataclass(frozen=True)
class Track:
    """Evolutionary track of one initial mass, from the main sequence on.

    Attributes
    ----------
    mass : float
        Initial mass, Msun.
    teff, logg : (n_point,) array
        K and dex(cm/s2), in the order of age.
    """

    mass: float
    teff: np.ndarray
    logg: np.ndarray


@dataclass(frozen=True)
class Isochrone:
    """Isochrone, from the main sequence on.

    Attributes
    ----------
    age : float
        Gyr.
    teff, logg : (n_point,) array
        K and dex(cm/s2), in the order of mass.
    """

    age: float
    teff: np.ndarray
    logg: np.ndarray


@dataclass(frozen=True)
class KielStar:
    """One star on the diagram; each of ``teff`` and ``logg`` is (p16, median, p84)."""

    name: str
    teff: tuple[float, float, float]
    logg: tuple[float, float, float]
    teff_draws: np.ndarray | None = None
    logg_draws: np.ndarray | None = None


def stage_label(index: int, separator: str = "<br>") -> str:
    """Name of a stage (an index into `STAGES`) in two lines: "Main sequence" and its range of temperatures."""
    return STAGE_TITLES[STAGES[index]].replace(" (", separator).rstrip(")")


def stage_regions(thresholds: StageThresholds) -> list[tuple[int, np.ndarray, np.ndarray, tuple[float, float]]]:
    """Outline of each stage: (index into STAGES, teff, logg, position of its label).

    Temperatures in K, gravities in dex(cm/s2); outlines are closed within `TEFF_LIMITS`
    and `LOGG_LIMITS`.
    """
    cold, hot = TEFF_LIMITS
    bottom, top = LOGG_LIMITS
    teff = np.unique(np.concatenate([np.linspace(cold, hot, 300), np.linspace(5900, 6700, 120), thresholds.giant_teff]))
    giant = thresholds.giant_border(teff)
    dwarf = np.maximum(thresholds.dwarf_border(teff), giant)

    def between(low: float, high: float) -> tuple[np.ndarray, np.ndarray]:
        grid = np.concatenate([[low], teff[(teff > low) & (teff < high)], [high]])
        edge = np.interp(grid, teff, dwarf)
        return np.concatenate([grid, [high, low]]), np.concatenate([edge, [top, top]])

    return [
        (0, *between(thresholds.hot, hot), (7000.0, 5.05)),
        (1, *between(thresholds.cool, thresholds.hot), (5600.0, 5.05)),
        (2, *between(cold, thresholds.cool), (4300.0, 5.05)),
        (3, np.concatenate([teff, teff[::-1]]), np.concatenate([dwarf, giant[::-1]]), (7100.0, 1.75)),
        (4, np.concatenate([teff, [hot, cold]]), np.concatenate([giant, [bottom, bottom]]), (4150.0, 0.55)),
    ]


def kiel_figure(
    star: KielStar | None = None,
    tracks: Sequence[Track] = (),
    *,
    isochrones: Sequence[Isochrone] = (),
    others: Sequence[KielStar] = (),
    thresholds: StageThresholds = DEFAULT_THRESHOLDS,
    trusted: bool = True,
    palette: Palette = LIGHT,
    revision: str = "",
    height: int = 460,
) -> go.Figure:
    """Draw the diagram, both axes reversed.

    Parameters
    ----------
    star : KielStar, optional
        Highlighted star: marker, 68 % error bars and draws as faint points.
    tracks : sequence of Track
        Background tracks, labelled with the mass at their start.
    isochrones : sequence of Isochrone
        Background isochrones, labelled with the age at their hottest point.
    others : sequence of KielStar
        Up to four numbered stars in different colours.
    thresholds : StageThresholds
        Borders of the stage regions.
    trusted : bool
        False draws the star as an outline.
    revision : str
        Name of the star; the zoom is reset when it changes.

    Returns
    -------
    plotly.graph_objects.Figure
    """
    figure = go.Figure()
    for index, teff, logg, (label_teff, label_logg) in stage_regions(thresholds):
        colour = palette.stages[index]
        figure.add_trace(
            go.Scatter(
                x=teff.astype(np.float32),
                y=logg.astype(np.float32),
                mode="lines",
                fill="toself",
                line={"width": 0.6, "color": faded(colour, 0.6)},
                fillcolor=faded(colour, 0.11),
                hoverinfo="skip",
                showlegend=False,
            )
        )
        figure.add_annotation(
            x=label_teff, y=label_logg, text=stage_label(index), showarrow=False, font={"size": 11, "color": colour}
        )
    _add_curves(
        figure,
        "tracks",
        tracks,
        [f"{track.mass:g}" for track in tracks],
        "Msun",
        [(float(track.teff[0]), float(track.logg[0]) + 0.07) for track in tracks],
        "middle center",
        palette,
    )
    _add_curves(
        figure,
        "isochrones",
        isochrones,
        [f"{one.age:g}" for one in isochrones],
        "Gyr",
        [_hottest(one) for one in isochrones],
        "middle left",
        palette,
    )
    for number, (other, colour) in enumerate(zip(others, palette.several), 1):
        _add_star(figure, other, palette, colour, 12, trusted=True)
        figure.add_annotation(
            x=other.teff[1],
            y=other.logg[1],
            text=f"<b>{number}</b>",
            showarrow=False,
            xanchor="left",
            yanchor="bottom",
            xshift=6,
            yshift=4,
            font={"size": 13, "color": colour},
            bgcolor=faded(palette.surface, 0.7),
        )
    if star is not None:
        _add_star(figure, star, palette, palette.accent, 15, trusted)
    base_layout(figure, palette, height, revision)
    teff_view, logg_view = _views(star, others)
    figure.update_layout(
        xaxis={"title": {"text": "Effective temperature T<sub>eff</sub> (K)"}, "range": teff_view, "tickformat": "d"},
        yaxis={"title": {"text": "Surface gravity log g (dex)"}, "range": logg_view},
        showlegend=False,
        dragmode="zoom",
    )
    return figure


def _views(star: KielStar | None, others: Sequence[KielStar]) -> tuple[list[float], list[float]]:
    """Axis ranges: the default view, widened to contain all stars."""
    shown = [one for one in (star, *others) if one is not None]
    teffs = [one.teff[1] for one in shown]
    loggs = [one.logg[1] for one in shown]
    return (
        [
            max([TEFF_VIEW[0], *(value + 300 for value in teffs)]),
            min([TEFF_VIEW[1], *(value - 300 for value in teffs)]),
        ],
        [
            max([LOGG_VIEW[0], *(value + 0.3 for value in loggs)]),
            min([LOGG_VIEW[1], *(value - 0.3 for value in loggs)]),
        ],
    )


def _hottest(isochrone: Isochrone) -> tuple[float, float]:
    """Position of the label of an isochrone: left of its hottest point in the default view."""
    seen = np.flatnonzero(isochrone.teff < TEFF_VIEW[0] - 250)
    at = int(seen[isochrone.teff[seen].argmax()]) if seen.size else 0
    return float(isochrone.teff[at]), float(isochrone.logg[at])


def _add_curves(
    figure: go.Figure,
    name: str,
    curves: Sequence[Track | Isochrone],
    labels: Sequence[str],
    unit: str,
    places: Sequence[tuple[float, float]],
    side: str,
    palette: Palette,
) -> None:
    """Add all curves as one NaN-separated trace, and their labels."""
    if not curves:
        return
    gap = np.array([np.nan], np.float32)
    x = np.concatenate([part for curve in curves for part in (curve.teff.astype(np.float32), gap)])
    y = np.concatenate([part for curve in curves for part in (curve.logg.astype(np.float32), gap)])
    words = [
        text for curve, label in zip(curves, labels) for text in [f"{label} {unit}".strip()] * curve.teff.size + [""]
    ]
    figure.add_trace(
        go.Scatter(
            x=x,
            y=y,
            mode="lines",
            line={"width": 1.1, "color": faded(palette.ink, 0.42)},
            text=words,
            hovertemplate="%{text}<br>%{x:.0f} K, log g %{y:.2f}<extra></extra>",
            name=name,
        )
    )
    figure.add_trace(
        go.Scatter(
            x=[place[0] for place in places],
            y=[place[1] for place in places],
            mode="text",
            text=list(labels),
            hoverinfo="skip",
            textposition=side,
            textfont={"size": 10, "color": palette.muted},
        )
    )


def _add_star(figure: go.Figure, star: KielStar, palette: Palette, colour: str, size: int, trusted: bool) -> None:
    add_star(
        figure,
        star.name,
        star.teff,
        star.logg,
        (star.teff_draws, star.logg_draws),
        hover="%{x:.0f} K, log g %{y:.2f}",
        colour=colour,
        size=size,
        trusted=trusted,
        palette=palette,
    )
