"""Training runs: losses, metrics on monitored stars, predictions, and comparison of runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from stellar_core.figures.palette import LIGHT, Palette, base_layout, faded
from stellar_core.quantities import QUANTITIES, STAGE_TITLES
from stellar_core.stages import STAGES

#: Monitored quantity -> title and metric.
MONITORED = {
    **{
        name: (f"{QUANTITIES[name].title}, RMSE ({QUANTITIES[name].error_unit})", "rmse")
        for name in ("teff", "feh", "log_age", "log_lifetime")
    },
    "stage": ("Stage, macro F1", "macro_f1"),
}
#: Quantities of the sample -> title with unit.
SAMPLED = {name: QUANTITIES[name].label for name in ("teff", "feh", "log_age", "log_lifetime")}


def loss_figure(
    curve: Sequence[Mapping[str, object]],
    history: Sequence[Mapping[str, object]],
    part: str = "total",
    *,
    revision: str,
    palette: Palette = LIGHT,
    height: int = 280,
) -> go.Figure:
    """Draw one loss by epoch.

    Parameters
    ----------
    curve : sequence of mappings
        ``epoch`` (fractional) and ``losses`` of points within the epochs.
    history : sequence of mappings
        ``epoch``, ``train`` and ``validation`` (None without validation stars) of each finished epoch.
    part : str
        Name of the loss.
    revision : str
        Name of the run; the zoom is reset when it changes.
    """
    figure = go.Figure()
    points = [(point["epoch"], point["losses"][part]) for point in curve if part in point["losses"]]
    figure.add_scatter(
        x=[x for x, _ in points],
        y=[y for _, y in points],
        mode="lines",
        name="training, running",
        line={"color": faded(palette.draws, 0.55), "width": 1.5},
    )
    for name, colour in (("train", palette.draws), ("validation", palette.accent)):
        known = [record for record in history if record.get(name) and part in record[name]]
        if known:
            figure.add_scatter(
                x=[record["epoch"] for record in known],
                y=[record[name][part] for record in known],
                mode="lines+markers",
                name={"train": "training, epoch mean"}.get(name, name),
                line={"color": colour, "width": 2},
                marker={"size": 6},
            )
    base_layout(figure, palette, height, revision)
    figure.update_xaxes(title_text="Epoch", rangemode="tozero")
    figure.update_yaxes(title_text="Loss")
    figure.update_layout(legend={"y": -0.25}, showlegend=True)
    return figure


def monitored_figure(
    epochs: Sequence[Mapping[str, object]],
    *,
    revision: str,
    palette: Palette = LIGHT,
    height: int = 250,
    columns: int = len(MONITORED),
) -> go.Figure:
    """Draw metrics on the monitored MOCK stars after each epoch; dashed: constant predictor.

    Parameters
    ----------
    epochs : sequence of mappings
        ``epoch``, and the metrics of each key of `MONITORED`.
    height : int
        Height of a row, pixels.
    columns : int
        Panels per row.
    """
    return compared_figure({"this run": epochs}, revision=revision, palette=palette, height=height, columns=columns)


def compared_figure(
    runs: Mapping[str, Sequence[Mapping[str, object]]],
    *,
    revision: str,
    palette: Palette = LIGHT,
    height: int = 270,
    columns: int = len(MONITORED),
) -> go.Figure:
    """Draw `monitored_figure` of several runs; dashed: constant predictor of the first."""
    figure = _panels([title for title, _ in MONITORED.values()], columns)
    colours = (palette.draws, *palette.stages[1:], palette.accent)
    for number, (label, epochs) in enumerate(runs.items()):
        colour = colours[number % len(colours)]
        x = [record["epoch"] for record in epochs]
        for place, (name, (_, key)) in enumerate(MONITORED.items()):
            row, column = divmod(place, columns)
            figure.add_trace(
                go.Scatter(
                    x=x,
                    y=[record[name][key] for record in epochs],
                    mode="lines+markers",
                    name=label,
                    legendgroup=label,
                    showlegend=place == 0 and len(runs) > 1,
                    line={"color": colour, "width": 2},
                    marker={"size": 5},
                ),
                row=row + 1,
                col=column + 1,
            )
            if number == 0 and epochs:
                constant = epochs[-1][name][f"{key}_constant"]
                ends, dashed = [0, max(x)], {"color": palette.muted, "width": 1.2, "dash": "dash"}
                constant_line = go.Scatter(
                    x=ends,
                    y=[constant, constant],
                    mode="lines",
                    line=dashed,
                    showlegend=False,
                    name="constant predictor",
                )
                figure.add_trace(constant_line, row=row + 1, col=column + 1)
    base_layout(figure, palette, height * -(-len(MONITORED) // columns), revision)
    figure.update_annotations(font={"size": 12, "color": palette.ink})
    figure.update_xaxes(title_text="Epoch", rangemode="tozero", fixedrange=True)
    figure.update_yaxes(rangemode="tozero", fixedrange=True)
    _legend_below(figure)
    return figure


def sample_figure(
    sample: Mapping[str, Sequence],
    *,
    revision: str,
    palette: Palette = LIGHT,
    height: int = 260,
    columns: int = len(SAMPLED),
) -> go.Figure:
    """Draw predicted against true values of the monitored MOCK stars, coloured by true stage.

    Parameters
    ----------
    sample : mapping
        For each key of `SAMPLED`, and for "stage": predicted and true values, star by star.
    height : int
        Height of a row, pixels.
    columns : int
        Panels per row.
    """
    figure = _panels(list(SAMPLED.values()), columns)
    true_stage = sample["stage"][1]
    for place, name in enumerate(SAMPLED):
        row, column = divmod(place, columns)
        predicted, true = sample[name]
        for index, stage in enumerate(STAGES):
            stars = [star for star, value in enumerate(true_stage) if value == index]
            figure.add_trace(
                go.Scatter(
                    x=[true[star] for star in stars],
                    y=[predicted[star] for star in stars],
                    mode="markers",
                    name=STAGE_TITLES[stage],
                    legendgroup=stage,
                    showlegend=place == 0,
                    marker={"color": faded(palette.stages[index], 0.75), "size": 5},
                    hovertemplate="true %{x:.4g}, predicted %{y:.4g}<extra>" + STAGE_TITLES[stage] + "</extra>",
                ),
                row=row + 1,
                col=column + 1,
            )
        ends = [min(true), max(true)]
        line = go.Scatter(
            x=ends, y=ends, mode="lines", line={"color": palette.muted, "width": 1}, showlegend=False, hoverinfo="skip"
        )
        figure.add_trace(line, row=row + 1, col=column + 1)
    base_layout(figure, palette, height * -(-len(SAMPLED) // columns), revision)
    figure.update_annotations(font={"size": 12, "color": palette.ink})
    figure.update_xaxes(title_text="True", fixedrange=True)
    figure.update_yaxes(fixedrange=True)
    figure.update_yaxes(title_text="Predicted", col=1)
    _legend_below(figure)
    return figure


def _panels(titles: Sequence[str], columns: int) -> go.Figure:
    """Create a figure with one panel per title, ``columns`` in a row."""
    rows = -(-len(titles) // columns)
    spaces = {"horizontal_spacing": 0.25 / columns, "vertical_spacing": 0.3 / rows if rows > 1 else 0.0}
    return make_subplots(rows=rows, cols=columns, subplot_titles=titles, **spaces)


def _legend_below(figure: go.Figure) -> None:
    """Put the legend, if any, below all panels."""
    shown = any(trace.showlegend for trace in figure.data)
    figure.update_layout(
        margin={"t": 26, "b": 84 if shown else 48}, legend={"yref": "container", "y": 0.0, "yanchor": "bottom"}
    )
