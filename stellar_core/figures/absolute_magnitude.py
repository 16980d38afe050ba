"""The colour-magnitude diagram: dereddened colour against absolute magnitude, with isochrones coloured by age."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go

from stellar_core.figures.palette import LIGHT, Palette, base_layout
from stellar_core.figures.star_marker import Interval, add_star

#: Axis titles and default view (bluest, reddest; faintest, brightest), mag, by the band of the magnitude.
TITLES = {
    "G": ("Colour (BP − RP)<sub>0</sub> (mag)", "Absolute magnitude M<sub>G</sub> (mag)"),
    "r": ("Colour (g − r)<sub>0</sub> (mag)", "Absolute magnitude M<sub>r</sub> (mag)"),
}
COLOURS = {"G": "(BP − RP)<sub>0</sub>", "r": "(g − r)<sub>0</sub>"}
VIEWS = {"G": ((-0.15, 1.9), (9.0, -3.5)), "r": ((-0.45, 1.4), (9.0, -3.5))}
#: Room around the star, mag.
ROOM = 0.3


@dataclass(frozen=True)
class AgeCurve:
    """Isochrone in the order of mass.

    Attributes
    ----------
    age : float
        Gyr.
    colour, magnitude : (n_point,) array
        mag.
    """

    age: float
    colour: np.ndarray
    magnitude: np.ndarray


@dataclass(frozen=True)
class PlacedStar:
    """One star; ``colour`` and ``magnitude`` are (p16, median, p84), draws those of the models."""

    name: str
    colour: Interval
    magnitude: Interval
    colour_draws: np.ndarray | None = None
    magnitude_draws: np.ndarray | None = None


def absolute_magnitude_figure(
    star: PlacedStar,
    curves: Sequence[AgeCurve],
    band: str,
    *,
    trusted: bool = True,
    palette: Palette = LIGHT,
    revision: str = "",
    height: int = 460,
) -> go.Figure:
    """Draw the diagram, bright stars at the top.

    Parameters
    ----------
    star : PlacedStar
    curves : sequence of AgeCurve
        From young to old; each is labelled with its age left of its bluest point.
    band : {"G", "r"}
        Band of the absolute magnitude; the colour is BP - RP or g - r.
    trusted : bool
        False draws the star as an outline.
    revision : str
        Name of the star; the zoom is reset when it changes.

    Returns
    -------
    plotly.graph_objects.Figure
    """
    figure = go.Figure()
    (blue, red), (faint, bright) = VIEWS[band]
    values = f"{COLOURS[band]} %{{x:.2f}}, M<sub>{band}</sub> %{{y:.2f}}"
    for curve, colour in zip(curves, palette.ages):
        figure.add_trace(
            go.Scatter(
                x=curve.colour.astype(np.float32),
                y=curve.magnitude.astype(np.float32),
                mode="lines",
                line={"width": 1.4, "color": colour},
                name=f"{curve.age:g} Gyr",
                hovertemplate=f"{curve.age:g} Gyr<br>{values}<extra></extra>",
                showlegend=False,
            )
        )
        seen = np.flatnonzero(curve.colour > blue + 0.04)
        if seen.size:
            at = int(seen[curve.colour[seen].argmin()])
            figure.add_annotation(
                x=float(curve.colour[at]),
                y=float(curve.magnitude[at]),
                text=f"{curve.age:g}",
                showarrow=False,
                xanchor="right",
                xshift=-3,
                font={"size": 11, "color": colour},
            )
    add_star(
        figure,
        star.name,
        star.colour,
        star.magnitude,
        (star.colour_draws, star.magnitude_draws),
        hover=values,
        colour=palette.accent,
        size=15,
        trusted=trusted,
        palette=palette,
    )
    base_layout(figure, palette, height, revision)
    x_title, y_title = TITLES[band]
    figure.update_layout(
        xaxis={
            "title": {"text": x_title},
            "range": [min(blue, star.colour[0] - ROOM), max(red, star.colour[2] + ROOM)],
        },
        yaxis={
            "title": {"text": y_title},
            "range": [max(faint, star.magnitude[2] + ROOM), min(bright, star.magnitude[0] - ROOM)],
        },
        showlegend=False,
        dragmode="zoom",
    )
    return figure
