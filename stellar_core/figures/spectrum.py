"""Spectrum: flux, errors, masked pixels, unobserved ranges, line marks, models and residuals.

Sliders and menus (smoothing, velocity of the line marks, frame and medium, legend) act in the browser, without a
request to the server, and keep the zoom.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from stellar_core.figures.curves import combs, packed, paired, ribbon, robust_range, smooth
from stellar_core.figures.label_layout import group_lines, label_rows
from stellar_core.figures.palette import LIGHT, Palette, base_layout, faded
from stellar_core.figures.wavelength_frames import FRAMES, VELOCITIES, Frame

#: Shares of the height: strip of line labels, residuals, and the gap above them.
STRIP, RESIDUALS, GAP = 0.16, 0.15, 0.035
#: Rows of labels in the strip.
ROWS = 5
#: Widths of the running mean, pixels, and the initial one.
SMOOTHING = (1, 3, 7, 15, 31)
DEFAULT_SMOOTHING = 3
#: Space for sliders and Plotly's toolbar above the figure, pixels; two rows on a narrow screen.
HEAD, NARROW_HEAD = 88, 108
#: Initial limit of the residuals, sigma.
RESIDUAL_VIEW = 6.0


class SpectrumFigure:
    """Builder of the figure of one spectrum; see `spectrum_figure`."""

    def __init__(self, redshift: float, palette: Palette, narrow: bool, floor: float) -> None:
        self.figure = go.Figure()
        self.redshift = redshift
        self.palette = palette
        self.narrow = narrow
        #: Share of the height below the flux.
        self.floor = floor
        #: Trace that moves with the frame -> its vacuum wavelengths, at rest (or observed, for the sky).
        self.moving: dict[int, np.ndarray] = {}
        #: Traces of stellar lines and of sky lines.
        self.marks: list[int] = []
        self.sky: list[int] = []

    def add(self, trace: go.Scatter, wavelength: np.ndarray | None = None) -> int:
        """Add ``trace``; its x, or ``wavelength``, moves with the frame."""
        index = len(self.figure.data)
        self.moving[index] = np.asarray(trace.x if wavelength is None else wavelength, float)
        self.figure.add_trace(trace)
        return index

    def add_filler(self, filler: Sequence[tuple[float, float]]) -> None:
        """Shade unobserved ranges."""
        for number, (start, stop) in enumerate(filler):
            self.figure.add_shape(
                type="rect",
                x0=start,
                x1=stop,
                y0=self.floor,
                y1=1 - STRIP,
                xref="x",
                yref="paper",
                layer="below",
                line={"width": 0},
                fillcolor=faded(self.palette.muted, 0.14),
                legendgroup="filler",
                name="not observed",
                showlegend=number == 0,
            )

    def add_data(self, wavelength: np.ndarray, flux: np.ndarray, ivar: np.ndarray) -> None:
        """Add flux, errors, mask and the smoothing slider."""
        curves = {width: smooth(flux, ivar, width) for width in SMOOTHING}
        low, high = robust_range(curves[7][0])
        # Errors beyond ten times the shown range are clipped.
        bands = {
            width: ribbon(*paired(wavelength, mean, np.clip(error, 0, 10 * (high - low))))
            for width, (mean, error) in curves.items()
        }
        band = self.add(
            go.Scatter(
                x=bands[DEFAULT_SMOOTHING][0],
                y=bands[DEFAULT_SMOOTHING][1],
                fill="toself",
                name="±1σ",
                mode="lines",
                fillcolor=faded(self.palette.data, 0.22),
                line={"width": 0},
                hoverinfo="skip",
            )
        )
        line = self.add(
            go.Scatter(
                x=wavelength.astype(np.float32),
                y=curves[DEFAULT_SMOOTHING][0],
                mode="lines",
                name="flux",
                connectgaps=False,
                line={"width": 1.1, "color": self.palette.data},
                hovertemplate="%{x:.1f} Å<br>%{y:.3g}<extra></extra>",
            ),
            wavelength,
        )
        masked = ivar <= 0
        if masked.any():
            rug_x, rug_y = combs(wavelength[masked], 0.0, 0.035)
            self.add(
                go.Scatter(
                    x=rug_x,
                    y=rug_y,
                    yaxis="y3",
                    mode="lines",
                    name=f"masked ({int(masked.sum())} px)",
                    line={"width": 1.2, "color": self.palette.warning},
                    hoverinfo="skip",
                )
            )
        steps = [
            {
                "label": str(width),
                "method": "restyle",
                "args": [{"y": [packed(bands[width][1]), packed(curves[width][0])]}, [band, line]],
            }
            for width in SMOOTHING
        ]
        self.figure.update_layout(yaxis={"range": [low, high]})
        self._add_slider(steps, SMOOTHING.index(DEFAULT_SMOOTHING), 0.0, "Smoothing: ", " px")

    def add_model(self, wavelength: np.ndarray, model: np.ndarray, name: str, colour: str) -> None:
        """Add a model at every second pixel; hidden until its name in the legend is clicked."""
        self.add(
            go.Scatter(
                x=wavelength[::2].astype(np.float32),
                y=np.asarray(model, np.float32)[::2],
                mode="lines",
                name=name,
                visible="legendonly",
                line={"width": 1.3, "color": colour},
                hoverinfo="skip",
                connectgaps=False,
            ),
            wavelength[::2],
        )

    def add_residuals(self, wavelength: np.ndarray, flux: np.ndarray, ivar: np.ndarray, model: np.ndarray) -> None:
        """Add (flux - model) / sigma below the spectrum."""
        left = np.where(ivar > 0, (flux - np.asarray(model, float)) * np.sqrt(ivar), np.nan).astype(np.float32)
        self.add(
            go.Scatter(
                x=wavelength.astype(np.float32),
                y=left,
                yaxis="y4",
                mode="lines",
                name="residual",
                showlegend=False,
                line={"width": 0.7, "color": self.palette.second},
                hovertemplate="%{x:.1f} Å<br>%{y:+.1f} σ<extra></extra>",
            ),
            wavelength,
        )

    def add_lines(self, lines: Sequence[tuple[float, str]], angstrom_per_pixel: float) -> None:
        """Add strokes, flag poles and labels of ``lines``, one trace each, and the slider that shifts them."""
        if not lines:
            return
        groups = group_lines(lines)
        rows = label_rows([g[0] for g in groups], [(6.6 * len(g[1]) + 9) * angstrom_per_pixel for g in groups], ROWS)
        members = np.array([wavelength for group in groups for wavelength in group[2]])
        names = [group[1] for group in groups for _ in group[2]]
        shared = {"legendgroup": "lines", "line": {"width": 0.8, "color": faded(self.palette.muted, 0.55)}}
        x, y = combs(members, 0.0, 1.0)
        strokes = self.add(
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
        poles = self.add(go.Scatter(x=x, y=y, yaxis="y2", mode="lines", showlegend=False, hoverinfo="skip", **shared))
        labels = self.add(
            go.Scatter(
                x=places,
                y=tops - 0.5,
                yaxis="y2",
                mode="text",
                text=[f" {label}" for _, label, _ in shown],
                textposition="middle right",
                textfont={"size": 11, "color": self.palette.ink},
                showlegend=False,
                legendgroup="lines",
                hoverinfo="skip",
            )
        )
        self.marks = [strokes, poles, labels]
        self._add_slider(
            self._velocity_steps(FRAMES[0]), VELOCITIES.index(0), 0.5 if self.narrow else 0.37, "Lines: ", " km/s"
        )

    def _velocity_steps(self, frame: Frame) -> list[dict[str, object]]:
        """Steps of the slider of the line marks in ``frame``."""
        return [
            {
                "label": f"{velocity:+d}".replace("-", "−") if velocity else "0",
                "method": "restyle",
                "args": [
                    {"x": [packed(frame.of_star(self.moving[k], self.redshift, velocity)) for k in self.marks]},
                    self.marks,
                ],
            }
            for velocity in VELOCITIES
        ]

    def _add_slider(self, steps: list[dict[str, object]], active: int, x: float, prefix: str, suffix: str) -> None:
        """Add a slider above the figure, starting at the fraction ``x`` of its width."""
        slider = {
            "active": active,
            "steps": steps,
            "x": x,
            "len": 0.48 if self.narrow else 0.34,
            "y": 1.0,
            "yanchor": "bottom",
            "pad": {"t": 0, "b": 2, "l": 4, "r": 8},
            "ticklen": 3,
            "minorticklen": 0,
            "currentvalue": {"prefix": prefix, "suffix": suffix, "font": {"size": 12}, "offset": 6},
            "bgcolor": self.palette.grid,
            "activebgcolor": self.palette.accent,
            "bordercolor": self.palette.muted,
            "borderwidth": 0,
            "tickcolor": self.palette.muted,
            "font": {"size": 10, "color": self.palette.muted},
        }
        self.figure.update_layout(sliders=[*self.figure.layout.sliders, slider])

    def add_sky(self, sky: Sequence[tuple[float, str]]) -> None:
        """Add features of the sky, in the observed frame only."""
        if not sky:
            return
        x, y = combs(np.array([wavelength for wavelength, _ in sky]), 0.0, 0.97)
        self.sky.append(
            self.add(
                go.Scatter(
                    x=np.full_like(x, np.nan),
                    y=y,
                    yaxis="y3",
                    mode="lines",
                    name="night sky (observed frame)",
                    line={"width": 1.0, "color": self.palette.second, "dash": "dot"},
                    text=[text for _, label in sky for text in (label, label, "")],
                    hovertemplate="%{text} %{x:.1f} Å<extra></extra>",
                ),
                x,
            )
        )

    def add_frame_switch(self) -> None:
        """Add the menu of frames and media; it resets the slider of the lines."""
        shapes = self.figure.layout.shapes
        buttons = []
        for frame in FRAMES:
            layout: dict[str, object] = {"xaxis.title.text": frame.title}
            for number, shape in enumerate(shapes):
                for end in ("x0", "x1"):
                    layout[f"shapes[{number}].{end}"] = float(frame.of_star(shape[end], self.redshift))
            if self.marks:
                layout |= {"sliders[1].steps": self._velocity_steps(frame), "sliders[1].active": VELOCITIES.index(0)}
            places = [
                frame.of_sky(x) if k in self.sky else frame.of_star(x, self.redshift) for k, x in self.moving.items()
            ]
            data = {"x": [packed(place) for place in places]}
            buttons.append({"label": frame.name, "method": "update", "args": [data, layout, list(self.moving)]})
        self.figure.update_layout(
            updatemenus=[
                {
                    "type": "dropdown",
                    "direction": "down",
                    "buttons": buttons,
                    "active": 0,
                    "showactive": True,
                    "x": 1,
                    "xanchor": "right",
                    "y": 1.0,
                    "yanchor": "bottom",
                    "pad": {"t": 0, "b": 70 if self.narrow else 22, "r": 2},
                    "bgcolor": self.palette.surface,
                    "bordercolor": self.palette.muted,
                    "borderwidth": 1,
                    "font": {"size": 12, "color": self.palette.control},
                }
            ]
        )


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
    emulated: tuple[np.ndarray, str] | None = None,
    y_title: str = "Flux density",
    angstrom_per_pixel: float = 11.0,
    narrow: bool = False,
    palette: Palette = LIGHT,
    revision: str = "",
    height: int = 560,
) -> go.Figure:
    """Draw one spectrum.

    Parameters
    ----------
    wavelength : (n_pixel,) float64
        Vacuum wavelength as observed, Angstrom.
    flux, ivar : (n_pixel,) float64
        Flux density and inverse variance; ``ivar`` 0 marks a bad pixel.
    redshift : float
        Redshift of the star; the rest frame is shown first.
    lines : sequence of (wavelength, label)
        Lines of the star in its rest frame, Angstrom.
    sky : sequence of (wavelength, label)
        Lines of the night sky in the observer's frame, Angstrom.
    filler : sequence of (low, high)
        Unobserved rest-frame ranges, filled for the network, Angstrom.
    model : (n_pixel,) float64, optional
        Survey pipeline's model; hidden until its name in the legend is clicked. Its residuals are drawn below.
    emulated : ((n_pixel,) float64, str), optional
        Emulated spectrum, NaN outside the emulator, and its name; hidden at first.
    angstrom_per_pixel : float
        Screen scale used for the layout of labels.
    narrow : bool
        True puts the sliders into two rows.
    revision : str
        Name of the star; the zoom is reset when it changes.

    Returns
    -------
    plotly.graph_objects.Figure
    """
    flux, ivar = np.asarray(flux, float), np.asarray(ivar, float)
    rest = np.asarray(wavelength, float) / (1.0 + redshift)
    floor = 0.0 if model is None else RESIDUALS + GAP
    draw = SpectrumFigure(redshift, palette, narrow, floor)
    draw.add_filler(filler)
    draw.add_data(rest, flux, ivar)
    if model is not None:
        draw.add_model(rest, model, "pipeline model", palette.second)
        draw.add_residuals(rest, flux, ivar, model)
    if emulated is not None:
        draw.add_model(rest, *emulated, palette.accent)
    draw.add_lines(lines, angstrom_per_pixel)
    draw.add_sky(sky)
    draw.add_frame_switch()
    figure = draw.figure
    base_layout(figure, palette, height, revision)
    ends = [rest[0], rest[-1], *(end for interval in filler for end in interval)]
    figure.update_layout(
        margin={"t": NARROW_HEAD if narrow else HEAD},
        xaxis={
            "title": {"text": FRAMES[0].title},
            "range": [round(min(ends), -2), round(max(ends), -2)],
            "anchor": "y" if model is None else "y4",
            "tickformat": "d",
        },
        yaxis={"title": {"text": y_title}, "domain": [floor, 1 - STRIP]},
        yaxis2={"domain": [1 - STRIP, 1], "range": [0, ROWS], "visible": False, "fixedrange": True},
        yaxis3={"domain": [floor, 1 - STRIP], "range": [0, 1], "overlaying": "y", "visible": False, "fixedrange": True},
        hovermode="closest",
        dragmode="zoom",
    )
    if model is not None:
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
