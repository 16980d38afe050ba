"""Block diagram of a network."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

import plotly.graph_objects as go

from stellar_core.figures.palette import LIGHT, Palette, base_layout, faded

if TYPE_CHECKING:
    Place = tuple[float, float, float, float]

#: Height of a box, in rows.
_BOX = 0.68
#: Pixels per row.
_ROW_HEIGHT = 86
#: Fractions of the width of the box of a branch, and of an output.
_BRANCH, _OUTPUT = 0.47, 0.235


class Block(Protocol):
    """A box with its name and contents, as `stellar_core.models.layout.Block`."""

    name: str
    lines: Sequence[str]


class Layout(Protocol):
    """Boxes from input to output, as `stellar_core.models.layout.Layout`."""

    photometry: Sequence[Block]
    spectrum: Sequence[Block]
    joined: Sequence[Block]
    outputs: Sequence[Block]


def architecture_figure(layout: Layout, palette: Palette = LIGHT, revision: str = "") -> go.Figure:
    """Draw boxes and arrows from the inputs at the top to the outputs at the bottom.

    Parameters
    ----------
    layout : Layout
        From `stellar_core.models.layout.layout`.
    palette : Palette
    revision : str
        Name of the network.

    Returns
    -------
    plotly.graph_objects.Figure
        Static; legible from 340 pixels of width.
    """
    figure = go.Figure()
    branches = [(layout.photometry, palette.second), (layout.spectrum, palette.draws)]
    branches = [(blocks, colour) for blocks, colour in branches if blocks]
    depth = max(len(blocks) for blocks, _ in branches)
    rows = depth + len(layout.joined) + 1
    ends: list[Place] = []
    for column, (blocks, colour) in enumerate(branches):
        centre = (column + 0.5) / len(branches)
        spacing = (depth - 1) / max(len(blocks) - 1, 1)
        places = [_box(centre, step * spacing, _BRANCH) for step in range(len(blocks))]
        for step, (block, place) in enumerate(zip(blocks, places)):
            _draw(figure, block, place, palette.muted if step == 0 else colour, palette)
        for upper, lower in zip(places, places[1:]):
            _arrow(figure, upper, lower, palette)
        ends.append(places[-1])
    for step, block in enumerate(layout.joined):
        place = _box(0.5, depth + step, _BRANCH)
        _draw(figure, block, place, palette.accent, palette)
        for end in ends:
            _arrow(figure, end, place, palette)
        ends = [place]
    for column, block in enumerate(layout.outputs):
        place = _box((column + 0.5) / len(layout.outputs), rows - 1, _OUTPUT)
        _draw(figure, block, place, palette.ink, palette)
        for end in ends:
            _arrow(figure, end, place, palette)
    base_layout(figure, palette, _ROW_HEIGHT * rows, revision)
    figure.update_xaxes(visible=False, range=[0, 1], fixedrange=True)
    figure.update_yaxes(visible=False, range=[rows - 0.5, -0.5], fixedrange=True)
    figure.update_layout(dragmode=False, margin={"l": 2, "r": 2, "t": 2, "b": 2})
    return figure


def _box(centre: float, row: float, width: float) -> Place:
    """Left, right, top and bottom."""
    return centre - width / 2, centre + width / 2, row - _BOX / 2, row + _BOX / 2


def _draw(figure: go.Figure, block: Block, place: Place, colour: str, palette: Palette) -> None:
    left, right, top, bottom = place
    figure.add_shape(
        type="rect",
        x0=left,
        x1=right,
        y0=top,
        y1=bottom,
        line={"color": colour, "width": 1.5},
        fillcolor=faded(colour, 0.10),
    )
    figure.add_annotation(
        x=(left + right) / 2,
        y=(top + bottom) / 2,
        text=f"<b>{block.name}</b><br><span style='font-size:10px'>{'<br>'.join(block.lines)}</span>",
        showarrow=False,
        font={"color": palette.ink, "size": 12},
    )


def _arrow(figure: go.Figure, upper: Place, lower: Place, palette: Palette) -> None:
    """Draw an arrow from the bottom of one box to the top of another, in right angles."""
    start, end = (upper[0] + upper[1]) / 2, (lower[0] + lower[1]) / 2
    turn = lower[2] - (1.0 - _BOX) / 2
    figure.add_shape(
        type="path",
        path=f"M {start},{upper[3]} L {start},{turn} L {end},{turn} L {end},{lower[2]}",
        line={"color": palette.muted, "width": 1.2},
    )
    figure.add_annotation(
        x=end,
        y=lower[2],
        ax=end,
        ay=turn,
        xref="x",
        yref="y",
        axref="x",
        ayref="y",
        text="",
        arrowhead=2,
        arrowsize=0.9,
        arrowwidth=1.2,
        arrowcolor=palette.muted,
    )
