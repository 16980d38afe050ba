"""Results of the paper and ours in one figure, for every layout of the tables."""

import numpy as np
import pytest

from stellar_core.experiments import published
from stellar_core.experiments.tables import tables, write_tables
from stellar_core.figures.paper_comparison import PANELS, baselines, comparison_with_paper_figure, pairs
from tests import phase_results as made


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tables")
    return {
        k: write_tables(tables(make()), folder / str(k))
        for k, make in ((1, made.phase_1), (2, made.phase_2), (3, made.phase_3))
    }


def test_values_of_the_paper_are_paired_with_ours(written):
    found = {(pair.panel, pair.setting): pair for pair in pairs(written[1]["Table 4, Experiment B (Under Sampling)"])}
    assert len(found) == 3 * 8
    for number, row in published.TABLE_4.items():
        pair = found["RMSE of log age (dex)", f"{number}. {published.MODELS[number]}"]
        assert (pair.ours, pair.paper) == (0.5, row.age_rmse)
    setups = {pair.setting: pair for pair in pairs(written[3]["Table 7, bounded heads"]) if pair.panel.startswith("F1")}
    assert {name: pair.paper for name, pair in setups.items()} == {
        f"Setup {k}": item.f1 for k, item in published.TABLE_7.items()
    }
    assert all(pair.ours == 0.6 and pair.spread == 0.0 for pair in setups.values())
    assert {pair.setting for pair in pairs(written[1]["Table 3, all on the natural test stars"])} >= {
        "Model 6 · Experiment B (Under Sampling)"
    }


def test_baselines_are_lines_if_they_have_one_value(written):
    for phase, title in (
        (1, "Table 4, Experiment B (Under Sampling)"),
        (2, "Table 6"),
        (3, "Table 7, unbounded heads"),
    ):
        lines = baselines(written[phase][title])
        assert (
            lines["RMSE of log age (dex)", "Constant predictor"] == 0.72
            and lines["RMSE of log age (dex)", "Floor of the labels"] == 0.64
        )


@pytest.mark.parametrize("across", [True, False])
def test_every_comparable_table_is_drawn_in_three_panels(written, across):
    for phase in written.values():
        for rows in phase.values():
            if pairs(rows):
                figure = comparison_with_paper_figure(rows, across=across)
                shown = [value for trace in figure.data if trace.x[0] is not None for value in trace.x]
                assert np.isfinite(shown).all() and {note.text for note in figure.layout.annotations} == set(PANELS)
    assert not pairs(written[1]["Runs"]) and not pairs([])
