"""Learning curves and distributions of age errors of the paper's experiments on MOCK stars."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import plotly.graph_objects as go

from stellar_core.figures.palette import LIGHT, Palette, base_layout

#: Dashes of curves that share a colour.
DASHES = ("solid", "dash", "dot", "dashdot")


def learning_figure(
    runs: Mapping[str, Mapping[str, object]], loss: str, *, palette: Palette = LIGHT, height: int = 380
) -> go.Figure:
    """Draw one loss by epoch: lines for validation, faint lines for training.

    Parameters
    ----------
    runs : mapping of str to mapping
        By title: ``epoch``, and ``train`` and ``validation`` with a list for each loss.
    loss : {"age", "lifetime", "stage", "total"}
    palette : Palette
    height : int
        Pixels.

    Returns
    -------
    plotly.graph_objects.Figure
    """
    figure = go.Figure()
    for number, (title, curves) in enumerate(runs.items()):
        line = _line(number, palette)
        common = {"x": curves["epoch"], "legendgroup": title, "mode": "lines+markers", "marker": {"size": 4}}
        figure.add_trace(
            go.Scatter(
                y=curves["validation"][loss],
                name=title,
                line=line,
                hovertemplate="epoch %{x}: %{y:.4f}<extra>" + title + "</extra>",
                **common,
            )
        )
        figure.add_trace(
            go.Scatter(
                y=curves["train"][loss],
                name=f"{title}, training",
                showlegend=False,
                opacity=0.35,
                line=line,
                hoverinfo="skip",
                **common,
            )
        )
    base_layout(figure, palette, height, f"learning-{loss}")
    _legend_below(figure, list(runs), height)
    figure.update_xaxes(title_text="epoch", rangemode="tozero")
    figure.update_yaxes(title_text=f"{loss} loss", type="log")
    return figure


def errors_figure(
    counts: Mapping[str, Sequence[int]], edges: np.ndarray, *, palette: Palette = LIGHT, height: int = 380
) -> go.Figure:
    """Draw distributions of predicted minus labelled log age (Fig. 3 of the paper).

    Parameters
    ----------
    counts : mapping of str to (n_bin,) int
        Number of stars per bin, by title; the outermost bins contain all beyond them.
    edges : (n_bin + 1,) float
        Edges of the bins, dex.
    """
    figure, width = go.Figure(), float(edges[1] - edges[0])
    for number, (title, found) in enumerate(counts.items()):
        share = np.asarray(found, float) / max(sum(found), 1) / width
        figure.add_trace(
            go.Scatter(
                x=(edges[1:] + edges[:-1]) / 2,
                y=share,
                name=title,
                line={**_line(number, palette), "shape": "hvh"},
                hovertemplate="%{x:.2f} dex: %{y:.2f}<extra>" + title + "</extra>",
            )
        )
    base_layout(figure, palette, height, "errors")
    figure.add_vline(x=0, line={"color": palette.muted, "width": 1, "dash": "dot"})
    _legend_below(figure, list(counts), height)
    figure.update_xaxes(title_text="predicted − labelled log age (dex)")
    figure.update_yaxes(title_text="fraction of stars per dex", rangemode="tozero")
    return figure


def _line(number: int, palette: Palette) -> dict[str, object]:
    colours = palette.stages
    return {"color": colours[number % len(colours)], "width": 2, "dash": DASHES[number // len(colours) % len(DASHES)]}


def _legend_below(figure: go.Figure, titles: Sequence[str], height: int) -> None:
    """Put the legend below the axis, one row per long title; the panel keeps its height."""
    rows = len(titles) if max(map(len, titles), default=0) > 24 else -(-len(titles) // 3)
    room = 50 + 20 * rows
    legend = {"yref": "container", "y": 0.0, "yanchor": "bottom"}
    figure.update_layout(height=height - 50 + room, margin={"b": room}, legend=legend)
