"""Frames and media of the wavelength axis."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from stellar_core.spectral_lines import refractive_index


@dataclass(frozen=True)
class Frame:
    """Frame and medium of wavelengths.

    Attributes
    ----------
    observed : bool
        True: as observed; False: corrected for the star's velocity.
    air : bool
        True: standard air; False: vacuum.
    """

    observed: bool
    air: bool

    @property
    def name(self) -> str:
        """Label in the menu."""
        return f"{'Observed' if self.observed else 'Rest'}, {'air' if self.air else 'vacuum'}"

    @property
    def title(self) -> str:
        """Title of the axis."""
        return f"{'Observed' if self.observed else 'Rest'} wavelength (Å, {'air' if self.air else 'vacuum'})"


#: All four, the initial one first.
FRAMES = tuple(Frame(observed, air) for observed in (False, True) for air in (False, True))
#: Nodes of the table of the refractive index, Angstrom: linear interpolation is good to 0.001 Angstrom.
NODES = np.arange(2000.0, 26001.0, 50.0)


def excess_of_air() -> np.ndarray:
    """(n,) float64: refractive index of standard air minus 1 at the vacuum wavelengths `NODES`."""
    return refractive_index(NODES) - 1.0
