"""Spectra of up to four stars in one figure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go

from stellar_core.figures.curves import combs
from stellar_core.figures.palette import LIGHT, Palette, base_layout, faded


@dataclass(frozen=True)
class Curve:
    """One spectrum, divided by its median.

    Attributes
    ----------
    name : str
    flux : (n,) float
        NaN if not observed.
    """

    name: str
    flux: np.ndarray


def comparison_figure(
    wavelength: np.ndarray,
    curves: Sequence[Curve],
    *,
    lines: Sequence[tuple[float, str]] = (),
    palette: Palette = LIGHT,
    revision: str = "",
    height: int = 480,
) -> go.Figure:
    """Draw spectra with integer offsets, the first on top.

    Parameters
    ----------
    wavelength : (n,) float
        Common rest wavelength, Angstrom; every second point is drawn.
    curves : sequence of Curve
        At most four.
    lines : sequence of (wavelength, label)
        Marked through all spectra, Angstrom.
    revision : str
        Name of the content.

    Returns
    -------
    plotly.graph_objects.Figure
    """
    figure = go.Figure()
    x = wavelength[::2].astype(np.float32)
    tops = []
    for place, (curve, colour) in enumerate(zip(curves, palette.several)):
        offset = len(curves) - 1 - place
        y = np.asarray(curve.flux, np.float32)[::2] + np.float32(offset)
        tops.append(float(np.nanquantile(y, 0.998)))
        figure.add_trace(
            go.Scatter(
                x=x,
                y=y,
                mode="lines",
                name=curve.name,
                connectgaps=False,
                line={"width": 1.1, "color": colour},
                hovertemplate=f"{curve.name}<br>%{{x:.0f}} Å, %{{y:.2f}}<extra></extra>",
            )
        )
        end = np.flatnonzero(np.isfinite(y))[-40:]
        figure.add_annotation(
            x=float(x[end[-1]]),
            y=float(y[end].mean()),
            text=f"<b>{place + 1}</b>",
            showarrow=False,
            xanchor="left",
            xshift=4,
            font={"size": 13, "color": colour},
        )
    top = max(tops, default=1.0) + 0.15
    if lines:
        stroke_x, stroke_y = combs(np.array([place for place, _ in lines]), 0.0, top)
        figure.add_trace(
            go.Scatter(
                x=stroke_x,
                y=stroke_y,
                mode="lines",
                name="lines",
                line={"width": 0.7, "color": faded(palette.muted, 0.4)},
                text=[text for _, label in lines for text in (label, label, "")],
                hovertemplate="%{text} %{x:.1f} Å<extra></extra>",
            )
        )
    base_layout(figure, palette, height, revision)
    ends = [float(wavelength[np.isfinite(curve.flux)][k]) for curve in curves for k in (0, -1)]
    figure.update_xaxes(
        title_text="Rest wavelength (Å, vacuum)", tickformat="d", range=[min(ends) - 30, max(ends) + 120]
    )
    figure.update_yaxes(title_text="Flux / median + offset", range=[0, top])
    figure.update_layout(hovermode="closest", dragmode="zoom")
    return figure
