"""Block diagrams: every block is drawn once, inside the frame, without overlaps, and connected."""

import json
from itertools import combinations

import pytest

from stellar_core.figures.architecture import architecture_figure
from stellar_core.figures.palette import DARK, LIGHT
from stellar_core.models.layout import layout
from stellar_core.models.registry import ARCHITECTURES, ModelConfig

NAMES = [entry.name for entry in ARCHITECTURES.values() if entry.number <= 8]


def boxes(figure) -> list[tuple[float, float, float, float]]:
    return [(s.x0, s.x1, s.y0, s.y1) for s in figure.layout.shapes if s.type == "rect"]


@pytest.mark.parametrize("name", NAMES)
def test_each_block_is_drawn_once_in_its_own_box(name):
    found = layout(ModelConfig(name))
    blocks = [*found.photometry, *found.spectrum, *found.joined, *found.outputs]
    figure = architecture_figure(found)
    texts = [note.text for note in figure.layout.annotations if note.text]
    assert len(texts) == len(boxes(figure)) == len(blocks)
    for block in blocks:
        assert sum(f"<b>{block.name}</b>" in text and block.lines[0] in text for text in texts) == 1
    bottom, top = figure.layout.yaxis.range
    for left, right, upper, lower in boxes(figure):
        assert 0 <= left < right <= 1 and top <= upper < lower <= bottom
    for (l1, r1, t1, b1), (l2, r2, t2, b2) in combinations(boxes(figure), 2):
        assert r1 <= l2 or r2 <= l1 or b1 <= t2 or b2 <= t1


@pytest.mark.parametrize("name", NAMES)
def test_arrows_lead_from_every_box_to_the_next(name):
    found = layout(ModelConfig(name))
    figure = architecture_figure(found)
    arrows = [note for note in figure.layout.annotations if note.showarrow is not False]
    branches = [blocks for blocks in (found.photometry, found.spectrum) if blocks]
    inside = sum(len(blocks) - 1 for blocks in branches)
    joining = len(branches) * len(found.joined)
    assert len(arrows) == inside + joining + len(found.outputs)
    heads = {(round(left + right, 6), upper) for left, right, upper, _ in boxes(figure)}
    assert all((round(2 * arrow.x, 6), arrow.y) in heads and arrow.ay < arrow.y for arrow in arrows)


@pytest.mark.parametrize("palette", [LIGHT, DARK])
def test_colours_are_those_of_the_palette(palette):
    figure = architecture_figure(layout(ModelConfig()), palette, revision="Model 6")
    assert {note.font.color for note in figure.layout.annotations if note.text} == {palette.ink}
    colours = {shape.line.color for shape in figure.layout.shapes}
    assert colours == {palette.muted, palette.second, palette.draws, palette.accent, palette.ink}
    assert figure.layout.paper_bgcolor == figure.layout.plot_bgcolor == "rgba(0,0,0,0)"
    assert len(json.dumps(figure.to_plotly_json(), default=str)) < 40_000
