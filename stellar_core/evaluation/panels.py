"""Figures and captions of a stored test, for the page and for the report."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import plotly.graph_objects as go

from stellar_core.evaluation.reliability import by_group, covered, kolmogorov_smirnov
from stellar_core.evaluation.stored_predictions import COLUMNS, StoredTest, TestStars
from stellar_core.figures.palette import LIGHT, Palette
from stellar_core.figures.uncertainty import (
    against_figure,
    coverage_figure,
    entropy_figure,
    pit_figure,
    reliability_figure,
    sharpness_figure,
    where_figure,
)
from stellar_core.quantities import QUANTITIES

#: Title with unit of each quantity.
TITLES = {name: QUANTITIES[name].label for name in ("log_age", "log_lifetime", "teff", "logg", "feh")}
#: Number of stars listed with the largest errors.
WORST = 12


class Panel(NamedTuple):
    """A figure with its heading, caption (``words``) and short name."""

    key: str
    heading: str
    words: str
    figure: go.Figure


def panels(test: StoredTest, quantity: str, palette: Palette = LIGHT) -> list[Panel]:
    """Draw all panels of one quantity, a key of `TITLES`."""
    stars, column, title = test.stars, COLUMNS.index(quantity), TITLES[quantity]
    right = stars.predicted == stars.stage
    u, plain = stars.u[:, column], stars.plain_u[:, column]
    curves = {"calibrated": u, test.before: plain}
    half = (stars.high - stars.low) / 2
    found, before = covered(u), covered(plain)
    groups = by_group(u, stars.snr, stars.predicted, stars.stage)
    return [
        Panel(
            "entropy",
            "Entropy of right and wrong stages",
            f"Entropy of the stage probabilities of the {right.sum()} stars classified correctly and the "
            f"{(~right).sum()} classified incorrectly (the paper's Fig. 4a). Boxes: half of the stars; whiskers: nine "
            "tenths.",
            entropy_figure(stars.entropy, right, palette=palette),
        ),
        Panel(
            "against",
            f"{title} against the truth",
            "Prediction with 68 % interval against the true value of the MOCK star (the paper's Fig. 4b has labels "
            "instead, with larger errors of their own). About every eighth star has its error bar.",
            against_figure(
                stars.truth[:, column],
                stars.mean[:, column],
                stars.low[:, column],
                stars.high[:, column],
                stars.stage,
                title,
                palette=palette,
            ),
        ),
        Panel(
            "reliability",
            "Coverage of intervals",
            f"The 68, 90 and 95 % intervals contain the truth of {_percent(found)} % of {len(stars)} test stars; "
            f"{test.before}: {_percent(before)} %. The dotted line is nominal coverage.",
            reliability_figure(curves, palette=palette),
        ),
        Panel(
            "pit",
            "Probability integral transform",
            "Probability below the truth. Flat: calibrated; hump: intervals too wide; bowl: too narrow; slope: bias. "
            f"Grey: 95 % range of chance. Kolmogorov–Smirnov distance from flat: {kolmogorov_smirnov(u):.3f}; "
            f"{test.before}: {kolmogorov_smirnov(plain):.3f}.",
            pit_figure(curves, palette=palette),
        ),
        Panel(
            "coverage",
            "Coverage by S/N and stage",
            "Intervals are calibrated by predicted stage, since the true stage of a real star is unknown. Bars: error "
            "from the number of stars, in brackets.",
            coverage_figure(groups, palette=palette),
        ),
        Panel(
            "sharpness",
            "Width of intervals",
            "Median half width of the 68 % interval, and quartiles, against S/N. Of calibrated intervals, narrower "
            "ones are better.",
            sharpness_figure(
                {"log age": half[:, 3], "log lifetime": half[:, 4], "log g": half[:, 1], "[Fe/H]": half[:, 2]}
                if quantity in ("logg", "feh")
                else {"log age": half[:, 3], "log lifetime": half[:, 4]},
                stars.snr,
                palette=palette,
            ),
        ),
    ]


def where_panel(test: StoredTest, quantity: str, palette: Palette = LIGHT) -> Panel:
    """Draw stars of the MOCK survey on the Kiel diagram by the error of their prediction."""
    stars = test.survey
    return Panel(
        "where",
        "Errors on the Kiel diagram",
        f"{len(stars)} stars of the MOCK survey in the app; larger and stronger: larger error, in units of the "
        "predicted one.",
        where_figure(
            stars.truth[:, 0], stars.truth[:, 1], normalised_errors(stars, quantity), stars.name, palette=palette
        ),
    )


def normalised_errors(stars: TestStars, quantity: str) -> np.ndarray:
    """(n,) mean minus truth over half of the 68 % interval."""
    column = COLUMNS.index(quantity)
    half = np.maximum((stars.high - stars.low)[:, column] / 2, 1e-6)
    return (stars.mean - stars.truth)[:, column] / half


def worst(stars: TestStars, quantity: str, n: int = WORST) -> np.ndarray:
    """Rows of the ``n`` stars with the largest errors of ``quantity``."""
    column = COLUMNS.index(quantity)
    return np.argsort(-np.abs(stars.mean - stars.truth)[:, column])[:n]


def _percent(found: dict[str, float]) -> str:
    one, two, three = (f"{100 * found[level]:.1f}" for level in ("68", "90", "95"))
    return f"{one}, {two} and {three}"
