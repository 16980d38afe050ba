"""Calibration and sharpness of error bars, from a stored test."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from stellar_core.figures.palette import LIGHT, Palette, base_layout, faded
from stellar_core.quantities import STAGE_SHORT, STAGE_TITLES
from stellar_core.stages import STAGES

#: Largest numbers of points in the scatter plot, and of error bars.
POINTS, BARS = 2000, 250
LEVELS = np.linspace(0.05, 0.99, 48)


def entropy_figure(entropy: np.ndarray, right: np.ndarray, *, palette: Palette = LIGHT, height: int = 330) -> go.Figure:
    """Draw boxes of the predictive entropy of right and wrong stages (the paper's Fig. 4a).

    Parameters
    ----------
    entropy : (n,) float, nats
    right : (n,) bool
    """
    figure = go.Figure()
    for words, rows, colour in (("right", right, palette.second), ("wrong", ~right, palette.warning)):
        part = entropy[rows]
        if part.size:
            low, quarter, middle, three, high = np.quantile(part, [0.05, 0.25, 0.5, 0.75, 0.95])
            figure.add_trace(
                go.Box(
                    x=[f"{words}<br>{part.size} stars"],
                    lowerfence=[low],
                    q1=[quarter],
                    median=[middle],
                    q3=[three],
                    upperfence=[high],
                    mean=[float(part.mean())],
                    name=words,
                    line={"color": colour, "width": 2},
                    fillcolor=faded(colour, 0.25),
                    showlegend=False,
                    whiskerwidth=0.5,
                    width=0.5,
                )
            )
    base_layout(figure, palette, height, "entropy")
    figure.update_yaxes(
        title_text="Predictive entropy (nats)",
        range=[-0.05, np.log(len(STAGES)) + 0.05],
        gridcolor=palette.grid,
        showgrid=True,
    )
    figure.update_xaxes(title_text="Predicted stage", fixedrange=True)
    return figure


def against_figure(
    truth: np.ndarray,
    mean: np.ndarray,
    low: np.ndarray,
    high: np.ndarray,
    stage: np.ndarray,
    title: str,
    *,
    reference: str = "True",
    palette: Palette = LIGHT,
    height: int = 430,
) -> go.Figure:
    """Draw predicted against true (or labelled) values with error bars, coloured by stage (the paper's Fig. 4b).

    Parameters
    ----------
    truth, mean, low, high : (n,) float
        In one unit; ``low`` and ``high`` are the ends of the 68 % interval.
    stage : (n,) int
    title : str
        Name and unit of the quantity.
    reference : str
        Name of the reference on the x axis.
    """
    shown = np.arange(len(truth))[:POINTS]
    barred = shown[:: max(1, len(shown) // BARS)]
    figure = go.Figure()
    edges = np.nanquantile(np.concatenate([truth[shown], mean[shown]]), [0.002, 0.998])
    room = 0.06 * (edges[1] - edges[0])
    span = [float(edges[0] - room), float(edges[1] + room)]
    figure.add_trace(
        go.Scatter(
            x=span,
            y=span,
            mode="lines",
            line={"color": palette.ink, "width": 1, "dash": "dot"},
            hoverinfo="skip",
            showlegend=False,
        )
    )
    figure.add_trace(
        go.Scatter(
            x=truth[barred],
            y=mean[barred],
            mode="markers",
            marker={"size": 0.1, "color": palette.muted},
            name="68 % interval",
            error_y={
                "type": "data",
                "symmetric": False,
                "array": high[barred] - mean[barred],
                "arrayminus": mean[barred] - low[barred],
                "color": faded(palette.muted, 0.55),
                "thickness": 1,
                "width": 0,
            },
            hoverinfo="skip",
            showlegend=False,
        )
    )
    for index, name in enumerate(STAGES):
        rows = shown[stage[shown] == index]
        if rows.size:
            figure.add_trace(
                go.Scatter(
                    x=truth[rows].astype(np.float32),
                    y=mean[rows].astype(np.float32),
                    mode="markers",
                    name=STAGE_TITLES[name],
                    marker={"color": faded(palette.stages[index], 0.65), "size": 4.5},
                    hovertemplate=f"{STAGE_TITLES[name]}<br>{reference.lower()} %{{x:.2f}}, predicted "
                    f"%{{y:.2f}}<extra></extra>",
                )
            )
    base_layout(figure, palette, height, title)
    figure.update_xaxes(title_text=f"{reference} {title}", range=span, showgrid=True)
    figure.update_yaxes(title_text=f"Predicted {title}", range=span, showgrid=True)
    figure.update_layout(legend={"y": -0.16, "itemsizing": "constant"})
    return figure


def reliability_figure(curves: Mapping[str, np.ndarray], *, palette: Palette = LIGHT, height: int = 380) -> go.Figure:
    """Draw the fraction of stars inside central intervals against the nominal one.

    Parameters
    ----------
    curves : mapping of str to (n,) float
        Probability below the true value; the first curve is solid, the others are dashed.
    """
    figure = go.Figure()
    figure.add_trace(
        go.Scatter(
            x=[0, 1],
            y=[0, 1],
            mode="lines",
            line={"color": palette.ink, "width": 1, "dash": "dot"},
            hoverinfo="skip",
            showlegend=False,
        )
    )
    colours = (palette.draws, palette.warning, palette.second, palette.muted)
    for number, (name, u) in enumerate(curves.items()):
        y = (np.abs(u - 0.5)[:, None] <= LEVELS / 2).mean(axis=0)
        figure.add_trace(
            go.Scatter(
                x=LEVELS,
                y=y,
                mode="lines",
                name=name,
                line={
                    "color": colours[number % 4],
                    "width": 2.5 if number == 0 else 1.8,
                    "dash": "solid" if number == 0 else "dash",
                },
                hovertemplate="%{x:.0%} interval contains %{y:.1%}<extra>" + name + "</extra>",
            )
        )
    base_layout(figure, palette, height, "reliability")
    for update, words in ((figure.update_xaxes, "Nominal coverage"), (figure.update_yaxes, "Actual coverage")):
        update(title_text=words, range=[0, 1.01], tickformat=".0%", showgrid=True, fixedrange=True)
    figure.update_layout(legend={"y": -0.2})
    return figure


def pit_figure(
    curves: Mapping[str, np.ndarray], *, palette: Palette = LIGHT, height: int = 380, bins: int = 20
) -> go.Figure:
    """Draw a histogram of the probability below the true value, with the 95 % band of chance; calibrated if flat.

    Parameters
    ----------
    curves : mapping of str to (n,) float
        As for `reliability_figure`.
    """
    figure, edges = go.Figure(), np.linspace(0, 1, bins + 1)
    first = next(iter(curves.values()))
    noise = 1.96 * np.sqrt((1 - 1 / bins) * bins / max(len(first), 1))
    figure.add_hrect(y0=1 - noise, y1=1 + noise, fillcolor=faded(palette.muted, 0.25), line_width=0)
    for number, (name, u) in enumerate(curves.items()):
        density = np.histogram(u, edges)[0] / max(len(u), 1) * bins
        if number == 0:
            trace = go.Bar(
                x=edges[:-1] + 0.5 / bins,
                y=density,
                width=0.92 / bins,
                name=name,
                marker={"color": faded(palette.draws, 0.75)},
            )
        else:
            trace = go.Scatter(
                x=edges,
                y=np.append(density, density[-1]),
                mode="lines",
                name=name,
                line={"color": palette.warning, "width": 1.8, "shape": "hv", "dash": "dash"},
            )
        trace.hovertemplate = "%{y:.2f} times uniform<extra>" + name + "</extra>"
        figure.add_trace(trace)
    base_layout(figure, palette, height, "pit")
    figure.update_xaxes(title_text="Probability below the truth", range=[0, 1], fixedrange=True)
    top = np.histogram(first, edges)[0].max() / max(len(first), 1) * bins
    figure.update_yaxes(
        title_text="Stars relative to uniform", range=[0, max(2.0, 1.15 * top)], fixedrange=True, showgrid=True
    )
    figure.update_layout(legend={"y": -0.2})
    return figure


def coverage_figure(
    groups: Mapping[str, Mapping[str, float]], *, palette: Palette = LIGHT, height: int | None = None
) -> go.Figure:
    """Draw the coverage of the 68, 90 and 95 % intervals by group, with binomial errors.

    Parameters
    ----------
    groups : mapping of str to mapping
        By name, with ``68``, ``90``, ``95`` (fractions) and ``n``.
    """
    names = list(groups)[::-1]
    figure = make_subplots(
        rows=1, cols=3, shared_yaxes=True, horizontal_spacing=0.03, subplot_titles=["68 %", "90 %", "95 %"]
    )
    for column, level in enumerate(("68", "90", "95"), 1):
        share = np.array([groups[name][level] for name in names])
        count = np.array([max(groups[name]["n"], 1) for name in names])
        claim = int(level) / 100
        error = np.sqrt(claim * (1 - claim) / count)
        figure.add_vline(x=claim, line={"color": palette.ink, "width": 1, "dash": "dot"}, row=1, col=column)
        figure.add_trace(
            go.Scatter(
                x=share,
                y=[f"{_group_label(name)} ({groups[name]['n']})" for name in names],
                mode="markers",
                showlegend=False,
                marker={"color": palette.draws, "size": 8},
                error_x={"type": "data", "array": error, "color": palette.muted, "thickness": 1.4, "width": 3},
                hovertemplate="%{y}: %{x:.1%}<extra></extra>",
            ),
            row=1,
            col=column,
        )
        ticks = [claim - 0.1, claim] if claim > 0.85 else [claim - 0.1, claim, claim + 0.1]
        figure.update_xaxes(
            range=[claim - 0.16, min(claim + 0.16, 1.005)], tickvals=ticks, tickformat=".0%", row=1, col=column
        )
    base_layout(figure, palette, height or 90 + 26 * len(names), "coverage")
    figure.update_xaxes(fixedrange=True, showgrid=True)
    figure.update_yaxes(fixedrange=True, showline=False, ticks="")
    figure.update_annotations(font={"size": 12, "color": palette.ink})
    figure.update_layout(margin={"t": 28})
    return figure


def _group_label(name: str) -> str:
    """Label of a group of stars such as "S/N 5-10" or "predicted Hot"."""
    kind, _, stage = name.partition(" ")
    return f"{kind} {STAGE_SHORT[stage]}" if stage in STAGE_SHORT else name


def sharpness_figure(
    half_widths: Mapping[str, np.ndarray], snr: np.ndarray, *, palette: Palette = LIGHT, height: int = 330
) -> go.Figure:
    """Draw the median half width of the 68 % interval against S/N.

    Parameters
    ----------
    half_widths : mapping of str to (n,) float
        By name, dex.
    snr : (n,) float
    """
    figure, edges = go.Figure(), np.geomspace(5, 80, 9)
    for number, (name, width) in enumerate(half_widths.items()):
        bins = [(edges[k], edges[k + 1], width[(snr >= edges[k]) & (snr < edges[k + 1])]) for k in range(8)]
        bins = [(np.sqrt(a * b), np.quantile(part, [0.25, 0.5, 0.75])) for a, b, part in bins if part.size > 5]
        if not bins:
            continue
        x, quartiles = [b[0] for b in bins], np.array([b[1] for b in bins])
        colour = (palette.draws, palette.second, palette.warning)[number % 3]
        figure.add_trace(
            go.Scatter(
                x=x,
                y=quartiles[:, 1],
                name=name,
                mode="lines+markers",
                line={"color": colour, "width": 2},
                error_y={
                    "type": "data",
                    "symmetric": False,
                    "array": quartiles[:, 2] - quartiles[:, 1],
                    "arrayminus": quartiles[:, 1] - quartiles[:, 0],
                    "color": faded(colour, 0.5),
                    "thickness": 1.4,
                    "width": 3,
                },
                hovertemplate="S/N %{x:.0f}: %{y:.3f} dex<extra>" + name + "</extra>",
            )
        )
    base_layout(figure, palette, height, "sharpness")
    figure.update_xaxes(
        type="log",
        title_text="S/N per pixel",
        tickvals=[5, 10, 20, 40, 80],
        ticktext=["5", "10", "20", "40", "80"],
        fixedrange=True,
    )
    figure.update_yaxes(
        title_text="Half width of 68 % interval (dex)", rangemode="tozero", fixedrange=True, showgrid=True
    )
    figure.update_layout(legend={"y": -0.24})
    return figure


def where_figure(
    teff: np.ndarray,
    logg: np.ndarray,
    miss: np.ndarray,
    names: Sequence[str],
    *,
    palette: Palette = LIGHT,
    height: int = 430,
) -> go.Figure:
    """Draw residuals in units of the error on the Kiel diagram.

    Parameters
    ----------
    teff, logg : (n,) float, K and dex
        True values.
    miss : (n,) float
        Predicted minus true over the half width of the 68 % interval.
    names : sequence of str
        Name of each point.
    """
    size = 5 + 3 * np.minimum(np.abs(miss), 4)
    figure = go.Figure(
        go.Scatter(
            x=teff,
            y=logg,
            mode="markers",
            customdata=list(names),
            text=[f"{name}<br>residual {m:+.1f}σ" for name, m in zip(names, miss)],
            marker={
                "color": np.clip(miss, -3, 3),
                "cmin": -3,
                "cmax": 3,
                "size": size,
                "line": {"width": 1, "color": palette.muted},
                "colorscale": [[0, palette.draws], [0.5, palette.grid], [1, palette.warning]],
                "colorbar": {"title": {"text": "residual (σ)"}, "thickness": 12, "outlinewidth": 0},
            },
            hovertemplate="%{text}<br>%{x:.0f} K, log g %{y:.2f}<extra></extra>",
        )
    )
    base_layout(figure, palette, height, "where")
    figure.update_xaxes(title_text="True T<sub>eff</sub> (K)", autorange="reversed", showgrid=True)
    figure.update_yaxes(title_text="True log g (dex)", autorange="reversed", showgrid=True)
    figure.update_layout(showlegend=False)
    return figure
