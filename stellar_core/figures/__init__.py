"""Plotly figures from plain arrays; nothing here knows the app that shows them."""

from stellar_core.figures.distributions import histogram_figure, stage_figure
from stellar_core.figures.kiel import KielStar, Track, kiel_figure
from stellar_core.figures.palette import DARK, LIGHT, Palette
from stellar_core.figures.spectrum import spectrum_figure

__all__ = [
    "DARK",
    "LIGHT",
    "KielStar",
    "Palette",
    "Track",
    "histogram_figure",
    "kiel_figure",
    "spectrum_figure",
    "stage_figure",
]
