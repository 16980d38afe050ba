"""Tables of the phases: the paper's rows and columns, its values beside ours."""

import json

import pandas as pd
import pytest

from stellar_core.experiments import published as paper
from stellar_core.experiments.tables import compact, markdown, report, tables, write_tables
from stellar_core.experiments.verdict import RULE
from tests import phase_results as made

METRICS = ["F1 Macro", "Age RMSE", "Lifetime RMSE"]
FINDING = {"claim": "c", "paper": "p", "ours": "o", "verdict": "inconclusive", "reason": "1 seed", "seeds": 1}


def test_table_4_has_the_papers_rows_columns_and_values():
    frame = tables(made.phase_1())["Table 4, Experiment B (Under Sampling)"].set_index("Model ID and Name")
    yardsticks = ["Constant predictor", "Exact posterior", "Floor of the labels"]
    assert list(frame.index) == [f"{n}. {name}" for n, name in paper.MODELS.items()] + yardsticks
    assert [name for name in frame.columns if name in METRICS] == METRICS
    assert frame.loc["3. Spectra-Transformer", "Age RMSE (paper)"] == 0.0901
    assert frame.loc["7. MLP+CNN+Hadamard", "F1 Macro (paper)"] == 0.9294
    assert frame.loc["Constant predictor", "Age RMSE"] == 0.72 and frame.loc["Floor of the labels", "F1 Macro"] == 0.88
    for name in (
        "Age R2",
        "True age RMSE",
        "Training (s)",
        "Spectra/s",
        "Peak memory (MB)",
        "Parameters",
        "Seeds",
        "Scale",
    ):
        assert frame.loc["6. MLP+CNN+Transformer", name] is not None


def test_table_3_takes_each_experiments_own_stars_or_the_same():
    def scores(experiment, model, seed):
        return made.score(f1={"A": 0.3, "B": 0.4, "C": 0.5}[experiment])

    results = made.phase_1(scores)
    for trial in results["trials"]:
        trial["test"]["balanced"] = made.score(f1=0.9)
    found = tables(results)
    own = found["Table 3, each on its own test stars"].iloc[0]
    natural = found["Table 3, all on the natural test stars"].iloc[0]
    assert (own["Model"], own["Metrics"]) == ("Model 6", "F1 Macro")
    assert own["Experiment B (Under Sampling)"] == 0.9 and own["Experiment C (Weighted)"] == 0.5
    assert natural["Experiment B (Under Sampling)"] == 0.4
    assert own["Experiment C (Weighted) (paper)"] == 0.6410 and own["Experiment B (Under Sampling) (paper)"] == 0.8577


def test_seeds_are_joined_with_their_spread():
    found = tables(made.phase_1(lambda e, m, s: made.score(age=0.4 + 0.2 * s), seeds=2))
    frame = found["Table 4, Experiment B (Under Sampling)"]
    assert frame.loc[0, "Age RMSE"] == pytest.approx(0.5) and frame.loc[0, "Age RMSE (spread)"] == pytest.approx(
        0.02**0.5
    )


def test_tables_5_and_6_and_the_ascent():
    found = tables(made.phase_2(age=lambda field, number: number / 1000))
    row = found["Table 5, Model 6 (MLP+CNN+Transformer)"].set_index("Metrics").loc["Age RMSE (log(yrs))"]
    assert row["Depth=6"] == 0.006 and row["Depth=6 (paper)"] == 0.1076
    row = found["Table 5, Model 5 (MLP+ResNet)"].set_index("Metrics").loc["Classification F1 (macro)"]
    assert row["Depth=4 (paper)"] == 0.9346
    table = found["Table 6"].set_index("Metrics")
    assert table.loc["Predicted Age Range (Gyr): Max", "Width=384 (paper)"] == 267.134
    ascent = found["Coordinate ascent over Table 2"]
    assert len(ascent) == 18 and (ascent["Kept"] == ascent["Kept (paper)"]).all()


def test_table_7_for_each_kind_of_heads():
    found = tables(made.phase_3(lambda setup, seed, bounded: made.score(max_age=12 if bounded else 100 + seed)))
    table = found["Table 7, unbounded heads"].set_index("Metrics")
    ours = [name for name in table.columns if name.startswith("Setup") and "(" not in name]
    assert ours == ["Setup A", "Setup B", "Setup C"]
    assert table.loc["Predicted Age Range (Gyr): Max", "Setup C"] == 101
    assert table.loc["Predicted Age Range (Gyr): Max", "Setup C (paper)"] == 2721.162
    assert found["Table 7, bounded heads"].set_index("Metrics").loc["Predicted Age Range (Gyr): Max", "Setup C"] == 12


def test_tables_are_written_as_parquet_json_and_markdown(tmp_path):
    found = tables(made.phase_3(kinds=(True,)))
    plain = write_tables(found, tmp_path)
    frame = pd.read_parquet(tmp_path / "table-7.parquet")
    assert frame["Setup A (paper)"].tolist()[:3] == [0.4998, 0.0930, 0.0973]
    assert json.loads((tmp_path / "table-7.json").read_text()) == plain["Table 7"]
    assert (tmp_path / "tables.md").read_text().startswith("## Table 7\n\n| Metrics | Setup A |")
    assert not list(tmp_path.glob("*.tmp"))


def test_markdown_leaves_unknown_cells_empty():
    assert markdown([{"a": None, "b": 0.123456, "c": "x"}]).splitlines()[2] == "|  | 0.1235 | x |"


def test_the_report_states_mock_scale_and_stage_fractions():
    results = made.phase_1()
    results |= {"findings": [FINDING], "tables": {"T": [{"a": 1}]}}
    text = report(results)
    assert "MOCK stars, scale 0.5" in text and "Red Giant 7.8 %" in text and "keeps 39 % of them" in text
    assert "- c: **inconclusive** (1 seed)" in text and RULE in text


def test_the_claims_are_a_table():
    rows = tables(made.phase_1() | {"findings": [FINDING]})["Claims of the paper"]
    assert rows.loc[0, ["Claim", "Verdict", "Seeds", "Why nothing follows"]].tolist() == [
        "c",
        "inconclusive",
        1,
        "1 seed",
    ]


def test_a_survey_has_no_truth_and_no_floor():
    results = made.phase_1() | {"survey": "SDSS DR17", "data_kind": "REAL", "findings": []}
    del results["floor_by_error"]
    for scores in [*results["yardsticks"].values(), *(trial["test"] for trial in results["trials"])]:
        for score in scores.values():
            for quantity in ("log_age", "log_lifetime", "stage"):
                score[quantity].pop("truth", None)
    yards = {name: results["yardsticks"]["natural"][name] for name in ("constant", "exact posterior")}
    results["yardsticks"] = {"natural": yards, "balanced": yards}
    found = tables(results)
    frame = found["Table 4, Experiment B (Under Sampling)"]
    assert frame["True age RMSE"].isna().all() and "Floor of the labels" not in frame["Model ID and Name"].tolist()
    assert "REAL stars of the survey SDSS DR17" in report(results | {"tables": {"T": [{"a": 1}]}})


def test_scores_relative_to_the_constant():
    frame = tables(made.phase_1(lambda e, m, s: made.score(age=0.4, f1=0.55)))["Table 4, Experiment B (Under Sampling)"]
    assert frame.loc[0, "Age error removed"] == pytest.approx(0.6)
    assert frame.loc[0, "Stage error removed"] == pytest.approx(0.5)


def test_compact_results_of_a_whole_phase_stay_small(tmp_path):
    results = made.phase_1(seeds=3, epochs=100)
    results["tables"] = write_tables(tables(results), tmp_path)
    small = compact(results)
    assert len(json.dumps(small, separators=(",", ":"))) < 500_000
    curves = small["trials"][0]["curves"]
    assert len(curves["epoch"]) <= 41 and curves["epoch"][-1] == 100
    assert len(curves["validation"]["age"]) == len(curves["epoch"])
    assert "config" not in small["trials"][0]
