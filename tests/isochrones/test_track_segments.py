"""Segments of the tracks: every draw on one is a star, near its sample, and ages make no comb."""

import numpy as np
import pytest

from stellar_core.isochrones import Priors, load_tracks
from stellar_core.isochrones.lifetime import track_log_lifetime
from stellar_core.isochrones.mesh import mesh_of
from stellar_core.isochrones.posterior import Posterior
from stellar_core.isochrones.track_samples import AGE_STEP, SAMPLE_SIZE, load_track_samples
from stellar_core.isochrones.track_segments import HALF_WIDTHS, find_segments
from stellar_core.isochrones.tracks import COLUMNS
from tests.isochrones.combs import nearly_empty

OLDEST = 13.8e9


@pytest.fixture(scope="module")
def cells():
    return load_track_samples()


@pytest.fixture(scope="module")
def mesh():
    return mesh_of(load_tracks(), Priors())


def prior_draws(cells, n, seed):
    weight = cells.stars.weight.astype(float)
    return np.random.default_rng(seed).choice(len(cells), n, p=weight / weight.sum())


def test_every_draw_is_a_star_of_the_tracks(cells, mesh):
    # as many of each sample as of the prior: rare stars as well
    chosen = np.concatenate([prior_draws(cells, 20_000, 1), np.random.default_rng(2).integers(len(cells), size=20_000)])
    drawn = cells.segments.select(chosen).stars(cells.stars.select(chosen), mesh, np.random.default_rng(3))
    place = [getattr(drawn, name).astype(float) for name in ("mass", "feh", "eep")]
    expected = load_tracks().at(*place)
    for name in COLUMNS:
        assert np.abs(getattr(drawn, name) - getattr(expected, name)).max() < 3e-4, name
    assert (10.0 ** drawn.log_age.astype(float) <= OLDEST).all() and (drawn.log_age <= drawn.log_lifetime).all()
    assert np.abs(drawn.log_lifetime - track_log_lifetime(*place[:2], load_tracks())).max() < 1e-4


def test_draws_stay_in_the_group_of_their_sample(cells, mesh):
    chosen = prior_draws(cells, 20_000, 4)
    samples = cells.stars.select(chosen)
    drawn = cells.segments.select(chosen).stars(samples, mesh, np.random.default_rng(5))
    for name, width in zip(("log_teff", "logg", "feh_surface", "log_age"), (*SAMPLE_SIZE, AGE_STEP)):
        moved = np.abs(getattr(drawn, name) - getattr(samples, name)) / width
        assert np.mean(moved > 0.55) < 0.01 and moved.max() < 1.2, name


def test_the_sample_is_the_mean_of_its_segment(cells, mesh):
    chosen = prior_draws(cells, 300, 6)
    samples, segments = cells.stars.select(chosen), cells.segments.select(chosen)
    repeated = np.repeat(np.arange(300), 400)
    drawn = segments.select(repeated).stars(samples.select(repeated), mesh, np.random.default_rng(7))
    for name, width in zip(("log_teff", "logg", "feh_surface", "log_age"), (*SAMPLE_SIZE, AGE_STEP)):
        away = (getattr(drawn, name).reshape(300, 400).mean(axis=1) - getattr(samples, name)) / width
        assert abs(away.mean()) < 0.01 and np.mean(np.abs(away) > 0.1) < 0.02, name


def test_widths_are_those_of_the_draws(cells, mesh):
    chosen = prior_draws(cells, 300, 8)
    samples, segments = cells.stars.select(chosen), cells.segments.select(chosen)
    repeated = np.repeat(np.arange(300), 400)
    drawn = segments.select(repeated).stars(samples.select(repeated), mesh, np.random.default_rng(9))
    for name, width in zip(HALF_WIDTHS, (*SAMPLE_SIZE, AGE_STEP, AGE_STEP)):
        found = np.ptp(getattr(drawn, name).reshape(300, 400), axis=1) / 2
        off = np.abs(found - segments.half_width_of(name, samples)) / width
        assert np.median(off) < 0.01 and np.mean(off > 0.1) < 0.02, name
    for name, values in (("teff", 10.0**drawn.log_teff), ("mass", drawn.mass), ("feh", drawn.feh)):
        width = segments.half_width_of(name, samples)
        wide = width > np.median(width)
        found = np.ptp(values.reshape(300, 400), axis=1)[wide] / 2
        assert np.median(found / width[wide]) == pytest.approx(1.0, abs=0.02), name
    assert not segments.half_width_of("eep", samples).any()


def test_the_file_has_the_segments_of_its_samples(cells, mesh):
    chosen = np.random.default_rng(10).choice(len(cells), 2000, replace=False)
    found, stored = (
        find_segments(mesh, cells.stars.select(chosen), SAMPLE_SIZE, AGE_STEP),
        cells.segments.select(chosen),
    )
    assert np.mean(np.abs(found.half_width - stored.half_width) > 5e-4) < 0.01  # 8 bits each
    assert np.mean((np.abs(found.direction - stored.direction) > [1e-4, 1e-4, 0.01]).any(axis=1)) < 0.01


def test_a_star_older_than_the_prior_allows_is_replaced_by_its_sample(cells):
    chosen = np.flatnonzero(cells.stars.log_age < np.log10(5e9))[::50]
    samples = cells.stars.select(chosen)
    young = mesh_of(load_tracks(), Priors(max_age=5e9))
    drawn = cells.segments.select(chosen).stars(samples, young, np.random.default_rng(11))
    assert (10.0 ** drawn.log_age.astype(float) <= 5e9).all()
    free = cells.segments.select(chosen).stars(samples, mesh_of(load_tracks(), Priors()), np.random.default_rng(11))
    beyond = 10.0 ** free.log_age.astype(float) > 5e9
    assert beyond.any() and np.array_equal(drawn.mass[beyond], samples.mass[beyond])
    assert np.array_equal(drawn.mass[~beyond], free.mass[~beyond])


def test_a_comb_of_ages_becomes_smooth(cells, mesh):
    """A solar atmosphere with errors of a good spectrum: the samples alone leave gaps between their ages."""
    place = cells.atmosphere - [np.log10(5770.0), 4.40, 0.0]
    log_weight = cells.log_prior() - 0.5 * ((place / [0.003, 0.06, 0.05]) ** 2).sum(axis=1)
    index = np.flatnonzero(log_weight > log_weight.max() - 16)
    probability = np.exp(log_weight[index] - log_weight.max()).astype(float)
    samples, segments = cells.stars.select(index), cells.segments.select(index)
    share = {}
    for name, lines in (("samples", None), ("segments", segments)):
        found = Posterior(samples, probability / probability.sum(), Priors(), mesh, segments=lines)
        drawn = found.draws(1000, np.random.default_rng(12))
        again = found.draws(1000, np.random.default_rng(12))
        assert np.array_equal(drawn.log_age, again.log_age)
        empty, bins = nearly_empty(found, drawn)
        share[name] = empty / bins
    assert share["samples"] > 0.1 and share["segments"] < 0.02, share
