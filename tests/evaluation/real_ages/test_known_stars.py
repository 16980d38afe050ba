"""Known stars: published values are plausible, fits stand in the README's section, which is replaced in place."""

import numpy as np
import pytest

from stellar_core.errors import StorageError
from stellar_core.evaluation.real_ages import known_stars
from stellar_core.isochrones.observation_table import INPUT_COLUMNS

INTERVAL = {"p16": 9.6, "median": 9.66, "p84": 9.7}


def rows(inside=True):
    found = []
    for row in known_stars.read_known_stars().to_dict("records"):
        row["inside_models"] = inside
        found.append(row | ({"log_age": INTERVAL, "mass": {"p16": 0.9, "median": 1, "p84": 1.1}} if inside else {}))
    return found


def test_published_values_agree_with_each_other():
    stars = known_stars.read_known_stars().set_index("star")
    assert {"Sun", "Arcturus", "alpha Cen A", "16 Cyg B", "HD 140283", "Procyon A"} <= set(stars.index)
    assert stars[list(INPUT_COLUMNS)].notna().all(axis=None) and (stars[list(INPUT_COLUMNS[3:])] > 0).all(axis=None)
    assert stars[["reference", "age_reference", "mass_reference"]].notna().all(axis=None)
    for pair in ("alpha Cen", "16 Cyg"):
        first, second = stars.loc[f"{pair} A"], stars.loc[f"{pair} B"]
        assert first["true_age_gyr"] == second["true_age_gyr"] and first["true_mass_msun"] > second["true_mass_msun"]
    # Mass and log g give the radius of interferometry, Rsun.
    radius = np.sqrt(stars["true_mass_msun"] / 10 ** (stars["logg_dex"] - 4.438))
    assert radius[["alpha Cen A", "Procyon A", "Arcturus"]].tolist() == pytest.approx([1.22, 2.05, 25.4], rel=0.03)


@pytest.mark.slow
def test_the_sun_has_its_age_and_all_masses_are_near_the_independent_ones():
    found = {row["star"]: row for row in known_stars.fit()}
    sun = found["Sun"]["log_age"]
    assert sun["p025"] < 9.66 < sun["p975"]
    for row in found.values():
        if row["inside_models"]:
            assert row["mass"]["median"] == pytest.approx(row["true_mass_msun"], rel=0.2)


def test_the_section_has_a_line_for_each_star():
    text = known_stars.section(rows())
    assert text.startswith("## Known stars") and text.count("\n| ") == 1 + len(rows())
    assert (
        "| Sun | 5772, 4.44, +0.00 (20, 0.01, 0.01), 0.0 | 4.57 ± 0.01 | 4.6, 4.0–5.0 | 1.00 | 1.00, 0.90–1.10 |"
        in text
    )
    assert "7.1 +1.5 −1.2" in text and "−0.52" in text
    assert max(map(len, text.splitlines())) <= 120
    assert known_stars.section(rows(inside=False)).count("outside the models") == len(rows())


def test_the_section_is_added_once_and_then_replaced(tmp_path, monkeypatch):
    monkeypatch.setattr(known_stars, "fit", rows)
    path = tmp_path / "README.md"
    path.write_text("# Isochrones\n\nText.\n")
    known_stars.write_section(path)
    once = path.read_text()
    assert once.startswith("# Isochrones\n\nText.\n\n## Known stars\n")
    known_stars.write_section(path)
    assert path.read_text() == once
    path.write_text(once + "\n## Next\n\nMore.\n")
    known_stars.write_section(path)
    assert path.read_text() == once + "\n## Next\n\nMore.\n"
    with pytest.raises(StorageError, match="absent.md"):
        known_stars.write_section(tmp_path / "absent.md")
