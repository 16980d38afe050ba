"""Random streams and matrix products that make a MOCK star independent of the batch it is in."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from stellar_core.errors import ParameterError


class StarStreams:
    """One random generator per star, with the interface of `numpy.random.Generator`.

    The first axis of every array drawn is the star, and each row comes from the generator of its star.
    Code that draws arrays of shape (n, ...) therefore makes the same stars from n streams together as from
    each stream alone, in any order.

    Parameters
    ----------
    seeds : sequence
        One seed per star, each as `numpy.random.default_rng` takes it.
    """

    def __init__(self, seeds: Sequence[object]) -> None:
        self._generators = [np.random.default_rng(seed) for seed in seeds]

    def __len__(self) -> int:
        return len(self._generators)

    def __getitem__(self, at: slice) -> StarStreams:
        """The streams of some of the stars; they share their state with this object."""
        some = StarStreams(())
        some._generators = self._generators[at]
        return some

    def standard_normal(self, size: int | tuple[int, ...], dtype: type = np.float64) -> np.ndarray:
        """Standard normal numbers of shape ``size``, stars first."""
        return self._draw("standard_normal", size, dtype=dtype)

    def random(self, size: int | tuple[int, ...], dtype: type = np.float64) -> np.ndarray:
        """Uniform numbers in [0, 1) of shape ``size``, stars first."""
        return self._draw("random", size, dtype=dtype)

    def exponential(self, scale: float, size: int | tuple[int, ...]) -> np.ndarray:
        """Exponential numbers of mean ``scale`` of shape ``size``, stars first."""
        return self._draw("exponential", size, scale)

    def integers(self, low: int, high: int | None = None, size: int | tuple[int, ...] = 1) -> np.ndarray:
        """Integers in [low, high), or [0, low) without ``high``, of shape ``size``, stars first."""
        return self._draw("integers", size, low, high)

    def _draw(self, method: str, size: int | tuple[int, ...], *arguments, **options) -> np.ndarray:
        shape = (size,) if isinstance(size, (int, np.integer)) else tuple(size)
        if shape[0] != len(self):
            raise ParameterError(f"{len(self)} streams cannot draw arrays of {shape[0]} stars.", value=shape)
        rows = [getattr(own, method)(*arguments, size=(1, *shape[1:]), **options) for own in self._generators]
        return np.concatenate(rows) if rows else np.empty(shape)


def row_products(rows: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """Matrix product (n, m) of ``rows`` (n, k) and ``matrix`` (k, m), row by row.

    A plain product rounds a row differently in batches of different size. This one gives the same bits in
    any batch and takes twice the time.
    """
    return (rows[:, None, :] @ matrix)[:, 0]
