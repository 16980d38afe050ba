"""One command rebuilds what the MOCK survey is made of, and gives what is shipped."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from stellar_core.errors import ParameterError
from stellar_core.mock.fit.rebuild import STEPS, rebuild
from stellar_core.model_store import read_model
from stellar_core.paths import TRAINED_DIR


def test_a_step_gives_what_is_shipped(shared_data, tmp_path):
    said = []
    seconds = rebuild(shared_data, ["photometry"], tmp_path, said.append)
    assert list(seconds) == ["photometry"] and len(said) == 2
    fresh, card = read_model(tmp_path / "mock-photometry")
    shipped, old = read_model(TRAINED_DIR / "mock-photometry")
    assert set(fresh) == set(shipped) and card["what"] == old["what"]
    for key, value in fresh.items():
        assert np.allclose(value.astype(float), shipped[key].astype(float), rtol=1e-4, atol=1e-5), key


def test_every_part_of_the_mock_has_a_step():
    made = {path.parent.name for path in TRAINED_DIR.glob("mock-*/weights.safetensors")}
    assert made == {"mock-photometry", "mock-population", "mock-instrument"}
    assert list(STEPS) == ["tracks", "photometry", "population", "instrument", "emulator", "comparison"]


def test_what_is_missing_is_one_sentence(tmp_path):
    with pytest.raises(ParameterError, match="no data folder"):
        rebuild(tmp_path / "none")
    with pytest.raises(ParameterError, match="no step 'stars'"):
        rebuild(tmp_path, ["stars"])
    with pytest.raises(ParameterError, match="step photometry needs"):
        rebuild(tmp_path, ["photometry"], tmp_path)


def test_the_command_ends_in_one_line(tmp_path):
    command = [sys.executable, "-m", "stellar_core.mock.fit.rebuild", str(tmp_path), "--only", "tracks"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=Path(__file__).resolve().parents[3])
    assert done.returncode == 1 and done.stderr.splitlines()[-1].startswith("error: There is no archive of tracks")
