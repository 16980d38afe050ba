"""Samples of the mesh: weights, extents, windows."""

import numpy as np
import pytest

from stellar_core.isochrones import Priors, load_tracks
from stellar_core.isochrones.mesh import Window, mesh_of
from stellar_core.isochrones.track_sampling import CHUNK, ROWS


@pytest.fixture(scope="module")
def mesh():
    tracks = load_tracks()
    return mesh_of(tracks.thin(tracks.eep[:: CHUNK // 2]), Priors())


WINDOW = Window(
    low=np.array([3.75, 4.0, -0.3]), high=np.array([3.78, 4.4, 0.1]), resolution=np.array([0.004, 0.05, 0.05])
)


def test_samples_lie_in_the_window_and_are_no_wider_than_the_resolution(mesh):
    found = mesh.pieces(WINDOW)
    place = np.stack([getattr(found, name) for name in ROWS[:3]], axis=-1)
    assert len(found) > 500
    assert (place >= WINDOW.low - 1e-6).all() and (place <= WINDOW.high + 1e-6).all()
    assert (np.abs(found.edges) <= WINDOW.resolution * 1.001).all()


def test_samples_are_points_of_the_tracks(mesh):
    found = mesh.pieces(WINDOW)
    points = mesh.tracks.at(found.mass, found.feh, found.eep)
    assert points.log_teff == pytest.approx(found.log_teff, abs=2e-5)
    assert points.logg == pytest.approx(found.logg, abs=2e-4)
    whole = found.log_age < 10.12  # the oldest are cut at 13.8 Gyr
    assert points.log_age[whole] == pytest.approx(found.log_age[whole], abs=2e-4)


def test_edges_are_differences_across_a_sample(mesh):
    coarse = mesh.pieces(Window(WINDOW.low, WINDOW.high, np.full(3, np.inf)))
    row = int(np.argmin(np.abs(coarse.log_teff - 3.765) + np.abs(coarse.logg - 4.2)))
    tracks = mesh.tracks
    eep = np.searchsorted(tracks.eep, coarse.eep[row])
    ends = tracks.at(coarse.mass[row], coarse.feh[row], tracks.eep[[eep - 1, eep]].astype(float))
    cuts = max(round(float(np.ptp(ends.log_teff) / max(abs(coarse.edges[row, 2, 0]), 1e-9))), 1)
    assert coarse.edges[row, 2, 0] * cuts == pytest.approx(np.diff(ends.log_teff)[0], rel=0.02, abs=1e-5)


def test_the_total_weight_is_independent_of_the_cuts(mesh):
    coarse, fine = (
        mesh.pieces(Window.everything((size, 100 * size, 50 * size)), edges=False).weight.sum(dtype=float)
        for size in (0.05, 0.01)
    )
    assert coarse == pytest.approx(fine, rel=0.02)


def test_parts_of_the_metallicities_add_up(mesh):
    whole = mesh.pieces(WINDOW)
    parts = [mesh.pieces(WINDOW, span=(k, k + 1)) for k in range(len(mesh.tracks.feh) - 1)]
    assert sum(map(len, parts)) == len(whole)


def test_distant_samples_grow(mesh):
    near, far = (
        mesh.pieces(
            Window(WINDOW.low, WINDOW.low, WINDOW.resolution, margin=6 * np.array([0.004, 0.1, 0.05]), reach=reach)
        )
        for reach in (0.0, 6.0)
    )
    assert 0 < len(far) < 0.8 * len(near)
    assert far.weight.sum() == pytest.approx(near.weight.sum(), rel=0.05)


def test_no_sample_is_older_than_the_prior_allows():
    young = mesh_of(load_tracks().thin(load_tracks().eep[::4]), Priors(max_age=3e9)).pieces(WINDOW)
    assert len(young) and young.log_age.max() <= np.log10(3e9) + 1e-6
