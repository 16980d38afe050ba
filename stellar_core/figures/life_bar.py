"""The life of a star as a bar from birth to death, with the part behind it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import plotly.graph_objects as go

from stellar_core.figures.palette import LIGHT, Palette, base_layout, faded

#: Least share of the bar on which a name is written.
ROOM = 0.14


def life_bar_figure(
    fraction: Sequence[float],
    lifetime: str,
    *,
    phases: Mapping[str, float] | None = None,
    universe: float | None = None,
    palette: Palette = LIGHT,
    revision: str = "",
    height: int = 100,
) -> go.Figure:
    """Draw the bar; its length is the lifetime.

    Parameters
    ----------
    fraction : (p025, p16, median, p84, p975)
        Age over lifetime.
    lifetime : str
        Lifetime with its unit, written at the end.
    phases : mapping of str to float, optional
        End of each phase of life as a share of the lifetime, in order of time.
    universe : float, optional
        Age of the Universe over the lifetime; the rest of the bar lies in the future of every star.

    Returns
    -------
    plotly.graph_objects.Figure
    """
    p025, p16, median, p84, p975 = fraction
    figure = go.Figure()
    small = {"size": 11, "color": palette.muted}
    start, ends = 0.0, dict(phases or {"": 1.0})
    colours = (palette.stages[1], palette.stages[3], palette.stages[4])
    for number, (name, end) in enumerate(ends.items()):
        colour = colours[number % len(colours)] if phases else palette.muted
        figure.add_shape(
            type="rect", x0=start, x1=end, y0=0, y1=1, fillcolor=faded(colour, 0.22), line_width=0, layer="below"
        )
        if end - start > ROOM and not (universe is not None and universe - start < ROOM):
            figure.add_annotation(
                x=start, y=1, text=name, xanchor="left", yanchor="bottom", yshift=-2, showarrow=False, font=small
            )
        start = end
    if universe is not None and universe < 1:
        figure.add_shape(
            type="rect", x0=universe, x1=1, y0=0, y1=1, fillcolor=palette.surface, line_width=0, layer="below"
        )
        figure.add_shape(
            type="line", x0=universe, x1=universe, y0=0, y1=1, line={"width": 1, "dash": "dot", "color": palette.ink}
        )
        if 1 - universe > 2 * ROOM:
            figure.add_annotation(
                x=universe,
                y=1,
                text="after 13.8 Gyr",
                xanchor="left",
                yanchor="bottom",
                yshift=-2,
                showarrow=False,
                font=small,
            )
    for low, high, alpha in ((p025, p975, 0.25), (p16, p84, 0.55)):
        figure.add_shape(
            type="rect",
            x0=low,
            x1=high,
            y0=0.14,
            y1=0.86,
            fillcolor=faded(palette.accent, alpha),
            line_width=0,
            layer="below",
        )
    figure.add_trace(
        go.Scatter(
            x=[median],
            y=[0.5],
            mode="markers",
            marker={
                "symbol": "star",
                "size": 15,
                "color": palette.accent,
                "line": {"width": 1.5, "color": palette.surface},
            },
            hovertemplate=f"{100 * median:.0f} % of its life, 68 %: {100 * p16:.0f} – {100 * p84:.0f} %<extra></extra>",
            showlegend=False,
        )
    )
    figure.add_shape(type="rect", x0=0, x1=1, y0=0, y1=1, line={"width": 1, "color": palette.muted})
    base_layout(figure, palette, height, revision)
    figure.update_layout(
        margin={"l": 22, "r": 56, "t": 4, "b": 36},
        xaxis={
            "range": [0, 1],
            "tickvals": [0, 0.25, 0.5, 0.75, 1],
            "ticktext": ["birth", "25 %", "50 %", "75 %", f"death, {lifetime}"],
            "fixedrange": True,
            "showline": False,
            "showgrid": False,
            "automargin": False,
        },
        yaxis={"visible": False, "range": [-0.05, 1.5], "fixedrange": True},
    )
    return figure
