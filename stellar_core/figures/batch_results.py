"""Figures of the results of a batch: Kiel diagram coloured by age, and age against S/N."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go

from stellar_core.figures.colour_scales import value_scale
from stellar_core.figures.kiel import LOGG_VIEW, TEFF_VIEW, stage_regions
from stellar_core.figures.palette import LIGHT, Palette, base_layout, faded
from stellar_core.quantities import AGE
from stellar_core.stages import DEFAULT_THRESHOLDS

#: Room beyond the outermost star, K and dex.
ROOM = 200.0, 0.2


@dataclass(frozen=True)
class ResultPoints:
    """Results of several stars.

    Attributes
    ----------
    row : (n,) int
        Row of each in the batch; the points carry it as ``customdata``.
    name : sequence of str
    teff, logg, snr : (n,) float
        K, dex, per pixel.
    age : (n, 3) float
        16th percentile, median and 84th percentile, Gyr.
    trusted : (n,) bool
        False draws an outline.
    """

    row: np.ndarray
    name: Sequence[str]
    teff: np.ndarray
    logg: np.ndarray
    snr: np.ndarray
    age: np.ndarray
    trusted: np.ndarray

    @property
    def hover(self) -> list[str]:
        """What is shown when a point is hovered."""
        words = []
        for name, teff, logg, snr, (low, middle, high), trusted in zip(
            self.name, self.teff, self.logg, self.snr, self.age, self.trusted
        ):
            warning = "" if trusted else "<br>not reliable"
            words.append(
                f"{name}<br>{middle:.1f} Gyr (68 % {low:.1f} to {high:.1f})<br>{teff:.0f} K, log g {logg:.2f}, "
                f"S/N {snr:.0f}{warning}"
            )
        return words

    @property
    def symbols(self) -> list[str]:
        """Marker of each: a disk, or a circle where it is not to be trusted."""
        return ["circle" if one else "circle-open" for one in self.trusted]


def kiel_of_results(points: ResultPoints, *, palette: Palette = LIGHT, height: int = 380) -> go.Figure:
    """Draw the Kiel diagram, both axes reversed; the colour is the age, on the same scale for every batch."""
    low, high = AGE.limits
    bar = {"title": {"text": AGE.label, "side": "right"}, "thickness": 12, "outlinewidth": 0}
    marker = {
        "color": points.age[:, 1],
        "colorscale": value_scale(palette),
        "cmin": low,
        "cmax": high,
        "colorbar": bar,
        "size": 9,
        "symbol": points.symbols,
        "line": {"width": 1},
    }
    figure = go.Figure()
    for _, x, y, _ in stage_regions(DEFAULT_THRESHOLDS):
        line = {"width": 1, "color": faded(palette.ink, 0.25)}
        figure.add_trace(go.Scatter(x=x, y=y, mode="lines", line=line, hoverinfo="skip", showlegend=False))
    figure.add_trace(_markers(points, points.teff, points.logg, marker))
    base_layout(figure, palette, height, "batch kiel")
    figure.update_layout(showlegend=False, dragmode="zoom")
    hot, cool = max(TEFF_VIEW[0], *points.teff + ROOM[0]), min(TEFF_VIEW[1], *points.teff - ROOM[0])
    dense, thin = max(LOGG_VIEW[0], *points.logg + ROOM[1]), min(LOGG_VIEW[1], *points.logg - ROOM[1])
    figure.update_xaxes(title_text="Effective temperature T<sub>eff</sub> (K)", range=[hot, cool], tickformat="d")
    figure.update_yaxes(title_text="Surface gravity log g (dex)", range=[dense, thin])
    return figure


def age_against_snr(points: ResultPoints, *, palette: Palette = LIGHT, height: int = 380) -> go.Figure:
    """Draw ages with their 68 % intervals against the S/N, which has a logarithmic axis."""
    marker = {"color": palette.draws, "size": 8, "symbol": points.symbols, "line": {"width": 1, "color": palette.draws}}
    trace = _markers(points, points.snr, points.age[:, 1], marker)
    trace.error_y = {
        "array": points.age[:, 2] - points.age[:, 1],
        "arrayminus": points.age[:, 1] - points.age[:, 0],
        "color": faded(palette.draws, 0.45),
        "thickness": 1,
        "width": 0,
    }
    figure = go.Figure(trace)
    base_layout(figure, palette, height, "batch age")
    figure.update_layout(showlegend=False, dragmode="zoom")
    ticks = [1, 2, 5, 10, 20, 50, 100, 200, 500]
    figure.update_xaxes(type="log", title_text="S/N per pixel", tickvals=ticks)
    figure.update_yaxes(title_text=AGE.label, range=[0.0, AGE.limits[1] * 1.03])
    return figure


def _markers(points: ResultPoints, x: np.ndarray, y: np.ndarray, marker: dict[str, object]) -> go.Scatter:
    return go.Scatter(
        x=x,
        y=y,
        mode="markers",
        marker=marker,
        customdata=points.row,
        text=points.hover,
        hovertemplate="%{text}<extra></extra>",
        selected={"marker": {"opacity": 1.0}},
        unselected={"marker": {"opacity": 0.35}},
        showlegend=False,
    )
