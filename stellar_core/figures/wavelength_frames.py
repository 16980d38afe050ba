"""In which frame and medium a wavelength is shown, and line marks moved by a velocity."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from stellar_core.constants import SPEED_OF_LIGHT
from stellar_core.spectral_lines import vacuum_to_air

#: Velocities on offer for the marks of lines, km/s.
VELOCITIES = tuple(range(-400, 401, 50))


@dataclass(frozen=True)
class Frame:
    """How wavelengths are given.

    Attributes
    ----------
    observed : bool
        As the file gives them; else with the star's velocity taken out.
    air : bool
        In standard air, else in vacuum.
    """

    observed: bool
    air: bool

    @property
    def name(self) -> str:
        """As on the switch."""
        return f"{'Observed' if self.observed else 'Rest'}, {'air' if self.air else 'vacuum'}"

    @property
    def title(self) -> str:
        """Of the axis."""
        return f"{'Observed' if self.observed else 'Rest'} wavelength (Å, {'air' if self.air else 'vacuum'})"

    def of_star(self, rest: np.ndarray, redshift: float, velocity: float = 0.0) -> np.ndarray:
        """Where this frame shows ``rest`` (vacuum, Angstrom) of a star, moved by ``velocity`` in km/s besides."""
        moved = np.asarray(rest, float) * (1.0 + velocity / SPEED_OF_LIGHT) * ((1.0 + redshift) if self.observed else 1.0)
        return vacuum_to_air(moved) if self.air else moved

    def of_sky(self, observed: np.ndarray) -> np.ndarray:
        """Where this frame shows lines of the night sky (vacuum, Angstrom): nowhere at rest, for no star shifts them."""
        observed = np.asarray(observed, float)
        if not self.observed:
            return np.full_like(observed, np.nan)
        return vacuum_to_air(observed) if self.air else observed


#: All four, the one shown first in front.
FRAMES = tuple(Frame(observed, air) for observed in (False, True) for air in (False, True))
