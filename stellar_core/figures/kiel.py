"""The Kiel diagram: effective temperature against surface gravity."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go

from stellar_core.figures.palette import LIGHT, Palette, base_layout, faded
from stellar_core.figures.star_diagram import (
    AgeCurve,
    Draws,
    Interval,
    add_age_labels,
    add_inset,
    add_isochrones,
    add_regions,
)
from stellar_core.figures.star_marker import add_star
from stellar_core.quantities import STAGE_TITLES
from stellar_core.stages import DEFAULT_THRESHOLDS, STAGES, StageThresholds

#: Extent of the stage regions: K and dex(cm/s2).
TEFF_LIMITS = (2500.0, 12000.0)
LOGG_LIMITS = (-1.0, 6.0)
#: Default view, hot stars to the left and dwarfs at the bottom.
TEFF_VIEW = (8000.0, 3400.0)
LOGG_VIEW = (5.3, 0.0)
#: Place of the inset, left and right, bottom and top, as shares of the diagram: no star is there. Its least half width.
INSET, INSET_ROOM = ((0.03, 0.42), (0.56, 0.97)), (40.0, 0.04)
#: Template of the coordinates of a point.
VALUES = "%{x:.0f} K, log g %{y:.2f}"
#: Bins of the stars behind the diagram: edges in K and dex.
TEFF_BINS, LOGG_BINS = np.linspace(3000.0, 9000.0, 121), np.linspace(-0.5, 5.5, 121)


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
class KielStar:
    """One star on the diagram; ``teff`` and ``logg`` are (p16, median, p84), ``note`` is added when it is hovered."""

    name: str
    teff: Interval
    logg: Interval
    draws: Draws | None = None
    note: str = ""


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
        (3, np.concatenate([teff, teff[::-1]]), np.concatenate([dwarf, giant[::-1]]), (7100.0, 2.9)),
        (4, np.concatenate([teff, [hot, cold]]), np.concatenate([giant, [bottom, bottom]]), (4150.0, 0.55)),
    ]


def count_stars(teff: np.ndarray, logg: np.ndarray) -> np.ndarray:
    """Count stars in `LOGG_BINS` and `TEFF_BINS`, (n_logg, n_teff) int32; K and dex, NaN is left out."""
    known = np.isfinite(teff) & np.isfinite(logg)
    return np.histogram2d(logg[known], teff[known], bins=(LOGG_BINS, TEFF_BINS))[0].astype(np.int32)


def kiel_figure(
    star: KielStar | None = None,
    tracks: Sequence[Track] = (),
    *,
    isochrones: Sequence[AgeCurve] = (),
    others: Sequence[KielStar] = (),
    counts: np.ndarray | None = None,
    thresholds: StageThresholds = DEFAULT_THRESHOLDS,
    trusted: bool = True,
    inset: bool = False,
    palette: Palette = LIGHT,
    revision: str = "",
    height: int = 460,
) -> go.Figure:
    """Draw the diagram, both axes reversed.

    Parameters
    ----------
    star : KielStar, optional
        Highlighted star: marker, and the regions of 95 % and 68 % of its draws, or its error bars without draws.
    tracks : sequence of Track
        Background tracks, labelled with the mass at their start.
    isochrones : sequence of AgeCurve
        Isochrones of five ages, labelled at their hottest point.
    others : sequence of KielStar
        Up to four numbered stars in different colours.
    counts : (n_logg, n_teff) array, optional
        Stars of a catalogue in each bin, from `count_stars`, drawn faintly behind the rest.
    thresholds : StageThresholds
        Borders of the stage regions.
    trusted : bool
        False draws the star as an outline.
    inset : bool
        True adds an inset around the star.
    revision : str
        Name of the star; the zoom is reset when it changes.

    Returns
    -------
    plotly.graph_objects.Figure
    """
    figure = go.Figure()
    if counts is not None:
        _add_counts(figure, counts, palette)
    for index, teff, logg, (label_teff, label_logg) in stage_regions(thresholds):
        colour = palette.stages[index]
        figure.add_trace(
            go.Scatter(
                x=teff.astype(np.float32),
                y=logg.astype(np.float32),
                mode="lines",
                fill="toself",
                line={"width": 0.6, "color": faded(colour, 0.6)},
                fillcolor=faded(colour, 0.07),
                hoverinfo="skip",
                showlegend=False,
            )
        )
        figure.add_annotation(
            x=label_teff,
            y=label_logg,
            text=stage_label(index),
            showarrow=False,
            font={"size": 11, "color": palette.muted},
        )
    _add_tracks(figure, tracks, palette)
    add_isochrones(figure, isochrones, VALUES, palette)
    add_age_labels(figure, isochrones, TEFF_VIEW[0] - 250, palette, reversed_x=True)
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
    if inset and star is not None and star.draws is not None:
        place = {"domain": INSET, "room": INSET_ROOM, "reversed_x": True}
        add_inset(
            figure, (star.teff, star.logg), star.draws, isochrones, VALUES, **place, trusted=trusted, palette=palette
        )
    return figure


def _add_counts(figure: go.Figure, counts: np.ndarray, palette: Palette) -> None:
    """Add the logarithm of the number of stars in each bin, in faint grey."""
    with np.errstate(divide="ignore"):
        shown = np.where(counts > 0, np.log10(counts), np.nan).astype(np.float32)
    figure.add_trace(
        go.Heatmap(
            x=(0.5 * (TEFF_BINS[:-1] + TEFF_BINS[1:])).astype(np.float32),
            y=(0.5 * (LOGG_BINS[:-1] + LOGG_BINS[1:])).astype(np.float32),
            z=shown,
            colorscale=[[0.0, faded(palette.muted, 0.12)], [1.0, faded(palette.muted, 0.6)]],
            showscale=False,
            hoverinfo="skip",
            name="catalogue",
        )
    )


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


def _add_tracks(figure: go.Figure, tracks: Sequence[Track], palette: Palette) -> None:
    """Add all tracks as one NaN-separated trace, and their masses."""
    if not tracks:
        return
    gap = np.array([np.nan], np.float32)
    figure.add_trace(
        go.Scatter(
            x=np.concatenate([part for track in tracks for part in (track.teff.astype(np.float32), gap)]),
            y=np.concatenate([part for track in tracks for part in (track.logg.astype(np.float32), gap)]),
            mode="lines",
            line={"width": 1.1, "color": faded(palette.ink, 0.42)},
            text=[text for track in tracks for text in [f"{track.mass:g} Msun"] * track.teff.size + [""]],
            hovertemplate=f"Track %{{text}}<br>{VALUES}<extra></extra>",
            name="tracks",
        )
    )
    figure.add_trace(
        go.Scatter(
            x=[float(track.teff[0]) for track in tracks],
            y=[float(track.logg[0]) + 0.07 for track in tracks],
            mode="text",
            text=[f"{track.mass:g}" for track in tracks],
            hoverinfo="skip",
            textposition="middle center",
            textfont={"size": 10, "color": palette.muted},
        )
    )


def _add_star(figure: go.Figure, star: KielStar, palette: Palette, colour: str, size: int, trusted: bool) -> None:
    if star.draws is not None:
        add_regions(figure, star.draws, colour if trusted else palette.muted)
    hover = "<br>".join(filter(None, (VALUES, star.note)))
    look = {"colour": colour, "size": size, "trusted": trusted, "palette": palette}
    add_star(figure, star.name, star.teff, star.logg, hover=hover, bars=star.draws is None, **look)
