"""True values of MOCK stars, for checks and teaching only: models, training and inference must not import this."""

from __future__ import annotations

import numpy as np

from stellar_core.galaxy import COMPONENTS
from stellar_core.mock.plates import Plate, make_plate
from stellar_core.mock.survey import SEED
from stellar_core.photometry import BANDS
from stellar_core.sdss.star_id import StarId
from stellar_core.stages import STAGES

#: Columns of the truth, each with the field of `stellar_core.mock.population.Population` and its unit. All but the
#: velocity are those of the primary where the star has a companion.
_COLUMNS = {
    "true_teff": ("teff", "K"),
    "true_logg": ("logg", "dex(cm/s2)"),
    "true_feh": ("feh", "dex, at the surface"),
    "true_init_feh": ("init_feh", "dex"),
    "true_alpha_fe": ("alpha_fe", "dex"),
    "true_init_mh": ("init_mh", "dex, [M/H] of the track"),
    "true_mass": ("mass", "Msun, initial"),
    "true_eep": ("eep", ""),
    "true_log_age": ("log_age", "log10(yr); of blue stragglers that of their population"),
    "true_apparent_log_age": ("apparent_log_age", "log10(yr), of a single star at this point of the track"),
    "true_log_lifetime": ("log_lifetime", "log10(yr), to the end of the track"),
    "true_log_radius": ("log_radius", "log10(Rsun)"),
    "true_distance": ("distance_pc", "pc"),
    "true_ebv": ("ebv", "mag"),
    "true_velocity": ("velocity_kms", "km/s, heliocentric, mean of a pair weighted by light"),
    "true_mass_ratio": ("mass_ratio", "mass of the companion over that of the primary, 0 for single stars"),
    "true_log_period": ("log_period", "log10(days), NaN for single stars"),
    "true_secondary_teff": ("secondary_teff", "K, NaN without companion or below the tracks"),
    "true_secondary_logg": ("secondary_logg", "dex(cm/s2), NaN likewise"),
    "true_secondary_velocity": ("secondary_velocity", "km/s, relative to the primary, 0 for single stars"),
}
#: Light of the companion over that of the primary in each band.
_FLUXES = {f"true_secondary_flux_{band}": index for index, band in enumerate(BANDS)}
#: Columns of the truth, with their units.
COLUMNS = {name: unit for name, (_, unit) in _COLUMNS.items()} | dict.fromkeys(_FLUXES, "over that of the primary")


def true_columns(plate: Plate) -> dict[str, np.ndarray]:
    """True values of every star of a plate: `COLUMNS`, ``true_stage`` and ``true_population`` (text)."""
    values = {name: getattr(plate.stars, item) for name, (item, _) in _COLUMNS.items()}
    values |= {name: plate.stars.secondary_flux[:, index] for name, index in _FLUXES.items()}
    values["true_stage"] = np.array(STAGES)[plate.stars.stage]
    values["true_population"] = np.array([item.name for item in COMPONENTS])[plate.stars.component]
    return values


def truth(star: StarId, seed: int = SEED) -> dict[str, float | str]:
    """True values of one star.

    Raises
    ------
    ArchiveError
        If the survey has no such plate or fiber.
    """
    plate = make_plate(seed, star.plate)
    row = plate.row(star.fiber)
    return {
        name: str(values[row]) if values.dtype.kind == "U" else float(values[row])
        for name, values in true_columns(plate).items()
    }
