"""Reader of a NumPy archive of all MIST v1.2 tracks."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from stellar_core.constants import SUN_TEFF
from stellar_core.errors import StorageError
from stellar_core.isochrones.massloss import log_mass_left
from stellar_core.isochrones.tracks import HE_END, LAST_EEP, TAMS, ZAMS, Tracks, assemble


def read_archive(path: str | Path, first_eep: int = ZAMS) -> Tracks:
    """Read the NumPy archive of MIST v1.2 tracks (v/vcrit 0.4).

    The archive's log g is that of the initial mass. It is corrected here for the mass
    MIST's own winds remove, so that it is the gravity that a spectrum shows.

    Parameters
    ----------
    path : path
        File with ``init_feh``, ``init_mass``, ``first_row``, ``n_rows``, ``first_eep`` and the
        columns ``log_age_yr``, ``log_teff``, ``log_g``, ``log_radius``, ``feh_surface``.
    first_eep : int
        First EEP kept; pre-main-sequence points lie before 202.

    Raises
    ------
    StorageError
        Where the file is absent or lacks a column.
    """
    path = Path(path)
    names = {
        "log_age": "log_age_yr",
        "log_teff": "log_teff",
        "logg": "log_g",
        "log_radius": "log_radius",
        "feh_surface": "feh_surface",
    }
    try:
        with np.load(path, allow_pickle=False) as stored:
            init_feh, init_mass = stored["init_feh"].astype(float).round(4), stored["init_mass"].astype(float).round(4)
            first_row, n_rows, stored_eep = stored["first_row"], stored["n_rows"], int(stored["first_eep"])
            flat = {ours: stored[theirs].astype(float) for ours, theirs in names.items()}
    except FileNotFoundError:
        raise StorageError(f"There is no track archive at {path}.", value=str(path)) from None
    except (KeyError, ValueError) as error:
        raise StorageError(f"{path.name} is not an archive of MIST tracks: {error}.", value=str(path)) from None
    feh, mass = np.unique(init_feh), np.unique(init_mass)
    eep = np.arange(first_eep, LAST_EEP + 1)
    columns = {name: np.full((feh.size, mass.size, eep.size), np.nan) for name in names}
    skip = first_eep - stored_eep
    for one_feh, one_mass, row, rows in zip(init_feh, init_mass, first_row, n_rows):
        i, j = np.searchsorted(feh, one_feh), np.searchsorted(mass, one_mass)
        length = min(rows - skip, eep.size)
        for name, values in flat.items():
            columns[name][i, j, :length] = values[row + skip : row + skip + length]
    log_luminosity = 2.0 * columns["log_radius"] + 4.0 * (columns["log_teff"] - np.log10(SUN_TEFF))
    masses = np.broadcast_to(mass, columns["log_age"].shape[:2])
    columns["logg"] += log_mass_left(
        columns["log_age"], log_luminosity, columns["log_radius"], masses, eep > TAMS, eep > HE_END
    )
    return assemble(feh, mass, eep, columns, source=f"MIST v1.2, v/vcrit 0.4, all points ({path.name})")
