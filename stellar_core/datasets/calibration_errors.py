"""Errors of other instruments: lines filled in by additive light, blurred lines, ripples, steps, lost ends.

They are put on prepared MOCK spectra, so that a network learns which lines it can trust in a spectrum whose calibration
is unknown. Sizes allow for what labelled spectra of LAMOST show: lines of 0.4 of their depth at 3950 Angstrom, 0.75 at
4200, 0.9 at 5200.
"""

from __future__ import annotations

import torch

from stellar_core.models.line_spectrum import running_mean
from stellar_core.preprocessing.grid import GRID

#: Nodes (A) of the additive light; at each its usual profile and the scatter of ln(1 + light / flux) about it.
NODES = (3600.0, 3950.0, 4200.0, 4600.0, 5100.0, 5700.0, 6600.0, 8800.0)
PROFILE = (1.4, 1.0, 0.45, 0.32, 0.17, 0.09, 0.03, 0.0)
SCATTER = (0.25, 0.20, 0.14, 0.11, 0.09, 0.08, 0.07, 0.07)
#: Mean amount of additive light, exponential; share of spectra without it.
AMOUNT, CLEAN = 0.40, 0.25
#: Largest additional width of the lines, standard deviation in Angstrom, of half of the spectra.
BLUR = 1.6
#: Ripples of the flux: largest amplitude, shortest and longest period (A); largest step at a dichroic.
RIPPLE, PERIODS, STEP = 0.03, (80.0, 500.0), 0.10
#: Largest losses at the blue end (A) and at the red end; shares of spectra.
BLUE_LOSS, RED_LOSS, LOSING = 1000.0, 3400.0, (0.35, 0.5)
#: Random numbers per star.
N_RANDOM = 12 + len(NODES)

_GRID = torch.tensor(GRID, dtype=torch.float32)


def _hats() -> torch.Tensor:
    """(n_node, 6800) linear interpolation between the nodes."""
    nodes = torch.tensor(NODES)
    place = torch.clamp(torch.searchsorted(nodes, _GRID, right=True) - 1, 0, len(NODES) - 2)
    share = torch.clamp((_GRID - nodes[place]) / (nodes[place + 1] - nodes[place]), 0.0, 1.0)
    hats = torch.zeros(len(NODES), _GRID.numel())
    hats.scatter_(0, place[None], (1 - share)[None])
    return hats.scatter_(0, place[None] + 1, share[None])


_HATS = _hats()


def disturb(
    flux: torch.Tensor, coverage: torch.Tensor, ivar: torch.Tensor, random: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Put the errors of other instruments on prepared spectra.

    Parameters
    ----------
    flux, coverage, ivar : (n, 6800) float
        As `stellar_core.preprocessing.normalisation.normalise` gives them.
    random : (n, N_RANDOM) float
        Uniform random numbers between 0 and 1.

    Returns
    -------
    flux, coverage, ivar : (n, 6800) float
    """
    hats, grid = _HATS.to(flux.device), _GRID.to(flux.device)
    u = random.clamp(1e-6, 1 - 1e-6).split([12, len(NODES)], dim=1)
    one = [column.unsqueeze(1) for column in u[0].unbind(1)]
    amount = torch.where(
        one[0] < CLEAN, torch.zeros_like(one[0]), -AMOUNT * torch.log((one[0] - CLEAN).clamp_min(1e-6) / (1 - CLEAN))
    )
    normal = torch.erfinv(2 * u[1] - 1) * 2**0.5
    nodes = amount * flux.new_tensor(PROFILE) + one[1] * 1.5 * normal.clamp(-2.5, 2.5) * flux.new_tensor(SCATTER)
    light = torch.expm1((nodes @ hats).clamp(-0.3, 2.0))

    flux = _blurred(flux, coverage, torch.where(one[2] < 0.5, (BLUR * one[3]).square(), torch.zeros_like(one[3])))
    mean, _ = running_mean(flux, coverage)
    factor = 1.0 + RIPPLE * one[4] * torch.sin(
        grid / (PERIODS[0] * (PERIODS[1] / PERIODS[0]) ** one[5]) * 6.2832 + 6.2832 * one[6]
    )
    edge = 5000.0 + 1500.0 * one[7]
    factor = factor * (1.0 + STEP * (2 * one[8] - 1) * torch.sigmoid((grid - edge) / 15.0))
    flux = (flux + light * mean) * factor
    low = torch.where(one[9] < LOSING[0], 3600.0 + BLUE_LOSS * one[9] / LOSING[0], torch.zeros_like(edge))
    high = torch.where(one[10] < LOSING[1], 10400.0 - RED_LOSS * one[10] / LOSING[1], torch.full_like(edge, 2e4))
    seen = coverage * ((grid >= low) & (grid < high))
    keep = seen.sum(1, keepdim=True) >= 1000.0
    seen = torch.where(keep, seen, coverage)
    return flux, seen, ivar / factor.square() * (seen > 0)


def _blurred(flux: torch.Tensor, coverage: torch.Tensor, variance: torch.Tensor) -> torch.Tensor:
    """Convolve spectra (n, 6800) with a kernel of the ``variance`` (n, 1), A^2, where they are covered all around."""
    side = 0.5 * variance / 4.0
    out = flux
    for _ in range(2):  # two passes of half the variance: closer to a Gaussian, and never negative
        padded = torch.nn.functional.pad(out.unsqueeze(1), (2, 2), mode="replicate").squeeze(1)
        out = out + 0.5 * side * (padded[:, :-4] + padded[:, 4:] - 2 * out)
    around = torch.nn.functional.max_pool1d((coverage <= 0).float().unsqueeze(1), 9, 1, 4).squeeze(1) == 0
    return torch.where(around, out, flux)
