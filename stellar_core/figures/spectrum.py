"""Plain figure of one spectrum: what the viewer of the Star page shows, without its controls."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go

from stellar_core.figures.curves import combs, paired, ribbon, robust_range
from stellar_core.figures.influence import Shading
from stellar_core.figures.label_layout import group_lines, label_rows
from stellar_core.figures.palette import LIGHT, Palette, base_layout, faded
from stellar_core.figures.spectrum_view import DEFAULT_SMOOTHING, SpectrumView
from stellar_core.figures.wavelength_frames import FRAMES

#: Shares of the height: strip of line labels, residuals, and the gap above them.
STRIP, RESIDUALS, GAP = 0.16, 0.15, 0.035
#: Rows of labels in the strip.
ROWS = 5
#: Limit of the residuals, sigma.
RESIDUAL_VIEW = 6.0


def spectrum_figure(
    view: SpectrumView, *, angstrom_per_pixel: float = 11.0, palette: Palette = LIGHT, height: int = 560
) -> go.Figure:
    """Draw one spectrum at rest in vacuum, with its error band, masked pixels, lines, models and residuals.

    Parameters
    ----------
    view : SpectrumView
        Its first shading is drawn.
    angstrom_per_pixel : float
        Screen scale used for the layout of labels.

    Returns
    -------
    plotly.graph_objects.Figure
    """
    figure = go.Figure()
    residuals = bool(view.overlays)
    floor = RESIDUALS + GAP if residuals else 0.0
    _add_shading(figure, view.shadings, palette, floor)
    _add_gaps(figure, view, palette, floor)
    limits = _add_data(figure, view, palette)
    for number, overlay in enumerate(view.overlays):
        figure.add_trace(
            go.Scatter(
                x=view.rest.astype(np.float32),
                y=view.overlay_curve(overlay, DEFAULT_SMOOTHING),
                mode="lines",
                name=overlay.name,
                visible=True if number == 0 else "legendonly",
                line={"width": 0.7, "color": faded(getattr(palette, overlay.colour), 0.75)},
                hoverinfo="skip",
                connectgaps=False,
            )
        )
    if residuals:
        _add_residuals(figure, view, palette)
    _add_lines(figure, view, angstrom_per_pixel, palette)
    base_layout(figure, palette, height, view.name)
    figure.update_layout(
        xaxis={
            "title": {"text": FRAMES[0].title},
            "range": [float(view.rest[0]), float(view.rest[-1])],
            "anchor": "y4" if residuals else "y",
            "tickformat": "d",
        },
        yaxis={"title": {"text": view.flux_title}, "domain": [floor, 1 - STRIP], "range": limits},
        yaxis2={"domain": [1 - STRIP, 1], "range": [0, ROWS], "visible": False, "fixedrange": True},
        yaxis3={"domain": [floor, 1 - STRIP], "range": [0, 1], "overlaying": "y", "visible": False, "fixedrange": True},
        hovermode="closest",
        dragmode="zoom",
    )
    if residuals:
        figure.update_layout(
            yaxis4={
                "title": {"text": "(F − M) / σ", "font": {"size": 11, "color": palette.ink}},
                "domain": [0, RESIDUALS],
                "range": [-RESIDUAL_VIEW, RESIDUAL_VIEW],
                "tickvals": [-5, 0, 5],
                "zeroline": True,
                "zerolinecolor": palette.muted,
                "zerolinewidth": 1,
            }
        )
    return figure


def _add_band(figure: go.Figure, low: float, high: float, floor: float, colour: str, **options: object) -> None:
    """Shade a range of wavelengths behind the flux."""
    figure.add_shape(
        type="rect",
        x0=low,
        x1=high,
        y0=floor,
        y1=1 - STRIP,
        xref="x",
        yref="paper",
        layer="below",
        line={"width": 0},
        fillcolor=colour,
        **options,
    )


def _add_shading(figure: go.Figure, shadings: list[Shading], palette: Palette, floor: float) -> None:
    """Shade each hidden range by its effect: one colour for a rise, one for a fall."""
    for shading in shadings[:1]:
        largest = max(float(np.abs(shading.values).max()), 1e-12)
        for (low, high), value in zip(shading.edges, shading.values):
            colour = faded(palette.warning if value > 0 else palette.draws, round(0.35 * abs(value) / largest, 3))
            _add_band(figure, float(low), float(high), floor, colour)


def _add_gaps(figure: go.Figure, view: SpectrumView, palette: Palette, floor: float) -> None:
    """Shade unobserved ranges."""
    for number, (low, high) in enumerate(view.gaps):
        legend = {"legendgroup": "filler", "name": "not observed", "showlegend": number == 0}
        _add_band(figure, low, high, floor, faded(palette.muted, 0.14), **legend)


def _add_data(figure: go.Figure, view: SpectrumView, palette: Palette) -> tuple[float, float]:
    """Add flux, errors and masked pixels; returns the limits of the flux axis."""
    flux, error = view.curve(DEFAULT_SMOOTHING)
    low, high = robust_range(view.curve(7)[0])
    # Errors beyond ten times the shown range are clipped.
    x, y = ribbon(*paired(view.rest, flux, np.clip(error, 0, 10 * (high - low))))
    figure.add_trace(
        go.Scatter(
            x=x,
            y=y,
            fill="toself",
            name="±1σ",
            mode="lines",
            fillcolor=faded(palette.data, 0.22),
            line={"width": 0},
            hoverinfo="skip",
        )
    )
    figure.add_trace(
        go.Scatter(
            x=view.rest.astype(np.float32),
            y=flux,
            mode="lines",
            name="flux",
            connectgaps=False,
            line={"width": 1.1, "color": palette.data},
            hovertemplate="%{x:.1f} Å<br>%{y:.3g}<extra></extra>",
        )
    )
    masked = np.asarray(view.ivar) <= 0
    if masked.any():
        x, y = combs(view.rest[masked], 0.0, 0.035)
        figure.add_trace(
            go.Scatter(
                x=x,
                y=y,
                yaxis="y3",
                mode="lines",
                name=f"masked ({int(masked.sum())} px)",
                line={"width": 1.2, "color": palette.warning},
                hoverinfo="skip",
            )
        )
    return low, high


def _add_residuals(figure: go.Figure, view: SpectrumView, palette: Palette) -> None:
    """Add (flux - first model) / error below the spectrum."""
    figure.add_trace(
        go.Scatter(
            x=view.rest.astype(np.float32),
            y=view.residual(view.overlays[0], DEFAULT_SMOOTHING),
            yaxis="y4",
            mode="lines",
            name="residual",
            showlegend=False,
            line={"width": 0.7, "color": getattr(palette, view.overlays[0].colour)},
            hovertemplate="%{x:.1f} Å<br>%{y:+.1f} σ<extra></extra>",
        )
    )


def _add_lines(figure: go.Figure, view: SpectrumView, angstrom_per_pixel: float, palette: Palette) -> None:
    """Add strokes and labels of the lines inside the spectrum."""
    inside = [line for line in view.lines if view.rest[0] <= line[0] <= view.rest[-1]]
    if not inside:
        return
    groups = group_lines(inside)
    rows = label_rows([g[0] for g in groups], [(6.6 * len(g[1]) + 9) * angstrom_per_pixel for g in groups], ROWS)
    members = np.array([wavelength for group in groups for wavelength in group[2]])
    names = [group[1] for group in groups for _ in group[2]]
    shared = {"legendgroup": "lines", "line": {"width": 0.8, "color": faded(palette.muted, 0.55)}}
    x, y = combs(members, 0.0, 1.0)
    figure.add_trace(
        go.Scatter(
            x=x,
            y=y,
            yaxis="y3",
            mode="lines",
            name="lines",
            **shared,
            text=[text for label in names for text in (label, label, "")],
            hovertemplate="%{text} %{x:.1f} Å<extra></extra>",
        )
    )
    shown = [(group[0], group[1], row) for group, row in zip(groups, rows) if row is not None]
    places = np.array([wavelength for wavelength, _, _ in shown])
    tops = np.array([ROWS - row for _, _, row in shown], float)
    x, y = combs(places, 0.0, tops - 0.1)
    figure.add_trace(go.Scatter(x=x, y=y, yaxis="y2", mode="lines", showlegend=False, hoverinfo="skip", **shared))
    figure.add_trace(
        go.Scatter(
            x=places,
            y=tops - 0.5,
            yaxis="y2",
            mode="text",
            text=[f" {label}" for _, label, _ in shown],
            textposition="middle right",
            textfont={"size": 11, "color": palette.ink},
            showlegend=False,
            legendgroup="lines",
            hoverinfo="skip",
        )
    )
