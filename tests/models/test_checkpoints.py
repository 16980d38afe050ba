"""Networks on disk: reference numbers, round trips, damaged files."""

import json

import numpy as np
import pytest
import torch

from stellar_core.errors import ModelError
from stellar_core.inference.mc_dropout import run_passes
from stellar_core.models.checkpoints import load_network, save_network
from stellar_core.models.registry import ARCHITECTURES, ModelConfig
from stellar_core.models.zoo import build
from stellar_core.paths import TRAINED_DIR

SMALL = {"spectrum_depth": 1, "spectrum_width": 64, "photometry_width": 32, "fusion_depth": 2, "fusion_width": 48}

#: What the shipped network says of `two_stars`, computed when its weights were written: its
#: answer without dropout (log age, log lifetime, Teff, log g, [Fe/H]), the stage's logits, and
#: the mean of four passes from seed 7 in the order of `stellar_core.inference.mc_dropout.QUANTITIES`.
SHIPPED = "paper-setup-a"
SHA256 = "90916792138c1c8febfaca18448c0ca6f7efdf436d00672ef9dc9a800564d1e6"
POINT = [[8.493977, 8.798948, 5123.6982, 0.579035, -2.354444], [8.975710, 9.253883, 4696.2471, 1.081808, -2.407877]]
LOGITS = [[-9.427553, -4.797995, 0.941250, 1.678954, 8.457844], [-8.260491, -3.408249, -0.024868, 0.993675, 7.635906]]
PASSES = [[5055.1982, 0.594861, -2.343200, 8.654977, 8.892903], [4740.1523, 1.119158, -2.366309, 9.082466, 9.312445]]


def two_stars() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Flux, coverage and features of two made-up stars; the second has no photometry."""
    pixel = np.arange(6800.0)
    line = 0.5 * np.exp(-0.5 * ((pixel - 2964) / 8) ** 2)
    flux = np.stack([1 + 0.3 * np.sin(pixel / 700) - line, 1.2 - pixel / 12000 + 0.05 * np.sin(pixel / 13)])
    coverage = np.ones((2, 6800))
    coverage[0, :200] = coverage[1, 5600:] = 0
    return flux, coverage, np.stack([np.linspace(14, 20, 29), np.full(29, np.nan)])


def test_the_shipped_network_gives_its_reference_numbers():
    network, _, card = load_network(TRAINED_DIR / SHIPPED)
    assert card["sha256"] == SHA256, "the weights are new: compute the reference numbers again"
    with torch.inference_mode():
        found = network(*(torch.tensor(array, dtype=torch.float32) for array in two_stars()))
    point = torch.cat([torch.stack([found.log_age, found.log_lifetime], 1), found.atmosphere], 1)
    np.testing.assert_allclose(point.numpy(), POINT, rtol=2e-5)
    np.testing.assert_allclose(found.stage.numpy(), LOGITS, atol=2e-3)
    passes = run_passes(network, *two_stars(), samples=4, seed=7)
    np.testing.assert_allclose(passes.values.mean(axis=1), PASSES, rtol=5e-5)


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_every_network_survives_a_round_trip(tmp_path, name):
    network = build(ModelConfig(name, **SMALL), torch.Generator().manual_seed(3)).eval().requires_grad_(False)
    card = save_network(tmp_path / "small", network, {"extra.x": np.arange(3.0)}, {"name": "small"})
    loaded, arrays, read = load_network(tmp_path / "small")
    assert read["sha256"] == card["sha256"] and arrays["extra.x"].tolist() == [0, 1, 2]
    assert loaded.config == network.config
    stars = [torch.tensor(array, dtype=torch.float32) for array in two_stars()]
    assert torch.allclose(loaded(*stars).log_age, network(*stars).log_age, atol=5e-3)


@pytest.fixture
def folder(tmp_path):
    save_network(
        tmp_path / "small", build(ModelConfig(**SMALL), torch.Generator().manual_seed(0)), {}, {"name": "small"}
    )
    return tmp_path / "small"


def test_a_damaged_file_is_an_error_of_one_line(folder):
    weights = folder / "weights.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    with pytest.raises(ModelError, match="cannot be read"):
        load_network(folder)
    with pytest.raises(ModelError, match="no trained model 'nothing'"):
        load_network(folder.with_name("nothing"))


@pytest.mark.parametrize(("key", "value"), [("fusion_width", 40), ("spectrum_depth", 2), ("name", "MLP+ResNet")])
def test_an_array_of_another_shape_is_an_error_with_its_name(folder, key, value):
    card = json.loads((folder / "card.json").read_text())
    card["architecture"][key] = value
    (folder / "card.json").write_text(json.dumps(card))
    with pytest.raises(ModelError, match="expected"):
        load_network(folder)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("fusion_width", 1_000_000),
        ("fusion_width", 10**30),
        ("spectrum_depth", 10_000_000),
        ("fusion_width", 90_000),
        ("heads", 0),
        ("name", ["x"]),
        ("more", 1),
    ],
)
def test_a_card_with_huge_settings_is_refused_before_allocation(folder, key, value):
    import tracemalloc

    card = json.loads((folder / "card.json").read_text())
    card["architecture"][key] = value
    (folder / "card.json").write_text(json.dumps(card))
    tracemalloc.start()
    with pytest.raises(ModelError) as caught:
        load_network(folder)
    assert tracemalloc.get_traced_memory()[1] < 100_000_000 and "\n" not in str(caught.value)
    tracemalloc.stop()


@pytest.mark.parametrize("content", ["[" * 100_000, "[]", "3", "{}", '{"architecture": 5}', '{"architecture": {}}'])
def test_a_card_of_another_kind_is_an_error_of_one_line(folder, content):
    card = folder / "card.json"
    values = json.loads(card.read_text())
    if content.startswith("{"):
        content = json.dumps({**json.loads(content), "sha256": values["sha256"]})
    card.write_text(content)
    with pytest.raises(ModelError):
        load_network(folder)


def test_nan_weights_are_refused_despite_a_valid_hash(tmp_path):
    network = build(ModelConfig(**SMALL), torch.Generator().manual_seed(0))
    with torch.no_grad():
        next(network.parameters()).fill_(float("nan"))
    save_network(tmp_path / "small", network, {}, {"name": "small"})
    with pytest.raises(ModelError, match="not finite"):
        load_network(tmp_path / "small")
