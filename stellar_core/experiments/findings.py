"""Verdicts on the paper's findings from our scores on MOCK stars and their errors.

A difference is significant if it exceeds twice its error. The error combines the scatter
between seeds and the sampling error of the test stars; the findings state where the former
is unknown because there is only one seed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np

from stellar_core.constants import UNIVERSE_AGE_GYR
from stellar_core.experiments import published as paper
from stellar_core.experiments.tables import METRICS, Result, chosen, own_set, value

CONFIRMED, NOT_CONFIRMED, INCONCLUSIVE = "confirmed", "not confirmed", "inconclusive"
#: Significance limit of a difference, in its errors.
SIGMAS = 2.0


@dataclass(frozen=True)
class Finding:
    """One claim of the paper and our result.

    Attributes
    ----------
    claim : str
    paper : str
        The paper's numbers.
    ours : str
        Our numbers.
    verdict : {"confirmed", "not confirmed", "inconclusive"}
    """

    claim: str
    paper: str
    ours: str
    verdict: str


@dataclass(frozen=True)
class Difference:
    """Gain of one group of runs over another with its error; positive is better."""

    gain: float
    error: float

    @property
    def verdict(self) -> str:
        """Whether the gain is significant."""
        if self.gain > SIGMAS * self.error:
            return CONFIRMED
        return NOT_CONFIRMED if self.gain < -SIGMAS * self.error else INCONCLUSIVE

    def __str__(self) -> str:
        return f"{self.gain:+.4f} ± {self.error:.4f}"


def findings(results: Result) -> list[dict[str, str]]:
    """Return the findings of a phase as plain values, those common to all phases last."""
    phase = {1: _phase_1, 2: _phase_2, 3: _phase_3}[results["phase"]]
    return [asdict(found) for found in [*phase(results), _floor(results), _constant()]]


def compare(better: list[Result], worse: list[Result], place: str, at: str) -> Difference:
    """Return the gain of one group of seeds over another in the metric ``place`` on the test stars ``at``.

    A lower RMSE is better, and a higher F1.
    """
    sign = 1.0 if place.endswith("f1") else -1.0
    means, error = [], 0.0
    for trials in (better, worse):
        seen = [value(trial["test"][at], place) for trial in trials]
        sampled = [value(trial["test"][at], f"{place}_se") for trial in trials]
        means.append(np.mean(seen))
        error += float(np.mean(sampled)) ** 2 + (float(np.var(seen, ddof=1)) / len(seen) if len(seen) > 1 else 0.0)
    return Difference(sign * float(means[0] - means[1]), error**0.5)


def combine(verdicts: Sequence[str]) -> str:
    """Return the verdict on a claim of several parts: confirmed if all are, not confirmed if one is not."""
    if NOT_CONFIRMED in verdicts:
        return NOT_CONFIRMED
    return CONFIRMED if set(verdicts) == {CONFIRMED} else INCONCLUSIVE


def _phase_1(results: Result) -> list[Finding]:
    found = []
    for kind in sorted({trial["labels"]["bounded"] for trial in results["trials"]}):
        trials = chosen(results["trials"], bounded=kind)
        numbers = sorted({trial["labels"]["model"] for trial in trials})
        found += [_undersampling(trials, numbers, at) for at in (None, "natural", "balanced")]
        groups = {number: chosen(trials, experiment="B", model=number) for number in numbers}
        note = _seeds(trials) + ("" if kind else " Heads unbounded.")
        others = [number for number in numbers if number not in paper.SPECTRUM_ONLY]
        found.append(
            _winner(
                "Spectra-only models win the regression",
                "Experiment B: Model 3 reaches an age RMSE of 0.0901, the best other, Model 6, 0.1940 (Table 4).",
                groups,
                paper.SPECTRUM_ONLY,
                others,
                "log_age.rmse",
                note,
            )
        )
        found.append(
            _winner(
                "Among models of one kind of data, MLP-only wins the classification",
                "Experiment B: F1 0.8616 against 0.7492 of the best spectra-only model (Table 4).",
                groups,
                (1,),
                paper.SPECTRUM_ONLY,
                "stage.macro_f1",
                note,
            )
        )
        found.append(
            _winner(
                "MLP-only wins the classification among all eight",
                "Experiment B: no; F1 0.8616, Models 5 and 7 reach 0.9187 and 0.9294 (Table 4).",
                groups,
                (1,),
                [number for number in numbers if number != 1],
                "stage.macro_f1",
                note,
            )
        )
    return found


def _undersampling(trials: list[Result], numbers: list[int], at: str | None) -> Finding:
    """Compare Experiment B with C, each on its own test stars as in the paper, or both on the same."""
    words, verdicts = [], []
    for heading, _, place, _ in METRICS:
        sign, gains = (1.0 if place.endswith("f1") else -1.0), []
        pairs = [(chosen(trials, experiment="B", model=n), chosen(trials, experiment="C", model=n)) for n in numbers]
        for b, c in pairs:
            means = [
                np.mean([value(t["test"][at or own_set(name)], place) for t in g]) for name, g in (("B", b), ("C", c))
            ]
            gains.append(sign * float(means[0] - means[1]))
        if len(gains) > 1:
            difference = Difference(float(np.mean(gains)), float(np.std(gains, ddof=1) / len(gains) ** 0.5))
        else:
            difference = compare(*pairs[0], place, at or "natural")
        words.append(f"{heading} {difference}, better in {sum(gain > 0 for gain in gains)} of {len(gains)} models")
        verdicts.append(difference.verdict)
    where = "each on its own test stars, as in the paper" if at is None else f"both on the same {at} test stars"
    return Finding(
        f"Undersampling (B) beats weighting (C), {where}",
        "F1 better by 33-35 %, RMSE by 33-46 %, for Models 6, 5 and 1 (Table 3).",
        f"Mean gain of B over C: {'; '.join(words)}. {_seeds(trials)}",
        combine(verdicts),
    )


def _winner(
    claim: str,
    published: str,
    groups: dict[int, list[Result]],
    mine: Sequence[int],
    others: Sequence[int],
    place: str,
    note: str,
) -> Finding:
    """Compare the best of ``mine`` with the best of ``others`` on Experiment B's own test stars."""
    mine, others = [n for n in mine if n in groups], [n for n in others if n in groups]
    if not mine or not others:
        return Finding(claim, published, "Some of the models to compare have not been run.", INCONCLUSIVE)
    sign = 1.0 if place.endswith("f1") else -1.0

    def score(number: int) -> float:
        return float(np.mean([value(trial["test"]["balanced"], place) for trial in groups[number]]))

    first, second = (max(side, key=lambda number: sign * score(number)) for side in (mine, others))
    difference = compare(groups[first], groups[second], place, "balanced")
    ours = f"Model {first} {score(first):.4f}, Model {second} {score(second):.4f}: gain {difference}. {note}"
    return Finding(claim, published, ours, difference.verdict)


def _phase_2(results: Result) -> list[Finding]:
    trials = {trial["name"]: trial for trial in results["trials"]}
    note = _seeds(results["trials"])
    steps = [entry for entry in results["ascent"] if entry["field"] == "spectrum_depth"]
    depths = {entry["value"]: [trials[name] for name in entry["trials"]] for entry in steps}
    others = {depth: chosen(trials.values(), model=5, spectrum_depth=depth) for depth in depths}

    def best(groups: dict[int, list[Result]], leave_out: int | None = None) -> int:
        kept = [key for key in groups if key != leave_out]
        return min(kept, key=lambda key: np.mean([value(t["test"]["balanced"], "log_age.rmse") for t in groups[key]]))

    def finding(claim: str, published: str, better: list[Result], worse: list[Result], words: str) -> Finding:
        difference = compare(better, worse, "log_age.rmse", "balanced")
        return Finding(claim, published, f"{words}: gain {difference} in age RMSE. {note}", difference.verdict)

    six, five, rival = best(depths), best(others), best(depths, leave_out=4)
    found = [
        finding(
            "Model 6 beats Model 5 in the regression at its best depth",
            "Age RMSE 0.0979 against 0.1654 (Table 5).",
            depths[six],
            others[five],
            f"Model 6 of depth {six} against Model 5 of depth {five}",
        ),
        finding(
            "Depth 4 is the best of Model 6",
            "Age RMSE 0.0979 against 0.1076 of depth 6 and 0.1907 of depth 2 (Table 5).",
            depths[4],
            depths[rival],
            f"Depth 4 against depth {rival}",
        ),
    ]
    widths = [entry for entry in results["ascent"] if entry["field"] == "spectrum_width"]
    ages = {e["value"]: max(value(trials[n]["test"]["balanced"], "ages.max") for n in e["trials"]) for e in widths}
    bounded = all(trial["labels"]["bounded"] for trial in trials.values())
    out = {width for width, age in ages.items() if age > UNIVERSE_AGE_GYR}
    verdict = INCONCLUSIVE if bounded else CONFIRMED if {128, 384} <= out and 256 not in out else NOT_CONFIRMED
    heads = " The heads are bounded, so that no age can exceed it." if bounded else ""
    listed = ", ".join(f"width {width}: {age:.4g} Gyr" for width, age in ages.items())
    found.append(
        Finding(
            "Widths 128 and 384 give ages above that of the Universe, width 256 does not",
            "Largest ages 68.704, 14.870 and 267.134 Gyr for widths 128, 256 and 384 (Table 6); "
            "14.870 is accepted as valid.",
            f"Largest predicted ages: {listed}.{heads}",
            verdict,
        )
    )
    kept = {entry["field"]: entry["value"] for entry in results["ascent"] if entry["kept"]}
    same = [field for field, choice in kept.items() if choice == paper.CHOSEN[field]]
    return [
        *found,
        Finding(
            "The coordinate ascent ends at the paper's configuration",
            ", ".join(f"{field} {choice}" for field, choice in paper.CHOSEN.items()) + " (section 4.2).",
            ", ".join(f"{field} {choice}" for field, choice in kept.items())
            + f": {len(same)} of {len(kept)} as in the paper.",
            CONFIRMED if len(same) == len(kept) else NOT_CONFIRMED,
        ),
    ]


def _phase_3(results: Result) -> list[Finding]:
    found, kinds = [], sorted({trial["labels"]["bounded"] for trial in results["trials"]})
    for kind in kinds:
        trials = chosen(results["trials"], bounded=kind)
        groups = {setup: chosen(trials, setup=setup) for setup in paper.TABLE_7}
        words, note = " (bounded heads)" if kind else " (unbounded heads)", _seeds(trials)
        age = compare(groups["C"], groups["A"], "log_age.rmse", "natural")
        lifetime = compare(groups["C"], groups["A"], "log_lifetime.rmse", "natural")
        found.append(
            Finding(
                f"Setup C fits ages and lifetimes best{words}",
                "Age RMSE 0.0874 against 0.0930, lifetime RMSE 0.0893 against 0.0973 of Setup A (Table 7).",
                f"Gain of C over A: age RMSE {age}, lifetime RMSE {lifetime}. {note}",
                combine([age.verdict, lifetime.verdict]),
            )
        )
        difference = compare(groups["C"], groups["A"], "stage.macro_f1", "natural")
        found.append(
            Finding(
                f"Setup C classifies best{words}",
                "F1 0.6157 against 0.4998 of Setup A (Table 7).",
                f"Gain of C over A: F1 {difference}. {note}",
                difference.verdict,
            )
        )
        found.append(_unphysical_ages(groups, bool(kind), note))
    if len(kinds) == 2:
        pair = [chosen(results["trials"], bounded=kind) for kind in (True, False)]
        difference = compare(*pair, "log_age.rmse", "natural")
        found.append(
            Finding(
                "Physical ages cost precision (the precision-realism trade-off)",
                "The only setup with valid ages has the highest RMSE (Table 7).",
                f"Bounded against unbounded heads, all setups: gain {difference} in age RMSE. {_seeds(pair[0])}",
                {CONFIRMED: NOT_CONFIRMED, NOT_CONFIRMED: CONFIRMED, INCONCLUSIVE: INCONCLUSIVE}[difference.verdict],
            )
        )
    return found


def _unphysical_ages(groups: dict[str, list[Result]], bounded: bool, note: str) -> Finding:
    """Compare the largest ages of Setups C and A with the age of the Universe."""
    out, words = {}, []
    for setup, trials in groups.items():
        ages = [value(trial["test"]["natural"], "ages.max") for trial in trials]
        share = np.mean([value(trial["test"]["natural"], "ages.above_universe") for trial in trials])
        out[setup] = np.mean([age > UNIVERSE_AGE_GYR * (1 + 1e-6) for age in ages])
        words.append(f"{setup} {max(ages):.4g} Gyr ({100 * share:.2g} % of stars above 13.8 Gyr)")
    verdict = INCONCLUSIVE
    if out["C"] == 1 and out["A"] == 0:
        verdict = CONFIRMED
    elif out["C"] == 0 or out["A"] == 1:
        verdict = NOT_CONFIRMED
    return Finding(
        "Setup C predicts ages above that of the Universe, Setup A does not "
        f"({'bounded' if bounded else 'unbounded'} heads)",
        "Largest ages 5.703, 1419.738 and 2721.162 Gyr for Setups A, B and C (Table 7).",
        f"Largest predicted ages: {', '.join(words)}. {note}",
        verdict,
    )


def _floor(results: Result) -> Finding:
    """Compare the paper's best scores with the floor set by the errors of the labels."""
    floor, exact, look_up = (results["yardsticks"]["natural"][key] for key in ("floor", "exact posterior", "look-up"))
    best = (0.0874, 0.0893, 0.9541)
    ours = (value(floor, "log_age.rmse"), value(floor, "log_lifetime.rmse"), value(floor, "stage.macro_f1"))
    spread = value(floor, "log_age.rmse_constant"), value(floor, "log_lifetime.rmse_constant")
    reachable = ours[0] <= best[0] and ours[1] <= best[1] and ours[2] >= best[2]
    finest = results["floor_by_error"][-1]
    return Finding(
        "The labels can be predicted as well as the paper's best scores",
        "Age RMSE 0.0874, lifetime RMSE 0.0893 (Table 7), F1 0.9541 (Table 5).",
        f"A prediction from the true atmosphere reaches {ours[0]:.4f}, {ours[1]:.4f} and {ours[2]:.4f} on labels with "
        f"the pipeline's errors (constant: {spread[0]:.4f} and {spread[1]:.4f}); with {100 * finest['part']:g} % of "
        f"these errors still {finest['log_age_floor']:.4f} and {finest['log_lifetime_floor']:.4f}. "
        f"Against the TRUE log age the exact posterior has {value(exact, 'log_age.truth.rmse'):.4f}, "
        f"the look-up labels themselves {value(look_up, 'log_age.truth.rmse'):.4f}.",
        CONFIRMED if reachable else NOT_CONFIRMED,
    )


def _constant() -> Finding:
    """Compare the paper's scores with the largest possible error of a constant; needs no run of ours."""
    bound = paper.largest_spread()
    worse = [f"Model {n} ({item.age_rmse:.4f})" for n, item in paper.TABLE_4.items() if item.age_rmse > bound]
    low, high, mean = paper.LABEL_AGES
    return Finding(
        "The models of Table 4 beat a constant",
        f"Its test ages span {low} to {high} Gyr with mean {mean} (Tables 6 and 7); it prints no constant predictor.",
        f"Ages of that range and mean have a standard deviation of at most {bound:.4f} dex: a larger RMSE is worse "
        "than predicting one constant. If Table 4 has the ages of Table 6, both of Experiment B, "
        f"these are worse: {', '.join(worse)}.",
        NOT_CONFIRMED if worse else INCONCLUSIVE,
    )


def _seeds(trials: list[Result]) -> str:
    n = len({trial["labels"]["seed"] for trial in trials})
    return f"{n} seeds." if n > 1 else "One seed: the errors do not include the scatter between runs."
