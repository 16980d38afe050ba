"""A star on a diagram: its draws as faint points, its median as a marker with 68 % error bars."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go

from stellar_core.figures.palette import Palette, faded

#: (p16, median, p84)
Interval = tuple[float, float, float]


def add_star(
    figure: go.Figure,
    name: str,
    x: Interval,
    y: Interval,
    draws: tuple[np.ndarray | None, np.ndarray | None],
    *,
    hover: str,
    colour: str,
    size: int,
    trusted: bool,
    palette: Palette,
) -> None:
    """Add one star.

    Parameters
    ----------
    figure : plotly.graph_objects.Figure
    name : str
    x, y : (p16, median, p84)
    draws : pair of (n_draw,) array or None
        x and y of the draws.
    hover : str
        Template of the values below the name.
    colour : str
    size : int
        Of the marker, pixels.
    trusted : bool
        False draws an outline.
    palette : Palette
    """
    if all(values is not None for values in draws):
        figure.add_trace(
            go.Scatter(
                x=np.asarray(draws[0], np.float32),
                y=np.asarray(draws[1], np.float32),
                mode="markers",
                marker={"size": 4, "color": faded(colour, 0.22)},
                hoverinfo="skip",
                showlegend=False,
            )
        )
    bars = [
        {
            "type": "data",
            "symmetric": False,
            "array": [high - middle],
            "arrayminus": [middle - low],
            "color": colour,
            "thickness": 2,
            "width": 4,
        }
        for low, middle, high in (x, y)
    ]
    figure.add_trace(
        go.Scatter(
            x=[x[1]],
            y=[y[1]],
            error_x=bars[0],
            error_y=bars[1],
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
