"""Colours and common layout of all figures, for light and dark backgrounds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import plotly.graph_objects as go


@dataclass(frozen=True)
class Palette:
    """Set of colours as hex codes, distinguishable with colour-vision deficiency.

    Attributes
    ----------
    ink, muted, grid : str
        Text, secondary text and thin rules.
    data, draws, accent, second : str
        Measured data, draws, the star, and the isochrone fit.
    warning : str
        Masked pixels and unreliable results.
    control : str
        Text of buttons, legible on ``surface`` and on Plotly's pressed buttons.
    surface : str
        Background of labels on top of data.
    stages : tuple of str
        One colour per stage, in the order of `stellar_core.stages.STAGES`.
    ages : tuple of str
        Colours of five isochrones, from young to old.
    """

    ink: str
    muted: str
    grid: str
    data: str
    draws: str
    accent: str
    second: str
    warning: str
    control: str
    surface: str
    stages: tuple[str, str, str, str, str]
    ages: tuple[str, str, str, str, str]

    @property
    def several(self) -> tuple[str, str, str, str]:
        """Colours of up to four compared stars."""
        return (self.accent, self.draws, self.second, self.stages[1])


LIGHT = Palette(
    ink="#1b2333",
    muted="#5f6b80",
    grid="#e3e7ef",
    data="#22406b",
    draws="#3f74c8",
    accent="#b3261e",
    second="#0b7a75",
    warning="#c2410c",
    control="#2458a8",
    surface="#ffffff",
    stages=("#3d7fd9", "#c99700", "#d9691e", "#1d9a83", "#b0305c"),
    ages=("#0b7794", "#2f78c4", "#4a55b0", "#6b3a94", "#7a1f5e"),
)

DARK = Palette(
    ink="#e8ecf4",
    muted="#9aa6bb",
    grid="#2a3345",
    data="#a9c8f5",
    draws="#6ea8fe",
    accent="#ff8a75",
    second="#4fd1c5",
    warning="#fb923c",
    control="#4a7fd4",
    surface="#0f1522",
    stages=("#6ea8fe", "#f0c040", "#f59a56", "#4bd0b4", "#f07fa6"),
    ages=("#7fe0f5", "#7fb8ff", "#a3a0ff", "#cf90f0", "#f29bd0"),
)


def faded(colour: str, alpha: float) -> str:
    """Convert ``colour`` (#rrggbb) to rgba() with opacity ``alpha`` in 0-1."""
    red, green, blue = (int(colour[start : start + 2], 16) for start in (1, 3, 5))
    return f"rgba({red},{green},{blue},{alpha:g})"


def base_layout(figure: go.Figure, palette: Palette, height: int, revision: str) -> None:
    """Set size, margins, fonts and axes of ``figure``.

    ``revision`` names the content; the zoom is reset when it changes.
    """
    figure.update_layout(
        height=height,
        uirevision=revision,
        margin={"l": 8, "r": 8, "t": 8, "b": 8},
        font={"color": palette.ink, "size": 12},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        hoverlabel={"bgcolor": palette.surface, "font": {"color": palette.ink}},
        legend={
            "orientation": "h",
            "x": 0,
            "y": -0.13,
            "yanchor": "top",
            "font": {"size": 11, "color": palette.muted},
            "bgcolor": "rgba(0,0,0,0)",
        },
    )
    axis = {
        "gridcolor": palette.grid,
        "linecolor": palette.muted,
        "tickcolor": palette.muted,
        "tickfont": {"color": palette.muted, "size": 11},
        "title": {"font": {"color": palette.ink, "size": 12}, "standoff": 6},
        "zeroline": False,
        "showline": True,
        "ticks": "outside",
        "ticklen": 4,
        "automargin": True,
    }
    figure.update_xaxes(**axis)
    figure.update_yaxes(**axis)
