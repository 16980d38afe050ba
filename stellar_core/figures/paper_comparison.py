"""Results of the paper's experiments against ours, with the label-noise floor and a constant predictor."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from stellar_core.figures.palette import LIGHT, Palette, base_layout

Row = Mapping[str, object]

#: Panel -> first words of its metric in the tables. The paper prints no other metrics.
PANELS = {
    "F1 of the stage (macro)": ("F1 Macro", "Classification F1"),
    "RMSE of log age (dex)": ("Age RMSE",),
    "RMSE of log lifetime (dex)": ("Lifetime RMSE",),
}
_PAPER, _SPREAD = " (paper)", " (spread)"
#: Baselines drawn as lines: heading in the tables -> dash.
_LINES = {"Floor of the labels": "dot", "Constant predictor": "dash"}


@dataclass(frozen=True)
class Pair:
    """One of our values with the paper's and the ``spread`` over seeds; None if unknown."""

    panel: str
    setting: str
    ours: float
    paper: float | None
    spread: float | None


def pairs(rows: Sequence[Row]) -> list[Pair]:
    """Comparable values in a table of `stellar_core.experiments.tables`; empty if the paper prints none."""
    named = [name.removesuffix(_PAPER) for name in (rows[0] if rows else ()) if name.endswith(_PAPER)]
    named = [name for name in named if any(row.get(name + _PAPER) is not None for row in rows)]
    found = []
    for row in rows:
        for name in named:
            by_row = "Metrics" in row
            panel = _panel(str(row["Metrics"] if by_row else name))
            setting = (
                " · ".join(str(part) for part in (row.get("Model"), name) if part)
                if by_row
                else str(next(iter(row.values())))
            )
            if panel and isinstance(row.get(name), (int, float)) and setting not in (*_LINES, "Exact posterior"):
                found.append(Pair(panel, setting, float(row[name]), row.get(name + _PAPER), row.get(name + _SPREAD)))
    return found


def baselines(rows: Sequence[Row]) -> dict[tuple[str, str], float]:
    """Floor and constant predictor by panel, if the table has a single value of each."""
    found: dict[tuple[str, str], set[float]] = {}
    for row in rows:
        by_row = "Metrics" in row
        for name in _LINES:
            cells = (
                {str(row["Metrics"]): row.get(name)}
                if by_row
                else dict(row)
                if next(iter(row.values())) == name
                else {}
            )
            for metric, value in cells.items():
                panel = _panel(metric)
                if panel and isinstance(value, (int, float)):
                    found.setdefault((panel, name), set()).add(float(value))
    return {key: values.pop() for key, values in found.items() if len(values) == 1}


def comparison_with_paper_figure(rows: Sequence[Row], *, across: bool = True, palette: Palette = LIGHT) -> go.Figure:
    """Draw `pairs`, one panel per metric: ours as dots with the spread over seeds, the paper's as diamonds.

    Parameters
    ----------
    rows : sequence of mapping
        A table.
    across : bool
        True puts the panels side by side, False one below the other.
    palette : Palette
    """
    found, lines = pairs(rows), baselines(rows)
    panels = list(PANELS)
    shape = (1, len(panels)) if across else (len(panels), 1)
    figure = make_subplots(
        *shape, shared_yaxes=across, subplot_titles=panels, horizontal_spacing=0.03, vertical_spacing=0.1
    )
    settings = list(dict.fromkeys(pair.setting for pair in found))
    for number, panel in enumerate(panels):
        place = {"row": 1, "col": number + 1} if across else {"row": number + 1, "col": 1}
        mine = [pair for pair in found if pair.panel == panel]
        ours = go.Scatter(
            x=[pair.ours for pair in mine],
            y=[pair.setting for pair in mine],
            mode="markers",
            name="ours (MOCK)",
            legendgroup="ours",
            showlegend=number == 0,
            marker={"size": 10, "color": palette.draws},
            hovertemplate="%{y}: %{x:.4g}<extra>ours</extra>",
            error_x={
                "array": [pair.spread or 0.0 for pair in mine],
                "color": palette.draws,
                "thickness": 1.5,
                "width": 3,
            },
        )
        known = [pair for pair in mine if pair.paper is not None]
        paper = go.Scatter(
            x=[pair.paper for pair in known],
            y=[pair.setting for pair in known],
            mode="markers",
            name="paper",
            legendgroup="paper",
            showlegend=number == 0,
            marker={"size": 10, "symbol": "diamond-open", "color": palette.accent, "line": {"width": 2}},
            hovertemplate="%{y}: %{x:.4g}<extra>paper</extra>",
        )
        figure.add_trace(ours, **place)
        figure.add_trace(paper, **place)
        for name, dash in _LINES.items():
            if (panel, name) in lines:
                figure.add_vline(
                    x=lines[panel, name], line={"color": palette.muted, "width": 1.2, "dash": dash}, **place
                )
    for name, dash in _LINES.items():
        if any(line == name for _, line in lines):
            line = {"color": palette.muted, "width": 1.2, "dash": dash}
            figure.add_trace(go.Scatter(x=[None], y=[None], mode="lines", name=name.lower(), line=line), row=1, col=1)
    height = 120 + 30 * max(len(settings), 3)
    base_layout(figure, palette, height if across else 3 * height, "paper comparison")
    figure.update_layout(margin={"t": 30}, legend={"y": -0.18 if across else -0.05}, dragmode=False)
    figure.update_yaxes(categoryorder="array", categoryarray=settings[::-1])
    figure.update_annotations(font={"size": 13, "color": palette.ink})
    return figure


def _panel(metric: str) -> str:
    return next((panel for panel, heads in PANELS.items() if metric.startswith(heads) and "Gyr" not in metric), "")
