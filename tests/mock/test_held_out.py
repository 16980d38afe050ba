"""Held-out stars: folds by star, errors, storage, and agreement of the shipped tables with the shipped stars."""

import json

import numpy as np
import pytest

from stellar_core.errors import ModelError, ParameterError
from stellar_core.mock.emulator import EMULATOR_DIR
from stellar_core.mock.fit.emulator_report import CELLS, card_of, class_table, pooled
from stellar_core.mock.fit.held_out import folds_by_star, hold_out, measure, star_key
from stellar_core.mock.held_out import FILE, LINES, RANGES, read_held_out, write_held_out
from stellar_core.preprocessing.grid import GRID


@pytest.fixture(scope="module")
def spectra():
    """60 flat spectra of MILES and 20 of STELIB whose emulation is off by known amounts."""
    rng = np.random.default_rng(0)
    n = 80
    source = np.array(["MILES"] * 60 + ["STELIB"] * 20)
    labels = np.column_stack([rng.uniform(3600, 9000, n), rng.uniform(0.5, 5.0, n), rng.uniform(-2.0, 0.4, n)])
    off = np.where(source == "MILES", 0.01, 0.03)[:, None]
    observed = (1.0 + 0.1 * np.sin(GRID / 7.0) * np.ones((n, 1))).astype(np.float32)
    weight = np.ones((n, GRID.size), np.float32)
    weight[:60, GRID >= 7370] = 0
    outlier = np.zeros(n, bool)
    outlier[[3, 70]] = True
    off[[3, 70]] = 0.2
    return (
        source,
        np.array([f"HD{k:06d}" for k in range(n)]),
        labels,
        observed,
        (observed - off).astype(np.float32),
        weight,
        outlier,
    )


def test_a_star_has_one_name_in_all_libraries():
    assert star_key("HD 020902         Cl") == star_key("HD020902") == "HD020902"
    name = np.array(["HD1", "HD2", "HD1", "HD 2", "HD3", "HD4", "HD5", "HD6"])
    fold = folds_by_star(name, 3, 0)
    assert fold[0] == fold[2] and fold[1] == fold[3] and set(fold) == {0, 1, 2}
    assert np.array_equal(fold, folds_by_star(name, 3, 0))
    with pytest.raises(ParameterError, match="at least 2 folds"):
        folds_by_star(name, 1, 0)


def test_no_spectrum_of_a_star_is_in_the_fit_that_emulates_it():
    name = np.array([f"HD{k // 2}" for k in range(20)])
    fold = folds_by_star(name, 4, 1)
    fits = []

    def emulate(rows):
        fits.append(rows)
        out = np.zeros((20, 6800), np.float32)
        out[:, 0] = len(fits)
        return out

    out = hold_out(emulate, fold)
    assert len(fits) == 4
    for row in range(20):
        rows = fits[int(out[row, 0]) - 1]
        assert row not in rows and name[row] not in name[rows]
        assert len(rows) >= 12


def test_known_errors_are_recovered(spectra):
    held = measure(*spectra)
    miles = held.source == "MILES"
    assert held.line_rms[miles & ~held.outlier] == pytest.approx(0.01, rel=1e-3)
    assert held.line_rms[3] == pytest.approx(0.2, rel=1e-3)
    assert held.signal == pytest.approx(0.1 / np.sqrt(2), rel=0.01)
    beyond = [span[0] >= 7350 for span in RANGES]
    assert np.isnan(held.rms[miles][:, [k for k, b in enumerate(beyond) if b and RANGES[k][0] > 7350]]).all()
    assert held.rms[~miles & ~held.outlier] == pytest.approx(0.03, rel=1e-3)


def test_tables_count_every_star_once(spectra):
    held = measure(*spectra)
    card = card_of(held, 5)
    tables = card["held_out_line_residual_3850_7350"]
    assert sum(row["stars"] for row in tables["all held-out stars"].values()) == 60
    clean = tables["without those named as outliers"]
    assert sum(row["stars"] for row in clean.values()) == 59
    assert all(row["rms"] == 0.01 for row in clean.values())
    cells = card["held_out_cells"]
    assert sum(row[6] for row in cells["rows"]) == 59 and len(cells["columns"].split(", ")) >= len(cells["rows"][0]) - 2
    for row in cells["rows"]:
        for k, edges in enumerate(CELLS):
            assert row[2 * k] in edges and row[2 * k + 1] == edges[edges.index(row[2 * k]) + 1]
    assert card["held_out_by_library_and_range"]["STELIB"]["9000-10400 A"] == 0.03
    assert "9000-10400 A" not in card["held_out_by_library_and_range"]["MILES"]
    json.dumps(card, allow_nan=False)
    assert pooled(np.array([np.nan])) is None


def test_examples_are_typical_stars_and_the_worst_outliers(spectra):
    held = measure(*spectra)
    assert len(set(held.row)) == len(held.row) >= 15
    assert [held.name[row] for title, row in zip(held.title, held.row) if title == "outlier"] == ["HD000003"]
    assert not held.outlier[held.row[held.title != "outlier"]].any()
    assert np.isnan(held.observed[0][GRID >= 7370]).all() and np.isfinite(held.emulated).all()


def test_writing_and_reading_gives_the_same(spectra, tmp_path):
    held = measure(*spectra)
    write_held_out(held, tmp_path)
    again = read_held_out(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [FILE]
    for name in ("source", "name", "outlier", "title", "row"):
        assert np.array_equal(getattr(held, name), getattr(again, name)), name
    assert again.labels == pytest.approx(held.labels, rel=1e-5)
    assert np.nanmax(np.abs(again.observed - held.observed)) < 2e-3
    (tmp_path / FILE).write_bytes(b"no")
    with pytest.raises(ModelError, match="held_out"):
        read_held_out(tmp_path)
    with pytest.raises(ModelError, match="Restore"):
        read_held_out(tmp_path / "none")


def test_the_shipped_card_agrees_with_the_shipped_stars():
    held = read_held_out()
    card = json.loads((EMULATOR_DIR / "card.json").read_text())
    assert (EMULATOR_DIR / FILE).stat().st_size < 1_000_000 and LINES == (3850, 7350)
    fresh = json.loads(json.dumps(card_of(held, 5)))
    assert {name: card[name] for name in fresh} == fresh
    assert len(card["outliers_left_out"]) == held.outlier.sum()
    clean = class_table(held, (held.source == "MILES") & ~held.outlier)
    assert clean["4500-8000 K"]["rms"] <= 0.018 and clean["3500-4500 K"]["rms"] <= 0.040
    assert clean["4500-8000 K"]["stars"] > 500
