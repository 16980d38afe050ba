"""Reliability of an age: the star among the training stars, the test score of the model, and what the data add."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from stellar_core.inference.information import PRIOR_DOMINATED, information_gain
from stellar_core.quantities import FEH, LOG_AGE, LOG_LIFETIME, LOGG, TEFF

if TYPE_CHECKING:
    from stellar_core.inference.result import Result

Level = Literal["reliable", "caution", "refused"]
#: A quantity is below its baseline if its R2 on MOCK test stars is less than this: 0 is the mean of all stars.
LEAST_R2 = 0.05
#: Quantities whose test scores count.
TESTED = (LOG_AGE, LOG_LIFETIME, TEFF, LOGG, FEH)


@dataclass(frozen=True)
class Reliability:
    """Verdict on an age.

    Attributes
    ----------
    level : {"reliable", "caution", "refused"}
    title : str
        In two or three words.
    star, model, information : str
        A sentence on each of the three parts.
    bits : float
        See `information_gain`.
    below_baseline : tuple of str
        Titles of the quantities in which the model is no better than its baseline.
    """

    level: Level
    title: str
    star: str
    model: str
    information: str
    bits: float
    below_baseline: tuple[str, ...] = ()

    @property
    def prior_dominated(self) -> bool:
        """True if the data say little about the age."""
        return self.bits < PRIOR_DOMINATED


def assess(result: Result, card: Mapping[str, object]) -> Reliability:
    """Weigh a result.

    It is refused if the star is unlike the training stars; a caution stands beside a model below its baseline or
    without test scores, and beside an age that is prior-dominated.

    Parameters
    ----------
    result : Result
    card : mapping
        Card of the model.
    """
    scores = mock_scores(card, result)
    below = below_baseline(scores)
    bits = information_gain(result.log_age.to_dict())
    if not result.verdict.in_domain:
        level, title = "refused", "Do not trust"
    elif below:
        level, title = "caution", "Model below its baseline"
    elif not scores:
        level, title = "caution", "Untested model"
    elif bits < PRIOR_DOMINATED:
        level, title = "caution", "Prior-dominated"
    else:
        level, title = "reliable", "Reliable"
    return Reliability(
        level, title, _on_star(result), _on_model(scores, below), _on_information(result, bits), bits, below
    )


def mock_scores(card: Mapping[str, object], result: Result | None = None) -> Mapping[str, Mapping[str, float]]:
    """Scores of a model on MOCK test stars by quantity, as its card has them; empty without any.

    Parameters
    ----------
    card : mapping
    result : Result, optional
        Chooses the test with the same data; by default the first one.
    """
    views = card.get("metrics_mock_test")
    if not isinstance(views, Mapping) or not views:
        return {}
    wanted = "" if result is None else _view(result)
    return views.get(wanted) or next(iter(views.values()))


def below_baseline(scores: Mapping[str, Mapping[str, float]]) -> tuple[str, ...]:
    """Titles of the quantities whose R2 is below `LEAST_R2`."""
    found = ((one, scores.get(one.field)) for one in TESTED)
    return tuple(one.title for one, score in found if score and score.get("r2") is not None and score["r2"] < LEAST_R2)


def _view(result: Result) -> str:
    return "spectrum and photometry" if result.quality.get("photometry") == "used" else "spectrum alone"


def _on_star(result: Result) -> str:
    if result.verdict.in_domain:
        return "The spectrum is similar to those the model was trained on."
    return "The spectrum differs from those the model was trained on."


def _on_model(scores: Mapping[str, Mapping[str, float]], below: tuple[str, ...]) -> str:
    age = scores.get("log_age", {})
    if "rmse" not in age or "rmse_constant" not in age:
        return "The model has no test scores on its card."
    words = (
        f"Log age is off by {age['rmse']:.2f} dex (RMSE) on MOCK test stars; one age for all stars would be off by "
        f"{age['rmse_constant']:.2f} dex."
    )
    return words + (f" No better than the mean of all stars in {', '.join(below)}." if below else "")


def _on_information(result: Result, bits: float) -> str:
    data = "spectrum and the parallax add" if result.parallax else "spectrum adds"
    said = f"The {data} {bits:.1f} bits to a prior in which every age up to 13.8 Gyr is equally probable."
    if bits < PRIOR_DOMINATED:
        said += f" Below {PRIOR_DOMINATED:g} bits MOCK stars were predicted hardly better than by one age for all."
    return said
