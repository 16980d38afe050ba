"""The figures of a stored test, with the words under each: the same for the page and for the report."""

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

#: Quantities that can be chosen: title with unit.
TITLES = {name: QUANTITIES[name].label for name in ("log_age", "log_lifetime", "teff", "logg", "feh")}
#: Stars listed among the largest errors.
WORST = 12


class Panel(NamedTuple):
    """A figure, its heading, what it shows in a sentence or two, and a short name."""

    key: str
    heading: str
    words: str
    figure: go.Figure


def panels(test: StoredTest, quantity: str, palette: Palette = LIGHT) -> list[Panel]:
    """All panels of one quantity, a key of `TITLES`, in order."""
    stars, column, title = test.stars, COLUMNS.index(quantity), TITLES[quantity]
    right = stars.predicted == stars.stage
    u, plain = stars.u[:, column], stars.plain_u[:, column]
    curves = {"delivered": u, test.before: plain}
    half = (stars.high - stars.low) / 2
    found, before = covered(u), covered(plain)
    groups = by_group(u, stars.snr, stars.predicted, stars.stage)
    names = {name.replace("predicted", "told").replace("true", "truly"): group for name, group in groups.items()}
    return [
        Panel(
            "entropy",
            "Does it know when the stage is wrong?",
            f"Entropy of the stage's probabilities for the {right.sum()} stars told rightly and the {(~right).sum()} told "
            "wrongly (the paper's Fig. 4a). Boxes hold half of the stars, whiskers nine tenths.",
            entropy_figure(stars.entropy, right, palette=palette),
        ),
        Panel(
            "against",
            f"{title} against the truth",
            "What is said, with the 68 % interval, against what the MOCK star truly is (the paper's Fig. 4b has labels "
            "there, which are themselves off by more). Every eighth star or so carries its error bar.",
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
            "Do intervals hold what they claim?",
            f"The 68, 90 and 95 % intervals hold the truth of {_percent(found)} % of {len(stars)} test stars; "
            f"{test.before}: {_percent(before)} %. On the dotted line intervals are honest.",
            reliability_figure(curves, palette=palette),
        ),
        Panel(
            "pit",
            "Where truths fall in their distributions",
            f"Even is honest; a hump is too wide, a bowl too narrow, a slope is bias. Grey: 95 % of chance. Largest distance "
            f"of the distributions (Kolmogorov–Smirnov): {kolmogorov_smirnov(u):.3f}; {test.before}: {kolmogorov_smirnov(plain):.3f}.",
            pit_figure(curves, palette=palette),
        ),
        Panel(
            "coverage",
            "By S/N and stage",
            "Told stages are known when a star is asked about, and intervals are fitted to hold in each; true stages are not. "
            "Bars: the error that the number of stars, in brackets, leaves.",
            coverage_figure(names, palette=palette),
        ),
        Panel(
            "sharpness",
            "How sharp are the answers?",
            "Median half width of the 68 % interval, and quartiles, against S/N. Honest intervals are worth the more the "
            "narrower they are.",
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
    """Stars of the MOCK survey on the Kiel diagram by how far their answer is off."""
    stars = test.survey
    return Panel(
        "where",
        "Where answers are off",
        f"{len(stars)} stars of the MOCK survey that the app answers from; larger and stronger is further off, in units of "
        "the stated error.",
        where_figure(stars.truth[:, 0], stars.truth[:, 1], misses(stars, quantity), stars.name, palette=palette),
    )


def misses(stars: TestStars, quantity: str) -> np.ndarray:
    """(n,) mean less truth over half of the 68 % interval."""
    column = COLUMNS.index(quantity)
    half = np.maximum((stars.high - stars.low)[:, column] / 2, 1e-6)
    return (stars.mean - stars.truth)[:, column] / half


def worst(stars: TestStars, quantity: str, n: int = WORST) -> np.ndarray:
    """Rows of the ``n`` stars whose answers are furthest off in the unit of the quantity."""
    column = COLUMNS.index(quantity)
    return np.argsort(-np.abs(stars.mean - stars.truth)[:, column])[:n]


def _percent(found: dict[str, float]) -> str:
    one, two, three = (f"{100 * found[level]:.1f}" for level in ("68", "90", "95"))
    return f"{one}, {two} and {three}"
