"""Figures of a whole catalogue: density on the Kiel diagram, histogram, map of the sky."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go

from stellar_core.figures.colour_scales import count_scale, value_scale
from stellar_core.figures.kiel import LOGG_VIEW, TEFF_VIEW, stage_label, stage_regions
from stellar_core.figures.palette import LIGHT, Palette, base_layout, faded
from stellar_core.stages import DEFAULT_THRESHOLDS, STAGES

#: Bins of the diagram in Teff and log g, and of the sky in right ascension and declination.
BINS, SKY_BINS = (200, 160), (120, 60)
#: Ranges of the diagram, K and dex: stars beyond them are not drawn.
TEFF_RANGE, LOGG_RANGE = (3200.0, 10000.0), (0.0, 5.5)
_TEFF_EDGES, _LOGG_EDGES = np.linspace(*TEFF_RANGE, BINS[0] + 1), np.linspace(*LOGG_RANGE, BINS[1] + 1)


@dataclass(frozen=True)
class Density:
    """Binned stars of the diagram, log g by Teff.

    Attributes
    ----------
    count : (n_logg, n_teff) int32
        Stars with a known colour.
    colour : (n_logg, n_teff) float32 or None
        Mean of the colour, or the most frequent stage; NaN in empty bins. None colours by number.
    """

    count: np.ndarray
    colour: np.ndarray | None = None

    @property
    def stars(self) -> int:
        """Number of stars within the bins."""
        return int(self.count.sum())


def diagram_density(
    teff: np.ndarray, logg: np.ndarray, colour: np.ndarray | None = None, stages: bool = False
) -> Density:
    """Bin stars for `diagram_figure`.

    Parameters
    ----------
    teff, logg : (n,) float
        K and dex.
    colour : (n,) float, optional
        Averaged in each bin.
    stages : bool
        True if ``colour`` is an index into `STAGES`; the most frequent one is shown.
    """
    known = np.isfinite(teff) & np.isfinite(logg)
    if colour is None:
        return Density(_counted(teff[known], logg[known]).astype(np.int32))
    known &= np.isfinite(colour)
    teff, logg, colour = teff[known], logg[known], colour[known]
    count = _counted(teff, logg)
    with np.errstate(divide="ignore", invalid="ignore"):
        if stages:
            each = [_counted(teff[colour == stage], logg[colour == stage]) for stage in range(len(STAGES))]
            shown = np.argmax(each, axis=0).astype(np.float32)
        else:
            shown = (_counted(teff, logg, colour) / count).astype(np.float32)
    shown[count == 0] = np.nan
    return Density(count.astype(np.int32), shown)


def diagram_figure(
    density: Density,
    title: str = "stars",
    *,
    stages: bool = False,
    box: tuple[float, float, float, float] | None = None,
    palette: Palette = LIGHT,
    height: int = 560,
) -> go.Figure:
    """Draw the Kiel diagram of many stars, both axes reversed, in 200 by 160 bins.

    Parameters
    ----------
    density : Density
    title : str
        Of the colour bar.
    stages : bool
        True if the colours are stages.
    box : (float, float, float, float), optional
        Limits of a rectangle: Teff from, to (K), log g from, to (dex).
    """
    bar: dict[str, object] = {"title": {"text": title, "side": "right"}, "thickness": 12, "outlinewidth": 0}
    scale: dict[str, object] = {"colorscale": value_scale(palette)}
    where = "%{x:.0f} K, log g %{y:.2f}<br>"
    if density.colour is None:
        with np.errstate(divide="ignore"):
            shown = np.where(density.count > 0, np.log10(density.count), np.nan)
        scale = {"colorscale": count_scale(palette)}
        top = max(float(density.count.max(initial=1)), 2.0)
        ticks = [tick for tick in (1, 3, 10, 30, 100, 300, 1000, 3000, 10000) if tick <= top]
        bar |= {"tickvals": np.log10(ticks), "ticktext": [f"{tick}" for tick in ticks]}
        words = f"{where}{title} %{{customdata}}<extra></extra>"
    elif stages:
        shown = density.colour
        number = len(STAGES)
        steps = [[at / number, colour] for k, colour in enumerate(palette.stages) for at in (k, k + 1)]
        scale = {"colorscale": steps, "zmin": -0.5, "zmax": number - 0.5}
        bar |= {"tickvals": list(range(number)), "ticktext": [stage_label(index) for index in range(number)]}
        words = f"{where}%{{customdata}} stars<extra></extra>"
    else:
        shown = density.colour
        known = shown[np.isfinite(shown)]
        if known.size:
            low, high = np.quantile(known, [0.01, 0.99])
            scale |= {"zmin": float(low), "zmax": float(max(high, low + 1e-9))}
        words = f"{where}{title} %{{z:.3g}}<br>%{{customdata}} stars<extra></extra>"
    figure = go.Figure(
        go.Heatmap(
            x=_middle(_TEFF_EDGES),
            y=_middle(_LOGG_EDGES),
            z=shown.astype(np.float32),
            customdata=density.count,
            colorbar=bar,
            hovertemplate=words,
            **scale,
        )
    )
    _add_stages(figure, palette)
    if box is not None:
        line = {"width": 2, "color": palette.accent, "dash": "dash"}
        figure.add_shape(
            type="rect", x0=box[0], x1=box[1], y0=box[2], y1=box[3], line=line, fillcolor=faded(palette.accent, 0.08)
        )
    base_layout(figure, palette, height, "catalogue")
    figure.update_layout(dragmode="select", showlegend=False)
    figure.update_xaxes(title_text="Effective temperature T<sub>eff</sub> (K)", range=list(TEFF_VIEW), tickformat="d")
    figure.update_yaxes(title_text="Surface gravity log g (dex)", range=list(LOGG_VIEW))
    return figure


def _add_stages(figure: go.Figure, palette: Palette) -> None:
    """Add the borders of the stages and their names."""
    for index, x, y, (teff, logg) in stage_regions(DEFAULT_THRESHOLDS):
        line = {"width": 1.2, "color": faded(palette.ink, 0.55)}
        figure.add_trace(
            go.Scatter(
                x=x.astype(np.float32),
                y=y.astype(np.float32),
                mode="lines",
                line=line,
                hoverinfo="skip",
                showlegend=False,
            )
        )
        figure.add_annotation(
            x=teff,
            y=logg,
            text=f"<b>{stage_label(index)}</b>",
            showarrow=False,
            borderpad=2,
            bgcolor=faded(palette.surface, 0.75),
            font={"size": 12, "color": palette.stages[index]},
        )


def _counted(teff: np.ndarray, logg: np.ndarray, weights: np.ndarray | None = None) -> np.ndarray:
    return np.histogram2d(logg, teff, bins=(_LOGG_EDGES, _TEFF_EDGES), weights=weights)[0]


def histogram_figure(values: np.ndarray, title: str, *, palette: Palette = LIGHT, height: int = 300) -> go.Figure:
    """Draw a histogram of one column, 80 bins between its 0.1 and 99.9 % quantiles."""
    known = values[np.isfinite(values)]
    low, high = np.quantile(known, [0.001, 0.999]) if known.size else (0.0, 1.0)
    count, edges = np.histogram(known, bins=80, range=(low, max(high, low + 1e-6)))
    figure = go.Figure(go.Bar(x=_middle(edges), y=count, marker={"color": palette.draws, "line": {"width": 0}}))
    base_layout(figure, palette, height, title)
    figure.update_layout(bargap=0, dragmode="select", selectdirection="h")
    figure.update_xaxes(title_text=title)
    figure.update_yaxes(title_text="stars")
    return figure


def mollweide(ra: np.ndarray, dec: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mollweide projection, centred on right ascension 180°, which increases to the left.

    Parameters
    ----------
    ra, dec : (n,) float
        Degrees.

    Returns
    -------
    x, y : (n,) float64
        In -2..2 and -1..1 (Snyder 1987, USGS Professional Paper 1395, equations 31-1 to 31-3, over sqrt 2).
    """
    latitude = np.radians(np.asarray(dec, float))
    angle = latitude.copy()
    for _ in range(12):
        slope = np.maximum(2.0 + 2.0 * np.cos(2.0 * angle), 1e-9)
        angle = np.clip(
            angle - (2.0 * angle + np.sin(2.0 * angle) - np.pi * np.sin(latitude)) / slope, -np.pi / 2, np.pi / 2
        )
    longitude = np.radians(180.0 - np.asarray(ra, float))
    return 2.0 / np.pi * longitude * np.cos(angle), np.sin(angle)


def sky_limits(x: tuple[float, float], y: tuple[float, float]) -> dict[str, tuple[float, float]]:
    """Ranges of right ascension and declination that contain a box drawn on the map of the sky.

    Parameters
    ----------
    x, y : (float, float)
        The box, in the units of `mollweide`.

    Returns
    -------
    dict
        "ra" and "dec", from and to, degrees.
    """
    sine = np.clip(np.linspace(*sorted(y), 41), -1.0, 1.0)
    angle = np.arcsin(sine)
    dec = np.degrees(np.arcsin(np.clip((2.0 * angle + np.sin(2.0 * angle)) / np.pi, -1.0, 1.0)))
    east = 180.0 - 90.0 * np.multiply.outer(x, 1.0 / np.maximum(np.cos(angle), 1e-9))
    ra = np.clip(east, 0.0, 360.0)
    return {"ra": (float(ra.min()), float(ra.max())), "dec": (float(dec.min()), float(dec.max()))}


def sky_figure(ra: np.ndarray, dec: np.ndarray, *, palette: Palette = LIGHT, height: int = 300) -> go.Figure:
    """Draw the number of stars on the sky, in equatorial coordinates and the Mollweide projection."""
    x, y = mollweide(ra, dec)
    edges = np.linspace(-2.0, 2.0, SKY_BINS[0] + 1), np.linspace(-1.0, 1.0, SKY_BINS[1] + 1)
    count = np.histogram2d(x, y, bins=edges)[0].T
    with np.errstate(divide="ignore"):
        shown = np.where(count > 0, np.log10(count), np.nan)
    figure = go.Figure(
        go.Heatmap(
            x=_middle(edges[0]),
            y=_middle(edges[1]),
            z=shown.astype(np.float32),
            colorscale=count_scale(palette),
            showscale=False,
            customdata=count.astype(np.int32),
            hovertemplate="%{customdata} stars<extra></extra>",
        )
    )
    rules = [mollweide(np.full(91, ra), np.linspace(-90, 90, 91)) for ra in range(0, 361, 60)]
    rules += [mollweide(np.linspace(0, 360, 91), np.full(91, dec)) for dec in range(-60, 61, 30)]
    gap = np.array([np.nan])
    lines = [np.concatenate([part for rule in rules for part in (rule[axis], gap)]) for axis in (0, 1)]
    figure.add_trace(
        go.Scatter(
            x=lines[0],
            y=lines[1],
            mode="lines",
            line={"width": 0.6, "color": faded(palette.ink, 0.35)},
            hoverinfo="skip",
        )
    )
    for ra_label in (60, 120, 180, 240, 300):
        place = mollweide(np.array([ra_label]), np.array([0.0]))
        figure.add_annotation(
            x=float(place[0][0]),
            y=-0.04,
            text=f"{ra_label}°",
            showarrow=False,
            font={"size": 10, "color": palette.muted},
        )
    base_layout(figure, palette, height, "sky")
    figure.update_layout(showlegend=False, dragmode="select")
    figure.update_xaxes(visible=False, range=[-2.05, 2.05])
    figure.update_yaxes(visible=False, range=[-1.05, 1.05], scaleanchor="x")
    return figure


def _middle(edges: np.ndarray) -> np.ndarray:
    return ((edges[1:] + edges[:-1]) / 2).astype(np.float32)
