"""Marker of a star on a diagram: its median with 68 % error bars."""

from __future__ import annotations

import plotly.graph_objects as go

from stellar_core.figures.palette import Palette
from stellar_core.figures.star_diagram import Interval


def add_star(
    figure: go.Figure,
    name: str,
    x: Interval,
    y: Interval,
    *,
    hover: str,
    colour: str,
    size: int,
    trusted: bool,
    palette: Palette,
    bars: bool = True,
) -> None:
    """Add one star.

    Parameters
    ----------
    figure : plotly.graph_objects.Figure
    name : str
    x, y : (p16, median, p84)
    hover : str
        Template of the values below the name.
    colour : str
    size : int
        Of the marker, pixels.
    trusted : bool
        False draws an outline.
    palette : Palette
    bars : bool
        False leaves out the error bars, where the regions of the posterior are drawn.
    """
    error_x, error_y = (
        {
            "type": "data",
            "symmetric": False,
            "array": [high - middle],
            "arrayminus": [middle - low],
            "color": colour,
            "thickness": 2,
            "width": 4,
            "visible": bars,
        }
        for low, middle, high in (x, y)
    )
    figure.add_trace(
        go.Scatter(
            x=[x[1]],
            y=[y[1]],
            error_x=error_x,
            error_y=error_y,
            mode="markers",
            name=name,
            marker={
                "size": size,
                "symbol": "star" if trusted else "star-open",
                "color": colour,
                "line": {"width": 1.5, "color": palette.surface if trusted else colour},
            },
            hovertemplate=f"{name}<br>{hover}<extra></extra>",
            showlegend=False,
        )
    )
