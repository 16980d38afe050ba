"""Rebuilding the parts of ``trained/`` that the MOCK survey is made of."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from stellar_core.errors import ParameterError
from stellar_core.mock.fit.build import PARTS, build_parts
from stellar_core.model_store import read_model
from stellar_core.paths import TRAINED_DIR


@pytest.mark.slow
def test_a_rebuilt_part_equals_the_shipped_one(shared_data, tmp_path):
    lines = []
    seconds = build_parts(shared_data, ["photometry"], tmp_path, lines.append)
    assert list(seconds) == ["photometry"] and len(lines) == 2
    fresh, card = read_model(tmp_path / "mock-photometry")
    shipped, old = read_model(TRAINED_DIR / "mock-photometry")
    assert set(fresh) == set(shipped) and card["what"] == old["what"] and card["command"] == old["command"]
    for key, value in fresh.items():
        assert np.allclose(value.astype(float), shipped[key].astype(float), rtol=1e-4, atol=1e-5), key


def test_every_part_of_the_mock_can_be_built():
    made = {path.parent.name for path in TRAINED_DIR.glob("mock-*/weights.safetensors")}
    assert made == {"mock-photometry", "mock-population", "mock-instrument", "mock-pipeline"}
    assert list(PARTS) == ["tracks", "photometry", "population", "instrument", "emulator", "comparison"]


def test_missing_data_give_one_sentence(tmp_path):
    with pytest.raises(ParameterError, match="no data folder"):
        build_parts(tmp_path / "none")
    with pytest.raises(ParameterError, match="no data folder"):
        build_parts(None, ["tracks"])
    with pytest.raises(ParameterError, match="no part 'stars'"):
        build_parts(tmp_path, ["stars"])
    with pytest.raises(ParameterError, match="part photometry needs"):
        build_parts(tmp_path, ["photometry"], tmp_path)
    with pytest.raises(ParameterError, match="emulator alone"):
        build_parts(tmp_path, ["tracks"], tmp_path, libraries={"miles": tmp_path})


def test_public_libraries_need_miles_and_a_red_library(tmp_path):
    with pytest.raises(ParameterError, match="needs MILES"):
        build_parts(None, ["emulator"], tmp_path, libraries={"stelib": tmp_path})


@pytest.mark.parametrize(
    ("part", "message"), [("tracks", "There is no archive of tracks"), ("stars", "There is no part 'stars'")]
)
def test_the_command_ends_in_one_line(tmp_path, part, message):
    command = [sys.executable, "-m", "stellar_core", "build", part, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=Path(__file__).resolve().parents[3])
    assert done.returncode == 2 and message in done.stderr.splitlines()[-1] and "Traceback" not in done.stderr
