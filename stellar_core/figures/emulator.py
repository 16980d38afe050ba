"""Errors of the emulator: held-out stars with their emulation, and a map of the error."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from stellar_core.figures.palette import LIGHT, Palette, base_layout, faded

#: Range of the small panels, with H beta and Mg b, Angstrom.
SMALL_RANGE = (4780.0, 5420.0)
#: Smallest number of stars of a coloured cell.
FEWEST = 2
#: Edges of the map's cells: Teff (K) and log g (dex).
MAP_TEFF = (
    3300,
    3750,
    4000,
    4250,
    4500,
    4750,
    5000,
    5250,
    5500,
    5750,
    6000,
    6250,
    6500,
    7000,
    7500,
    8000,
    9000,
    10000,
    12500,
)
MAP_LOGG = (-0.5, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 3.5, 4.0, 4.5, 5.5)


def held_out_figure(
    wavelength: np.ndarray,
    observed: np.ndarray,
    emulated: np.ndarray,
    *,
    palette: Palette = LIGHT,
    revision: str = "",
    height: int = 440,
) -> go.Figure:
    """Draw one held-out star: observed and emulated line spectrum, and residuals.

    Parameters
    ----------
    wavelength : (n_pixel,) float
        Vacuum, rest frame, Angstrom.
    observed, emulated : (n_pixel,) float
        Flux over its continuum; NaN where the library has no data.
    revision : str
        Name of the star; the zoom is reset when it changes.

    Returns
    -------
    plotly.graph_objects.Figure
    """
    figure = make_subplots(rows=2, cols=1, shared_xaxes=True, vertical_spacing=0.04, row_heights=[0.72, 0.28])
    x = np.asarray(wavelength, np.float32)
    curves = (
        ("library star, held out", observed, palette.data, 1, 1.9),
        ("emulated", emulated, palette.accent, 1, 0.9),
        ("observed − emulated", observed - emulated, palette.muted, 2, 1.0),
    )
    for name, values, colour, row, width in curves:
        figure.add_trace(
            go.Scatter(
                x=x,
                y=np.asarray(values, np.float32),
                mode="lines",
                name=name,
                line={"width": width, "color": colour},
                hovertemplate="%{x:.0f} Å<br>%{y:.3f}<extra></extra>",
            ),
            row=row,
            col=1,
        )
    base_layout(figure, palette, height, revision)
    covered = np.isfinite(observed)
    low, high = np.nanquantile(observed, [0.002, 0.998])
    reach = float(np.clip(np.nanquantile(np.abs(observed - emulated), 0.997), 0.05, 0.4))
    ends = [float(x[covered][0]), float(x[covered][-1])] if covered.any() else [float(x[0]), float(x[-1])]
    figure.update_xaxes(range=ends, tickformat="d")
    figure.update_xaxes(title_text="Rest wavelength (Å, vacuum)", row=2, col=1)
    figure.update_yaxes(title_text="Flux / continuum", range=[float(low) - 0.05, float(high) + 0.08], row=1, col=1)
    figure.update_yaxes(title_text="Residual", range=[-reach, reach], row=2, col=1)
    figure.update_layout(legend={"y": 1.0, "yanchor": "bottom"}, margin={"t": 30})
    return figure


def multiples_figure(
    titles: Sequence[str],
    wavelength: np.ndarray,
    observed: np.ndarray,
    emulated: np.ndarray,
    *,
    columns: int = 3,
    palette: Palette = LIGHT,
    panel: int = 150,
) -> go.Figure:
    """Draw small panels, one per star, over `SMALL_RANGE`, with residuals.

    Parameters
    ----------
    titles : (m,) sequence of str
    wavelength : (n_pixel,) float
        Vacuum, rest frame, Angstrom.
    observed, emulated : (m, n_pixel) float
        Flux over its continuum.
    columns : int
        Panels per row.
    panel : int
        Height of a panel, pixels.

    Returns
    -------
    plotly.graph_objects.Figure
    """
    rows = -(-len(titles) // columns)
    figure = make_subplots(
        rows=rows,
        cols=columns,
        shared_xaxes=True,
        shared_yaxes=True,
        subplot_titles=list(titles),
        vertical_spacing=min(0.28 / rows, 0.3),
        horizontal_spacing=0.02,
    )
    use = (wavelength >= SMALL_RANGE[0]) & (wavelength <= SMALL_RANGE[1])
    x = np.asarray(wavelength[use], np.float32)
    for number, (seen, ours) in enumerate(zip(observed[:, use], emulated[:, use])):
        curves = (
            ("library star, held out", seen, palette.data),
            ("emulated", ours, palette.accent),
            ("difference", seen - ours + 0.2, palette.muted),
        )
        for name, values, colour in curves:
            figure.add_trace(
                go.Scatter(
                    x=x,
                    y=np.asarray(values, np.float32),
                    mode="lines",
                    name=name,
                    legendgroup=name,
                    hoverinfo="skip",
                    line={"width": 1.0, "color": colour},
                    showlegend=number == 0,
                ),
                row=number // columns + 1,
                col=number % columns + 1,
            )
    height = rows * panel + 90
    base_layout(figure, palette, height, "multiples")
    figure.update_xaxes(range=list(SMALL_RANGE), tickformat="d", nticks=4, fixedrange=True)
    figure.update_yaxes(range=[0.05, 1.25], tickvals=[0.2, 0.6, 1.0], ticktext=["0", "0.6", "1"], fixedrange=True)
    figure.update_annotations(font={"size": 11, "color": palette.ink})
    figure.update_layout(legend={"y": 1.0 + 22 / (height - 70), "yanchor": "bottom"}, margin={"t": 62})
    return figure


def error_map_figure(
    teff: np.ndarray, logg: np.ndarray, rms: np.ndarray, *, palette: Palette = LIGHT, height: int = 430
) -> go.Figure:
    """Draw the RMS residual per cell of Teff and log g, with the number of stars.

    Parameters
    ----------
    teff, logg, rms : (n,) float
        K, dex(cm/s2), and the RMS of each held-out star; NaN is ignored.

    Returns
    -------
    plotly.graph_objects.Figure
    """
    known = np.isfinite(rms)
    grid = (np.array(MAP_LOGG, float), np.array(MAP_TEFF, float))
    sums, _, _ = np.histogram2d(logg[known], teff[known], grid, weights=rms[known] ** 2)
    count, _, _ = np.histogram2d(logg[known], teff[known], grid)
    with np.errstate(invalid="ignore", divide="ignore"):
        value = np.where(count >= FEWEST, np.sqrt(sums / count), np.nan)
    text = np.where(count > 0, count.astype(int).astype(str), "")
    span = [f"{low:g}–{high:g} K" for low, high in zip(MAP_TEFF[:-1], MAP_TEFF[1:])]
    # Temperatures are labels, not a scale, so that all cells have the same width.
    figure = go.Figure(
        go.Heatmap(
            x=span,
            y=[f"{low:g}–{high:g}" for low, high in zip(MAP_LOGG[:-1], MAP_LOGG[1:])],
            z=value.astype(np.float32),
            text=text,
            texttemplate="%{text}",
            textfont={"size": 10},
            colorscale=[
                [0.0, faded(palette.second, 0.15)],
                [0.5, faded(palette.stages[1], 0.75)],
                [1.0, palette.accent],
            ],
            zmin=0.005,
            zmax=0.05,
            xgap=1,
            ygap=1,
            hoverongaps=False,
            hovertemplate="%{x}, log g %{y}<br>%{text} stars, RMS %{z:.4f}<extra></extra>",
            colorbar={
                "title": {"text": "RMS", "side": "right"},
                "thickness": 12,
                "outlinewidth": 0,
                "tickfont": {"size": 10, "color": palette.muted},
            },
        )
    )
    base_layout(figure, palette, height, "errors")
    figure.update_xaxes(autorange="reversed", tickangle=-60, title_text="Effective temperature", fixedrange=True)
    figure.update_yaxes(autorange="reversed", title_text="log g (dex)", fixedrange=True)
    return figure
