"""``build`` on the command line."""

from __future__ import annotations

import shutil

import pytest
from typer.testing import CliRunner

from stellar_core.__main__ import app
from stellar_core.errors import ParameterError
from stellar_core.evaluation.real_ages import known_stars
from stellar_core.paths import TRAINED_DIR


def test_cards_are_written_beside_the_models(tmp_path):
    (tmp_path / "isochrone").mkdir()
    shutil.copyfile(TRAINED_DIR / "isochrone" / "card.json", tmp_path / "isochrone" / "card.json")
    done = CliRunner().invoke(app, ["build", "cards", "--out", str(tmp_path)])
    assert done.exit_code == 0 and done.stdout.split() == [str(tmp_path / "isochrone" / "README.md")]
    assert (tmp_path / "isochrone" / "README.md").read_text().startswith("# isochrone")


def test_known_stars_are_written_to_the_readme_of_the_isochrones(monkeypatch):
    written = []
    monkeypatch.setattr(known_stars, "write_section", lambda: written.append(True))
    done = CliRunner().invoke(app, ["build", "known-stars"])
    assert done.stdout.strip().endswith("isochrones/README.md") and written


@pytest.mark.parametrize("part", ["tracks", "all", "learning-curve"])
def test_missing_data_folder_is_an_error_that_shows_the_command(part):
    error = CliRunner().invoke(app, ["build", part]).exception
    assert isinstance(error, ParameterError) and f"build {part} DATA" in str(error)


def test_unknown_part_is_an_error(tmp_path):
    error = CliRunner().invoke(app, ["build", "nothing", str(tmp_path)]).exception
    assert isinstance(error, ParameterError) and "nothing" in str(error)
