"""The colour-magnitude diagram: dereddened colour against absolute magnitude, with isochrones coloured by age."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import plotly.graph_objects as go

from stellar_core.figures.palette import LIGHT, Palette, base_layout
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

#: Axis titles and default view (bluest, reddest; faintest, brightest), mag, by the band of the magnitude.
TITLES = {
    "G": ("Colour (BP − RP)<sub>0</sub> (mag)", "Absolute magnitude M<sub>G</sub> (mag)"),
    "r": ("Colour (g − r)<sub>0</sub> (mag)", "Absolute magnitude M<sub>r</sub> (mag)"),
}
COLOURS = {"G": "(BP − RP)<sub>0</sub>", "r": "(g − r)<sub>0</sub>"}
VIEWS = {"G": ((-0.15, 1.9), (9.0, -3.5)), "r": ((-0.45, 1.4), (9.0, -3.5))}
#: Room around the star, mag.
ROOM = 0.3
#: Place of the inset as shares of the diagram, and its least half width, mag.
INSET, INSET_ROOM = ((0.03, 0.36), (0.05, 0.42)), (0.02, 0.05)


@dataclass(frozen=True)
class PlacedStar:
    """One star; ``colour`` and ``magnitude`` are (p16, median, p84) as observed, draws those of the models; ``note`` is
    added when it is hovered."""

    name: str
    colour: Interval
    magnitude: Interval
    draws: Draws | None = None
    note: str = ""


def absolute_magnitude_figure(
    star: PlacedStar,
    curves: Sequence[AgeCurve],
    band: str,
    *,
    trusted: bool = True,
    inset: bool = False,
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
    inset : bool
        True adds an inset around the star.
    revision : str
        Name of the star; the zoom is reset when it changes.

    Returns
    -------
    plotly.graph_objects.Figure
    """
    figure = go.Figure()
    (blue, red), (faint, bright) = VIEWS[band]
    values = f"{COLOURS[band]} %{{x:.2f}}, M<sub>{band}</sub> %{{y:.2f}}"
    add_isochrones(figure, curves, values, palette)
    add_age_labels(figure, curves, blue + 0.04, palette, reversed_x=False)
    look = {"trusted": trusted, "palette": palette}
    if star.draws is not None:
        add_regions(figure, star.draws, palette.accent if trusted else palette.muted)
    hover = "<br>".join(filter(None, (values, star.note)))
    add_star(figure, star.name, star.colour, star.magnitude, hover=hover, colour=palette.accent, size=15, **look)
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
    if inset and star.draws is not None:
        add_inset(
            figure,
            (star.colour, star.magnitude),
            star.draws,
            curves,
            values,
            domain=INSET,
            room=INSET_ROOM,
            reversed_x=False,
            **look,
        )
    return figure
