"""What makes a mock star the same alone and among others: its own randomness, and products row by row."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from stellar_core.errors import ParameterError


class StarStreams:
    """One random generator per star, behind the calls of one `numpy.random.Generator`.

    Every array drawn has the star as its first axis, and each star draws its row from its own
    generator. So code that draws arrays of shape (n, ...) from a generator makes of n streams
    the very stars that it would make of each stream by itself, in any order.

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
        """The streams of some of the stars; drawing from them moves these on too."""
        some = StarStreams(())
        some._generators = self._generators[at]
        return some

    def standard_normal(self, size: int | tuple[int, ...], dtype: type = np.float64) -> np.ndarray:
        """Standard normal numbers of shape ``size``, stars first."""
        return self._draw("standard_normal", size, dtype=dtype)

    def random(self, size: int | tuple[int, ...], dtype: type = np.float64) -> np.ndarray:
        """Numbers even over [0, 1) of shape ``size``, stars first."""
        return self._draw("random", size, dtype=dtype)

    def exponential(self, scale: float, size: int | tuple[int, ...]) -> np.ndarray:
        """Exponential numbers of mean ``scale`` of shape ``size``, stars first."""
        return self._draw("exponential", size, scale)

    def integers(self, low: int, high: int | None = None, size: int | tuple[int, ...] = 1) -> np.ndarray:
        """Whole numbers in [low, high), or [0, low) without ``high``, of shape ``size``, stars first."""
        return self._draw("integers", size, low, high)

    def _draw(self, method: str, size: int | tuple[int, ...], *arguments, **options) -> np.ndarray:
        shape = (size,) if isinstance(size, (int, np.integer)) else tuple(size)
        if shape[0] != len(self):
            raise ParameterError(f"{len(self)} streams cannot draw {shape[0]} stars.", value=shape)
        rows = [getattr(own, method)(*arguments, size=(1, *shape[1:]), **options) for own in self._generators]
        return np.concatenate(rows) if rows else np.empty(shape)


def row_products(rows: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """The matrix product of ``rows`` (n, k) and ``matrix`` (k, m), each row by itself, (n, m).

    A plain product rounds a row differently in batches of different size; here a row always
    gives the same bits, for twice the time.
    """
    return (rows[:, None, :] @ matrix)[:, 0]
