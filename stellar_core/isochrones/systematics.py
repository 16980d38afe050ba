"""Systematic errors of the tracks: a small correction, and the errors that remain.

Real dwarfs of known mass are about 50 K cooler than MIST's of their mass, log g and [Fe/H]. The Sun is so too: at its
age MIST's star of 1 Msun and [Fe/H] = 0 is 50 K too hot, 8 % too luminous and 2 % too large. Two shifts remove both:

- [Fe/H]. MIST's zero point is the solar mixture of Asplund et al. (2009, ARA&A 47, 481; Z/X 0.018). Mixtures with
  more metals (Grevesse & Sauval 1998, Z/X 0.023; Magg et al. 2022, A&A 661, A140, 0.0225) make a star of observed
  [Fe/H] = 0 up to 0.1 dex richer. `metallicity_scale` is the part of it that the stars ask for.
- Teff at fixed luminosity, as a more efficient convection gives: radius and log g follow, ages and luminosities do
  not change. It is small for dwarfs and larger for giants, where it grows with [Fe/H] (found by Tayar et al. 2017,
  ApJ 840, 17, too). Clump stars, which MIST has too cool and too large, follow.

The parameters are fitted to eclipsing binaries, seismic stars and the Sun by
`stellar_core.evaluation.systematics_fit`. [alpha/Fe] is no part of it: it enters before, as [M/H].

Do not trust the correction where few or no stars constrain it: below 0.7 Msun (K and M dwarfs in binaries are cooler
than MIST by 5 to 10 %), above 2 Msun, below [Fe/H] = -1, at log g below 1.5. Between 1.3 and 1.5 Msun real stars are
still about 100 K cooler; for the seismic F subgiants among them, more so, two seismic analyses of the same stars differ
by 0.2 dex in age. This is left to the errors. Above [Fe/H] = 0.2 the shift of [Fe/H] is too large for the ten stars
there.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from stellar_core.errors import ModelError
from stellar_core.files import read_json
from stellar_core.isochrones.tracks import Tracks
from stellar_core.paths import TRAINED_DIR

HOME = TRAINED_DIR / "model-errors"
#: Convective envelopes thin out: the shift of Teff falls linearly to none between these temperatures, K.
CONVECTIVE, RADIATIVE = 6000.0, 7000.0
#: The shift changes linearly from dwarfs to giants between these log g, and on to the last; constant beyond.
DWARF_LOGG, GIANT_LOGG, LAST_LOGG = 4.0, 2.5, 2.0
#: [Fe/H] of the giants that were fitted; the shift is constant beyond.
GIANT_FEH = (-1.0, 0.4)


@dataclass(frozen=True)
class ModelErrors:
    """Correction of the tracks, and the errors left.

    Attributes
    ----------
    metallicity_scale : float
        Subtracted from initial and surface [Fe/H] of the tracks, dex.
    dwarf_shift : float
        Added to log10 Teff of dwarfs at fixed luminosity, dex.
    giant_shift, giant_slope : float
        The same for giants of log g 2.5 at [Fe/H] = 0, and its change per dex of [Fe/H].
    teff_error : float
        Error of the tracks in Teff, as a fraction.
    logg_error, feh_error : float
        Errors of the tracks in log g and [Fe/H], dex.
    """

    metallicity_scale: float = 0.0
    dwarf_shift: float = 0.0
    giant_shift: float = 0.0
    giant_slope: float = 0.0
    teff_error: float = 0.0
    logg_error: float = 0.0
    feh_error: float = 0.0

    def shift(self, log_teff: np.ndarray, logg: np.ndarray, feh: np.ndarray) -> np.ndarray:
        """Change of log10 Teff at fixed luminosity.

        Parameters
        ----------
        log_teff, logg, feh : array_like
            Of uncorrected tracks, log10 K and dex, [Fe/H] initial on the corrected scale; broadcast together.
        """
        giant = self.giant_shift + self.giant_slope * np.clip(feh, *GIANT_FEH)
        last = (DWARF_LOGG - LAST_LOGG) / (DWARF_LOGG - GIANT_LOGG)
        evolved = np.clip((DWARF_LOGG - logg) / (DWARF_LOGG - GIANT_LOGG), 0.0, last)
        convective = np.clip((RADIATIVE - 10.0**log_teff) / (RADIATIVE - CONVECTIVE), 0.0, 1.0)
        return convective * (self.dwarf_shift + evolved * (giant - self.dwarf_shift))

    def corrected(self, tracks: Tracks) -> Tracks:
        """The corrected table; the same object for the same table."""
        return _corrected(self, tracks)

    def covariance(self, teff: np.ndarray, logg: np.ndarray, feh: np.ndarray) -> np.ndarray:
        """Covariance of the tracks' errors in Teff (K), log g and [Fe/H] (dex), to be added to the observed one.

        Parameters
        ----------
        teff, logg, feh : array_like
            K, dex, dex; broadcast together.

        Returns
        -------
        (..., 3, 3) float
        """
        teff, logg, feh = np.broadcast_arrays(*(np.asarray(x, float) for x in (teff, logg, feh)))
        errors = np.stack(
            [self.teff_error * teff, np.full(teff.shape, self.logg_error), np.full(teff.shape, self.feh_error)], axis=-1
        )
        return np.square(errors)[..., None] * np.eye(3)

    def to_dict(self) -> dict[str, float]:
        """Parameters by name."""
        return dataclasses.asdict(self)


@lru_cache(maxsize=1)
def load_model_errors(folder: Path | None = None) -> ModelErrors:
    """Load the shipped values; kept in memory after the first call.

    Raises
    ------
    ModelError
        Where the card is missing or damaged.
    """
    path = (folder or HOME) / "card.json"
    try:
        card = read_json(path)
        values = {field.name: float(card["parameters"][field.name]) for field in dataclasses.fields(ModelErrors)}
    except (OSError, ValueError, KeyError, TypeError):
        values = {}
    if not values or not np.isfinite(list(values.values())).all():
        raise ModelError(
            f"The errors of the models ({path.parent.name}/card.json) cannot be read.",
            value=str(path),
            remedy=f"Restore trained/{path.parent.name} from the repository.",
        )
    return ModelErrors(**values)


@lru_cache(maxsize=2)
def _corrected(errors: ModelErrors, tracks: Tracks) -> Tracks:
    feh = tracks.feh - errors.metallicity_scale
    shift = errors.shift(tracks.log_teff, tracks.logg, feh[:, None, None])
    return dataclasses.replace(
        tracks,
        feh=feh,
        feh_surface=tracks.feh_surface - errors.metallicity_scale,
        log_teff=tracks.log_teff + shift,
        log_radius=tracks.log_radius - 2.0 * shift,
        logg=tracks.logg + 4.0 * shift,
        source=f"{tracks.source}, corrected for systematic errors",
    )
