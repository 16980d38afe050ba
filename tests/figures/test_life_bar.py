"""The life bar."""

from __future__ import annotations

import pytest

from stellar_core.figures.life_bar import life_bar_figure
from stellar_core.figures.palette import DARK, LIGHT

FRACTION = (0.3, 0.42, 0.53, 0.61, 0.7)
PHASES = {"main sequence": 0.8, "subgiant and red giant": 0.98, "helium burning": 1.0}


def boxes(figure) -> list[tuple[float, float]]:
    return [(shape.x0, shape.x1) for shape in figure.layout.shapes if shape.type == "rect"]


@pytest.mark.parametrize("palette", [LIGHT, DARK])
def test_the_bar_runs_from_birth_to_death_with_the_interval_on_it(palette):
    figure = life_bar_figure(FRACTION, "12.3 Gyr", phases=PHASES, palette=palette)
    assert {(0.0, 0.8), (0.8, 0.98), (0.98, 1.0), (0.3, 0.7), (0.42, 0.61), (0, 1)} <= set(boxes(figure))
    assert list(figure.data[0].x) == [0.53] and list(figure.layout.xaxis.range) == [0, 1]
    assert figure.layout.xaxis.ticktext[0] == "birth" and figure.layout.xaxis.ticktext[-1] == "death, 12.3 Gyr"
    names = [note.text for note in figure.layout.annotations]
    assert names == ["main sequence", "subgiant and red giant"], "no room for the last"


def test_a_life_longer_than_the_universe_is_marked():
    long = life_bar_figure(FRACTION, "40 Gyr", phases={"main sequence": 1.0}, universe=0.345)
    assert (0.345, 1) in boxes(long) and "after 13.8 Gyr" in [note.text for note in long.layout.annotations]
    assert not [note for note in life_bar_figure(FRACTION, "9 Gyr", universe=1.5).layout.annotations if note.text]
