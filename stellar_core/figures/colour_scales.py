"""Continuous colours that stand out from the background, light or dark: numbers of stars, and values such as ages."""

from __future__ import annotations

import numpy as np

from stellar_core.figures.palette import DARK, Palette

#: Colours from one star to many, for a light and for a dark background; the darkest, or lightest, are the most stars.
_COUNTS = {
    False: ("#b7cbea", "#6f9bd8", "#2f66b3", "#163a70", "#081a38"),
    True: ("#345288", "#4f86d6", "#8fbcf7", "#f4f8ff"),
}
#: Part of Viridis, which runs from dark to light: its ends would vanish on a dark and on a light background.
_VALUES = {False: (0.0, 0.82), True: (0.2, 1.0)}
_STEPS = 16

Scale = list[list[float | str]]


def count_scale(palette: Palette) -> Scale:
    """Colour scale for numbers of stars."""
    colours = _COUNTS[palette is DARK]
    return [[float(at), colour] for at, colour in zip(np.linspace(0.0, 1.0, len(colours)), colours)]


def value_scale(palette: Palette) -> Scale:
    """Colour scale for values, low to high."""
    from plotly.colors import sample_colorscale

    places = np.linspace(0.0, 1.0, _STEPS)
    low, high = _VALUES[palette is DARK]
    colours = sample_colorscale("Viridis", list(low + (high - low) * places))
    return [[float(at), colour] for at, colour in zip(places, colours)]
