"""Frames and media of the wavelength axis, and velocities of line marks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from stellar_core.constants import SPEED_OF_LIGHT
from stellar_core.spectral_lines import vacuum_to_air

#: Velocities of the line marks, km/s.
VELOCITIES = tuple(range(-400, 401, 50))


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

    def of_star(self, rest: np.ndarray, redshift: float, velocity: float = 0.0) -> np.ndarray:
        """Convert rest wavelengths (vacuum, Angstrom) to this frame, shifted by ``velocity`` (km/s)."""
        moved = (
            np.asarray(rest, float) * (1.0 + velocity / SPEED_OF_LIGHT) * ((1.0 + redshift) if self.observed else 1.0)
        )
        return vacuum_to_air(moved) if self.air else moved

    def of_sky(self, observed: np.ndarray) -> np.ndarray:
        """Convert wavelengths of the sky (vacuum, Angstrom) to this frame; NaN in the rest frame."""
        observed = np.asarray(observed, float)
        if not self.observed:
            return np.full_like(observed, np.nan)
        return vacuum_to_air(observed) if self.air else observed


#: All four, the initial one first.
FRAMES = tuple(Frame(observed, air) for observed in (False, True) for air in (False, True))
