"""Random streams per star, and matrix products independent of the other rows."""

import numpy as np
import pytest

from stellar_core.errors import ParameterError
from stellar_core.mock.instrument import observe
from stellar_core.mock.streams import StarStreams, row_products

SEEDS = [(7, star) for star in range(9)]


def draws(rng, n):
    return (
        rng.standard_normal((n, 3)),
        rng.integers(100, size=n),
        rng.standard_normal((n, 4), dtype=np.float32),
        rng.random(n),
        rng.exponential(2.0, n),
        rng.integers(-5, 6, size=(n, 2)),
    )


def test_each_star_draws_what_its_own_generator_draws():
    together = draws(StarStreams(SEEDS), len(SEEDS))
    for star, seed in enumerate(SEEDS):
        alone = draws(np.random.default_rng(seed), 1)
        for batch, single in zip(together, alone):
            assert batch.dtype == single.dtype and np.array_equal(batch[star], single[0])


def test_a_slice_of_the_streams_is_that_of_the_stars():
    part = StarStreams(SEEDS)[3:6]
    assert len(part) == 3
    assert np.array_equal(part.random(3), StarStreams(SEEDS[3:6]).random(3))


def test_the_first_axis_must_be_the_star():
    with pytest.raises(ParameterError, match="9 streams cannot draw arrays of 4 stars"):
        StarStreams(SEEDS).random((4, 9))


@pytest.mark.parametrize(("k", "m"), [(2, 40), (24, 6800), (128, 128), (128, 6800)])
def test_a_row_gives_the_same_bits_in_any_batch(k, m):
    rng = np.random.default_rng(0)
    rows, matrix = rng.standard_normal((40, k)).astype(np.float32), rng.standard_normal((m, k)).astype(np.float32)
    for operand in (matrix.T, np.ascontiguousarray(matrix.T)):
        whole = row_products(rows, operand)
        assert np.allclose(whole, rows @ operand, rtol=1e-3, atol=1e-4)
        order = rng.permutation(40)
        assert np.array_equal(row_products(rows[order], operand), whole[order])
        for size in (1, 2, 5, 16, 33):
            assert np.array_equal(row_products(rows[:size], operand), whole[:size])


@pytest.mark.parametrize("name", ["SDSS", "BOSS"])
def test_the_spectrograph_observes_each_star_independently(name):
    rng = np.random.default_rng(1)
    n = 6
    rest = 1 + 0.2 * rng.standard_normal((n, 6800)).cumsum(axis=1) / 80
    velocity, snr = 60 * rng.standard_normal(n), rng.uniform(5, 60, n)
    seeds = [(3, star) for star in range(n)]
    whole = observe(rest, velocity, snr, name, StarStreams(seeds))
    for star in range(n):
        one = slice(star, star + 1)
        alone = observe(rest[one], velocity[one], snr[one], name, StarStreams(seeds[one]))
        for part in ("flux", "ivar", "wdisp", "sky", "model"):
            assert np.array_equal(getattr(whole, part)[star], getattr(alone, part)[0]), part
