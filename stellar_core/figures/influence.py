"""Change of a result when each range of wavelength is hidden, below the spectrum."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from stellar_core.figures.palette import LIGHT, Palette, base_layout, faded

#: Share of the height that the spectrum takes.
_SPECTRUM = 0.26


def influence_figure(
    wavelength: np.ndarray,
    flux: np.ndarray,
    edges: np.ndarray,
    rows: Sequence[tuple[str, str, np.ndarray, float | None]],
    *,
    lines: Sequence[tuple[float, str]] = (),
    view: tuple[float, float] | None = None,
    palette: Palette = LIGHT,
    revision: str = "",
    height: int = 560,
) -> go.Figure:
    """Draw one row of bars per quantity below the spectrum.

    Parameters
    ----------
    wavelength, flux : (n_pixel,) float
        Rest wavelength in Angstrom and flux as prepared for the network; NaN if not observed.
    edges : (n_range, 2) float
        First and last wavelength of each hidden range, Angstrom.
    rows : sequence of (title, unit, (n_range,) float, float or None)
        Change when each range is hidden, and error of the result in the same unit; % marks relative changes.
    lines : sequence of (wavelength, label)
        Marked in all rows, Angstrom.
    view : (low, high), optional
        Initial range of wavelength, Angstrom.
    revision : str
        Name of the star.

    Returns
    -------
    plotly.graph_objects.Figure
    """
    heights = [_SPECTRUM, *[(1 - _SPECTRUM) / len(rows)] * len(rows)]
    figure = make_subplots(rows=len(rows) + 1, cols=1, shared_xaxes=True, vertical_spacing=0.025, row_heights=heights)
    figure.add_trace(
        go.Scatter(
            x=wavelength[::2].astype(np.float32),
            y=np.asarray(flux, np.float32)[::2],
            mode="lines",
            connectgaps=False,
            line={"width": 1, "color": palette.data},
            hoverinfo="skip",
            showlegend=False,
        ),
        row=1,
        col=1,
    )
    middle, width = edges.mean(axis=1), np.diff(edges, axis=1)[:, 0] + 1
    for number, (title, unit, values, error) in enumerate(rows, 2):
        hover = [_words(edge, value, title, unit, error) for edge, value in zip(edges, values)]
        colours = [faded(palette.warning if value > 0 else palette.draws, 0.85) for value in values]
        figure.add_trace(
            go.Bar(
                x=middle,
                y=np.asarray(values, np.float32),
                width=width * 0.94,
                text=hover,
                textposition="none",
                hovertemplate="%{text}<extra></extra>",
                marker={"color": colours, "line": {"width": 0}},
                showlegend=False,
            ),
            row=number,
            col=1,
        )
        most = max(float(np.abs(values).max(initial=0.0)), 1e-9) * 1.15
        tick = _round_below(most)
        figure.update_yaxes(
            range=[-most, most],
            tickvals=[-tick, 0, tick],
            row=number,
            col=1,
            title_text=f"{title}<br>({unit})",
            fixedrange=True,
        )
    base_layout(figure, palette, height, revision)
    stroke = {
        "type": "line",
        "xref": "x",
        "yref": "paper",
        "y0": 0,
        "y1": 1,
        "layer": "below",
        "line": {"width": 0.6, "color": faded(palette.muted, 0.45)},
    }
    figure.update_layout(shapes=[{**stroke, "x0": place, "x1": place} for place, _ in lines])
    figure.update_yaxes(row=1, col=1, title_text="Flux", fixedrange=True)
    figure.update_yaxes(zeroline=True, zerolinecolor=palette.muted, zerolinewidth=1, title_font={"size": 11})
    figure.update_xaxes(range=list(view) if view else None, tickformat="d", showgrid=False)
    figure.update_xaxes(row=len(rows) + 1, col=1, title_text="Rest wavelength (Å, vacuum)")
    figure.update_layout(bargap=0, dragmode="zoom", hovermode="closest")
    return figure


def _round_below(value: float) -> float:
    """Largest of 1, 2, 5 times a power of ten not above ``value``."""
    power = 10.0 ** np.floor(np.log10(value))
    return float(power * max(step for step in (1, 2, 5) if step * power <= value * 1.0001))


def _words(edge: np.ndarray, value: float, title: str, unit: str, error: float | None) -> str:
    form = ".0f" if unit in ("K", "%") else ".3f"
    part = "" if not error else f" ({abs(value) / error:.2f}σ)"
    return f"{edge[0]:.0f}–{edge[1]:.0f} Å hidden<br>{title}: {value:+{form}} {unit}{part}".replace("-", "−")
