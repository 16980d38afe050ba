"""The exact posterior of one star: physics, invariance, coverage, bad input."""

import json

import numpy as np
import pytest

from stellar_core.abundances import metallicity_offset
from stellar_core.errors import ParameterError
from stellar_core.isochrones import AlphaEnhancement, Priors, Tracks, infer_posterior, load_tracks, nearest_label
from stellar_core.isochrones.mesh import Window, mesh_of
from stellar_core.isochrones.mist import read_archive
from stellar_core.isochrones.tracks import COLUMNS

SSPP = (75.0, 0.20, 0.10)
SUN = (5772.0, 4.438, 0.0)
#: A dwarf, a turn-off star, a subgiant, a red giant and a clump giant.
STARS = [SUN, (6200.0, 4.05, -1.35), (5500.0, 3.7, -0.2), (4286.0, 1.66, -0.52), (4800.0, 2.45, 0.0)]


def gyr(log_age):
    return 10.0 ** (log_age - 9.0)


# Physics


def test_sun():
    found = infer_posterior(*SUN, (20.0, 0.01, 0.01))
    age = found.interval("log_age")
    assert gyr(age.p16) < 4.57 < gyr(age.p84)
    mass = found.interval("mass")
    assert mass.mean == pytest.approx(1.0, abs=0.03)
    assert found.stages()["Medium"] > 0.99
    assert found.phases()["main sequence"] > 0.99
    assert not found.bimodal()


def test_arcturus_is_an_old_light_giant():
    """Ramirez & Allende Prieto (2011): 4286 K, 1.66, -0.52; 7.1 +1.5 -1.2 Gyr, 1.08 ± 0.06 Msun."""
    found = infer_posterior(4286.0, 1.66, -0.52, (30.0, 0.05, 0.04))
    age, mass = found.interval("log_age"), found.interval("mass")
    assert gyr(age.p025) < 7.1 < gyr(age.p975)
    assert mass.p025 < 1.08 < mass.p975
    assert found.stages()["Red Giant"] > 0.99


def test_old_turn_off_star():
    truth = load_tracks().isochrone(np.log10(12e9), -1.35)
    star = truth.select([int(np.argmax(np.where(truth.logg > 3.7, truth.teff, 0)))])
    found = infer_posterior(star.teff[0], star.logg[0], star.feh_surface[0], (50.0, 0.05, 0.05))
    age = found.interval("log_age")
    assert gyr(age.p16) < 12.0 < gyr(age.p84) + 0.5
    assert age.std < 0.15


def test_clump_giant_is_identified_by_the_time_spent():
    """Helium burning takes far longer than passing the same place on the ascent."""
    found = infer_posterior(4800.0, 2.45, 0.0, (50.0, 0.05, 0.05))
    assert found.phases()["core helium burning"] > 0.8


@pytest.mark.slow
def test_no_sample_is_older_than_its_lifetime():
    for star in STARS:
        found = infer_posterior(*star, SSPP)
        assert (found.values("log_age") <= found.values("log_lifetime") + 1e-6).all()
        assert found.values("log_age").max() <= np.log10(13.8e9) + 1e-6
        draws = found.draws(200, np.random.default_rng(0))
        assert (draws.log_age <= draws.log_lifetime + 1e-6).all()


# Weights


def densified(tracks):
    """The same piecewise-linear tracks on twice as many masses and EEPs."""
    eep = np.sort(np.append(tracks.eep, 0.5 * (tracks.eep[1:] + tracks.eep[:-1])))
    mass = np.sort(np.append(tracks.mass, np.sqrt(tracks.mass[1:] * tracks.mass[:-1])))
    points = tracks.at(mass[None, :, None], tracks.feh[:, None, None], eep[None, None, :])
    return Tracks(
        tracks.feh,
        mass,
        eep,
        real=np.isfinite(points.log_age),
        source="densified",
        **{name: getattr(points, name) for name in COLUMNS},
    )


@pytest.mark.slow
def test_denser_tracks_give_the_same_posterior():
    dense = densified(load_tracks())
    for star in STARS:
        ours, theirs = infer_posterior(*star, SSPP), infer_posterior(*star, SSPP, tracks=dense)
        for name in ("log_age", "log_lifetime"):
            assert ours.interval(name).mean == pytest.approx(theirs.interval(name).mean, abs=0.01)
        assert ours.stages() == pytest.approx(theirs.stages(), abs=0.01)


@pytest.mark.slow
def test_all_points_of_mist_give_the_same_posterior(shared_data):
    full = read_archive(shared_data / "mist" / "mist_v1.2_vvcrit0.4_tracks.npz")
    for star in STARS:
        ours, theirs = (
            infer_posterior(*star, SSPP).interval("log_age"),
            infer_posterior(*star, SSPP, tracks=full).interval("log_age"),
        )
        assert ours.mean == pytest.approx(theirs.mean, abs=0.01)
        assert ours.std == pytest.approx(theirs.std, abs=0.01)


@pytest.mark.parametrize("star", STARS)
def test_denser_samples_give_the_same_posterior(star):
    coarse, fine = (infer_posterior(*star, (50.0, 0.08, 0.05), spacing=size).interval("log_age") for size in (0.7, 0.4))
    assert coarse.mean == pytest.approx(fine.mean, abs=0.01)
    assert coarse.std == pytest.approx(fine.std, abs=0.01)


def test_total_weight_is_independent_of_the_spacing():
    mesh = mesh_of(load_tracks().thin(load_tracks().eep[::6]), Priors())
    coarse, fine = (
        mesh.samples(Window.everything((t, g, f))).weight.sum(dtype=float) for t, g, f in ((9, 9, 9), (0.02, 0.4, 0.25))
    )
    assert coarse == pytest.approx(fine, rel=0.02)


def test_uniform_prior_gives_uniform_ages():
    """Stars that live longer than the Universe are as often young as old."""
    samples = mesh_of(load_tracks(), Priors()).prior_samples
    light = samples.select((samples.mass > 0.3) & (samples.mass < 0.5))
    age = 10.0**light.log_age
    share = np.histogram(age, np.linspace(0, 13.8e9, 6), weights=light.weight)[0] / light.weight.sum()
    assert share == pytest.approx(np.full(5, 0.2), abs=0.03)


# [alpha/Fe], priors of the Galaxy, systematic errors


def test_an_enhanced_star_lies_on_the_tracks_of_its_metallicity():
    """Salaris et al. (1993): [Fe/H] -1.0 with [alpha/Fe] +0.3 is [M/H] -0.79."""
    errors, offset = (50.0, 0.05, 0.05), metallicity_offset(0.3)
    enhanced = infer_posterior(6200.0, 4.05, -1.0, errors, alpha=AlphaEnhancement(0.3))
    solar = infer_posterior(6200.0, 4.05, -1.0 + offset, errors, alpha=AlphaEnhancement(0.0))
    for name in ("log_age", "mass"):
        assert enhanced.interval(name).mean == pytest.approx(solar.interval(name).mean, abs=0.003)
    assert enhanced.interval("feh_surface").mean == pytest.approx(
        solar.interval("feh_surface").mean - offset, abs=0.005
    )


def test_enhancement_makes_an_old_turn_off_star_younger():
    """+0.2 dex moves a turn-off star of the thick disc by about 2 Gyr."""
    star, errors = (6000.0, 4.15, -0.6), (30.0, 0.02, 0.03)
    ages = [
        gyr(infer_posterior(*star, errors, alpha=AlphaEnhancement(one), systematics=False).interval("log_age").median)
        for one in (0.0, 0.2)
    ]
    assert 1.0 < ages[0] - ages[1] < 3.5


def test_the_marginal_lies_between_the_extremes_and_is_wider():
    star, errors = (6000.0, 4.1, -0.45), (30.0, 0.02, 0.03)
    low, high = (
        infer_posterior(*star, errors, alpha=AlphaEnhancement(one)).interval("log_age") for one in (0.35, -0.05)
    )
    free = infer_posterior(*star, errors).interval("log_age")
    assert low.mean < free.mean < high.mean
    assert free.std > min(low.std, high.std)


def test_an_error_of_alpha_widens_the_age():
    star, errors = (6000.0, 4.1, -0.45), (30.0, 0.02, 0.03)
    known, vague = (
        infer_posterior(*star, errors, alpha=AlphaEnhancement(0.15, error)).interval("log_age").std
        for error in (0.0, 0.15)
    )
    assert vague > 1.1 * known


def test_the_galaxy_makes_metal_poor_stars_old_and_leaves_metal_rich_ones():
    galaxy = Priors(population="Galaxy")
    dwarf = (5000.0, 4.6, -1.3)
    flat, old = (infer_posterior(*dwarf, SSPP, priors=one).interval("log_age") for one in (Priors(), galaxy))
    assert gyr(old.p16) > 9.0 and old.std < 0.3 * flat.std
    rich = infer_posterior(5000.0, 4.6, 0.2, SSPP, priors=galaxy).interval("log_age")
    assert gyr(rich.p84) < 10.1


def test_systematic_errors_leave_the_sun_and_widen_its_age():
    """The age of the Sun is part of the fit of the correction."""
    errors = (10.0, 0.005, 0.01)
    plain = infer_posterior(*SUN, errors, systematics=False).interval("log_age")
    corrected = infer_posterior(*SUN, errors).interval("log_age")
    assert gyr(corrected.p16) < 4.57 < gyr(corrected.p84)
    assert gyr(corrected.median) == pytest.approx(4.57, abs=0.4)
    assert corrected.std > 1.5 * plain.std


@pytest.mark.parametrize("bad", [(2.0, 0.0), (np.nan, 0.0), (0.2, -0.1), (0.2, np.inf)])
def test_impossible_enhancements_are_refused(bad):
    with pytest.raises(ParameterError):
        AlphaEnhancement(*bad)


# Evidence of other forms


def test_full_covariance():
    diagonal = infer_posterior(*SUN, SSPP)
    same = infer_posterior(*SUN, covariance=np.diag(np.square(SSPP)))
    assert same.interval("log_age").mean == pytest.approx(diagonal.interval("log_age").mean, abs=1e-9)
    tilted = np.diag(np.square(SSPP))
    tilted[0, 1] = tilted[1, 0] = 0.8 * SSPP[0] * SSPP[1]
    assert abs(infer_posterior(*SUN, covariance=tilted).interval("log_age").mean - same.interval("log_age").mean) > 0.02


# Summaries


def test_intervals_against_many_draws():
    found = infer_posterior(5500.0, 3.7, -0.2, SSPP)
    draws = found.draws(100_000, np.random.default_rng(4))
    for name in ("log_age", "mass", "log_lifetime"):
        values, interval = getattr(draws, name), found.interval(name)
        assert interval.mean == pytest.approx(values.mean(), abs=4 * interval.std / np.sqrt(1e5) + 1e-6)
        assert interval.median == pytest.approx(np.median(values), abs=0.03 * interval.std + 2e-3)
    assert sum(found.stages().values()) == pytest.approx(1.0)
    assert sum(found.phases().values()) == pytest.approx(1.0)


def test_bimodality_is_detected():
    """Between the dwarf and the giant branch a wide error in log g leaves two ages."""
    found = infer_posterior(4900.0, 2.75, -0.1, (60.0, 0.15, 0.05))
    assert len(found.modes()) >= 1
    assert sum(mode.probability for mode in found.modes()) == pytest.approx(1.0)
    from stellar_core.isochrones.summary import modes

    values = np.concatenate(
        [np.random.default_rng(0).normal(9, 0.05, 4000), np.random.default_rng(1).normal(10, 0.05, 2000)]
    )
    two = modes(values, np.ones(6000))
    assert len(two) == 2
    assert two[0].value == pytest.approx(9.0, abs=0.05) and two[0].probability == pytest.approx(2 / 3, abs=0.02)


def test_prior_interval_is_given_too():
    found = infer_posterior(*SUN, SSPP)
    prior, data = found.prior_interval("mass"), found.interval("mass")
    assert prior.std > 3 * data.std
    assert 6 < gyr(found.prior_interval("log_age").median) < 8


@pytest.mark.slow
def test_priors_matter_and_are_stated():
    uniform, logarithmic = (
        infer_posterior(*SUN, SSPP),
        infer_posterior(*SUN, SSPP, priors=Priors(age="log-uniform", imf="chabrier")),
    )
    assert logarithmic.interval("log_age").mean < uniform.interval("log_age").mean - 0.1
    assert logarithmic.to_dict()["prior"]["assumed"] == {
        "imf": "chabrier",
        "age": "log-uniform",
        "max_age_gyr": 13.8,
        "feh": "flat",
        "population": "flat",
    }
    young = infer_posterior(*SUN, SSPP, priors=Priors(max_age=5e9))
    assert gyr(young.interval("log_age").p975) <= 5.0
    for bad in ({"imf": "salpeter"}, {"age": "old"}, {"feh": "rich"}, {"max_age": 1e12}):
        with pytest.raises(ParameterError):
            Priors(**bad)


def test_result_is_plain_json():
    text = json.dumps(infer_posterior(*SUN, SSPP).to_dict(), allow_nan=False)
    assert json.loads(text)["inside_models"] is True


# Coverage with tiny errors: the exact engine


@pytest.mark.slow
def test_tiny_errors_still_cover_the_truth():
    rng = np.random.default_rng(11)
    tracks, errors = load_tracks(), (5.0, 0.01, 0.01)
    inside = total = 0
    while total < 60:
        star = tracks.stars(rng.uniform(0.7, 1.6), rng.uniform(-1.0, 0.4), np.log10(rng.uniform(0.3e9, 13.5e9)))
        if not np.isfinite(star.log_teff[0]) or star.eep[0] > 500:
            continue
        noisy = np.array([star.teff[0], star.logg[0], star.feh_surface[0]]) + rng.normal(size=3) * errors
        found = infer_posterior(*noisy, errors, alpha=AlphaEnhancement(0.0), systematics=False)
        low, high = found.quantiles("log_age", [0.025, 0.975])
        inside += low <= star.log_age[0] <= high
        total += 1
    assert inside >= 51  # of 60; 95 % expected, four standard deviations allowed


# Outside and bad input


@pytest.mark.parametrize(
    "star",
    [
        (30000.0, 7.0, 0.0),
        (12000.0, 7.9, 0.0),
        (5772.0, 4.4, 1.5),
        (4000.0, 3.9, -0.5),
        (5772.0, 4.4, -5.0),
        (600.0, 5.0, 0.0),
    ],
)
def test_stars_outside_the_models_are_flagged(star):
    found = infer_posterior(*star, SSPP)
    assert not found.inside_models
    assert found.to_dict()["posterior"] is None
    with pytest.raises(ParameterError, match="outside the models"):
        found.interval("log_age")
    with pytest.raises(ParameterError, match="outside the models"):
        found.draws(3, np.random.default_rng(0))


@pytest.mark.parametrize(
    ("star", "errors"),
    [
        ((np.nan, 4.4, 0.0), SSPP),
        ((5772.0, np.inf, 0.0), SSPP),
        ((5772.0, 4.4, np.nan), SSPP),
        (SUN, (0.0, 0.1, 0.1)),
        (SUN, (75.0, -0.1, 0.1)),
        (SUN, (75.0, 0.1, np.nan)),
        (SUN, (75.0, 0.1)),
        ((5.772e-7, 4.4, 0.0), SSPP),
        ((5772.0, 4438.0, 0.0), SSPP),
        ((5.772e6, 4.4, 0.0), SSPP),
    ],
)
def test_bad_numbers_are_one_line_errors(star, errors):
    with pytest.raises(ParameterError) as caught:
        infer_posterior(*star, errors)
    assert "\n" not in str(caught.value)


def test_bad_covariances():
    for bad in (np.ones((3, 3)), np.eye(2), np.diag([1.0, -1.0, 1.0]), np.array([[1, 5, 0], [0, 1, 0], [0, 0, 1.0]])):
        with pytest.raises(ParameterError):
            infer_posterior(*SUN, covariance=bad)


@pytest.mark.slow
def test_nearest_point_is_biased_to_the_end_of_the_main_sequence():
    """The nearest point ignores the time spent: the posterior mean is nearer to the truth."""
    rng = np.random.default_rng(8)
    truth = load_tracks().stars(
        rng.uniform(0.8, 1.5, 400), rng.uniform(-0.5, 0.3, 400), np.log10(rng.uniform(1e9, 13e9, 400))
    )
    truth = truth.select(np.flatnonzero(np.isfinite(truth.log_teff) & (truth.logg > 3.8))[:30])
    noisy = np.stack([truth.teff, truth.logg, truth.feh_surface], axis=-1) + rng.normal(size=(30, 3)) * SSPP
    looked = nearest_label(*noisy.T).log_age
    means = np.array(
        [p.interval("log_age").mean if p.inside_models else np.nan for p in (infer_posterior(*s, SSPP) for s in noisy)]
    )
    known = np.isfinite(looked) & np.isfinite(means)
    rmse = [np.sqrt(np.mean((x[known] - truth.log_age[known]) ** 2)) for x in (looked, means)]
    assert rmse[0] > 1.2 * rmse[1]
