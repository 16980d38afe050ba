"""The paper's claims, and whether our runs confirm them by the rule of `stellar_core.experiments.verdict`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

from stellar_core.constants import UNIVERSE_AGE_GYR
from stellar_core.experiments import published as paper
from stellar_core.experiments.phases import PHYSICAL_GYR
from stellar_core.experiments.skill import METRICS, Result, SkillSample
from stellar_core.experiments.tables import chosen, own_set, value
from stellar_core.experiments.verdict import INCONCLUSIVE, Judgement, combine, doubts_about, judge, judge_seeds

#: Models of the comparison between Experiments B and C (Table 3).
TABLE_3_MODELS = tuple(dict.fromkeys(number for _, number in paper.TABLE_3))
_WORDS = {"log_age": "age", "log_lifetime": "lifetime", "stage": "stage"}


@dataclass(frozen=True)
class Finding:
    """One claim of the paper and our result.

    Attributes
    ----------
    claim : str
    paper : str
        The paper's numbers.
    ours : str
        Ours: shares of the constant's error that are removed, and their difference.
    verdict : {"confirmed", "not confirmed", "inconclusive"}
    reason : str
        Why nothing follows; empty for a verdict by the numbers.
    seeds : int
        Smaller number of seeds of the two sides.
    """

    claim: str
    paper: str
    ours: str
    verdict: str
    reason: str
    seeds: int

    @classmethod
    def of(cls, claim: str, published: str, found: Judgement) -> Finding:
        """Join a claim with its judgement."""
        return cls(claim, published, f"{found.words}.", found.verdict, "; ".join(found.reasons), found.seeds)


@dataclass(frozen=True)
class Side:
    """One side of a comparison: runs, their test stars, and a name for them."""

    trials: Sequence[Result]
    at: str
    name: str


def findings(results: Result) -> list[dict[str, object]]:
    """Return the findings of a phase as plain values."""
    phase = {1: _phase_1, 2: _phase_2, 3: _phase_3}[results["phase"]]
    return [asdict(found) for found in phase(results)]


def part_of_the_paper(results: Result) -> float:
    """Return the training stars of a phase as a part of the paper's number; results stored before give the scale."""
    settings = results["settings"]
    return float(settings.get("part", settings["scale"]))


def compare(first: Side, second: Side, metrics: Sequence[str], part: float) -> Judgement:
    """Judge that ``first`` is better than ``second`` in all ``metrics``."""
    trials = [*first.trials, *second.trials]
    if not first.trials or not second.trials:
        return Judgement(INCONCLUSIVE, "Some of the models to compare have not been run", ("missing runs",), 0)
    doubts = doubts_about(trials, part)
    judged = []
    for metric in metrics:
        sides = [SkillSample.of(side.trials, metric, side.at) for side in (first, second)]
        one = judge(*sides, (first.name, second.name), doubts)
        judged.append(Judgement(one.verdict, f"{_WORDS[metric]}: {one.words}", one.reasons, one.seeds))
    return combine(judged)


def _phase_1(results: Result) -> list[Finding]:
    part, found = part_of_the_paper(results), []
    for kind, trials in _by_heads(results):

        def b(number: int, trials: list[Result] = trials) -> Side:
            return Side(chosen(trials, experiment="B", model=number), "balanced", f"Model {number}")

        def ranked(claim: str, published: str, first: int, second: int, metric: str, kind: str = kind) -> Finding:
            return Finding.of(claim + kind, published, compare(b(first), b(second), (metric,), part))  # noqa: B023

        shown = [n for n in TABLE_3_MODELS if all(chosen(trials, experiment=e, model=n) for e in "BC")]
        for where, at in (("each on its own test stars", None), ("both on the same natural test stars", "natural")):
            sides = [
                Side(
                    [t for n in shown for t in chosen(trials, experiment=e, model=n)],
                    at or own_set(e),
                    f"Experiment {e}",
                )
                for e in "BC"
            ]
            found.append(
                Finding.of(
                    f"Undersampling (B) beats weighting (C), {where}{kind}",
                    "F1 better by 33-35 %, RMSE by 33-46 %, for Models 6, 5 and 1 (Table 3), on different test stars.",
                    compare(*sides, tuple(METRICS), part),
                )
            )
        found += [
            ranked(
                "Model 3 (spectrum alone) has better ages than Model 6 (both)",
                "Age RMSE 0.0901 against 0.1940 (Table 4).",
                3,
                6,
                "log_age",
            ),
            ranked(
                "Model 1 (photometry alone) classifies better than Model 3 (spectrum alone)",
                "F1 0.8616 against 0.6213 (Table 4).",
                1,
                3,
                "stage",
            ),
            ranked(
                "Model 3 has better ages than Model 1", "Age RMSE 0.0901 against 0.4494 (Table 4).", 3, 1, "log_age"
            ),
            ranked(
                "Model 6 has better ages than Model 5", "Age RMSE 0.1940 against 0.2250 (Table 4).", 6, 5, "log_age"
            ),
            ranked("Model 5 classifies better than Model 6", "F1 0.9187 against 0.8577 (Table 4).", 5, 6, "stage"),
        ]
    return found


def _phase_2(results: Result) -> list[Finding]:
    part, trials = part_of_the_paper(results), {trial["name"]: trial for trial in results["trials"]}
    tried = {
        field: {e["value"]: [trials[name] for name in e["trials"]] for e in results["ascent"] if e["field"] == field}
        for field in paper.SEARCH
    }
    depths = tried["spectrum_depth"]
    others = {depth: chosen(trials.values(), model=5, spectrum_depth=depth) for depth in depths}

    def side(group: Sequence[Result], name: str) -> Side:
        return Side(group, "balanced", name)

    def best(groups: dict[int, list[Result]]) -> int:
        return max(groups, key=lambda key: SkillSample.of(groups[key], "log_age", "balanced").mean)

    six, five, rival = best(depths), best(others), best({k: g for k, g in depths.items() if k != 4})
    found = [
        Finding.of(
            "Model 6 has better ages than Model 5, each at its best depth",
            "Age RMSE 0.0979 against 0.1654 (Table 5).",
            compare(
                side(depths[six], f"Model 6 of depth {six}"),
                side(others[five], f"Model 5 of depth {five}"),
                ("log_age",),
                part,
            ),
        ),
        Finding.of(
            "Depth 4 has the best ages of Model 6",
            "Age RMSE 0.0979 against 0.1076 of depth 6 and 0.1907 of depth 2 (Table 5).",
            compare(side(depths[4], "depth 4"), side(depths[rival], f"depth {rival}"), ("log_age",), part),
        ),
        _realism_of_widths(tried["spectrum_width"], part),
    ]
    kept = {entry["field"]: entry["value"] for entry in results["ascent"] if entry["kept"]}
    judged = []
    for field, choice in kept.items():
        ours, theirs = tried[field][choice], tried[field].get(paper.CHOSEN[field], [])
        name = field.replace("_", " ")
        if choice == paper.CHOSEN[field]:
            rest = {key: group for key, group in tried[field].items() if key != choice}
            first, second = side(ours, f"{name} {choice}"), side(rest[best(rest)], f"{best(rest)}")
        else:
            first, second = side(theirs, f"{name} {paper.CHOSEN[field]}"), side(ours, f"{choice}")
        judged.append(compare(first, second, ("log_age",), part))
    same = sum(choice == paper.CHOSEN[field] for field, choice in kept.items())
    whole = combine(judged)
    words = f"{same} of {len(kept)} values as in the paper; its value against the best other: {whole.words}"
    chosen_words = ", ".join(f"{field.replace('_', ' ')} {choice}" for field, choice in paper.CHOSEN.items())
    found.append(
        Finding.of(
            "The coordinate ascent ends at the paper's configuration",
            f"{chosen_words} (section 4.2).",
            Judgement(whole.verdict, words, whole.reasons, whole.seeds),
        )
    )
    return found


def _realism_of_widths(groups: dict[int, list[Result]], part: float) -> Finding:
    """Judge by every seed whether widths 128 and 384 give unphysical ages and 256 does not."""
    trials = [trial for group in groups.values() for trial in group]
    oldest = {
        width: {trial["labels"]["seed"]: value(trial["test"]["balanced"], "ages.max") for trial in group}
        for width, group in groups.items()
    }
    seeds = sorted(set.intersection(*(set(ages) for ages in oldest.values())))
    wild = {width: [ages[seed] > PHYSICAL_GYR for seed in seeds] for width, ages in oldest.items()}
    rows = list(zip(wild[128], wild[256], wild[384]))
    words = ", ".join(f"width {width}: {max(ages.values()):.4g} Gyr" for width, ages in oldest.items())
    doubts = doubts_about(trials, part) + _bounded(trials)
    found = judge_seeds(
        [first and third and not second for first, second, third in rows],
        [second or not (first or third) for first, second, third in rows],
        f"Largest predicted ages: {words}",
        doubts,
    )
    return Finding.of(
        f"Widths 128 and 384 give ages above {PHYSICAL_GYR:g} Gyr, width 256 does not",
        "Largest ages 68.704, 14.870 and 267.134 Gyr for widths 128, 256 and 384 (Table 6); 14.870 counts as valid.",
        found,
    )


def _phase_3(results: Result) -> list[Finding]:
    part, found = part_of_the_paper(results), []
    kinds = _by_heads(results)
    for kind, trials in kinds:
        sides = [Side(chosen(trials, setup=setup), "natural", f"Setup {setup}") for setup in "CA"]
        found.append(
            Finding.of(
                f"Setup C has better ages and lifetimes than Setup A{kind}",
                "Age RMSE 0.0874 against 0.0930, lifetime RMSE 0.0893 against 0.0973 (Table 7).",
                compare(*sides, ("log_age", "log_lifetime"), part),
            )
        )
        found.append(
            Finding.of(
                f"Setup C classifies better than Setup A{kind}",
                "F1 0.6157 against 0.4998 (Table 7).",
                compare(*sides, ("stage",), part),
            )
        )
        found.append(_realism_of_setups(trials, kind, part))
    if len(kinds) == 2:
        (_, free), (_, bound) = kinds
        judged = compare(Side(free, "natural", "unbounded"), Side(bound, "natural", "bounded"), ("log_age",), part)
        found.append(
            Finding.of(
                "Physical ages cost precision: unbounded heads have better ages than bounded ones",
                "The only setup with valid ages has the highest RMSE (Table 7).",
                judged,
            )
        )
    return found


def _realism_of_setups(trials: list[Result], kind: str, part: float) -> Finding:
    """Judge by every seed whether Setup C gives ages above that of the Universe and Setup A does not."""
    ages: dict[str, dict[int, float]] = {}
    words = []
    for setup in paper.TABLE_7:
        group = chosen(trials, setup=setup)
        ages[setup] = {t["labels"]["seed"]: value(t["test"]["natural"], "ages.max") for t in group}
        above = [value(t["test"]["natural"], "ages.above_universe") for t in group]
        share = 100 * sum(above) / max(len(above), 1)
        words.append(f"{setup} {max(ages[setup].values(), default=0):.4g} Gyr ({share:.2g} % of stars above 13.8 Gyr)")
    seeds = sorted(set(ages["A"]) & set(ages["C"]))
    limit = UNIVERSE_AGE_GYR * (1 + 1e-6)
    pairs = [(ages["C"][seed] > limit, ages["A"][seed] > limit) for seed in seeds]
    doubts = doubts_about(trials, part) + _bounded(trials)
    found = judge_seeds(
        [c and not a for c, a in pairs],
        [a or not c for c, a in pairs],
        f"Largest predicted ages: {', '.join(words)}",
        doubts,
    )
    return Finding.of(
        f"Setup C gives ages above that of the Universe, Setup A does not{kind}",
        "Largest ages 5.703, 1419.738 and 2721.162 Gyr for Setups A, B and C (Table 7).",
        found,
    )


def _bounded(trials: Sequence[Result]) -> list[str]:
    return (
        ["the heads are bounded, so that no age can exceed it"] if any(t["labels"]["bounded"] for t in trials) else []
    )


def _by_heads(results: Result) -> list[tuple[str, list[Result]]]:
    """Trials by kind of output heads, with words for the claim if there are both; unbounded ones first."""
    kinds = sorted({trial["labels"]["bounded"] for trial in results["trials"]})
    words: Callable[[bool], str] = lambda kind: f" ({'bounded' if kind else 'unbounded'} heads)"
    return [(words(kind) if len(kinds) > 1 else "", chosen(results["trials"], bounded=kind)) for kind in kinds]
