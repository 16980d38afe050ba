"""Comparison of the real and the MOCK catalogue: equal cuts, meaningful distances, counts only."""

import numpy as np
import pytest

from stellar_core.errors import ModelError, ParameterError
from stellar_core.mock.fit.population_comparison import compare, mock_catalogue, real_catalogue
from stellar_core.mock.population_comparison import (
    FILE,
    HOME,
    PAIRS,
    QUANTITIES,
    edges,
    read_comparison,
    write_comparison,
)


def sample(n, seed, shift=0.0):
    rng = np.random.default_rng(seed)
    middle = {"u_g": 1.4, "g_r": 0.5, "r_i": 0.2, "i_z": 0.1, "feh_dex": -0.8}
    return {
        name: value + 0.1 * rng.standard_normal(n) + (shift if name == "g_r" else 0.0) for name, value in middle.items()
    }


def test_distances_respond_to_a_shift_only():
    found = compare(sample(6000, 0), sample(4000, 1, shift=0.05))
    assert found.distances["g_r"].wasserstein == pytest.approx(0.05, abs=0.008)
    assert found.distances["g_r"].ks == pytest.approx(0.197, abs=0.03)  # 2 Phi(0.25) - 1
    assert found.distances["u_g"].ks < 0.04 and found.distances["g_r"].ks_halves < 0.04
    assert found.distances["g_r"].mock_median - found.distances["g_r"].real_median == pytest.approx(0.05, abs=0.01)


def test_both_samples_are_cut_the_same_way():
    real, mock = sample(1000, 0), sample(1000, 1)
    real["u_g"][:100] = -9.0
    mock["feh_dex"][:50] = 3.0
    mock["g_r"][50] = np.nan
    found = compare(real, mock)
    assert (found.real_stars, found.mock_stars) == (900, 949) and found.left_out == (0.1, 0.051)
    for name in QUANTITIES:
        assert found.histograms[name].sum(axis=1).tolist() == [900, 949]
    for pair in PAIRS:
        assert found.densities[pair].sum(axis=(1, 2)).tolist() == [900, 949]
    real["u_g"][:] = -9.0
    with pytest.raises(ParameterError, match="Only 0 stars"):
        compare(real, mock)


def test_densities_have_the_right_orientation():
    real = sample(500, 0)
    x, y = PAIRS[-1]
    found = compare(real, sample(500, 1)).densities[x, y][0]
    expected = np.histogram(real[x], edges(x))[0]
    assert found.shape == (len(edges(y)) - 1, len(edges(x)) - 1) and np.array_equal(found.sum(axis=0), expected)


def test_writing_and_reading_gives_the_same(tmp_path):
    found = compare(sample(500, 0), sample(600, 1))
    write_comparison(found, tmp_path)
    again = read_comparison(tmp_path)
    assert again.distances == found.distances and (again.real_stars, again.left_out) == (500, found.left_out)
    assert all(np.array_equal(again.histograms[name], found.histograms[name]) for name in QUANTITIES)
    (tmp_path / FILE).write_bytes(b"x" * 50)
    with pytest.raises(ModelError, match="cannot be read"):
        read_comparison(tmp_path)


def test_a_catalogue_without_a_column_gives_one_sentence(tmp_path):
    path = tmp_path / "x.csv"
    path.write_text("u_g,g_r\n1,2\n")
    with pytest.raises(ParameterError, match="r_i"):
        real_catalogue(path)
    with pytest.raises(ParameterError, match="no catalogue"):
        real_catalogue(tmp_path / "none.csv")


def test_the_shipped_comparison_holds_counts_only():
    assert (HOME / FILE).stat().st_size < 100_000
    found = read_comparison()
    assert found.real_stars > 25_000 and found.mock_stars > 25_000
    for name in ("u_g", "g_r", "r_i", "i_z"):
        assert found.distances[name].ks < 0.1 and found.distances[name].wasserstein < 0.05, name
    assert found.distances["feh_dex"].ks < 0.2


def test_the_shipped_comparison_equals_a_new_one(shared_data):
    """From one plate in 48 the same distances within the noise of 3,500 stars."""
    real = real_catalogue(shared_data / "catalogue" / "sdss_colours_feh.csv")
    fresh, shipped = compare(real, mock_catalogue(every=48)), read_comparison()
    assert fresh.real_stars == shipped.real_stars
    assert all(np.array_equal(fresh.histograms[name][0], shipped.histograms[name][0]) for name in QUANTITIES)
    for name, one in fresh.distances.items():
        assert one.ks == pytest.approx(shipped.distances[name].ks, abs=0.04), name
