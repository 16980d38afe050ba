"""Errors of other instruments on prepared MOCK spectra."""

import numpy as np
import torch

from stellar_core.datasets.calibration_errors import CLEAN, N_RANDOM, disturb
from stellar_core.mock.emulator import SpectralEmulator
from stellar_core.models.line_spectrum import line_spectrum
from stellar_core.preprocessing.grid import GRID

_N = 300


def _disturbed(seed: int = 1, **fixed: float) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    """Lines of one star as it is (6800,), and lines, coverage and ivar of copies with errors."""
    flux = torch.from_numpy(SpectralEmulator.load().spectra([5800.0], [4.3], [-0.3]).astype(np.float32))
    coverage, ivar = torch.ones_like(flux), torch.full_like(flux, 400.0)
    random = torch.rand(_N, N_RANDOM, generator=torch.Generator().manual_seed(seed))
    for name, value in fixed.items():
        random[:, int(name.removeprefix("number_"))] = value
    copies = [array.expand(_N, -1) for array in (flux, coverage, ivar)]
    return (line_spectrum(flux, coverage, ivar)[0][0], *line_spectrum(*disturb(*copies, random)))


def _depth(lines: torch.Tensor, low: float, high: float) -> np.ndarray:
    inside = (GRID > low) & (GRID < high)
    return (1.0 - lines.numpy()[..., inside]).clip(0.0).mean(axis=-1)


def test_lines_are_filled_in_towards_the_blue_as_real_spectra_of_other_surveys_show() -> None:
    plain, lines, seen, _ = _disturbed(number_9=0.9, number_10=0.9, number_2=0.9)
    filled = {
        low: _depth(lines, low, low + 150.0) / _depth(plain, low, low + 150.0) for low in (3900.0, 4300.0, 5150.0)
    }
    blue, middle, green = (np.median(filled[low]) for low in (3900.0, 4300.0, 5150.0))
    assert 0.5 < blue < 0.85 and blue < middle < green and 0.85 < green < 1.02
    assert np.quantile(filled[3900.0], 0.1) < 0.45  # some lose more than half
    assert (np.abs(filled[3900.0] - 1.0) < 0.3).mean() > CLEAN / 2  # and some almost nothing


def test_everything_stays_finite_and_some_spectra_lose_their_ends() -> None:
    _, lines, seen, ivar = _disturbed()
    assert bool(torch.isfinite(lines).all() and torch.isfinite(ivar).all()) and bool((ivar >= 0).all())
    covered = seen.sum(dim=1)
    assert int(covered.min()) >= 500 and int(covered.max()) > 1.2 * int(covered.min())
    assert not bool((ivar[seen == 0] > 0).any())


def test_equal_random_numbers_give_equal_spectra_and_blur_makes_lines_shallower() -> None:
    assert bool((_disturbed(3)[1] == _disturbed(3)[1]).all())
    fixed = {"number_0": 0.0, "number_1": 0.0, "number_4": 0.0, "number_8": 0.5, "number_9": 0.9, "number_10": 0.9}
    sharp, blurred = (_disturbed(**fixed, number_2=0.1, number_3=value)[1] for value in (0.0, 1.0))
    assert float(blurred[0].std()) < 0.95 * float(sharp[0].std())
