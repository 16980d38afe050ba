"""True values of MOCK stars, for checks and teaching only: models, training and inference must not import this."""

from __future__ import annotations

import numpy as np

from stellar_core.galaxy import COMPONENTS
from stellar_core.mock.plates import Plate, make_plate
from stellar_core.mock.survey import SEED
from stellar_core.sdss.star_id import StarId
from stellar_core.stages import STAGES

#: Columns of the truth, with their units.
COLUMNS = {
    "true_teff": "K",
    "true_logg": "dex(cm/s2)",
    "true_feh": "dex, at the surface",
    "true_init_feh": "dex",
    "true_mass": "Msun, initial",
    "true_eep": "",
    "true_log_age": "log10(yr)",
    "true_log_lifetime": "log10(yr), to the end of the track",
    "true_log_radius": "log10(Rsun)",
    "true_distance": "pc",
    "true_ebv": "mag",
    "true_velocity": "km/s, heliocentric",
}
_FIELDS = (
    "teff",
    "logg",
    "feh",
    "init_feh",
    "mass",
    "eep",
    "log_age",
    "log_lifetime",
    "log_radius",
    "distance_pc",
    "ebv",
    "velocity_kms",
)


def true_columns(plate: Plate) -> dict[str, np.ndarray]:
    """True values of every star of a plate: `COLUMNS`, ``true_stage`` and ``true_population`` (text)."""
    values = {name: getattr(plate.stars, item) for name, item in zip(COLUMNS, _FIELDS)}
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
