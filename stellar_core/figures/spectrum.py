"""The spectrum: flux, errors, masked pixels, filler and named lines.

The switches of the figure (smoothing, rest or observed frame, what is shown) are the
figure's own and act in the browser: they cost no round trip and leave the zoom alone.
"""

from __future__ import annotations

from typing import Sequence

import numpy as np
import plotly.graph_objects as go

from stellar_core.figures.curves import combs, packed, ribbon, robust_range, smooth
from stellar_core.figures.flags import flag_rows, group_lines
from stellar_core.figures.palette import LIGHT, Palette, base_layout, faded

#: Share of the height given to the strip of line labels.
STRIP = 0.18
#: Rows of labels in the strip.
ROWS = 5
#: Widths of the running mean on offer, pixels, and the one shown first.
SMOOTHING = (1, 3, 7, 15, 31)
DEFAULT_SMOOTHING = 3
#: Room for the switches above the figure, pixels.
HEAD = 64


class SpectrumFigure:
    """Builds the figure of one spectrum; see `spectrum_figure`."""

    def __init__(self, redshift: float, palette: Palette) -> None:
        self.figure = go.Figure()
        self.stretch = 1.0 + redshift
        self.palette = palette
        #: Index of each trace that moves with the frame -> its x in the rest and the observed frame.
        self.moving: dict[int, tuple[np.ndarray, np.ndarray]] = {}

    def add(self, trace: go.Scatter, observed: np.ndarray | None = None) -> int:
        """Add ``trace``, whose x is in the rest frame; ``observed`` is its x in the other one."""
        index = len(self.figure.data)
        x = np.asarray(trace.x, np.float32)
        self.moving[index] = (x, x * np.float32(self.stretch) if observed is None else observed)
        self.figure.add_trace(trace)
        return index

    def add_filler(self, filler: Sequence[tuple[float, float]]) -> None:
        """Shade the ranges in which nothing was measured."""
        for number, (start, stop) in enumerate(filler):
            self.figure.add_shape(
                type="rect", x0=start, x1=stop, y0=0, y1=1, xref="x", yref="y domain", layer="below",
                line={"width": 0}, fillcolor=faded(self.palette.muted, 0.14), legendgroup="filler",
                name="not observed: filler", showlegend=number == 0,
            )  # fmt: skip

    def add_data(
        self, wavelength: np.ndarray, flux: np.ndarray, ivar: np.ndarray, model: np.ndarray | None
    ) -> None:
        """Draw flux and errors with the slider that smooths them, the mask and the model."""
        x = np.asarray(wavelength, np.float32)
        curves = {width: smooth(flux, ivar, width) for width in SMOOTHING}
        low, high = robust_range(curves[7][0])
        # Beyond ten times the shown range an error would only swell the file, not the picture.
        bands = {w: ribbon(x, mean, np.clip(error, 0, 10 * (high - low))) for w, (mean, error) in curves.items()}
        band = self.add(
            go.Scatter(
                x=bands[DEFAULT_SMOOTHING][0], y=bands[DEFAULT_SMOOTHING][1], fill="toself", name="±1σ", mode="lines",
                fillcolor=faded(self.palette.data, 0.22), line={"width": 0}, hoverinfo="skip",
            )  # fmt: skip
        )
        line = self.add(
            go.Scatter(
                x=x, y=curves[DEFAULT_SMOOTHING][0], mode="lines", name="flux", connectgaps=False,
                line={"width": 1.1, "color": self.palette.data}, hovertemplate="%{x:.1f} Å<br>%{y:.3g}<extra></extra>",
            )  # fmt: skip
        )
        if model is not None:
            self.add(
                go.Scatter(
                    x=x, y=np.asarray(model, np.float32), mode="lines", name="pipeline model", visible="legendonly",
                    line={"width": 1.3, "color": self.palette.second}, hoverinfo="skip",
                )  # fmt: skip
            )
        masked = ivar <= 0
        if masked.any():
            rug_x, rug_y = combs(x[masked], 0.0, 0.035)
            self.add(
                go.Scatter(
                    x=rug_x, y=rug_y, yaxis="y3", mode="lines", name=f"masked ({int(masked.sum())} px)",
                    line={"width": 1.2, "color": self.palette.warning}, hoverinfo="skip",
                )  # fmt: skip
            )
        steps = [
            {
                "label": str(width), "method": "restyle",
                "args": [{"y": [packed(bands[width][1]), packed(curves[width][0])]}, [band, line]],
            }
            for width in SMOOTHING
        ]  # fmt: skip
        self.figure.update_layout(
            yaxis={"range": [low, high]},
            sliders=[
                {
                    "active": SMOOTHING.index(DEFAULT_SMOOTHING), "steps": steps, "x": 0, "len": 0.46, "y": 1.0,
                    "yanchor": "bottom", "pad": {"t": 0, "b": 2, "l": 4}, "ticklen": 3, "minorticklen": 0,
                    "currentvalue": {"prefix": "Smoothing: ", "suffix": " px", "font": {"size": 12}, "offset": 6},
                    "bgcolor": self.palette.grid, "activebgcolor": self.palette.accent, "bordercolor": self.palette.muted,
                    "borderwidth": 0, "tickcolor": self.palette.muted, "font": {"size": 10, "color": self.palette.muted},
                }
            ],
        )  # fmt: skip

    def add_lines(self, lines: Sequence[tuple[float, str]], angstrom_per_pixel: float) -> None:
        """Mark ``lines`` by one trace of strokes, one of flag poles and one of labels."""
        if not lines:
            return
        groups = group_lines(lines)
        rows = flag_rows([g[0] for g in groups], [(6.6 * len(g[1]) + 9) * angstrom_per_pixel for g in groups], ROWS)
        members = np.array([wavelength for group in groups for wavelength in group[2]])
        names = [group[1] for group in groups for _ in group[2]]
        shared = {"legendgroup": "lines", "line": {"width": 0.8, "color": faded(self.palette.muted, 0.55)}}
        x, y = combs(members, 0.0, 1.0)
        self.add(
            go.Scatter(
                x=x, y=y, yaxis="y3", mode="lines", name="lines", **shared,
                text=[text for label in names for text in (label, label, "")],
                hovertemplate="%{text} %{x:.1f} Å<extra></extra>",
            )  # fmt: skip
        )
        shown = [(group[0], group[1], row) for group, row in zip(groups, rows) if row is not None]
        places = np.array([wavelength for wavelength, _, _ in shown])
        tops = np.array([ROWS - row for _, _, row in shown], float)
        x, y = combs(places, 0.0, tops - 0.1)
        self.add(go.Scatter(x=x, y=y, yaxis="y2", mode="lines", showlegend=False, hoverinfo="skip", **shared))
        self.add(
            go.Scatter(
                x=places, y=tops - 0.5, yaxis="y2", mode="text", text=[f" {label}" for _, label, _ in shown],
                textposition="middle right", textfont={"size": 11, "color": self.palette.ink},
                showlegend=False, legendgroup="lines", hoverinfo="skip",
            )  # fmt: skip
        )

    def add_sky(self, sky: Sequence[tuple[float, str]]) -> None:
        """Mark the night sky and the atmosphere: in the observed frame only, shifted by no star."""
        if not sky:
            return
        x, y = combs(np.array([wavelength for wavelength, _ in sky]), 0.0, 0.97)
        self.add(
            go.Scatter(
                x=np.full_like(x, np.nan), y=y, yaxis="y3", mode="lines", name="night sky (observed frame)",
                line={"width": 1.0, "color": self.palette.second, "dash": "dot"},
                text=[text for _, label in sky for text in (label, label, "")],
                hovertemplate="%{text} %{x:.1f} Å<extra></extra>",
            ),
            observed=x,
        )  # fmt: skip

    def add_frame_switch(self) -> None:
        """Buttons that move everything between the rest and the observed frame."""
        shapes = self.figure.layout.shapes
        buttons = []
        for frame, (name, stretch) in enumerate((("Rest", 1.0), ("Observed", self.stretch))):
            layout: dict[str, object] = {"xaxis.title.text": f"{name} wavelength (Å, vacuum)"}
            for number, shape in enumerate(shapes):
                layout[f"shapes[{number}].x0"] = float(shape.x0) * stretch
                layout[f"shapes[{number}].x1"] = float(shape.x1) * stretch
            data = {"x": [packed(pair[frame]) for pair in self.moving.values()]}
            buttons.append({"label": name, "method": "update", "args": [data, layout, list(self.moving)]})
        self.figure.update_layout(
            updatemenus=[
                {
                    "type": "buttons", "direction": "right", "buttons": buttons, "active": 0, "showactive": True,
                    "x": 1, "xanchor": "right", "y": 1.0, "yanchor": "bottom", "pad": {"t": 0, "b": 22, "r": 2},
                    "bgcolor": self.palette.surface, "bordercolor": self.palette.muted, "borderwidth": 1,
                    "font": {"size": 12, "color": self.palette.control},
                }
            ]
        )  # fmt: skip


def spectrum_figure(
    wavelength: np.ndarray,
    flux: np.ndarray,
    ivar: np.ndarray,
    *,
    redshift: float = 0.0,
    lines: Sequence[tuple[float, str]] = (),
    sky: Sequence[tuple[float, str]] = (),
    filler: Sequence[tuple[float, float]] = (),
    model: np.ndarray | None = None,
    y_title: str = "Flux density",
    angstrom_per_pixel: float = 11.0,
    palette: Palette = LIGHT,
    revision: str = "",
    height: int = 520,
) -> go.Figure:
    """Draw one spectrum.

    Parameters
    ----------
    wavelength : (n_pixel,) float64
        Vacuum wavelength as observed, Angstrom.
    flux, ivar : (n_pixel,) float64
        Flux density and inverse variance; ``ivar`` 0 marks a bad pixel.
    redshift : float
        Taken out in the rest frame, which is shown first.
    lines : sequence of (wavelength, label)
        Lines of the star in its rest frame, Angstrom.
    sky : sequence of (wavelength, label)
        Lines of the night sky in the observer's frame, Angstrom.
    filler : sequence of (low, high)
        Rest-frame ranges that the network sees as filler because nothing was measured there, Angstrom.
    model : (n_pixel,) float64, optional
        The survey pipeline's own model; hidden until its name in the legend is clicked.
    angstrom_per_pixel : float
        Scale of the screen for which the labels are laid out.
    revision : str
        The star's name: the zoom is kept until it changes.

    Returns
    -------
    plotly.graph_objects.Figure
    """
    flux, ivar = np.asarray(flux, float), np.asarray(ivar, float)
    rest = np.asarray(wavelength, float) / (1.0 + redshift)
    draw = SpectrumFigure(redshift, palette)
    draw.add_filler(filler)
    draw.add_data(rest, flux, ivar, model)
    draw.add_lines(lines, angstrom_per_pixel)
    draw.add_sky(sky)
    draw.add_frame_switch()
    figure = draw.figure
    base_layout(figure, palette, height, revision)
    ends = [rest[0], rest[-1], *(end for interval in filler for end in interval)]
    figure.update_layout(
        margin={"t": HEAD},
        xaxis={
            "title": {"text": "Rest wavelength (Å, vacuum)"}, "range": [round(min(ends), -2), round(max(ends), -2)],
            "anchor": "y", "tickformat": "d",
        },
        yaxis={"title": {"text": y_title}, "domain": [0, 1 - STRIP]},
        yaxis2={"domain": [1 - STRIP, 1], "range": [0, ROWS], "visible": False, "fixedrange": True},
        yaxis3={
            "domain": [0, 1 - STRIP], "range": [0, 1], "overlaying": "y", "visible": False, "fixedrange": True,
        },
        hovermode="closest",
        dragmode="zoom",
    )  # fmt: skip
    return figure
