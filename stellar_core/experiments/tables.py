"""Results of the three phases as tables with the paper's rows and columns, its values beside ours."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from stellar_core.evaluation.metrics import rounded
from stellar_core.experiments import published as paper
from stellar_core.experiments.skill import skill
from stellar_core.experiments.verdict import RULE
from stellar_core.export import write_frame
from stellar_core.files import write_text
from stellar_core.models.registry import TABLE_2

if TYPE_CHECKING:
    import pandas

Result = dict[str, object]

#: The paper's metrics: heading in Tables 3 and 4, in Tables 5 to 7, place in a score, field of `Published`.
METRICS = (
    ("F1 Macro", "Classification F1 (macro)", "stage.macro_f1", "f1"),
    ("Age RMSE", "Age RMSE (log(yrs))", "log_age.rmse", "age_rmse"),
    ("Lifetime RMSE", "Lifetime RMSE (log(yrs))", "log_lifetime.rmse", "lifetime_rmse"),
)
#: Metrics that the paper does not print: heading, place in a score.
MORE = (
    ("Age error removed", "skill.log_age"),
    ("Lifetime error removed", "skill.log_lifetime"),
    ("Stage error removed", "skill.stage"),
    ("Age R2", "log_age.r2"),
    ("Lifetime R2", "log_lifetime.r2"),
    ("Age MAE", "log_age.mae"),
    ("Age RMSE (Gyr)", "age_gyr.rmse"),
    ("Age MAE (Gyr)", "age_gyr.mae"),
    ("True age RMSE", "log_age.truth.rmse"),
    ("True lifetime RMSE", "log_lifetime.truth.rmse"),
    ("True stage F1", "stage.truth.macro_f1"),
    ("Share above 13.8 Gyr", "ages.above_universe"),
    ("Share beyond lifetime", "ages.beyond_lifetime"),
)
#: Range of predicted ages: heading, place, function that combines the seeds, index in `Published.ages`.
RANGE = (("Min", "ages.min", min, 0), ("Max", "ages.max", max, 1), ("Mean", "ages.mean", np.mean, 2))
#: Cost of a trial: heading, field.
COST = (
    ("Training (s)", "seconds"),
    ("Spectra/s", "spectra_per_second"),
    ("Peak memory (MB)", "peak_memory_mb"),
    ("Parameters", "parameters"),
    ("Training stars", "training_stars"),
    ("Epochs", "epochs"),
)
BASELINES = {"constant": "Constant predictor", "exact posterior": "Exact posterior", "floor": "Floor of the labels"}
#: Largest number of epochs of a learning curve in the compact results.
CURVE = 40


def value(score: Result, place: str) -> float | None:
    """Return the number at a dotted ``place``, None where there is none; ``skill.NAME`` is that of `skill`."""
    keys = place.split(".")
    if keys[0] == "skill":
        return skill(score, keys[1])
    for key in keys:
        if key not in score:
            return None
        score = score[key]
    return float(score)


def chosen(trials: Iterable[Result], **labels: object) -> list[Result]:
    """Return the trials with these labels."""
    return [trial for trial in trials if all(trial["labels"].get(key) == item for key, item in labels.items())]


def spread(values: Sequence[float]) -> float | None:
    """Return the standard deviation over seeds; None for a single one."""
    return float(np.std(values, ddof=1)) if len(values) > 1 and None not in values else None


def own_set(experiment: str) -> str:
    """Return the test stars of an experiment in the paper: "balanced" for B, otherwise "natural"."""
    return "balanced" if experiment == "B" else "natural"


def tables(results: Result) -> dict[str, pandas.DataFrame]:
    """Return the tables of a phase by title, with the paper's headings; its values are marked "(paper)"."""
    import pandas as pd

    made = {1: _phase_1, 2: _phase_2, 3: _phase_3}[results["phase"]](results)
    if "floor_by_error" in results:
        made["Floor of the labels by the pipeline's errors"] = results["floor_by_error"]
    if results.get("findings"):
        made["Claims of the paper"] = claims(results["findings"])
    made["Runs"] = [_run_row(trial, results) for trial in results["trials"]]
    return {title: pd.DataFrame(rows) for title, rows in made.items()}


def claims(findings: Sequence[Result]) -> list[Result]:
    """Return the findings as rows of a table."""
    names = {"claim": "Claim", "paper": "Paper", "ours": "Ours (% of the constant's error removed)"}
    names |= {"seeds": "Seeds", "verdict": "Verdict", "reason": "Why nothing follows"}
    return [{title: found[name] for name, title in names.items()} for found in findings]


def write_tables(made: dict[str, pandas.DataFrame], folder: Path) -> dict[str, list[Result]]:
    """Write every table as Parquet and JSON, and all as ``tables.md``, atomically.

    Returns
    -------
    dict
        Title -> rows as plain values.
    """
    folder.mkdir(parents=True, exist_ok=True)
    plain = {title: json.loads(frame.to_json(orient="records", double_precision=6)) for title, frame in made.items()}
    for title, frame in made.items():
        name = "".join(letter if letter.isalnum() else "-" for letter in title.lower())
        write_frame(folder / f"{name}.parquet", frame)
        write_text(folder / f"{name}.json", json.dumps(plain[title], indent=1) + "\n")
    text = "\n\n".join(f"## {title}\n\n{markdown(rows)}" for title, rows in plain.items())
    write_text(folder / "tables.md", text + "\n")
    return plain


def markdown(rows: list[Result]) -> str:
    """Format rows with equal keys as a Markdown table."""
    names = list(rows[0])
    lines = [names, ["---"] * len(names), *([_cell(row[name]) for name in names] for row in rows)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def report(results: Result) -> str:
    """Format a phase as Markdown: settings, findings, tables."""
    settings, data = results["settings"], results["data"]["sets"]["train"]
    mix = ", ".join(f"{name} {100 * count / data['kept']:.1f} %" for name, count in data["stages"].items())
    rarest = min(data["stages"].values()) * len(data["stages"]) / data["kept"]
    lines = [
        f"# Phase {results['phase']} on {stars_in_words(results)}, scale {settings['scale']:g}",
        f"{settings['train_stars']} stars for training and validation, {settings['test_stars']} for the test; at most "
        f"{settings['epochs']} epochs, preset {settings['preset']}, {settings['seeds']} seed(s).",
        f"Stages of the training stars: {mix}. Undersampling keeps {100 * rarest:.0f} % of them; "
        "the paper kept 23k of 50k, 46 %.",
        "",
        *(f"- {note}" for note in results["notes"]),
        "",
        "## Findings",
        "",
        RULE,
        "",
        *(
            f"- {found['claim']}: **{found['verdict']}**{_why(found)}. Paper: {found['paper']} Ours: {found['ours']}"
            for found in results["findings"]
        ),
    ]
    return "\n".join([*lines, "", *(f"## {title}\n\n{markdown(rows)}\n" for title, rows in results["tables"].items())])


def stars_in_words(results: Result) -> str:
    """Return the stars of a phase in words, MOCK where they are."""
    if not results.get("survey"):
        return "MOCK stars"
    return f"{results['data_kind']} stars of the survey {results['survey']}"


def _why(found: Result) -> str:
    return f" ({found['reason']})" if found["reason"] else ""


def compact(results: Result) -> Result:
    """Reduce a phase to less than 500 kB for the page: numbers of five digits, thinned learning curves.

    The table of runs, and the settings and validation scores of each trial, are left out.
    """
    trials = []
    for trial in results["trials"]:
        kept = {key: item for key, item in trial.items() if key not in ("config", "history", "validation")}
        every = -(-len(trial["history"]) // CURVE)
        last = trial["history"][-1]
        shown = [record for record in trial["history"] if record["epoch"] % every == 0 or record is last]
        curves = {"epoch": [record["epoch"] for record in shown]}
        for part in ("train", "validation"):
            curves[part] = {
                name: [record[part][name] for record in shown] for name in ("age", "lifetime", "stage", "total")
            }
        trials.append({**kept, "curves": curves})
    shown = {title: rows for title, rows in results["tables"].items() if title != "Runs"}
    return rounded({**results, "trials": trials, "tables": shown})


def _phase_1(results: Result) -> dict[str, list[Result]]:
    made = {}
    for heads, trials in _by_heads(results):
        made[f"Table 3, each on its own test stars{heads}"] = _table_3(results, trials, None)
        for name in ("natural", "balanced"):
            made[f"Table 3, all on the {name} test stars{heads}"] = _table_3(results, trials, name)
        for experiment, heading in paper.EXPERIMENTS.items():
            if not chosen(trials, experiment=experiment):
                continue
            published = paper.TABLE_4 if experiment == "B" else {}
            title = f"{'Table 4' if experiment == 'B' else 'As Table 4'}, Experiment {experiment} ({heading}){heads}"
            made[title] = _table_4(results, chosen(trials, experiment=experiment), own_set(experiment), published)
    return made


def _table_3(results: Result, trials: list[Result], name: str | None) -> list[Result]:
    rows = []
    shown = [number for _, number in paper.TABLE_3][::2]  # 6, 5, 1
    others = sorted({trial["labels"]["model"] for trial in trials} - set(shown))
    for number in [n for n in shown if chosen(trials, model=n)] + others:
        for heading, _, place, field in METRICS:
            row: Result = {"Model": f"Model {number}", "Metrics": heading}
            for experiment in ("C", "B", "A"):
                at = name or own_set(experiment)
                seen = [value(t["test"][at], place) for t in chosen(trials, model=number, experiment=experiment)]
                published = paper.TABLE_3.get((experiment, number))
                column = f"Experiment {experiment} ({paper.EXPERIMENTS[experiment]})"
                row |= _cells(column, seen, published and getattr(published, field))
            for at in [name] if name else ["natural", "balanced"]:
                row |= {
                    f"{title}{'' if name else f' ({at})'}": value(score, place)
                    for title, score in _baselines(results, at).items()
                }
            rows.append(row)
    return rows


def _table_4(results: Result, trials: list[Result], at: str, published: dict[int, paper.Published]) -> list[Result]:
    rows = []
    for number in sorted({trial["labels"]["model"] for trial in trials}):
        mine = chosen(trials, model=number)
        row: Result = {"Model ID and Name": f"{number}. {paper.MODELS[number]}"}
        for heading, _, place, field in METRICS:
            known = published.get(number)
            row |= _cells(heading, [value(trial["test"][at], place) for trial in mine], known and getattr(known, field))
        row |= {heading: _mean([value(trial["test"][at], place) for trial in mine]) for heading, place in MORE}
        row["Max age (Gyr)"] = max(value(trial["test"][at], "ages.max") for trial in mine)
        row |= {heading: _mean([trial[field] for trial in mine]) for heading, field in COST}
        rows.append({**row, "Seeds": len(mine), "Scale": results["settings"]["scale"]})
    for title, score in _baselines(results, at).items():
        row = dict.fromkeys(rows[0]) | {"Model ID and Name": title, "Max age (Gyr)": value(score, "ages.max")}
        row |= {heading: value(score, place) for heading, _, place, _ in METRICS}
        rows.append(row | {heading: value(score, place) for heading, place in MORE})
    return rows


def _phase_2(results: Result) -> dict[str, list[Result]]:
    trials = {trial["name"]: trial for trial in results["trials"]}
    steps: dict[str, list[Result]] = {}
    for entry in results["ascent"]:
        steps.setdefault(entry["field"], []).append(entry)
    made = {}
    depths = TABLE_2["spectrum_depth"]
    for field, title, published in (
        (
            "spectrum_depth",
            "Table 5, Model 6 (MLP+CNN+Transformer)",
            {depth: paper.TABLE_5[6, depth] for depth in depths},
        ),
        ("spectrum_width", "Table 6", paper.TABLE_6),
    ):
        word = "Depth" if field.endswith("depth") else "Width"
        groups = {f"{word}={e['value']}": [trials[name] for name in e["trials"]] for e in steps[field]}
        made[title] = _by_setting(
            results, groups, {f"{word}={key}": item for key, item in published.items()}, "balanced"
        )
    groups = {f"Depth={depth}": chosen(trials.values(), model=5, spectrum_depth=depth) for depth in depths}
    known = {f"Depth={depth}": paper.TABLE_5[5, depth] for depth in depths}
    made["Table 5, Model 5 (MLP+ResNet)"] = _by_setting(results, groups, known, "balanced")
    made["Coordinate ascent over Table 2"] = [
        {
            "Component": entry["component"],
            "Parameter": entry["parameter"],
            "Value": entry["value"],
            "Validation age RMSE": entry["age_rmse"],
            "Validation max age (Gyr)": entry["max_age_gyr"],
            **{
                heading: _mean([value(trials[name]["test"]["balanced"], place) for name in entry["trials"]])
                for heading, _, place, _ in METRICS
            },
            "Kept": "kept" if entry["kept"] else "",
            "Kept (paper)": "kept" if entry["value"] == entry["paper"] else "",
        }
        for entry in results["ascent"]
    ]
    return made


def _phase_3(results: Result) -> dict[str, list[Result]]:
    known = {f"Setup {setup}": item for setup, item in paper.TABLE_7.items()}
    made = {}
    for heads, trials in _by_heads(results):
        groups = {f"Setup {setup}": chosen(trials, setup=setup) for setup in paper.TABLE_7}
        made[f"Table 7{heads}"] = _by_setting(results, groups, known, "natural")
    return made


def _by_setting(
    results: Result, groups: dict[str, list[Result]], published: dict[str, paper.Published], at: str
) -> list[Result]:
    """Rows of metrics, columns of settings and baselines, as in Tables 5 to 7."""
    baselines = _baselines(results, at)
    rows = []
    for _, heading, place, field in METRICS:
        row: Result = {"Metrics": heading}
        for setting, trials in groups.items():
            row |= _cells(setting, [value(t["test"][at], place) for t in trials], getattr(published[setting], field))
        rows.append(row | {title: value(score, place) for title, score in baselines.items()})
    for name, place, join, part in RANGE:
        row = {"Metrics": f"Predicted Age Range (Gyr): {name}"}
        for setting, trials in groups.items():
            seen = [value(trial["test"][at], place) for trial in trials]
            ages = published[setting].ages
            row |= _cells(setting, seen, ages and ages[part], join)
        rows.append(row | {title: value(score, place) for title, score in baselines.items()})
    for heading, place in MORE:
        row = {"Metrics": heading}
        for setting, trials in groups.items():
            row |= _cells(setting, [value(trial["test"][at], place) for trial in trials], None)
        rows.append(row | {title: value(score, place) for title, score in baselines.items()})
    for heading, field in COST:
        row = {"Metrics": heading}
        for setting, trials in groups.items():
            row |= _cells(setting, [trial[field] for trial in trials], None)
        rows.append(row | dict.fromkeys(baselines))
    return rows


def _baselines(results: Result, at: str) -> dict[str, Result]:
    """Scores of the baselines that there are, by their titles."""
    scores = results["yardsticks"][at]
    return {title: scores[key] for key, title in BASELINES.items() if key in scores}


def _cells(column: str, seen: list[float], published: float | None, join=np.mean) -> Result:
    """Our value over all seeds, the paper's value, and our spread between seeds."""
    ours = float(join(seen)) if seen and None not in seen else None
    return {column: ours, f"{column} (paper)": published, f"{column} (spread)": spread(seen)}


def _by_heads(results: Result) -> list[tuple[str, list[Result]]]:
    """Trials by kind of output heads, with a suffix for the title if there are both."""
    kinds = sorted({trial["labels"]["bounded"] for trial in results["trials"]})
    words = {False: ", unbounded heads", True: ", bounded heads"} if len(kinds) > 1 else {kinds[0]: ""}
    return [(words[kind], chosen(results["trials"], bounded=kind)) for kind in kinds]


def _run_row(trial: Result, results: Result) -> Result:
    at = "balanced" if trial["labels"].get("experiment") == "B" else "natural"
    return {
        "Run": trial["name"],
        **{heading: value(trial["test"][at], place) for heading, _, place, _ in METRICS},
        **{heading: value(trial["test"][at], place) for heading, place in MORE},
        "Max age (Gyr)": value(trial["test"][at], "ages.max"),
        **{heading: trial[field] for heading, field in COST},
        "Seed": trial["labels"]["seed"],
        "Scale": results["settings"]["scale"],
        "Device": trial["device"],
    }


def _mean(values: Sequence[float | None]) -> float | None:
    return None if None in values else float(np.mean(values))


def _cell(item: object) -> str:
    if item is None:
        return ""
    return f"{item:.4g}" if isinstance(item, float) else str(item)
