"""Parallax of one star, and the magnitudes that come with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from stellar_core.errors import ParameterError

#: RUWE above which the image of a star is not that of a single star (Lindegren et al. 2021, A&A 649, A2).
MAX_RUWE = 1.4
#: Parallax over error below which the parallax alone gives hardly more than a lower limit of the distance.
WEAK_PARALLAX = 3.0


@dataclass(frozen=True)
class Astrometry:
    """A parallax as it enters a likelihood, and Gaia's or 2MASS's magnitudes of the same star.

    Attributes
    ----------
    parallax, parallax_error : float
        mas; the zero point is already subtracted and the error already inflated. The parallax may be negative.
    magnitudes : mapping of str to (float, float)
        Band (G, BP, RP, J, H, Ks; Vega system) to magnitude and error, mag. Not those that a network has seen.
    origin : str
        "Gaia DR3", "entered" (typed by the user or given with ``--parallax``), or "MOCK survey".
    source_id : str
        Of Gaia; empty where unknown.
    ruwe : float or None
        Gaia's measure of how well a single star fits its images; 1 for a good fit.
    non_single_star : int
        Gaia's flags of a binary: 1 astrometric, 2 spectroscopic, 4 eclipsing, and sums of these.
    zero_point : float
        mas; what was subtracted from the catalogue's parallax.
    notes : tuple of str
        Sentences for the user on the match and on corrections.
    """

    parallax: float
    parallax_error: float
    magnitudes: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    origin: str = "entered"
    source_id: str = ""
    ruwe: float | None = None
    non_single_star: int = 0
    zero_point: float = 0.0
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not (np.isfinite(self.parallax) and abs(self.parallax) < 1000):
            raise ParameterError(f"A parallax lies between -1000 and 1000 mas; got {self.parallax}.")
        if not 0 < self.parallax_error < 1000:
            raise ParameterError(f"The error of a parallax lies between 0 and 1000 mas; got {self.parallax_error}.")

    @property
    def significance(self) -> float:
        """Parallax over its error."""
        return self.parallax / self.parallax_error

    @property
    def caveats(self) -> tuple[str, ...]:
        """Sentences on what makes the parallax or the brightness doubtful."""
        found = []
        if self.ruwe is not None and self.ruwe > MAX_RUWE:
            found.append(
                f"Gaia's RUWE is {self.ruwe:.1f} (a single star has less than {MAX_RUWE}): probably a binary, whose "
                "parallax and brightness can mislead."
            )
        if self.non_single_star:
            kinds = [name for bit, name in _BINARIES.items() if self.non_single_star & bit]
            found.append(f"Gaia lists the star as {' and '.join(kinds) or 'a binary'}: its light is that of two stars.")
        if self.significance < WEAK_PARALLAX:
            found.append(
                f"The parallax is {self.parallax:.3f} ± {self.parallax_error:.3f} mas: it says little about the "
                "distance."
            )
        return tuple(found)

    def to_dict(self) -> dict[str, object]:
        """Plain values, for JSON."""
        return {
            "parallax_mas": self.parallax,
            "parallax_err_mas": self.parallax_error,
            "zero_point_mas": self.zero_point,
            "magnitudes": {band: list(values) for band, values in self.magnitudes.items()},
            "origin": self.origin,
            "source_id": self.source_id,
            "ruwe": self.ruwe,
            "non_single_star": self.non_single_star,
            "caveats": list(self.caveats),
            "notes": list(self.notes),
        }


_BINARIES = {1: "an astrometric binary", 2: "a spectroscopic binary", 4: "an eclipsing binary"}


def parse_parallax(text: str) -> Astrometry:
    """Parse a parallax and its error from ``"MAS,MAS"``.

    Raises
    ------
    ParameterError
        Unless there are two numbers, the error positive.
    """
    try:
        values = [float(part) for part in text.split(",")]
    except ValueError:
        values = []
    if len(values) != 2:
        raise ParameterError(
            f"A parallax is given with its error as MAS,MAS, for example 2.51,0.03; got {text[:40]!r}.", value=text
        )
    return Astrometry(*values)
