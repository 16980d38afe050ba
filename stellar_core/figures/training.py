"""A training run in pictures: losses, figures on watched stars, predictions, and runs beside each other."""

from __future__ import annotations

from typing import Mapping, Sequence

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from stellar_core.figures.palette import LIGHT, Palette, base_layout, faded
from stellar_core.stages import STAGES

#: What is watched -> title, figure and whether more is better.
WATCHED = {
    "teff": ("T<sub>eff</sub>, RMSE (K)", "rmse"),
    "feh": ("[Fe/H], RMSE (dex)", "rmse"),
    "log_age": ("log age, RMSE (dex)", "rmse"),
    "log_lifetime": ("log lifetime, RMSE (dex)", "rmse"),
    "stage": ("Stage, macro F1", "macro_f1"),
}
#: Quantities of the sample -> title with unit.
SAMPLED = {"teff": "T<sub>eff</sub> (K)", "feh": "[Fe/H] (dex)", "log_age": "log age (yr)", "log_lifetime": "log lifetime (yr)"}


def loss_figure(
    curve: Sequence[Mapping[str, object]],
    history: Sequence[Mapping[str, object]],
    part: str = "total",
    *,
    revision: str,
    palette: Palette = LIGHT,
    height: int = 280,
) -> go.Figure:
    """A loss by epochs.

    Parameters
    ----------
    curve : sequence of mappings
        ``epoch`` (a fraction) and ``losses`` of each point within the epochs.
    history : sequence of mappings
        ``epoch``, ``train`` and ``validation`` (None without validation stars) of each finished epoch.
    part : str
        Name of the loss.
    revision : str
        Names the run: the zoom stays as long as it does.
    """
    figure = go.Figure()
    points = [(point["epoch"], point["losses"][part]) for point in curve if part in point["losses"]]
    figure.add_scatter(
        x=[x for x, _ in points], y=[y for _, y in points], mode="lines", name="training, within the epoch",
        line={"color": faded(palette.draws, 0.55), "width": 1.5},
    )  # fmt: skip
    for name, colour in (("train", palette.draws), ("validation", palette.accent)):
        known = [record for record in history if record.get(name) and part in record[name]]
        if known:
            figure.add_scatter(
                x=[record["epoch"] for record in known], y=[record[name][part] for record in known], mode="lines+markers",
                name={"train": "training, whole epoch"}.get(name, name), line={"color": colour, "width": 2}, marker={"size": 6},
            )  # fmt: skip
    base_layout(figure, palette, height, revision)
    figure.update_xaxes(title_text="Epoch", rangemode="tozero")
    figure.update_yaxes(title_text="Loss")
    figure.update_layout(legend={"y": -0.25}, showlegend=True)
    return figure


def watched_figure(
    epochs: Sequence[Mapping[str, object]], *, revision: str, palette: Palette = LIGHT, height: int = 250
) -> go.Figure:
    """Figures on the watched MOCK stars after each epoch, beside those of always saying the mean (dashed).

    Parameters
    ----------
    epochs : sequence of mappings
        ``epoch``, and for each key of `WATCHED` its figures.
    """
    return compared_figure({"this run": epochs}, revision=revision, palette=palette, height=height)


def compared_figure(
    runs: Mapping[str, Sequence[Mapping[str, object]]], *, revision: str, palette: Palette = LIGHT, height: int = 300
) -> go.Figure:
    """`watched_figure` of several runs, a colour each; the dashed line is the first one's constant."""
    figure = make_subplots(rows=1, cols=len(WATCHED), subplot_titles=[title for title, _ in WATCHED.values()], horizontal_spacing=0.05)
    colours = (palette.draws, *palette.stages[1:], palette.accent)
    for number, (label, epochs) in enumerate(runs.items()):
        colour = colours[number % len(colours)]
        x = [record["epoch"] for record in epochs]
        for column, (name, (_, key)) in enumerate(WATCHED.items(), 1):
            figure.add_trace(
                go.Scatter(
                    x=x, y=[record[name][key] for record in epochs], mode="lines+markers", name=label, legendgroup=label,
                    showlegend=column == 1 and len(runs) > 1, line={"color": colour, "width": 2}, marker={"size": 5},
                ),
                row=1, col=column,
            )  # fmt: skip
            if number == 0 and epochs:
                constant = epochs[-1][name][f"{key}_constant"]
                figure.add_hline(y=constant, line={"color": palette.muted, "width": 1.2, "dash": "dash"}, row=1, col=column)
    base_layout(figure, palette, height, revision)
    figure.update_annotations(font={"size": 12, "color": palette.ink})
    figure.update_xaxes(title_text="Epoch", rangemode="tozero", fixedrange=True)
    figure.update_yaxes(rangemode="tozero", fixedrange=True)
    figure.update_layout(margin={"t": 26}, legend={"y": -0.3})
    return figure


def sample_figure(
    sample: Mapping[str, Sequence], *, revision: str, palette: Palette = LIGHT, height: int = 260
) -> go.Figure:
    """Predicted against true values of the watched MOCK stars, coloured by their true stage.

    Parameters
    ----------
    sample : mapping
        For each key of `SAMPLED`, and for "stage": predicted and true values, star by star.
    """
    figure = make_subplots(rows=1, cols=len(SAMPLED), subplot_titles=list(SAMPLED.values()), horizontal_spacing=0.06)
    true_stage = sample["stage"][1]
    for column, name in enumerate(SAMPLED, 1):
        predicted, true = sample[name]
        for index, stage in enumerate(STAGES):
            rows = [row for row, value in enumerate(true_stage) if value == index]
            figure.add_trace(
                go.Scatter(
                    x=[true[row] for row in rows], y=[predicted[row] for row in rows], mode="markers", name=stage,
                    legendgroup=stage, showlegend=column == 1, marker={"color": faded(palette.stages[index], 0.75), "size": 5},
                    hovertemplate="true %{x:.4g}, predicted %{y:.4g}<extra>" + stage + "</extra>",
                ),
                row=1, col=column,
            )  # fmt: skip
        ends = [min(true), max(true)]
        line = go.Scatter(x=ends, y=ends, mode="lines", line={"color": palette.muted, "width": 1}, showlegend=False, hoverinfo="skip")
        figure.add_trace(line, row=1, col=column)
    base_layout(figure, palette, height, revision)
    figure.update_annotations(font={"size": 12, "color": palette.ink})
    figure.update_xaxes(title_text="True", fixedrange=True)
    figure.update_yaxes(fixedrange=True)
    figure.update_yaxes(title_text="Predicted", col=1)
    figure.update_layout(margin={"t": 26}, legend={"y": -0.3})
    return figure
