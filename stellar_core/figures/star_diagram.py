"""A star among isochrones: what the Kiel and the colour-magnitude diagram share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import plotly.graph_objects as go

from stellar_core.figures.credible_region import credible_regions
from stellar_core.figures.palette import Palette, faded

#: (p16, median, p84)
Interval = tuple[float, float, float]
#: Opacity of the 95 % and the 68 % region.
SHADES = (0.18, 0.38)
#: The inset reaches this far from the median, in units of the 68 % half widths.
REACH = 3.0


@dataclass(frozen=True)
class AgeCurve:
    """Isochrone on a diagram, in the order of mass.

    Attributes
    ----------
    age : float
        Gyr.
    x, y : (n_point,) array
        Teff (K) and log g, or colour and absolute magnitude (mag).
    mass : (n_point,) array
        Initial mass, Msun.
    """

    age: float
    x: np.ndarray
    y: np.ndarray
    mass: np.ndarray

    def within(self, x: tuple[float, float], y: tuple[float, float]) -> AgeCurve:
        """The part inside the ranges ``x`` and ``y``, with a gap where the curve leaves and enters them."""
        inside = (self.x > min(x)) & (self.x < max(x)) & (self.y > min(y)) & (self.y < max(y))
        near = inside | np.roll(inside, 1) | np.roll(inside, -1)
        return replace(self, x=np.where(near, self.x, np.nan), y=np.where(near, self.y, np.nan))


@dataclass(frozen=True)
class Draws:
    """Draws of a star on a diagram.

    Attributes
    ----------
    x, y : (n_draw,) array
        As for `AgeCurve`.
    age, mass : (n_draw,) array or None
        Gyr and Msun; None where the network gives no star of the tracks.
    """

    x: np.ndarray
    y: np.ndarray
    age: np.ndarray | None = None
    mass: np.ndarray | None = None


def add_isochrones(
    figure: go.Figure, curves: Sequence[AgeCurve], values: str, palette: Palette, axes: Mapping[str, str] = {}
) -> None:
    """Add isochrones in the colours of their ages, from young to old.

    Parameters
    ----------
    figure : plotly.graph_objects.Figure
    curves : sequence of AgeCurve
        Of the five ages that the colours stand for.
    values : str
        Template of the coordinates.
    axes : mapping
        ``xaxis`` and ``yaxis`` of an inset.
    """
    for curve, colour in zip(curves, palette.ages):
        figure.add_trace(
            go.Scatter(
                x=curve.x.astype(np.float32),
                y=curve.y.astype(np.float32),
                customdata=curve.mass.astype(np.float32),
                mode="lines",
                line={"width": 1.4, "color": colour},
                name=f"{curve.age:g} Gyr",
                hovertemplate=f"Isochrone {curve.age:g} Gyr, %{{customdata:.2f}} Msun<br>{values}<extra></extra>",
                showlegend=False,
                **axes,
            )
        )


def add_age_labels(
    figure: go.Figure, curves: Sequence[AgeCurve], edge: float, palette: Palette, *, reversed_x: bool
) -> None:
    """Write the age of each isochrone left of its leftmost point, to the right of ``edge``."""
    sign = -1.0 if reversed_x else 1.0
    for curve, colour in zip(curves, palette.ages):
        seen = np.flatnonzero(sign * curve.x > sign * edge)
        if seen.size:
            at = int(seen[(sign * curve.x[seen]).argmin()])
            figure.add_annotation(
                x=float(curve.x[at]),
                y=float(curve.y[at]),
                text=f"{curve.age:g}",
                showarrow=False,
                xanchor="right",
                xshift=-3,
                font={"size": 11, "color": colour},
            )


def add_regions(figure: go.Figure, draws: Draws, colour: str, axes: Mapping[str, str] = {}) -> None:
    """Add the regions that hold 95 % and 68 % of the draws."""
    for level, outlines, shade in zip(("95 %", "68 %"), credible_regions(draws.x, draws.y), SHADES):
        if not outlines:
            continue
        gap = np.full((1, 2), np.nan)
        path = np.concatenate([part for outline in outlines for part in (outline, gap)]).astype(np.float32)
        figure.add_trace(
            go.Scatter(
                x=path[:, 0],
                y=path[:, 1],
                mode="lines",
                fill="toself",
                line={"width": 1.2, "color": colour},
                fillcolor=faded(colour, shade),
                name=f"{level} of the posterior",
                hoverinfo="skip",
                showlegend=False,
                **axes,
            )
        )


def add_inset(
    figure: go.Figure,
    star: tuple[Interval, Interval],
    draws: Draws,
    curves: Sequence[AgeCurve],
    values: str,
    *,
    domain: tuple[tuple[float, float], tuple[float, float]],
    room: tuple[float, float],
    reversed_x: bool,
    trusted: bool,
    palette: Palette,
) -> bool:
    """Add an inset around the star, to three times its 68 % half widths, and its frame on the diagram.

    Both vertical axes point downwards.

    Parameters
    ----------
    star : pair of (p16, median, p84)
        x and y.
    draws : Draws
        As points, in the colours of their ages where these are known.
    domain : pair of (low, high)
        Place of the inset as shares of the width and height.
    room : (float, float)
        Least half width in x and y.

    Returns
    -------
    bool
        False where the inset would show half of the diagram or more; nothing is drawn then.
    """
    x, y = (_around(one, least) for one, least in zip(star, room))
    full = [abs(np.subtract(*axis.range)) for axis in (figure.layout.xaxis, figure.layout.yaxis)]
    if (x[1] - x[0]) / full[0] > 0.5 or (y[1] - y[0]) / full[1] > 0.5:
        return False
    axes = {"xaxis": "x2", "yaxis": "y2"}
    (left, right), (bottom, top) = domain
    ground = {"fillcolor": palette.surface, "line": {"width": 0}, "layer": "below"}
    figure.add_shape(type="rect", xref="x2 domain", yref="y2 domain", x0=0, x1=1, y0=0, y1=1, **ground)
    add_regions(figure, draws, palette.accent if trusted else palette.muted, axes)
    add_isochrones(figure, [curve.within(x, y) for curve in curves], values, palette, axes)
    _add_points(figure, draws, curves, values, palette, axes)
    figure.add_trace(
        go.Scatter(
            x=[star[0][1]],
            y=[star[1][1]],
            mode="markers",
            marker={
                "size": 13,
                "symbol": "star" if trusted else "star-open",
                "color": palette.accent,
                "line": {"width": 1.2, "color": palette.surface},
            },
            hoverinfo="skip",
            showlegend=False,
            **axes,
        )
    )
    small = {"tickfont": {"size": 10, "color": palette.muted}, "nticks": 4, "ticks": "inside", "mirror": True}
    line = {"showline": True, "linecolor": palette.muted, "gridcolor": palette.grid, "zeroline": False}
    figure.update_layout(
        xaxis2={
            "domain": [left, right],
            "anchor": "y2",
            "range": x[::-1] if reversed_x else x,
            "tickformat": "d" if reversed_x else "",
            **small,
            **line,
        },
        yaxis2={"domain": [bottom, top], "anchor": "x2", "range": y[::-1], "side": "right", **small, **line},
    )
    figure.add_shape(
        type="rect", x0=x[0], x1=x[1], y0=y[0], y1=y[1], line={"width": 1, "color": palette.ink, "dash": "dot"}
    )
    return True


def _add_points(
    figure: go.Figure, draws: Draws, curves: Sequence[AgeCurve], values: str, palette: Palette, axes: Mapping[str, str]
) -> None:
    """Add the draws, each with its age and mass, in the colours of the isochrones."""
    marker: dict[str, object] = {"size": 3.5, "color": palette.muted, "opacity": 0.75}
    custom, hover = None, values
    if draws.age is not None:
        if len(curves) > 1:
            ages = np.log10([curve.age for curve in curves])
            places = (ages - ages[0]) / (ages[-1] - ages[0])
            steps = [[float(place), colour] for place, colour in zip(places, palette.ages)]
            ends = {"cmin": float(ages[0]), "cmax": float(ages[-1])}
            marker |= {"color": np.log10(draws.age).astype(np.float32), "colorscale": steps, **ends}
        masses = draws.mass if draws.mass is not None else np.full(draws.age.size, np.nan)
        custom = np.column_stack([draws.age, masses]).astype(np.float32)
        mass = ", %{customdata[1]:.2f} Msun" if draws.mass is not None else ""
        hover = f"Draw: %{{customdata[0]:.1f}} Gyr{mass}<br>{values}"
    figure.add_trace(
        go.Scatter(
            x=np.asarray(draws.x, np.float32),
            y=np.asarray(draws.y, np.float32),
            customdata=custom,
            mode="markers",
            marker=marker,
            name="draws",
            hovertemplate=f"{hover}<extra></extra>",
            showlegend=False,
            **axes,
        )
    )


def _around(interval: Interval, room: float) -> list[float]:
    low, middle, high = interval
    return [middle - max(REACH * (middle - low), room), middle + max(REACH * (high - middle), room)]
