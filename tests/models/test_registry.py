"""The registry is the paper's Table 1, and its settings are those of Table 2."""

import subprocess
import sys
from dataclasses import FrozenInstanceError, fields

import pytest

from stellar_core.errors import ModelError
from stellar_core.models.registry import ARCHITECTURES, TABLE_2, ModelConfig

#: Number and name, photometric branch, spectroscopic branch, attention.
PAPER = {
    (1, "MLP-Only"): ("MLP", "", ""),
    (2, "ResNet-Only"): ("", "ResNet", ""),
    (3, "Spectra-Transformer"): ("", "Transformer", "standard"),
    (4, "Spectra-Hadamard"): ("", "Transformer", "hadamard"),
    (5, "MLP+ResNet"): ("MLP", "ResNet", ""),
    (6, "MLP+CNN+Transformer"): ("MLP", "CNN+Transformer", "standard"),
    (7, "MLP+CNN+Hadamard"): ("MLP", "CNN+Transformer", "hadamard"),
    (8, "MLP+Transformer"): ("MLP", "Transformer", "standard"),
}


def test_the_paper_s_eight_by_number_and_name():
    paper = [entry for entry in ARCHITECTURES.values() if entry.number <= 8]
    found = {(entry.number, entry.name): (entry.photometry, entry.spectrum, entry.attention) for entry in paper}
    assert found == PAPER and list(found) == list(PAPER)
    assert all(name == entry.name and entry.description.endswith(".") for name, entry in ARCHITECTURES.items())
    assert all("\n" not in entry.description for entry in ARCHITECTURES.values())


def test_inputs_of_each_model():
    read = {entry.number: (entry.uses_photometry, entry.uses_spectrum) for entry in ARCHITECTURES.values()}
    assert read[1] == (True, False)
    assert all(read[number] == (False, True) for number in (2, 3, 4))
    assert all(read[number] == (True, True) for number in (5, 6, 7, 8))
    assert [entry.number for entry in ARCHITECTURES.values() if entry.requires_photometry] == [1]


def test_the_default_is_the_papers_final_configuration():
    config = ModelConfig()
    assert config.architecture.number == 6
    assert (config.spectrum_depth, config.spectrum_width) == (4, 256)
    assert (config.photometry_depth, config.photometry_width) == (2, 256)
    assert (config.fusion_depth, config.fusion_width) == (4, 512)
    assert all(getattr(config, name) in values for name, values in TABLE_2.items())


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_settings_are_fields_and_every_field_is_used(name):
    known = {item.name for item in fields(ModelConfig)} - {"name"}
    assert set(ARCHITECTURES[name].settings) <= known
    assert set().union(*(entry.settings for entry in ARCHITECTURES.values())) == known


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"name": "Model 6"}, "choose one of MLP-Only"),
        ({"spectrum_depth": 0}, "spectrum_depth must be a whole number of at least 1; got 0"),
        ({"fusion_width": 2.5}, "fusion_width must be a whole number"),
        ({"photometry_depth": True}, "photometry_depth must be a whole number"),
        ({"heads": 7}, "width 256 is not a multiple of the 7 heads"),
        ({"dropout": 1.0}, "dropout"),
        ({"name": "MLP+Transformer", "patch": 99}, "divisor of 6800"),
        ({"name": "ResNet-Only", "spectrum_width": 100}, "multiple of 8"),
    ],
)
def test_impossible_settings_are_an_error_of_one_line(changes, words):
    with pytest.raises(ModelError, match=words) as caught:
        ModelConfig(**changes)
    assert "\n" not in str(caught.value)


def test_settings_that_do_not_apply_are_accepted():
    assert ModelConfig("MLP-Only", heads=7, patch=99).name == "MLP-Only"
    assert ModelConfig("Spectra-Hadamard", heads=7).name == "Spectra-Hadamard"
    with pytest.raises(FrozenInstanceError):
        ModelConfig().heads = 4


def test_the_registry_loads_no_torch():
    code = "import sys, stellar_core.models.registry; sys.stdout.write(str('torch' in sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False"
