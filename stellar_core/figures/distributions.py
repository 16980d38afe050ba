"""Histograms of draws, bars of stage probabilities, and intervals of several estimates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import plotly.graph_objects as go

from stellar_core.figures.kiel import stage_label
from stellar_core.figures.palette import LIGHT, Palette, base_layout, faded
from stellar_core.histogram import Histogram
from stellar_core.stages import STAGES


def histogram_figure(
    draws: np.ndarray,
    interval: tuple[float, float, float, float, float],
    *,
    unit: str = "",
    second: tuple[float, float, float] | None = None,
    limits: tuple[float, float] | None = None,
    trusted: bool = True,
    palette: Palette = LIGHT,
    revision: str = "",
    height: int = 150,
) -> go.Figure:
    """Draw the `Histogram` of draws with its 68 % and 95 % intervals.

    Parameters
    ----------
    draws : (n_draw,) float
        Finite values.
    interval : (p025, p16, median, p84, p975)
        Quantiles in the unit of ``draws``.
    unit : str
        Title of the x axis.
    second : (p16, median, p84), optional
        Isochrone fit, drawn as a bar above the histogram.
    limits : (low, high), optional
        Physical limits of the x axis.
    trusted : bool
        False draws everything in grey.

    Returns
    -------
    plotly.graph_objects.Figure
    """
    colour = palette.draws if trusted else palette.muted
    p025, p16, median, p84, p975 = interval
    counted = Histogram.of(draws, limits)
    low, high = _view(counted, interval, second, limits)
    top = max(float(counted.counts.max()), 1.0)
    figure = go.Figure()
    for start, stop, alpha in ((p025, p975, 0.10), (p16, p84, 0.16)):
        figure.add_vrect(x0=start, x1=stop, fillcolor=faded(colour, alpha), line_width=0, layer="below")
    figure.add_trace(
        go.Bar(
            x=counted.centres.astype(np.float32),
            y=counted.counts,
            width=counted.width * 0.94,
            marker={"color": faded(colour, 0.75), "line": {"width": 0}},
            hovertemplate="%{x:.3g}: %{y:.0f} draws<extra></extra>",
        )
    )
    figure.add_trace(
        go.Scatter(
            x=[median, median],
            y=[0, 1.04 * top],
            mode="lines",
            line={"color": palette.ink, "width": 1.6},
            hovertemplate="median %{x:.3g}<extra></extra>",
        )
    )
    if second is not None:
        figure.add_trace(
            go.Scatter(
                x=[second[0], second[1], second[2]],
                y=[1.17 * top] * 3,
                mode="lines+markers",
                line={"color": palette.second, "width": 2.5},
                marker={"size": [0, 8, 0], "color": palette.second},
                hovertemplate="isochrone fit: %{x:.3g}<extra></extra>",
            )
        )
    base_layout(figure, palette, height, revision)
    figure.update_layout(
        showlegend=False,
        bargap=0,
        xaxis={"title": {"text": unit, "font": {"size": 11}}, "range": [low, high], "nticks": 6},
        yaxis={"visible": False, "range": [0, top * (1.28 if second else 1.08)], "fixedrange": True},
    )
    return figure


def _view(
    counted: Histogram, interval: Sequence[float], second: Sequence[float] | None, limits: tuple[float, float] | None
) -> tuple[float, float]:
    """Range of the x axis: all bins, and the intervals with a margin, within the physical limits."""
    low, high = float(counted.edges[0]), float(counted.edges[-1])
    values = [*interval, *(second or ())]
    room = 0.08 * (max(high, *values) - min(low, *values))
    low = low if low <= min(values) else min(values) - room
    high = high if high >= max(values) else max(values) + room
    return (low, high) if limits is None else (max(low, limits[0]), min(high, limits[1]))


def stage_figure(
    probability: Mapping[str, float],
    *,
    interval: Mapping[str, tuple[float, float]] | None = None,
    second: Mapping[str, float] | None = None,
    trusted: bool = True,
    palette: Palette = LIGHT,
    height: int = 210,
) -> go.Figure:
    """Draw the stage probabilities as bars, in the given order.

    Parameters
    ----------
    probability : mapping of stage to probability
        In the order of `stellar_core.stages.STAGES`; sums to 1.
    interval : mapping of stage to (low, high), optional
        The 68 % range of each probability over the draws.
    second : mapping of stage to probability, optional
        Isochrone fit, drawn as diamonds.
    trusted : bool
        False draws everything in grey.

    Returns
    -------
    plotly.graph_objects.Figure
    """
    names = list(probability)
    labels = [stage_label(STAGES.index(name)) if name in STAGES else name for name in names]
    values = [float(probability[name]) for name in names]
    colours = palette.stages if trusted else (palette.muted,) * len(names)
    error = None
    if interval:
        error = {
            "type": "data",
            "symmetric": False,
            "color": palette.muted,
            "thickness": 1.4,
            "width": 3,
            "array": [max(interval[name][1] - value, 0) for name, value in zip(names, values)],
            "arrayminus": [max(value - interval[name][0], 0) for name, value in zip(names, values)],
        }
    figure = go.Figure(
        go.Bar(
            x=values,
            y=labels,
            orientation="h",
            error_x=error,
            marker={"color": [faded(colour, 0.8) for colour in colours]},
            hovertemplate="%{y}: %{x:.1%}<extra></extra>",
        )
    )
    figure.add_trace(
        go.Scatter(
            x=[1.08] * len(names),
            y=labels,
            mode="text",
            text=[f"{value:.0%}" for value in values],
            textposition="middle right",
            textfont={"color": palette.ink, "size": 12},
            hoverinfo="skip",
        )
    )
    if second:
        figure.add_trace(
            go.Scatter(
                x=[second.get(name, 0.0) for name in names],
                y=labels,
                mode="markers",
                marker={
                    "symbol": "diamond",
                    "size": 9,
                    "color": palette.second,
                    "line": {"width": 1, "color": palette.surface},
                },
                hovertemplate="isochrone fit, %{y}: %{x:.1%}<extra></extra>",
            )
        )
    base_layout(figure, palette, height, "stage")
    figure.update_layout(
        showlegend=False,
        bargap=0.35,
        xaxis={"range": [0, 1.3], "tickvals": [0, 0.5, 1], "tickformat": ".0%", "fixedrange": True},
        yaxis={"autorange": "reversed", "fixedrange": True, "showline": False, "ticks": "", "tickfont": {"size": 10}},
    )
    return figure


def estimates_figure(
    rows: Sequence[tuple[str, Sequence[float]]],
    *,
    unit: str = "",
    limits: tuple[float, float] | None = None,
    trusted: bool = True,
    palette: Palette = LIGHT,
) -> go.Figure:
    """Draw several estimates of one quantity, one row each: 95 % thin, 68 % thick, median as a dot.

    Parameters
    ----------
    rows : sequence of (name, (p025, p16, median, p84, p975))
        From top to bottom, in ``unit``.
    limits : (low, high), optional
        Of the x axis.
    trusted : bool
        False draws everything in grey.

    Returns
    -------
    plotly.graph_objects.Figure
    """
    figure = go.Figure()
    colours = (palette.draws, palette.accent, palette.warning, palette.second)
    for number, (name, (p025, p16, median, p84, p975)) in enumerate(rows):
        colour = colours[number % len(colours)] if trusted else palette.muted
        for ends, width in (((p025, p975), 2), ((p16, p84), 7)):
            figure.add_trace(
                go.Scatter(
                    x=ends,
                    y=[name, name],
                    mode="lines",
                    line={"color": faded(colour, 0.75), "width": width},
                    hoverinfo="skip",
                )
            )
        figure.add_trace(
            go.Scatter(
                x=[median],
                y=[name],
                mode="markers",
                marker={"color": palette.surface, "size": 10, "line": {"color": colour, "width": 2.5}},
                hovertemplate=f"{name}<br>%{{x:.1f}} {unit}, 68 %: {p16:.1f} – {p84:.1f}<extra></extra>",
            )
        )
    base_layout(figure, palette, 62 + 34 * len(rows), "estimates")
    figure.update_xaxes(title_text=unit, range=list(limits) if limits else None, showgrid=True, fixedrange=True)
    figure.update_yaxes(
        autorange="reversed", showline=False, ticks="", fixedrange=True, tickfont={"size": 12, "color": palette.ink}
    )
    figure.update_layout(showlegend=False)
    return figure
