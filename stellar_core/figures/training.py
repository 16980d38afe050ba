"""A training run in pictures: losses, figures on watched stars, predictions, and runs beside each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

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
SAMPLED = {
    "teff": "T<sub>eff</sub> (K)",
    "feh": "[Fe/H] (dex)",
    "log_age": "log age (yr)",
    "log_lifetime": "log lifetime (yr)",
}


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
        x=[x for x, _ in points],
        y=[y for _, y in points],
        mode="lines",
        name="training, within the epoch",
        line={"color": faded(palette.draws, 0.55), "width": 1.5},
    )
    for name, colour in (("train", palette.draws), ("validation", palette.accent)):
        known = [record for record in history if record.get(name) and part in record[name]]
        if known:
            figure.add_scatter(
                x=[record["epoch"] for record in known],
                y=[record[name][part] for record in known],
                mode="lines+markers",
                name={"train": "training, whole epoch"}.get(name, name),
                line={"color": colour, "width": 2},
                marker={"size": 6},
            )
    base_layout(figure, palette, height, revision)
    figure.update_xaxes(title_text="Epoch", rangemode="tozero")
    figure.update_yaxes(title_text="Loss")
    figure.update_layout(legend={"y": -0.25}, showlegend=True)
    return figure


def watched_figure(
    epochs: Sequence[Mapping[str, object]],
    *,
    revision: str,
    palette: Palette = LIGHT,
    height: int = 250,
    columns: int = len(WATCHED),
) -> go.Figure:
    """Figures on the watched MOCK stars after each epoch, beside those of always saying the mean (dashed).

    Parameters
    ----------
    epochs : sequence of mappings
        ``epoch``, and for each key of `WATCHED` its figures.
    height : int
        Of a row, pixels.
    columns : int
        Figures in a row.
    """
    return compared_figure({"this run": epochs}, revision=revision, palette=palette, height=height, columns=columns)


def compared_figure(
    runs: Mapping[str, Sequence[Mapping[str, object]]],
    *,
    revision: str,
    palette: Palette = LIGHT,
    height: int = 270,
    columns: int = len(WATCHED),
) -> go.Figure:
    """`watched_figure` of several runs, a colour each; the dashed line is the first one's constant."""
    figure = _panels([title for title, _ in WATCHED.values()], columns)
    colours = (palette.draws, *palette.stages[1:], palette.accent)
    for number, (label, epochs) in enumerate(runs.items()):
        colour = colours[number % len(colours)]
        x = [record["epoch"] for record in epochs]
        for place, (name, (_, key)) in enumerate(WATCHED.items()):
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
                always = go.Scatter(
                    x=ends, y=[constant, constant], mode="lines", line=dashed, showlegend=False, name="always the mean"
                )
                figure.add_trace(always, row=row + 1, col=column + 1)
    base_layout(figure, palette, height * -(-len(WATCHED) // columns), revision)
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
    """Predicted against true values of the watched MOCK stars, coloured by their true stage.

    Parameters
    ----------
    sample : mapping
        For each key of `SAMPLED`, and for "stage": predicted and true values, star by star.
    height : int
        Of a row, pixels.
    columns : int
        Figures in a row.
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
                    name=stage,
                    legendgroup=stage,
                    showlegend=place == 0,
                    marker={"color": faded(palette.stages[index], 0.75), "size": 5},
                    hovertemplate="true %{x:.4g}, predicted %{y:.4g}<extra>" + stage + "</extra>",
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
    """A figure of so many panels, ``columns`` in a row."""
    rows = -(-len(titles) // columns)
    spaces = {"horizontal_spacing": 0.25 / columns, "vertical_spacing": 0.3 / rows if rows > 1 else 0.0}
    return make_subplots(rows=rows, cols=columns, subplot_titles=titles, **spaces)


def _legend_below(figure: go.Figure) -> None:
    """The legend, where there is one, under all panels and the titles of their axes."""
    shown = any(trace.showlegend for trace in figure.data)
    figure.update_layout(
        margin={"t": 26, "b": 84 if shown else 48}, legend={"yref": "container", "y": 0.0, "yanchor": "bottom"}
    )
