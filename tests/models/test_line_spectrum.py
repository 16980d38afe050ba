"""The lines of a spectrum without its broad shape."""

import numpy as np
import torch

from stellar_core.mock.emulator import SpectralEmulator
from stellar_core.models.line_spectrum import RANGES, line_spectrum, running_mean
from stellar_core.preprocessing.grid import GRID


def _star() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    flux = torch.from_numpy(SpectralEmulator.load().spectra([5800.0], [4.3], [-0.3]).astype(np.float32))
    return flux, torch.ones_like(flux), torch.full_like(flux, 400.0)


def test_a_smooth_calibration_error_and_dust_drop_out() -> None:
    flux, coverage, ivar = _star()
    smooth = torch.from_numpy(np.exp(0.4 * np.sin(GRID / 900.0) - (GRID - 7000.0) / 6000.0).astype(np.float32))
    plain = line_spectrum(flux, coverage, ivar)
    bent = line_spectrum(flux * smooth, coverage, ivar / smooth**2)
    used = plain[1] > 0
    assert float((plain[0] - bent[0])[used].abs().max()) < 0.02
    assert float((plain[2] / bent[2])[used].log().abs().max()) < 0.05
    depth = 1.0 - plain[0][0, np.abs(GRID - 6564.6) < 1.0].min()
    assert 0.2 < depth < 0.7  # H alpha is still there


def test_the_mean_is_one_and_unused_wavelengths_are_not_covered() -> None:
    flux, coverage, ivar = _star()
    lines, seen, precision = line_spectrum(flux, coverage, ivar)
    inside = np.any([(GRID >= low) & (GRID < high) for low, high in RANGES], axis=0)
    assert not seen[0].numpy()[~inside].any() and seen[0].numpy()[inside].all()
    assert (lines[0].numpy()[~inside] == 1.0).all() and (precision[0].numpy()[~inside] == 0.0).all()
    assert abs(float(lines[seen > 0].mean()) - 1.0) < 0.01


def test_a_gap_is_left_out_with_its_surroundings_and_without_a_spectrum_nothing_is_seen() -> None:
    flux, coverage, ivar = _star()
    coverage[:, (GRID > 4500) & (GRID < 5500)] = 0.0
    lines, seen, precision = line_spectrum(flux, coverage, ivar)
    gap = (GRID > 4490) & (GRID < 5510)
    assert not seen[0].numpy()[gap].any() and bool(torch.isfinite(lines).all() and torch.isfinite(precision).all())
    assert not line_spectrum(flux, torch.zeros_like(flux), ivar)[1].any()


def test_the_running_mean_is_that_of_the_covered_pixels() -> None:
    flux, coverage, _ = _star()
    coverage[:, ::3] = 0.0
    mean, share = running_mean(flux, coverage)
    at = slice(1900, 2101)
    known = coverage[0, at] > 0
    assert abs(float(mean[0, 2000]) - float(flux[0, at][known].mean())) < 1e-4
    assert abs(float(share[0, 2000]) - float(known.float().mean())) < 1e-6
