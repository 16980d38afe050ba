"""Life of a star from birth to death: the part behind it, and the phases of its tracks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from stellar_core.constants import UNIVERSE_AGE_GYR
from stellar_core.inference.summary_sentence import life_fraction
from stellar_core.intervals import LEVELS
from stellar_core.isochrones.lifetime import track_log_lifetime
from stellar_core.quantities import LIFETIME

if TYPE_CHECKING:
    from stellar_core.inference.result import Result
    from stellar_core.isochrones import Tracks

#: Phases of a life, each with the end point of the tracks that closes it.
PHASES = {"main sequence": "tams", "subgiant and red giant": "rgb_tip", "helium burning": "end"}


@dataclass(frozen=True)
class LifeSpan:
    """Life of a star.

    Attributes
    ----------
    fraction : tuple of five floats
        (p025, p16, median, p84, p975) of age over lifetime.
    lifetime : float
        Median, Gyr.
    phases : mapping of str to float
        End of each phase as a share of the lifetime, median over the draws, in order of time.
    """

    fraction: tuple[float, ...]
    lifetime: float
    phases: Mapping[str, float]

    @property
    def universe(self) -> float:
        """Age of the Universe over the lifetime."""
        return UNIVERSE_AGE_GYR / self.lifetime

    @classmethod
    def of(cls, result: Result, tracks: Tracks) -> LifeSpan:
        """Life of the star of a result; without phases where its draws are no stars of the tracks."""
        fraction = tuple(float(one) for one in np.quantile(life_fraction(result), LEVELS))
        lifetime = float(LIFETIME.convert(result.log_lifetime.median))
        return cls(fraction, lifetime, _phases(result, tracks) if result.from_isochrones else {})


def _phases(result: Result, tracks: Tracks) -> dict[str, float]:
    """Ends of `PHASES`; phases without length are left out."""
    mass, feh = (np.asarray(result.draws[name], float) for name in ("mass", "feh"))
    feh = np.clip(feh, tracks.feh[0], tracks.feh[-1])
    whole = track_log_lifetime(mass, feh, tracks)
    found: dict[str, float] = {}
    for name, end in PHASES.items():
        share = 10.0 ** (track_log_lifetime(mass, feh, tracks, end) - whole) if end != "end" else np.ones_like(whole)
        if np.isfinite(share).any():
            found[name] = float(np.nanmedian(share))
    return found
