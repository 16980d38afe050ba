"""Choose the Gaia source of a star by its position at SDSS's epoch and its magnitudes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from stellar_core.gaia.magnitudes import SATURATION, predicted_g
from stellar_core.gaia.source import GaiaSource
from stellar_core.gaia.targets import GAIA_EPOCH, Target

#: Largest distance of a match at the best epoch, arcsec: half an SDSS fiber.
RADIUS = 1.5
#: Largest difference from the predicted G, mag; and where SDSS is saturated.
MAX_DIFFERENCE, MAX_DIFFERENCE_BRIGHT = 1.0, 2.0
#: A second source makes a match ambiguous if it fits the predicted G at most so much worse, mag.
AMBIGUOUS = 0.5
#: Share of the light in the fiber from other sources above which the user is told.
BLEND = 0.05


@dataclass(frozen=True)
class Match:
    """The outcome of a search.

    Attributes
    ----------
    source : GaiaSource or None
    separation : float
        Distance at the epoch at which it is least, arcsec; NaN without a source.
    difference : float
        G minus the predicted G, mag; NaN where unknown.
    ambiguous : bool
        Whether another source could be the star as well.
    notes : tuple of str
        Sentences for the user; without a source, the first is the reason.
    """

    source: GaiaSource | None
    separation: float = math.nan
    difference: float = math.nan
    ambiguous: bool = False
    notes: tuple[str, ...] = ()


def separations(target: Target, sources: Sequence[GaiaSource]) -> np.ndarray:
    """Return the distance of each source from the position of a star, at the epoch at which it is least.

    Sources move in a straight line; those without a proper motion stay where they are. The parallax, below 1 arcsec
    for every star but the Sun, is left out.

    Returns
    -------
    (n,) float64
        Arcsec.
    """
    ra, dec, pmra, pmdec = (
        np.array([getattr(source, name) for source in sources], dtype=float) for name in ("ra", "dec", "pmra", "pmdec")
    )
    known = np.isfinite(pmra) & np.isfinite(pmdec)
    lon, lat = np.radians(ra), np.radians(dec)
    east = np.stack([-np.sin(lon), np.cos(lon), np.zeros_like(lon)], axis=1)  # (n, 3)
    north = np.stack([-np.sin(lat) * np.cos(lon), -np.sin(lat) * np.sin(lon), np.cos(lat)], axis=1)
    speed = np.where(known, pmra, 0.0)[:, None] * east + np.where(known, pmdec, 0.0)[:, None] * north  # mas/yr
    apart = (_unit(lon, lat) - _unit(math.radians(target.ra), math.radians(target.dec))) * _MAS  # (n, 3), mas
    # The distance apart + speed * years is least where its derivative is zero.
    square = np.maximum(np.sum(speed**2, axis=1), 1e-12)
    years = np.clip(-np.sum(apart * speed, axis=1) / square, *(epoch - GAIA_EPOCH for epoch in target.epochs))
    return np.linalg.norm(apart + speed * years[:, None], axis=1) / 1000.0


_MAS = math.degrees(1.0) * 3.6e6


def _unit(lon: np.ndarray | float, lat: np.ndarray | float) -> np.ndarray:
    return np.stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat) + 0.0 * lon], axis=-1)


def match(target: Target, sources: Sequence[GaiaSource]) -> Match:
    """Choose the source of a star.

    Of the sources within `RADIUS`, that which is nearest to the G magnitude predicted from SDSS's magnitudes, if the
    two agree within `MAX_DIFFERENCE`; without magnitudes, the nearest. Gaia's own cross-match with SDSS is a check
    only: it can be wrong, and object numbers differ between releases of SDSS.

    Parameters
    ----------
    target : Target
    sources : sequence of GaiaSource
        All of the surroundings.
    """
    apart = separations(target, sources)
    near = np.flatnonzero(apart <= RADIUS)
    if not near.size:
        return Match(None, notes=(f"Gaia DR3 has no source within {RADIUS} arcsec of {target.place}.",))
    expected = predicted_g(target.g, target.r, target.i)
    brightness = np.array([source.phot_g_mean_mag for source in sources])
    notes: list[str] = []
    off = np.where(np.isnan(brightness), np.inf, np.abs(brightness - expected))
    by_brightness = math.isfinite(expected) and bool(np.isfinite(off[near]).any())
    if not by_brightness:
        order = near[np.argsort(apart[near])]
        rivals = order[1:]
    else:
        order = near[np.argsort(off[near])]
        bright = min(m for m in (target.g, target.r, target.i) if m == m) < SATURATION
        if off[order[0]] > (MAX_DIFFERENCE_BRIGHT if bright else MAX_DIFFERENCE):
            return Match(None, notes=(_another_star(sources[order[0]], expected),))
        rivals = order[1:][off[order[1:]] - off[order[0]] < AMBIGUOUS]
    best = int(order[0])
    chosen = sources[best]
    if rivals.size:
        notes.append(
            f"The match with Gaia is ambiguous: {rivals.size + 1} sources within {RADIUS} arcsec could be the star; "
            f"{chosen.source_id} was chosen by its {'brightness' if by_brightness else 'distance'}."
        )
    named = [source for source in sources if target.bestobjid and source.sdss_objid == target.bestobjid]
    misnamed = bool(named) and chosen not in named
    if misnamed:
        notes.append(
            f"The match with Gaia is ambiguous: Gaia's own cross-match gives this SDSS object the source "
            f"{named[0].source_id}, not {chosen.source_id}."
        )
    others = [k for k in near if k != best]
    light = np.nansum(10.0 ** (-0.4 * (brightness[others] - brightness[best]))) if others else 0.0
    if light / (1.0 + light) > BLEND:
        notes.append(f"{100 * light / (1 + light):.0f} % of the light at this position is that of another source.")
    return Match(
        chosen, float(apart[best]), float(brightness[best] - expected), bool(rivals.size) or misnamed, tuple(notes)
    )


def _another_star(source: GaiaSource, expected: float) -> str:
    return (
        f"The Gaia source at this position ({source.source_id}, G {source.phot_g_mean_mag:.1f}) is another star: "
        f"SDSS's magnitudes give G {expected:.1f}."
    )
