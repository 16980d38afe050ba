"""The rule by which a claim of the paper is confirmed or not. It was fixed before the runs that it judges."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from stellar_core.experiments.skill import Result, SkillSample, difference

CONFIRMED, NOT_CONFIRMED, INCONCLUSIVE = "confirmed", "not confirmed", "inconclusive"
#: Significance limit of a difference, in its errors; fewest seeds of each side.
SIGMAS, SEEDS = 2.0, 3
#: Differences of skill below this do not matter: 1 % of the constant predictor's error.
EQUIVALENT = 0.01
#: Smallest part of the paper's number of stars.
SCALE = 0.5
#: A run has converged if its validation loss was lower by less than this share in the last fifth of its epochs.
CONVERGED = 0.02
RULE = (
    "Every score is relative to the constant predictor of its own test stars: the share of the constant's error that a "
    f"network removes, averaged over at least {SEEDS} seeds. The error of a difference combines the scatter between "
    "seeds with the sampling error of the test stars. Confirmed: the difference exceeds "
    f"{SIGMAS:g} errors in the claimed direction. Not confirmed: its upper limit, {SIGMAS:g} errors above it, is below "
    f"{100 * EQUIVALENT:g} % of the constant's error. Inconclusive: neither; or fewer than {SEEDS} seeds, less than "
    f"{100 * SCALE:g} % of the paper's number of stars, a run that had not converged (its validation loss still fell "
    f"by more than {100 * CONVERGED:g} % in the last fifth of the epochs), or neither side better than its constant. "
    "A claim that ages exceed that of the Universe is confirmed if they do for every seed, and not confirmed if they "
    "do for none."
)


@dataclass(frozen=True)
class Judgement:
    """Result of a comparison.

    Attributes
    ----------
    verdict : {"confirmed", "not confirmed", "inconclusive"}
    words : str
        The numbers, as a sentence.
    reasons : tuple of str
        Why nothing follows; empty for a verdict by the numbers.
    seeds : int
        Smaller number of seeds of the two sides.
    """

    verdict: str
    words: str
    reasons: tuple[str, ...]
    seeds: int


def judge(first: SkillSample, second: SkillSample, names: tuple[str, str], doubts: Sequence[str]) -> Judgement:
    """Judge the claim that the ``first`` is better than the ``second``.

    Parameters
    ----------
    first, second : SkillSample
    names : (str, str)
        What they are called in the sentence.
    doubts : sequence of str
        Reasons from `doubts_about`, for which nothing follows from the runs.
    """
    seeds = min(len(first.seeds), len(second.seeds))
    if not seeds:
        return Judgement(INCONCLUSIVE, "These runs have not been made", ("missing runs",), 0)
    gain, error = difference(first, second)
    words = (
        f"{names[0]} {100 * first.mean:.1f} %, {names[1]} {100 * second.mean:.1f} %: "
        f"{100 * gain:+.1f} ± {100 * error:.1f}"
    )
    reasons = list(doubts)
    if seeds < SEEDS:
        reasons.insert(0, f"{seeds} seed{'s' if seeds > 1 else ''}")
    if max(side.mean - SIGMAS * side.error for side in (first, second)) <= 0:
        reasons.append("neither side is better than its constant")
    return Judgement(INCONCLUSIVE if reasons else by_numbers(gain, error), words, tuple(reasons), seeds)


def by_numbers(gain: float, error: float) -> str:
    """Return the verdict on a claimed ``gain`` with its ``error``, both of skill."""
    if gain > SIGMAS * error:
        return CONFIRMED
    return NOT_CONFIRMED if gain + SIGMAS * error < EQUIVALENT else INCONCLUSIVE


def judge_seeds(yes: Sequence[bool], no: Sequence[bool], words: str, doubts: Sequence[str]) -> Judgement:
    """Judge a claim that holds or not in each run.

    Parameters
    ----------
    yes, no : sequence of bool
        Whether the claim holds, and whether its opposite does, for each seed.
    words : str
    doubts : sequence of str
    """
    reasons = list(doubts)
    if len(yes) < SEEDS:
        reasons.insert(0, f"{len(yes)} seed{'s' if len(yes) != 1 else ''}")
    verdict = CONFIRMED if all(yes) else NOT_CONFIRMED if all(no) else INCONCLUSIVE
    return Judgement(INCONCLUSIVE if reasons else verdict, words, tuple(reasons), len(yes))


def combine(parts: Sequence[Judgement]) -> Judgement:
    """Join the parts of a claim: confirmed if all are, not confirmed if one is not."""
    verdicts = {part.verdict for part in parts}
    verdict = NOT_CONFIRMED if NOT_CONFIRMED in verdicts else CONFIRMED if verdicts == {CONFIRMED} else INCONCLUSIVE
    reasons = dict.fromkeys(reason for part in parts for reason in part.reasons)
    return Judgement(
        verdict,
        "; ".join(part.words for part in parts),
        tuple(reasons) if verdict == INCONCLUSIVE else (),
        min(part.seeds for part in parts),
    )


def doubts_about(trials: Sequence[Result], part: float) -> list[str]:
    """Return why nothing follows from runs, whatever their scores.

    Parameters
    ----------
    trials : sequence of dict
    part : float
        Stars as a part of the paper's number.
    """
    found = []
    if part < 0.99 * SCALE:
        found.append(f"{100 * part:.2g} % of the paper's stars")
    unfinished = sum(not converged(trial) for trial in trials)
    if unfinished:
        found.append(f"{unfinished} of {len(trials)} runs had not converged")
    return found


def converged(trial: Result) -> bool:
    """Whether the validation loss of a run had stopped falling by `CONVERGED`; a run that was stopped early has."""
    losses = validation_losses(trial)
    if not losses:
        return False
    last = max(1, len(losses) // 5)
    before = losses[:-last]
    return bool(before) and min(before) <= (1.0 + CONVERGED) * min(losses)


def validation_losses(trial: Result) -> list[float]:
    """Return the validation loss by epoch, also of a run reduced for the page."""
    if "history" in trial:
        return [record["validation"]["total"] for record in trial["history"] if record["validation"]]
    return list(trial["curves"]["validation"]["total"])
