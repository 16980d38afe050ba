"""The paper's eight networks: inputs, outputs, and training at every point of Table 2."""

import inspect
from dataclasses import replace
from itertools import product

import numpy as np
import pytest
import torch

from stellar_core.datasets.config import DataConfig
from stellar_core.datasets.mock_stars import Inputs, make_stars
from stellar_core.inference.mc_dropout import run_passes
from stellar_core.models.heads import LOG_AGE_BOUNDS, LOG_LIFETIME_BOUNDS
from stellar_core.models.registry import ARCHITECTURES, TABLE_2, ModelConfig
from stellar_core.models.zoo import Network, build
from stellar_core.preprocessing.features import FEATURE_NAMES
from stellar_core.training.batches import Batches

NAMES = [entry.name for entry in ARCHITECTURES.values() if entry.number <= 8]
WITH_PHOTOMETRY = [name for name in NAMES if ARCHITECTURES[name].uses_photometry]
SMALL = {"spectrum_depth": 1, "spectrum_width": 64, "photometry_width": 32, "fusion_depth": 2, "fusion_width": 48}

#: Trainable numbers at the paper's final configuration, by the paper's model ID.
PARAMETERS = {
    1: 77_322,
    2: 1_578_506,
    3: 2_206_218,
    4: 2_206_218,
    5: 2_710_538,
    6: 3_634_378,
    7: 3_634_378,
    8: 3_338_250,
}


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def points(name: str) -> list[ModelConfig]:
    """Every pair of depth and width that Table 2 has for a part of this network, the other parts as in the default."""
    found = []
    for part in ("spectrum", "photometry", "fusion"):
        keys = (f"{part}_depth", f"{part}_width")
        if keys[0] in ARCHITECTURES[name].settings:
            found += [
                replace(ModelConfig(name), **dict(zip(keys, pair))) for pair in product(*(TABLE_2[k] for k in keys))
            ]
    return list(dict.fromkeys(found))


@pytest.fixture(scope="module")
def networks() -> dict[str, Network]:
    made = {name: build(ModelConfig(name, **SMALL), generator()).eval().requires_grad_(False) for name in NAMES}
    for name in WITH_PHOTOMETRY:
        made[name].photometry.missing += 1.0
    return made


@pytest.fixture(scope="module")
def batch() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    flux = 1 + 0.1 * torch.randn(4, 6800, generator=generator(1))
    coverage = torch.ones(4, 6800)
    coverage[:, 5600:] = 0
    return flux, coverage, torch.randn(4, 29, generator=generator(2))


def same(first, second) -> bool:
    return all(torch.equal(one, other) for one, other in zip(first, second))


def assert_learns(config: ModelConfig, batch, half: bool = False) -> None:
    """Forward and backward on two stars, one without photometry; each parameter gets a finite gradient."""
    flux, coverage, features = (part[:2].clone() for part in batch)
    features[0] = torch.nan
    network = build(config, generator())
    with torch.autocast("cpu", dtype=torch.bfloat16, enabled=half):
        predicted = network(flux, coverage, features, generator(5))
    sum(part.square().mean() for part in predicted).backward()
    for name, parameter in network.named_parameters():
        assert parameter.grad is not None and torch.isfinite(parameter.grad).all(), (config, name)


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_every_point_of_table_2_learns(name, batch):
    found = points(name)
    assert len(found) == len(set(found)) >= 9
    for config in found:
        assert_learns(config, batch)


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_the_smallest_network_and_the_papers_learn_in_half_precision(name, batch):
    """As on a GPU; processors without bfloat16 take ten times as long as for float32."""
    smallest = {key: values[0] for key, values in TABLE_2.items() if key in ARCHITECTURES[name].settings}
    for config in (ModelConfig(name, **smallest), ModelConfig(name)):
        assert_learns(config, batch, half=True)


@pytest.mark.parametrize("name", NAMES)
def test_every_corner_of_table_2_can_be_built(name):
    settings = ARCHITECTURES[name].settings
    axes = {key: (values[0], values[-1]) for key, values in TABLE_2.items() if key in settings}
    sizes = set()
    with torch.device("meta"):
        for values in product(*axes.values()):
            sizes.add(Network(ModelConfig(name, **dict(zip(axes, values)))).n_parameter)
    assert len(sizes) == 2 ** len(axes)


@pytest.mark.parametrize("name", NAMES)
def test_a_setting_changes_the_network_if_the_registry_lists_it(name):
    changes = {**{key: values[0] for key, values in TABLE_2.items()}, "photometry_depth": 3, "patch": 50}
    with torch.device("meta"):
        default = {key: value.shape for key, value in Network(ModelConfig(name)).state_dict().items()}
        for key, value in changes.items():
            shapes = {k: v.shape for k, v in Network(ModelConfig(name, **{key: value})).state_dict().items()}
            assert (shapes != default) is (key in ARCHITECTURES[name].settings), key


def test_numbers_of_parameters():
    with torch.device("meta"):
        assert {ARCHITECTURES[name].number: Network(ModelConfig(name)).n_parameter for name in NAMES} == PARAMETERS


@pytest.mark.parametrize("name", NAMES)
def test_outputs_have_their_shapes_and_stay_inside_their_bounds(networks, batch, name):
    flux, coverage, features = batch
    for scale in (1.0, 0.0, 1e4, -1e4, 1e30):
        predicted = networks[name](flux * scale, coverage, features * scale)
        assert predicted.log_age.shape == predicted.log_lifetime.shape == (4,)
        assert predicted.stage.shape == (4, 5) and predicted.atmosphere.shape == (4, 3)
        assert all(torch.isfinite(part).all() for part in predicted)
        for values, bounds in ((predicted.log_age, LOG_AGE_BOUNDS), (predicted.log_lifetime, LOG_LIFETIME_BOUNDS)):
            assert (values >= bounds[0]).all() and (values <= bounds[1]).all()
    assert 10 ** LOG_AGE_BOUNDS[1] == pytest.approx(13.8e9)


@pytest.mark.parametrize("name", NAMES)
def test_unbounded_ages_are_a_setting(networks, batch, name):
    network = build(ModelConfig(name, **SMALL, bounded=False), generator()).requires_grad_(False)
    network.heads.age.bias += 40.0
    assert (network(*batch).log_age > LOG_AGE_BOUNDS[1]).all()


@pytest.mark.parametrize("name", NAMES)
def test_filler_has_no_influence(networks, batch, name):
    flux, coverage, features = batch
    for filler in (37.0, torch.nan):
        other = torch.where(coverage > 0, flux, torch.full_like(flux, filler))
        assert same(networks[name](flux, coverage, features), networks[name](other, coverage, features))


@pytest.mark.parametrize("name", NAMES)
def test_each_model_reads_the_inputs_in_the_registry(networks, batch, name):
    flux, coverage, features = batch
    entry, whole = ARCHITECTURES[name], networks[name](*batch)
    brighter = torch.where(torch.arange(6800) % 500 < 100, 0.7 * flux, flux)
    assert same(whole, networks[name](brighter, coverage, features)) is not entry.uses_spectrum
    shorter = coverage.clone()
    shorter[:, :2000] = 0
    assert same(whole, networks[name](flux, shorter, features)) is not entry.uses_spectrum
    assert same(whole, networks[name](flux, coverage, features + 0.5)) is not entry.uses_photometry
    assert same(whole, networks[name](flux, coverage, features, None, torch.rand(4, 6800)))


@pytest.mark.parametrize("name", NAMES)
def test_missing_photometry_differs_from_any_photometry(networks, batch, name):
    flux, coverage, features = batch
    gap = features.clone()
    gap[0, 3] = torch.nan
    with_gap, whole = networks[name](flux, coverage, gap), networks[name](flux, coverage, features)
    assert all(torch.isfinite(part).all() for part in with_gap)
    assert torch.equal(with_gap.log_age[0], whole.log_age[0]) is not ARCHITECTURES[name].uses_photometry
    assert torch.allclose(with_gap.log_age[1:], whole.log_age[1:])
    none = networks[name](flux, coverage, torch.full_like(features, torch.nan))
    zeros = networks[name](flux, coverage, torch.zeros_like(features))
    assert torch.allclose(zeros.log_age, none.log_age) is not ARCHITECTURES[name].uses_photometry


@pytest.mark.parametrize("name", NAMES)
def test_predictions_do_not_depend_on_the_batch(networks, batch, name):
    order = torch.tensor([2, 0, 3, 1])
    whole, mixed = networks[name](*batch), networks[name](*(part[order] for part in batch))
    alone = networks[name](*(part[2:3] for part in batch))
    assert all(torch.allclose(one[order], other, rtol=1e-4, atol=1e-4) for one, other in zip(whole, mixed))
    assert all(torch.allclose(one[2:3], other, rtol=1e-4, atol=1e-4) for one, other in zip(whole, alone))


@pytest.mark.parametrize("name", NAMES)
def test_dropout_repeats_with_the_generator_and_needs_one(networks, batch, name):
    network = networks[name]
    assert same(network(*batch), network(*batch))
    first, again, other = (network(*batch, generator(seed)) for seed in (1, 1, 2))
    assert same(first, again) and not same(first, other) and not same(first, network(*batch))
    assert not any(module.training for module in network.modules())


@pytest.mark.parametrize("name", NAMES)
def test_passes_of_inference_match_the_network(networks, batch, name):
    network, arrays = networks[name], [part.numpy() for part in batch]
    passes = run_passes(network, *arrays, samples=5, seed=9)
    width = network.heads.age.in_features
    assert passes.values.shape == passes.stage.shape == (4, 5, 5) and passes.embedding.shape == (4, width)
    assert (passes.values.std(axis=1) > 0).all() and passes.embedding.std(axis=0).max() > 0
    again = run_passes(network, *(array[1:2] for array in arrays), samples=5, seed=9)
    np.testing.assert_allclose(again.values[0], passes.values[1], rtol=1e-4)
    one = [part[2:3].expand(5, -1) for part in batch]
    direct = network(*one, generator(9))
    np.testing.assert_allclose(direct.log_age.numpy(), passes.values[2, :, 3], rtol=1e-4)


def test_initial_weights_come_from_the_generator():
    for name in NAMES:
        first, again, other = (build(ModelConfig(name, **SMALL), generator(seed)).state_dict() for seed in (1, 1, 2))
        assert all(torch.equal(first[key], again[key]) for key in first), name
        assert any(not torch.equal(first[key], other[key]) for key in first), name


def test_features_are_scaled_if_they_are_read(networks, batch):
    mean, std = torch.linspace(-1, 1, 29), torch.linspace(1, 3, 29)
    for name in NAMES:
        scaled = build(ModelConfig(name, **SMALL), generator()).requires_grad_(False)
        plain = build(ModelConfig(name, **SMALL), generator()).requires_grad_(False)
        scaled.scale_features(mean, std)
        flux, coverage, features = batch
        expected = plain(flux, coverage, (features - mean) / std)
        assert torch.allclose(scaled(flux, coverage, features).log_age, expected.log_age, atol=1e-5), name


#: What no network may be given, as it might be called.
FORBIDDEN = (
    "teff logg log_g feh metallicity atmosphere age lifetime mass stage truth label "
    "ra dec glon glat position plate mjd fiber specobjid id name distance parallax redshift snr"
).split()


def holds_a_forbidden_word(name: str) -> bool:
    return any(word == name.lower() or word in name.lower().split("_") for word in FORBIDDEN)


@pytest.mark.parametrize("name", NAMES)
def test_no_model_reads_parameters_truth_position_or_ids(networks, name):
    for method in (networks[name].forward, networks[name].tokens, networks[name].embed):
        taken = list(inspect.signature(method).parameters)
        assert not [argument for argument in taken if holds_a_forbidden_word(argument)], method
    taken = list(inspect.signature(networks[name].forward).parameters)
    assert taken == ["flux", "coverage", "features", "generator", "ivar"]


@pytest.fixture(scope="module")
def stars():
    return make_stars(100, DataConfig(stars=100, calibration=100, test=100), "train")


def test_inputs_hold_flux_coverage_and_photometry(stars):
    needed, allowed = {"flux", "coverage", "features"}, {"flux", "coverage", "features", "ivar", "root_ivar"}
    labels = set(type(stars.labels).__dataclass_fields__)
    given = set(Batches(stars, torch.device("cpu"))(np.arange(4))) - labels
    for names in (set(Inputs.__dataclass_fields__), given):
        assert needed <= names <= allowed
        assert not [name for name in names if holds_a_forbidden_word(name)]
    assert not [name for name in FEATURE_NAMES if holds_a_forbidden_word(name)]


@pytest.mark.parametrize("name", NAMES)
def test_labels_and_truth_do_not_affect_predictions(networks, stars, name):
    """The same inputs with other labels and another truth give the same numbers."""
    rows = np.arange(6)
    shuffled = replace(
        stars,
        labels=type(stars.labels)(
            *(getattr(stars.labels, k)[::-1].copy() for k in type(stars.labels).__dataclass_fields__)
        ),
        truth=type(stars.truth)(
            *(getattr(stars.truth, k)[::-1].copy() for k in type(stars.truth).__dataclass_fields__)
        ),
    )
    first, second = (Batches(part, torch.device("cpu"))(rows) for part in (stars, shuffled))
    assert not torch.equal(first["atmosphere"], second["atmosphere"])
    outputs = [networks[name](part["flux"], part["coverage"], part["features"]) for part in (first, second)]
    assert same(*outputs)


def test_no_feature_is_a_true_value_or_a_label(stars):
    taught = np.column_stack(
        [stars.labels.atmosphere, stars.labels.log_age, stars.labels.log_lifetime, stars.labels.stage]
    )
    real = np.column_stack([stars.truth.atmosphere, stars.truth.log_age, stars.truth.log_lifetime, stars.truth.snr])
    correlation = np.corrcoef(stars.inputs.features.T, np.column_stack([taught, real]).T)[:29, 29:]
    assert np.abs(correlation).max() < 0.99
