"""The spectrum: flux, errors, masked pixels, filler and named lines."""

from __future__ import annotations

from typing import Sequence

import numpy as np
import plotly.graph_objects as go

from stellar_core.figures.flags import flag_rows, group_lines
from stellar_core.figures.palette import LIGHT, Palette, base_layout, faded

#: Share of the height given to the strip of line labels.
STRIP = 0.18
#: Rows of labels in the strip.
ROWS = 5


def smooth(flux: np.ndarray, ivar: np.ndarray, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Running mean weighted by inverse variance.

    Parameters
    ----------
    flux, ivar : (n_pixel,) float64
        Flux density and its inverse variance; pixels with ``ivar`` 0 carry no weight.
    width : int
        Pixels averaged, 1 or more; even numbers count as the next odd one.

    Returns
    -------
    flux, error : (n_pixel,) float32
        NaN where the pixel itself has ``ivar`` 0, so that a gap stays a gap.
    """
    window = np.ones(width if width % 2 else width + 1)
    weight = np.convolve(ivar, window, mode="same")
    total = np.convolve(flux * ivar, window, mode="same")
    with np.errstate(divide="ignore", invalid="ignore"):
        mean, error = total / weight, 1.0 / np.sqrt(weight)
    gap = ivar <= 0
    mean[gap] = error[gap] = np.nan
    return mean.astype(np.float32), error.astype(np.float32)


def robust_range(flux: np.ndarray) -> tuple[float, float]:
    """Limits of the y axis that a few wild pixels cannot move; NaN is left out."""
    low, middle, high = np.nanquantile(flux, [0.003, 0.5, 0.997])
    room = 0.12 * max(high - low, 0.2 * abs(middle), 1e-6)
    if 0 < low < 0.5 * high:  # the zero level is worth its room
        return -0.02 * float(high), float(high + room)
    return float(low - room), float(high + room)


def combs(wavelengths: np.ndarray, low: float, high: float) -> tuple[np.ndarray, np.ndarray]:
    """x and y of vertical strokes from ``low`` to ``high``, separated by NaN: one trace for all."""
    x = np.repeat(np.asarray(wavelengths, np.float32), 3)
    y = np.tile(np.array([low, high, np.nan], np.float32), len(wavelengths))
    return x, y


def spectrum_figure(
    wavelength: np.ndarray,
    flux: np.ndarray,
    ivar: np.ndarray,
    *,
    lines: Sequence[tuple[float, str]] = (),
    sky: Sequence[tuple[float, str]] = (),
    filler: Sequence[tuple[float, float]] = (),
    model: np.ndarray | None = None,
    smoothing: int = 1,
    x_title: str = "Wavelength (Å, vacuum)",
    y_title: str = "Flux density",
    angstrom_per_pixel: float = 11.0,
    palette: Palette = LIGHT,
    revision: str = "",
    height: int = 460,
) -> go.Figure:
    """Draw one spectrum.

    Parameters
    ----------
    wavelength : (n_pixel,) float64
        Angstrom, in the frame in which ``lines`` and ``filler`` are given.
    flux, ivar : (n_pixel,) float64
        Flux density and inverse variance; ``ivar`` 0 marks a bad pixel.
    lines, sky : sequence of (wavelength, label)
        Lines of the star and of the night sky, Angstrom.
    filler : sequence of (low, high)
        Ranges that the network sees as filler because nothing was measured there, Angstrom.
    model : (n_pixel,) float64, optional
        The survey pipeline's own model.
    smoothing : int
        Pixels in the running mean.
    angstrom_per_pixel : float
        Angstrom per screen pixel for which the labels are laid out.
    revision : str
        The star's name: the zoom is kept until it changes.

    Returns
    -------
    plotly.graph_objects.Figure
    """
    x = np.asarray(wavelength, np.float32)
    mean, error = smooth(np.asarray(flux, float), np.asarray(ivar, float), smoothing)
    low, high = robust_range(mean)
    figure = go.Figure()
    for start, stop in filler:
        figure.add_vrect(
            x0=start, x1=stop, layer="below", line_width=0, fillcolor=faded(palette.muted, 0.13), yref="y"
        )
    if filler:
        figure.add_trace(
            go.Scatter(
                x=[None], y=[None], mode="markers", name="not observed: filler for the network",
                marker={"symbol": "square", "size": 11, "color": faded(palette.muted, 0.3)},
            )
        )
    # Beyond ten times the shown range an error would only swell the file, not the picture.
    band = np.clip(error, 0, 10 * (high - low))
    edge = {"mode": "lines", "line": {"width": 0}, "hoverinfo": "skip", "connectgaps": False}
    figure.add_trace(go.Scatter(x=x, y=mean - band, showlegend=False, **edge))
    figure.add_trace(
        go.Scatter(x=x, y=mean + band, fill="tonexty", fillcolor=faded(palette.data, 0.22), name="±1σ", **edge)
    )
    if model is not None:
        figure.add_trace(
            go.Scatter(
                x=x, y=np.asarray(model, np.float32), mode="lines", name="pipeline model",
                line={"width": 1.2, "color": palette.second}, hoverinfo="skip",
            )
        )
    figure.add_trace(
        go.Scatter(
            x=x, y=mean, mode="lines", name="flux" if smoothing <= 1 else f"flux, mean of {smoothing} px",
            line={"width": 1.1, "color": palette.data}, connectgaps=False,
            hovertemplate="%{x:.1f} Å<br>%{y:.3g}<extra></extra>",
        )
    )
    masked = np.asarray(ivar) <= 0
    if masked.any():
        rug_x, rug_y = combs(x[masked], 0.0, 0.035)
        figure.add_trace(
            go.Scatter(
                x=rug_x, y=rug_y, yaxis="y3", mode="lines", name=f"masked ({int(masked.sum())} px)",
                line={"width": 1.2, "color": palette.warning}, hoverinfo="skip",
            )
        )
    _add_flags(figure, lines, palette.ink, palette.muted, "lines", "solid", angstrom_per_pixel)
    if sky:
        _add_sky(figure, sky, palette)
    base_layout(figure, palette, height, revision)
    ends = [x[0], x[-1], *(end for interval in filler for end in interval)]
    figure.update_layout(
        xaxis={"title": {"text": x_title}, "range": [min(ends), max(ends)], "anchor": "y", "tickformat": "d"},
        yaxis={"title": {"text": y_title}, "range": [low, high], "domain": [0, 1 - STRIP]},
        yaxis2={"domain": [1 - STRIP, 1], "range": [0, ROWS], "visible": False, "fixedrange": True},
        yaxis3={
            "domain": [0, 1 - STRIP], "range": [0, 1], "overlaying": "y", "visible": False, "fixedrange": True,
        },
        hovermode="closest",
        dragmode="zoom",
    )
    return figure


def _add_flags(
    figure: go.Figure,
    lines: Sequence[tuple[float, str]],
    ink: str,
    muted: str,
    name: str,
    dash: str,
    scale: float,
) -> None:
    """Mark ``lines`` by one trace of strokes, one of poles and one of labels."""
    if not lines:
        return
    groups = group_lines(lines)
    rows = flag_rows([g[0] for g in groups], [(6.6 * len(g[1]) + 9) * scale for g in groups], ROWS)
    members = np.array([wavelength for group in groups for wavelength in group[2]])
    names = [group[1] for group in groups for _ in group[2]]
    stroke_x, stroke_y = combs(members, 0.0, 1.0)
    figure.add_trace(
        go.Scatter(
            x=stroke_x, y=stroke_y, yaxis="y3", mode="lines", name=name,
            line={"width": 0.8, "color": faded(muted, 0.55), "dash": dash},
            text=[text for label in names for text in (label, label, "")],
            hovertemplate="%{text} %{x:.1f} Å<extra></extra>",
        )
    )
    shown = [(group, row) for group, row in zip(groups, rows) if row is not None]
    poles = [(group[0], ROWS - row - 0.1) for group, row in shown]
    pole_x = np.repeat([x for x, _ in poles], 3)
    pole_y = np.array([[0.0, top, np.nan] for _, top in poles]).ravel()
    figure.add_trace(
        go.Scatter(
            x=pole_x, y=pole_y, yaxis="y2", mode="lines", showlegend=False, hoverinfo="skip",
            line={"width": 0.8, "color": faded(muted, 0.55)},
        )
    )
    figure.add_trace(
        go.Scatter(
            x=[group[0] for group, _ in shown], y=[ROWS - row - 0.5 for _, row in shown], yaxis="y2",
            mode="text", text=[" " + group[1] for group, _ in shown], textposition="middle right",
            textfont={"size": 11, "color": ink}, showlegend=False, hoverinfo="skip",
        )
    )


def _add_sky(figure: go.Figure, sky: Sequence[tuple[float, str]], palette: Palette) -> None:
    """Mark lines of the night sky and the atmosphere, which move with no star."""
    x, y = combs(np.array([wavelength for wavelength, _ in sky]), 0.0, 0.97)
    figure.add_trace(
        go.Scatter(
            x=x, y=y, yaxis="y3", mode="lines", name="night sky",
            line={"width": 1.0, "color": palette.second, "dash": "dot"},
            text=[text for _, label in sky for text in (label, label, "")],
            hovertemplate="%{text} %{x:.1f} Å<extra></extra>",
        )
    )
