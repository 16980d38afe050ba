"""The lines of a spectrum without its broad shape, for spectra whose flux calibration is not that of SDSS.

Flux over its running mean: smooth multiplicative errors, dust and the slope of the calibration drop out. Telluric
bands, sky lines and the interstellar sodium lines are left out, since other surveys treat them differently, and so is
the far blue.
"""

from __future__ import annotations

import torch

from stellar_core.preprocessing.grid import GRID
from stellar_core.preprocessing.normalisation import FILLER

#: Half width of the running mean, Angstrom.
HALF_WIDTH = 100
#: Fraction of the window of the mean that must be measured.
COMPLETE = 0.6
#: Ranges that are used, rest frame, Angstrom. Beyond, sky and telluric residuals of other surveys cost more than the
#: Ca triplet gives: with it, REAL giants of LAMOST come out 130 K cooler and 0.4 dex lower in log g.
RANGES = ((3850.0, 5565.0), (5590.0, 5882.0), (5906.0, 6290.0), (6312.0, 6860.0))
_INSIDE = torch.tensor([any(low <= at < high for low, high in RANGES) for at in GRID])


def running_mean(flux: torch.Tensor, coverage: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Mean of ``flux`` (n, 6800) over the covered part of `HALF_WIDTH` on each side, and that part as a fraction."""
    window = 2 * HALF_WIDTH + 1
    stacked = torch.stack([torch.where(coverage > 0, flux, torch.zeros_like(flux)), coverage], 1)
    padded = torch.nn.functional.pad(stacked, (HALF_WIDTH + 1, HALF_WIDTH)).cumsum(dim=-1)
    total = padded[..., window:] - padded[..., :-window]
    return total[:, 0] / total[:, 1].clamp_min(0.5), total[:, 1] / window


def line_spectrum(
    flux: torch.Tensor, coverage: torch.Tensor, ivar: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Divide prepared spectra by their running mean and leave out what is not used.

    Parameters
    ----------
    flux, coverage, ivar : (n, 6800) float
        As `stellar_core.preprocessing.normalisation.normalise` gives them.

    Returns
    -------
    flux, coverage, ivar : (n, 6800) float
        Of the same meaning; the flux is about 1 at every wavelength, which is how a network recognises it.
    """
    mean, share = running_mean(flux, coverage)
    used = (coverage > 0) & _INSIDE.to(coverage.device) & (share > COMPLETE) & (mean > 0.01)
    safe = torch.where(used, mean, torch.ones_like(mean))
    lines = torch.where(used, (flux / safe).clamp(-1.0, 5.0), torch.full_like(flux, FILLER))
    precision = torch.where(used, (ivar * safe.square()).clamp_max(1e6), torch.zeros_like(ivar))
    return lines, used.to(coverage.dtype), precision
