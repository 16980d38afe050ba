"""The paper's numbers are those of its text."""

import re

import numpy as np
import pytest

from stellar_core.experiments import published as paper
from stellar_core.models.registry import TABLE_2


@pytest.fixture(scope="module")
def text(shared_data) -> str:
    return (shared_data.parent / "reference" / "paper.txt").read_text()


def table(text: str, number: int) -> str:
    """The text from a table's caption on."""
    return text[text.index(f"TABLE {number}:") :][:900]


def line(block: str, start: str) -> list[float]:
    row = next(line for line in block.splitlines() if line.strip().startswith(start))
    return [float(value) for value in re.findall(r"\d+\.\d+", row[len(start) :])]


def test_table_4(text):
    block = table(text, 4)
    for number, name in paper.MODELS.items():
        scores = paper.TABLE_4[number]
        assert line(block, f"{number}. {name}") == [scores.f1, scores.age_rmse, scores.lifetime_rmse]


def test_table_3_has_the_columns_of_c_then_b_and_agrees_with_table_4(text):
    numbers = [float(value) for value in re.findall(r"0\.\d{4}", table(text, 3))]
    columns = iter(zip(numbers[::2], numbers[1::2]))
    for number in (6, 5, 1):
        c, b = paper.TABLE_3["C", number], paper.TABLE_3["B", number]
        assert b == paper.TABLE_4[number]
        assert next(columns) == (c.f1, b.f1)
        assert next(columns) == (c.age_rmse, b.age_rmse)
        assert next(columns) == (c.lifetime_rmse, b.lifetime_rmse)


@pytest.mark.parametrize("number, start", [(6, "Model 6"), (5, "Model 5")])
def test_table_5(text, number, start):
    block = table(text, 5)
    block = block[block.index(start) :]
    columns = [paper.TABLE_5[number, depth] for depth in (2, 4, 6)]
    assert line(block, "Age RMSE (log(yrs))") == [item.age_rmse for item in columns]
    assert line(block, "Lifetime RMSE (log(yrs))") == [item.lifetime_rmse for item in columns]
    assert line(block, "Classification F1 (macro)") == [item.f1 for item in columns]


@pytest.mark.parametrize("number, published", [(6, paper.TABLE_6), (7, paper.TABLE_7)])
def test_tables_6_and_7(text, number, published):
    block, columns = table(text, number), list(published.values())
    assert line(block, "Age RMSE (log(yrs))") == [item.age_rmse for item in columns]
    assert line(block, "Lifetime RMSE (log(yrs))") == [item.lifetime_rmse for item in columns]
    assert line(block, "Classification F1 (macro)") == [item.f1 for item in columns]
    for place, start in enumerate(("Predicted	Min", "Age Range	Max", "(Gyr)	Mean")):
        assert line(block, start) == [item.ages[place] for item in columns]
    assert tuple(line(block, "True Age Range (Gyr):")) == paper.LABEL_AGES


def test_names_sizes_and_choices_are_those_of_the_text(text):
    for name in ("166,625-star", "50k imbalanced baseline", "23k balanced via under sampling"):
        assert name in text
    assert (paper.STARS_IMBALANCED, paper.STARS_BALANCED, paper.STARS_FULL) == (50_000, 23_000, 166_625)
    words = ("Spec-Depth", "Spec-Width", "MLP-Depth", "MLP-Width", "Fusion-Depth", "Fusion-Width")
    assert f"({', '.join(f'{word}={value}' for word, value in zip(words, paper.CHOSEN.values()))})" in text
    for field, (_, parameter) in paper.SEARCH.items():
        listed = next(row for row in text.splitlines() if parameter in row)
        assert tuple(int(value) for value in re.findall(r"\d+", listed.split(parameter)[1])) == TABLE_2[field]


def test_the_best_scores_are_those_of_the_tables():
    tables = [*paper.TABLE_4.values(), *paper.TABLE_5.values(), *paper.TABLE_6.values(), *paper.TABLE_7.values()]
    assert paper.BEST["log_age_rmse"] == min(item.age_rmse for item in tables)
    assert paper.BEST["log_lifetime_rmse"] == 0.0893 and paper.BEST["macro_f1"] == max(item.f1 for item in tables)


def test_no_ages_of_that_range_and_mean_spread_wider_than_the_bound():
    low, high, mean = paper.LABEL_AGES
    bound = paper.largest_spread()
    assert bound == pytest.approx(0.1563, abs=2e-4)
    rng = np.random.default_rng(0)
    for _ in range(300):
        ages = rng.uniform(low, high, 3)
        weights = rng.dirichlet(np.ones(3))
        shift = mean - weights @ ages
        ages = ages + shift
        if ages.min() >= low and ages.max() <= high:
            logs = np.log10(ages)
            assert np.sqrt(weights @ (logs - weights @ logs) ** 2) <= bound


def test_no_single_peaked_distribution_spreads_wider_than_its_bound():
    low, high, mean = paper.LABEL_AGES
    bound = paper.largest_single_peaked_spread()
    assert bound == pytest.approx(0.1031, abs=2e-4) and bound < paper.largest_spread()
    rng, kept = np.random.default_rng(0), 0
    for _ in range(400):
        peak = rng.uniform(low, high)
        ages = peak + (rng.uniform(low, high, 4)[:, None] - peak) * np.linspace(0.0, 1.0, 400)
        ages = np.repeat(ages, rng.multinomial(20, [0.25] * 4), axis=0).ravel()
        if abs(ages.mean() - mean) < 0.03:
            kept += 1
            assert np.log10(ages).std() <= bound + 0.003
    assert kept > 5


def test_predictions_of_setup_a_are_too_young_by_their_mean():
    assert paper.least_bias(paper.TABLE_7["A"].ages[2]) == pytest.approx(0.0552, abs=2e-4)
    assert paper.least_bias(paper.LABEL_AGES[2]) < 0
