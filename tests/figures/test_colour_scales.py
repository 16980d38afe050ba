"""Colour scales: legible on both backgrounds, and monotonic in lightness."""

import re

import numpy as np
import pytest

from stellar_core.figures.colour_scales import count_scale, value_scale
from stellar_core.figures.palette import DARK, LIGHT


def luminance(colour: str) -> float:
    """Relative luminance (WCAG 2.2) of #rrggbb or rgb()."""
    if colour.startswith("#"):
        parts = [int(colour[at : at + 2], 16) for at in (1, 3, 5)]
    else:
        parts = [float(part) for part in re.findall(r"[\d.]+", colour)]
    linear = [(part / 255 / 12.92 if part <= 10 else ((part / 255 + 0.055) / 1.055) ** 2.4) for part in parts]
    return float(np.dot(linear, (0.2126, 0.7152, 0.0722)))


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("palette", [LIGHT, DARK], ids=["light", "dark"])
def test_one_star_is_nearest_to_the_background_and_still_seen(palette):
    contrasts = [contrast(colour, palette.surface) for _, colour in count_scale(palette)]
    assert contrasts == sorted(contrasts) and 1.5 < contrasts[0] < 3 < contrasts[-1]


@pytest.mark.parametrize("palette", [LIGHT, DARK], ids=["light", "dark"])
def test_every_value_stands_out(palette):
    scale = value_scale(palette)
    assert min(contrast(colour, palette.surface) for _, colour in scale) > 1.7
    lightness = [luminance(colour) for _, colour in scale]
    assert lightness == sorted(lightness) and scale[0][0] == 0.0 and scale[-1][0] == 1.0
