"""Inferred ages of real stars against independent ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import plotly.graph_objects as go

from stellar_core.figures.palette import LIGHT, Palette, base_layout, faded

#: Range of both axes and their ticks, Gyr.
RANGE = (0.7, 15.5)
TICKS = (1, 2, 3, 5, 10)


def ages_figure(
    samples: Mapping[str, Mapping[str, Sequence]], scatter: float, *, palette: Palette = LIGHT, height: int = 470
) -> go.Figure:
    """Draw inferred against independent ages with 68 % intervals, coloured by sample.

    Parameters
    ----------
    samples : mapping of str to mapping
        By title of the sample: ``star`` and ``stage`` (n,) str; ``truth`` and ``inferred`` (n, 3) float, ends of the
        68 % interval with the median between them, Gyr. Stars that are no dwarfs have open symbols.
    scatter : float
        RMSE of one age for all stars, dex: the width of the band about equal ages.
    """
    figure = go.Figure()
    ends = np.array([RANGE[0] / 10, RANGE[1] * 10])
    figure.add_trace(
        go.Scatter(
            x=np.concatenate([ends, ends[::-1]]),
            y=np.concatenate([ends * 10**scatter, ends[::-1] / 10**scatter]),
            fill="toself",
            fillcolor=faded(palette.muted, 0.14),
            line={"width": 0},
            mode="lines",
            name=f"error of one age for all (± {scatter:.2f} dex)",
            hoverinfo="skip",
        )
    )
    figure.add_trace(
        go.Scatter(
            x=ends,
            y=ends,
            mode="lines",
            line={"color": palette.ink, "width": 1, "dash": "dot"},
            hoverinfo="skip",
            showlegend=False,
        )
    )
    colours = (palette.draws, palette.accent, palette.second, palette.stages[1], palette.muted)
    for number, (title, sample) in enumerate(samples.items()):
        _add_sample(figure, title, sample, colours[number % len(colours)])
    base_layout(figure, palette, height, "real-ages")
    axis = {
        "type": "log",
        "range": np.log10(RANGE).tolist(),
        "tickvals": list(TICKS),
        "ticktext": [str(tick) for tick in TICKS],
        "showgrid": True,
    }
    figure.update_xaxes(title_text="Asteroseismic age (Gyr)", **axis)
    figure.update_yaxes(title_text="Age from the isochrone fit (Gyr)", **axis)
    figure.update_layout(legend={"y": -0.14, "itemsizing": "constant"})
    return figure


def _add_sample(figure: go.Figure, title: str, sample: Mapping[str, Sequence], colour: str) -> None:
    truth, inferred = np.asarray(sample["truth"], float), np.asarray(sample["inferred"], float)
    if not len(truth):
        return
    words = [
        f"{star}, {stage}<br>asteroseismic {t[1]:.1f} ({t[0]:.1f}–{t[2]:.1f}) Gyr<br>isochrone fit {i[1]:.1f} "
        f"({i[0]:.1f}–{i[2]:.1f}) Gyr"
        for star, stage, t, i in zip(sample["star"], sample["stage"], truth, inferred)
    ]

    def bar(values: np.ndarray) -> dict[str, object]:
        return {
            "type": "data",
            "symmetric": False,
            "array": values[:, 2] - values[:, 1],
            "arrayminus": values[:, 1] - values[:, 0],
            "color": faded(colour, 0.32),
            "thickness": 1,
            "width": 0,
        }

    figure.add_trace(
        go.Scatter(
            x=truth[:, 1],
            y=inferred[:, 1],
            error_x=bar(truth),
            error_y=bar(inferred),
            mode="markers",
            name=f"{title} ({len(truth)})",
            text=words,
            marker={
                "color": colour,
                "size": 7,
                "symbol": ["circle" if stage == "dwarf" else "circle-open" for stage in sample["stage"]],
                "line": {"width": 1.6, "color": colour},
            },
            hovertemplate="%{text}<extra></extra>",
        )
    )
