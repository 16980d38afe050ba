"""The samples of Model 9: physical stars whose prior and posterior equal those of the exact engine."""

import numpy as np
import pytest

from stellar_core.errors import ModelError, ParameterError
from stellar_core.isochrones import AlphaEnhancement, Priors, infer_posterior, load_tracks
from stellar_core.isochrones.mesh import mesh_of
from stellar_core.isochrones.track_samples import AGE_STEP, BIN_SIZE, HIGH, LOW, BinnedTrackSamples, load_track_samples
from stellar_core.models.observable_bins import load_voxels
from stellar_core.stages import STAGES

OTHER = Priors(imf="chabrier", age="log-uniform", feh="disc and halo")
#: Dwarfs, turn-off, subgiant, giant branch, clump, metal-poor: Teff [K], log g, [Fe/H].
STARS = (
    (5100.0, 4.55, -0.3),
    (5770.0, 4.44, 0.0),
    (6250.0, 4.05, -0.5),
    (6400.0, 4.20, -1.6),
    (5500.0, 3.75, -0.2),
    (4900.0, 3.10, -0.7),
    (4750.0, 2.45, -0.3),
    (4300.0, 1.60, -0.5),
    (4600.0, 1.50, -1.8),
    (8100.0, 4.00, -0.4),
    (4200.0, 4.65, -0.4),
)
SSPP = (75.0, 0.20, 0.10)


@pytest.fixture(scope="module")
def samples() -> BinnedTrackSamples:
    return load_track_samples()


def probability(samples: BinnedTrackSamples, star, errors, priors=None) -> np.ndarray:
    place = samples.atmosphere.astype(float)
    chi2 = ((10.0 ** place[:, 0] - star[0]) / errors[0]) ** 2
    chi2 += ((place[:, 1:] - star[1:]) ** 2 / np.square(errors[1:])).sum(axis=1)
    log = samples.log_prior(priors) - 0.5 * chi2
    weight = np.exp(log - log.max())
    return weight / weight.sum()


def test_every_sample_is_a_physical_star(samples):
    stars = samples.stars
    assert all(np.isfinite(getattr(stars, name)).all() for name in stars.__dataclass_fields__ if name != "edges")
    assert (stars.log_age <= stars.log_lifetime).all()
    assert 10.0 ** stars.log_age.max().astype(float) <= 13.8e9
    assert (stars.weight > 0).all() and stars.weight.sum(dtype=float) == pytest.approx(1, abs=1e-5)
    # Where MIST has such a star: the tracks interpolate to the same place.
    some = np.random.default_rng(0).choice(len(samples), 500)
    again = load_tracks().at(
        stars.mass[some].astype(float), stars.feh[some].astype(float), stars.eep[some].astype(float)
    )
    assert np.abs(again.log_teff - stars.log_teff[some]).max() < 1e-3


def test_samples_lie_in_their_bins(samples):
    lattice = np.floor((samples.atmosphere - LOW) / BIN_SIZE).astype(int)
    bin_of = np.repeat(np.arange(len(samples.first) - 1), np.diff(samples.first))
    # Sixteen bits a number move a star by little, over a border now and then.
    strays = (lattice != lattice[samples.first[:-1]][bin_of]).any(axis=1)
    assert strays.mean() < 0.01
    assert ((samples.atmosphere > LOW - 0.01) & (samples.atmosphere < HIGH + 0.01)).all()


def test_the_prior_equals_the_exact_one(samples):
    found = mesh_of(load_tracks(), Priors()).prior_samples
    place = np.column_stack([found.log_teff, found.logg, found.feh_surface])
    inside = ((place >= LOW) & (place < HIGH)).all(axis=1)
    exact, weight = found.select(inside), found.weight[inside].astype(float)
    for name, width in (
        ("log_age", AGE_STEP),
        ("log_teff", BIN_SIZE[0]),
        ("logg", BIN_SIZE[1]),
        ("feh_surface", 0.3),
        ("mass", 0.1),
    ):
        ours, theirs = getattr(samples.stars, name), getattr(exact, name)
        edges = np.arange(theirs.min(), theirs.max() + 4 * width, 4 * width)
        share = np.histogram(ours, edges, weights=samples.stars.weight)[0]
        expected = np.histogram(theirs, edges, weights=weight / weight.sum())[0]
        assert 0.5 * np.abs(share - expected).sum() < 0.05, name


@pytest.mark.slow
@pytest.mark.parametrize("priors", [Priors(), OTHER], ids=["default", "other"])
def test_posteriors_equal_the_exact_ones(samples, priors):
    off = []
    for star in STARS:
        exact = infer_posterior(*star, SSPP, priors=priors, alpha=AlphaEnhancement(0.0), systematics=False)
        p = probability(samples, star, SSPP, priors)
        mean = p @ samples.stars.log_age
        off.append(mean - exact.interval("log_age").mean)
        spread = np.sqrt(p @ (samples.stars.log_age - mean) ** 2)
        assert spread == pytest.approx(exact.interval("log_age").std, rel=0.06)
        assert p @ samples.stars.log_lifetime == pytest.approx(exact.interval("log_lifetime").mean, abs=0.02)
        stages = np.bincount(samples.stage, weights=p, minlength=len(STAGES))
        assert np.abs(stages - np.array(list(exact.stages().values()))).max() < 0.03
    assert np.abs(off).max() < 0.02 and np.sqrt(np.square(off).mean()) < 0.01


def test_a_smaller_largest_age_removes_old_stars(samples):
    young = samples.log_prior(Priors(max_age=5e9))
    assert np.isneginf(young[samples.stars.log_age > np.log10(5.1e9)]).all()
    assert np.exp(young.astype(float)).sum() == pytest.approx(1, abs=1e-4)
    with pytest.raises(ParameterError, match="14"):
        samples.log_prior(Priors(max_age=14e9))


def test_networks_read_the_same_bins(samples):
    bins = load_voxels()
    assert len(bins) == len(samples.first) - 1
    assert np.abs(bins.place - samples.bin_atmosphere).max() < 0.01
    assert np.abs(bins.log_prior - np.log(samples.bin_weight)).max() < 0.01


def test_density_ratio_of_stars_drawn_from_the_prior_is_one(samples):
    rng = np.random.default_rng(1)
    drawn = rng.choice(len(samples), 40_000, p=samples.stars.weight / samples.stars.weight.sum(dtype=float))
    ratio = load_voxels().density_ratio(samples.atmosphere[drawn], 1.5)
    assert samples.bin_weight @ ratio == pytest.approx(1, abs=0.1)
    common = samples.bin_weight > np.quantile(samples.bin_weight, 0.97)
    assert np.abs(np.log(ratio[common])).mean() < 0.15
    doubled = load_voxels().density_ratio(samples.atmosphere[drawn[samples.atmosphere[drawn, 1] > 4.0]], 1.5)
    giants = samples.bin_atmosphere[:, 1] < 3.2
    assert doubled[giants].max() < 1e-6


def test_missing_files_give_one_sentence(tmp_path):
    with pytest.raises(ModelError, match="no trained model"):
        load_track_samples(tmp_path / "nothing")
