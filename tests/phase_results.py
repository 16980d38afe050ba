"""Made-up results of phases for the tests of tables and findings."""

from __future__ import annotations

from stellar_core.experiments.published import CHOSEN, SEARCH
from stellar_core.experiments.skill import PARTS
from stellar_core.models.registry import TABLE_2


def score(age: float = 0.5, lifetime: float = 0.2, f1: float = 0.6, max_age: float = 12.0, above: float = 0.0) -> dict:
    """A score as `stellar_core.evaluation.scores.score` gives it, with as many digits in what is not asked for."""
    third = 1.23456789 / 3

    def quantity(rmse: float) -> dict:
        base = {"rmse": rmse, "mae": third, "bias": third, "r2": 1 - rmse**2, "rmse_constant": 1.0}
        return {**base, "rmse_se": 0.01, "truth": {**base, "rmse": 0.9 * rmse}}

    stage = {"macro_f1": f1, "accuracy": f1, "macro_f1_constant": 0.1}
    return {
        "n": 500,
        "log_age": quantity(age),
        "log_lifetime": quantity(lifetime),
        "age_gyr": {"rmse": third, "mae": third},
        "stage": {**stage, "macro_f1_se": 0.01, "truth": stage},
        "ages": {"min": 0.5, "max": max_age, "mean": 6.0, "above_universe": above, "beyond_lifetime": 0.01},
        "age_errors": [111] * 80,
        "replicates": {
            "log_age": [1 - age] * PARTS,
            "log_lifetime": [1 - lifetime] * PARTS,
            "stage": [(f1 - 0.1) / 0.9] * PARTS,
        },
    }


def trial(name: str, labels: dict, natural: dict | None = None, balanced: dict | None = None, epochs: int = 3) -> dict:
    """A finished trial, converged."""
    natural = score() if natural is None else natural
    losses = dict.fromkeys(("age", "lifetime", "stage", "atmosphere", "total"), 0.123456789)
    return {
        "name": name,
        "labels": {"model": 6, "seed": 0, "bounded": False, **labels},
        "config": {"epochs": epochs},
        "device": "cpu",
        "training_stars": 1000,
        "epochs": epochs,
        "seconds": 10.0,
        "spectra_per_second": 300.0,
        "peak_memory_mb": 900.0,
        "parameters": 1_000_000,
        "history": [
            {"epoch": epoch, "train": losses, "validation": losses, "learning_rate": 1e-4, "seconds": 1.0}
            for epoch in range(1, epochs + 1)
        ],
        "validation": natural,
        "test": {"natural": natural, "balanced": natural if balanced is None else balanced},
    }


def results(phase: int, trials: list[dict], **more: object) -> dict:
    """All of a phase but the tables and the findings."""
    yards = {"constant": score(0.72, 0.27, 0.1), "look-up": score(0, 0, 1), "exact posterior": score(0.65, 0.14, 0.91)}
    yards["floor"] = score(0.64, 0.13, 0.88)
    floor = {
        "part": 0.05,
        "log_age_floor": 0.16,
        "log_age_constant": 0.57,
        "log_lifetime_floor": 0.03,
        "f1_floor": 0.99,
    }
    data = {"kept": 900, "stages": {"Hot": 300, "Medium": 300, "Cool": 150, "Subgiant": 80, "Red Giant": 70}}
    return {
        "phase": phase,
        "data_kind": "MOCK",
        "notes": ["a note"],
        "settings": {
            **{"scale": 0.5, "part": 0.5, "train_stars": 900, "test_stars": 500},
            **{"epochs": 3, "preset": "ours", "seeds": 1},
        },
        "data": {"sets": {"train": data}},
        "yardsticks": {"natural": yards, "balanced": yards},
        "floor_by_error": [floor],
        "trials": trials,
        **more,
    }


def phase_1(scores=lambda experiment, model, seed: score(), seeds: int = 1, epochs: int = 3) -> dict:
    """Phase I with ``scores(experiment, model, seed)`` on both test sets."""
    return results(
        1,
        [
            trial(f"{e}-{m}-s{s}", {"experiment": e, "model": m, "seed": s}, scores(e, m, s), epochs=epochs)
            for s in range(seeds)
            for m in range(1, 9)
            for e in "ABC"
        ],
    )


def phase_2(
    age=lambda field, value: 0.5, max_age=lambda field, value, seed: 12.0, bounded: bool = False, seeds: int = 1
) -> dict:
    """Phase II in which the paper's values are kept."""
    trials, ascent = {}, []
    for field, (component, parameter) in SEARCH.items():
        for number in TABLE_2[field]:
            names = [f"6-{field}-{number}-s{seed}" for seed in range(seeds)]
            for seed, name in enumerate(names):
                found = score(age(field, number), max_age=max_age(field, number, seed))
                labels = {"experiment": "B", field: number, "bounded": bounded, "seed": seed}
                trials[name] = trial(name, labels, found)
            entry = {"component": component, "parameter": parameter, "field": field, "value": number, "trials": names}
            entry |= {"age_rmse": 0.5, "max_age_gyr": 12.0, "paper": CHOSEN[field], "kept": number == CHOSEN[field]}
            ascent.append(entry)
    for depth in TABLE_2["spectrum_depth"]:
        for seed in range(seeds):
            labels = {"experiment": "B", "model": 5, "spectrum_depth": depth, "bounded": bounded, "seed": seed}
            trials[f"5-{depth}-s{seed}"] = trial(f"5-{depth}-s{seed}", labels, score(0.7))
    return results(2, list(trials.values()), ascent=ascent)


def phase_3(
    scores=lambda setup, seed, bounded: score(), seeds: int = 2, kinds: tuple[bool, ...] = (False, True)
) -> dict:
    """Phase III with ``scores(setup, seed, bounded)``."""
    return results(
        3,
        [
            trial(f"{s}-{seed}-{bounded}", {"setup": s, "seed": seed, "bounded": bounded}, scores(s, seed, bounded))
            for seed in range(seeds)
            for s in "ABC"
            for bounded in kinds
        ],
    )
