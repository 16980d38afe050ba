"""MOCK and real catalogues: histograms and densities of binned counts."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from stellar_core.figures.palette import LIGHT, Palette, base_layout, faded

#: Fractions of the MOCK stars within the contours.
SHARES = (0.95, 0.80, 0.50, 0.20)


def histograms_figure(
    names: Sequence[str],
    edges: Sequence[np.ndarray],
    real: Sequence[np.ndarray],
    mock: Sequence[np.ndarray],
    *,
    columns: int = 5,
    palette: Palette = LIGHT,
    panel: int = 230,
) -> go.Figure:
    """Draw one panel per quantity: real stars filled, MOCK stars as a line, both normalised.

    Parameters
    ----------
    names : (m,) sequence of str
        Titles of the x axes.
    edges : (m,) sequence of (n_bin + 1,) float
    real, mock : (m,) sequence of (n_bin,) int
        Counts.
    columns : int
        Panels per row.
    panel : int
        Height of a panel, pixels.

    Returns
    -------
    plotly.graph_objects.Figure
    """
    columns = min(columns, len(names))
    rows = -(-len(names) // columns)
    figure = make_subplots(rows=rows, cols=columns, horizontal_spacing=0.025, vertical_spacing=0.28 / rows)
    for number, (name, edge, ours, theirs) in enumerate(zip(names, edges, real, mock)):
        place = {"row": number // columns + 1, "col": number % columns + 1}
        looks = (
            ("REAL SDSS stars", ours, {"fill": "tozeroy", "fillcolor": faded(palette.data, 0.22)}, palette.data),
            ("MOCK stars", theirs, {}, palette.warning),
        )
        for label, counts, fill, colour in looks:
            density = counts / max(counts.sum(), 1) / np.diff(edge)
            figure.add_trace(
                go.Scatter(
                    x=edge.astype(np.float32),
                    y=np.append(density, density[-1]).astype(np.float32),
                    mode="lines",
                    name=label,
                    legendgroup=label,
                    showlegend=number == 0,
                    line={"shape": "hv", "width": 1.5, "color": colour},
                    hovertemplate=f"{name} %{{x:.2f}}<extra>{label}</extra>",
                    **fill,
                ),
                **place,
            )
        figure.update_xaxes(title_text=name, range=[float(edge[0]), float(edge[-1])], **place)
    base_layout(figure, palette, rows * panel + 40, "histograms")
    figure.update_xaxes(nticks=5, fixedrange=True)
    figure.update_yaxes(visible=False, rangemode="tozero", fixedrange=True)
    figure.update_layout(legend={"y": 1.0, "yanchor": "bottom"}, margin={"t": 30})
    return figure


def density_figure(
    names: tuple[str, str],
    edges: tuple[np.ndarray, np.ndarray],
    real: np.ndarray,
    mock: np.ndarray,
    *,
    palette: Palette = LIGHT,
    height: int = 340,
) -> go.Figure:
    """Draw the density of the real stars in colour, and contours that contain `SHARES` of the MOCK stars.

    Parameters
    ----------
    names : (x, y)
        Titles of the axes.
    edges : (x, y) of (n + 1,) float
    real, mock : (n_y, n_x) int
        Counts.

    Returns
    -------
    plotly.graph_objects.Figure
    """
    x, y = (0.5 * (edge[1:] + edge[:-1]).astype(np.float32) for edge in edges)
    shade = np.where(real > 0, np.log10(np.maximum(real, 1)), np.nan)
    figure = go.Figure(
        go.Heatmap(
            x=x,
            y=y,
            z=shade.astype(np.float32),
            showscale=False,
            hoverinfo="skip",
            colorscale=[[0.0, faded(palette.data, 0.08)], [1.0, faded(palette.data, 0.95)]],
        )
    )
    smoothed = _smooth(mock)
    for number, level in enumerate(contour_levels(smoothed, SHARES)):
        figure.add_trace(
            go.Contour(
                x=x,
                y=y,
                z=smoothed.astype(np.float32),
                showscale=False,
                hoverinfo="skip",
                ncontours=1,
                autocontour=False,
                contours={"start": level, "end": level, "size": 1.0, "coloring": "none"},
                line={"color": palette.warning, "width": 1.0 + 0.3 * number},
                showlegend=False,
            )
        )
    base_layout(figure, palette, height, " ".join(names))
    figure.update_xaxes(title_text=names[0], range=[float(edges[0][0]), float(edges[0][-1])])
    figure.update_yaxes(title_text=names[1], range=[float(edges[1][0]), float(edges[1][-1])])
    return figure


def contour_levels(counts: np.ndarray, shares: Sequence[float]) -> list[float]:
    """Densities above which each of ``shares`` of all ``counts`` lies."""
    ordered = np.sort(counts.ravel())[::-1]
    running = np.cumsum(ordered) / max(ordered.sum(), 1e-12)
    return [float(ordered[min(np.searchsorted(running, share), ordered.size - 1)]) for share in shares]


def _smooth(counts: np.ndarray) -> np.ndarray:
    """Smooth counts twice by the kernel 1-2-1 along both axes."""
    out = counts.astype(float)
    for _ in range(2):
        for axis in (0, 1):
            padded = np.pad(out, [(1, 1) if one == axis else (0, 0) for one in (0, 1)], mode="edge")
            out = 0.25 * np.delete(padded, [-2, -1], axis) + 0.5 * out + 0.25 * np.delete(padded, [0, 1], axis)
    return out
