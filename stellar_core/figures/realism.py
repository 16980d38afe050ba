"""Performance on real stars against the number of MOCK training stars, and MOCK-real classifiers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from stellar_core.figures.palette import LIGHT, Palette, base_layout, faded
from stellar_core.quantities import FEH, LOGG, TEFF

LABELS = (TEFF, LOGG, FEH)


def learning_curve_figure(
    runs: Sequence[Mapping[str, object]], *, palette: Palette = LIGHT, height: int = 460
) -> go.Figure:
    """Draw scatter and bias on real stars against the number of MOCK training stars.

    Parameters
    ----------
    runs : sequence of mappings
        Each with ``stars``, ``seed``, ``sample``, and ``teff_bias``, ``teff_scatter`` and the same of
        ``logg`` and ``feh``; points are runs of several seeds, lines their mean.

    Returns
    -------
    plotly.graph_objects.Figure
    """
    figure = make_subplots(
        rows=2,
        cols=3,
        shared_xaxes=True,
        horizontal_spacing=0.07,
        vertical_spacing=0.06,
        subplot_titles=[quantity.label for quantity in LABELS],
    )
    samples = list(dict.fromkeys(str(point["sample"]) for point in runs))
    for number, sample in enumerate(samples):
        mine = [point for point in runs if point["sample"] == sample]
        sizes = sorted({int(point["stars"]) for point in mine})
        colour = palette.stages[number % len(palette.stages)]
        for column, quantity in enumerate(LABELS, 1):
            for row, part in enumerate(("scatter", "bias"), 1):
                name = f"{quantity.field}_{part}"
                mean = [np.mean([point[name] for point in mine if point["stars"] == size]) for size in sizes]
                common = {
                    "legendgroup": sample,
                    "marker": {"color": colour, "size": 5},
                    "hoverinfo": "y+name",
                    "name": sample,
                }
                figure.add_trace(
                    go.Scatter(
                        x=sizes,
                        y=mean,
                        mode="lines",
                        line={"color": colour, "width": 2},
                        showlegend=row == column == 1,
                        **common,
                    ),
                    row=row,
                    col=column,
                )
                figure.add_trace(
                    go.Scatter(
                        x=[point["stars"] for point in mine],
                        y=[point[name] for point in mine],
                        mode="markers",
                        showlegend=False,
                        **common,
                    ),
                    row=row,
                    col=column,
                )
    base_layout(figure, palette, height, "learning curve")
    ticks = sorted({int(point["stars"]) for point in runs})
    figure.update_xaxes(type="log", tickvals=ticks, ticktext=[_short(size) for size in ticks], fixedrange=True)
    figure.update_xaxes(title_text="MOCK training stars", row=2)
    figure.update_yaxes(fixedrange=True)
    figure.update_yaxes(rangemode="tozero", row=1)
    figure.update_yaxes(zeroline=True, zerolinecolor=palette.muted, zerolinewidth=1, row=2)
    figure.update_yaxes(title_text="Scatter", row=1, col=1)
    figure.update_yaxes(title_text="Bias", row=2, col=1)
    figure.update_annotations(font={"size": 12, "color": palette.ink})
    figure.update_layout(margin={"t": 26}, legend={"y": -0.16})
    return figure


def _short(size: int) -> str:
    return f"{size / 1000:g}k" if size >= 1000 else str(size)


def classifier_figure(
    reasons: Sequence[Mapping[str, object]], *, palette: Palette = LIGHT, height: int | None = None
) -> go.Figure:
    """Draw the area under the ROC curve of classifiers that use one feature each, largest first.

    Parameters
    ----------
    reasons : sequence of mappings
        Each with ``what`` (name of the feature) and ``auc``, and optionally ``auc_error``.

    Returns
    -------
    plotly.graph_objects.Figure
    """
    ordered = sorted(reasons, key=lambda one: float(one["auc"]))
    values = [float(one["auc"]) for one in ordered]
    errors = [float(one.get("auc_error", 0.0)) for one in ordered]
    figure = go.Figure(
        go.Bar(
            x=[value - 0.5 for value in values],
            base=0.5,
            orientation="h",
            y=[f"{one['what']} <b>{value:.2f}</b>" for one, value in zip(ordered, values)],
            marker={"color": faded(palette.draws, 0.8)},
            hovertemplate="%{y}<extra></extra>",
            error_x={"type": "data", "array": errors, "color": palette.muted, "thickness": 1.2, "width": 3},
        )
    )
    figure.add_vline(x=0.5, line={"color": palette.ink, "width": 1})
    base_layout(figure, palette, height or 70 + 24 * len(ordered), "classifier")
    figure.update_xaxes(range=[0.4, 1.02], tickvals=[0.5, 0.75, 1.0], ticktext=["0.5 chance", "0.75", "1 always"])
    figure.update_yaxes(showline=False, ticks="")
    figure.update_layout(showlegend=False, bargap=0.3)
    return figure
