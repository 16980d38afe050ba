"""Inputs of a network for MOCK stars: spectrum, its lines alone, photometry, or two of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import numpy as np
import torch

from stellar_core.datasets.calibration_errors import N_RANDOM, disturb
from stellar_core.datasets.mock_stars import StarSet
from stellar_core.models.line_spectrum import line_spectrum

#: Seed of the calibration errors of views with lines alone.
SEED = 29
_AT_ONCE = 500


class Views(Mapping):
    """Flux, coverage, ivar, features and S/N of the stars by view, made on demand."""

    def __init__(self, stars: StarSet) -> None:
        inputs = stars.inputs
        ivar = inputs.root_ivar.astype(np.float32) ** 2
        spectrum, hidden = (inputs.flux, inputs.coverage, ivar), np.full_like(inputs.features, np.nan)
        dark = np.ones_like(inputs.flux), np.zeros_like(inputs.coverage), np.zeros_like(ivar)
        self._made: dict[str, Callable[[], tuple[tuple[np.ndarray, ...], np.ndarray]]] = {
            "spectrum and photometry": lambda: (spectrum, inputs.features),
            "spectrum alone": lambda: (spectrum, hidden),
            "photometry alone": lambda: (dark, inputs.features),
            "lines and photometry": lambda: (lines_of_other_instruments(*spectrum), inputs.features),
            "lines alone": lambda: (lines_of_other_instruments(*spectrum), hidden),
        }
        self._snr = stars.truth.snr

    def __getitem__(self, name: str) -> tuple[np.ndarray, ...]:
        spectrum, features = self._made[name]()
        return (*spectrum, features, self._snr)

    def __iter__(self) -> Iterator[str]:
        return iter(self._made)

    def __len__(self) -> int:
        return len(self._made)


def views(stars: StarSet) -> Views:
    """The inputs of ``stars`` by view."""
    return Views(stars)


def lines_of_other_instruments(
    flux: np.ndarray, coverage: np.ndarray, ivar: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Lines (n, 6800) of prepared spectra with the calibration errors of other instruments; each row always has the
    same errors."""
    random = torch.from_numpy(np.random.default_rng(SEED).random((len(flux), N_RANDOM), dtype=np.float32))
    parts = []
    for start in range(0, len(flux), _AT_ONCE):
        rows = slice(start, start + _AT_ONCE)
        arrays = (torch.from_numpy(array[rows].astype(np.float32)) for array in (flux, coverage, ivar))
        parts.append([part.numpy() for part in line_spectrum(*disturb(*arrays, random[rows]))])
    lines, seen, precision = (np.concatenate(column) for column in zip(*parts))
    return lines, seen > 0, precision
