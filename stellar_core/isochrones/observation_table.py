"""What the rows of a table say of their stars: atmosphere, magnitudes, parallax, extinction."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from stellar_core.bolometric_corrections import GAIA_2MASS_BANDS, SDSS_BANDS
from stellar_core.constants import SSPP_ERRORS
from stellar_core.errors import ParameterError
from stellar_core.isochrones.observation import POSSIBLE, UNKNOWN_ERRORS, UNKNOWN_VALUES
from stellar_core.isochrones.photometric_likelihood import PhotometricLikelihood

if TYPE_CHECKING:
    import pandas

#: Columns of the atmosphere, with units in their names: values, then errors. Any may be absent or empty.
INPUT_COLUMNS = ("teff_K", "logg_dex", "feh_dex", "teff_err_K", "logg_err_dex", "feh_err_dex")
BANDS = SDSS_BANDS + GAIA_2MASS_BANDS
PARALLAX_COLUMNS, EXTINCTION_COLUMNS = ("parallax_mas", "parallax_err_mas"), ("av_mag", "av_err_mag")
#: Error of a magnitude given without one, mag; of A_V given without one, in mag and as a fraction of it.
MAGNITUDE_ERROR, EXTINCTION_ERROR = 0.02, (0.03, 0.1)
#: Possible magnitudes, parallaxes (mas) and A_V (mag): others are marks of missing values.
MAGNITUDES, PARALLAXES, EXTINCTIONS = (-5.0, 35.0), (-1000.0, 1000.0), (0.0, 50.0)


@dataclass(frozen=True)
class ObservationTable:
    """Observations of many stars.

    Attributes
    ----------
    mean, errors : (n_star, 3) float
        Teff (K), log g, [Fe/H]; an unknown value has an error of `UNKNOWN_ERRORS`.
    photometry : list of PhotometricLikelihood or None
        None for a star without magnitudes.
    usable : (n_star,) bool
        False for impossible values, and for a star with neither a temperature nor a colour.
    has_photometry : bool
        True if the table has a column of a magnitude, a parallax or an extinction.
    """

    mean: np.ndarray
    errors: np.ndarray
    photometry: list[PhotometricLikelihood | None]
    usable: np.ndarray
    has_photometry: bool

    @classmethod
    def read(cls, frame: pandas.DataFrame) -> ObservationTable:
        """Read the columns of a table; all names are in the documentation of `label_table`.

        Raises
        ------
        ParameterError
            If it has neither a temperature nor two magnitudes.
        """
        names = set(frame.columns)
        bands = [band for band in BANDS if f"{band}_mag" in names]
        if "teff_K" not in names and len(bands) < 2:
            raise ParameterError(
                "The table lacks the column teff_K.",
                remedy=f"It needs {', '.join(INPUT_COLUMNS)}, or magnitudes such as G_mag, G_err_mag.",
            )
        values, errors = (_columns(frame, part) for part in (INPUT_COLUMNS[:3], INPUT_COLUMNS[3:]))
        low, high = np.array([limits[:2] for limits in POSSIBLE.values()]).T
        known = ~np.isnan(values)
        errors = np.where(np.isnan(errors) & known, SSPP_ERRORS, errors)
        with np.errstate(invalid="ignore"):
            impossible = known & ~((values >= low) & (values <= high) & (errors > 0) & np.isfinite(errors))
        values, errors = np.where(known, values, UNKNOWN_VALUES), np.where(known, errors, UNKNOWN_ERRORS)
        photometry = _photometry(frame, bands)
        colours = np.array([one is not None and len(one.magnitudes) > 1 for one in photometry], bool)
        usable = ~impossible.any(axis=1) & (known[:, 0] | colours)
        return cls(values, errors, photometry, usable, bool(bands))


def _columns(frame: pandas.DataFrame, names: tuple[str, ...]) -> np.ndarray:
    """(n_star, n_name) numbers, NaN where there is none."""
    import pandas as pd

    found = [
        pd.to_numeric(frame[name], errors="coerce").to_numpy(float)
        if name in frame.columns
        else np.full(len(frame), np.nan)
        for name in names
    ]
    return np.stack(found, axis=-1) if found else np.empty((len(frame), 0))


def _inside(values: np.ndarray, limits: tuple[float, float]) -> np.ndarray:
    with np.errstate(invalid="ignore"):
        return (values >= limits[0]) & (values <= limits[1])


def _photometry(frame: pandas.DataFrame, bands: list[str]) -> list[PhotometricLikelihood | None]:
    if not bands:
        return [None] * len(frame)
    magnitude = _columns(frame, tuple(f"{band}_mag" for band in bands))
    error = _columns(frame, tuple(f"{band}_err_mag" for band in bands))
    error = np.where(_inside(error, (0.0, 10.0)) & (error > 0), error, MAGNITUDE_ERROR)
    has = _inside(magnitude, MAGNITUDES)
    parallax, parallax_error = _columns(frame, PARALLAX_COLUMNS).T
    measured = _inside(parallax, PARALLAXES) & _inside(parallax_error, (1e-6, 1000.0))
    av, av_error = _columns(frame, EXTINCTION_COLUMNS).T
    floor, fraction = EXTINCTION_ERROR
    av_error = np.where(_inside(av_error, (1e-4, 50.0)), av_error, floor + fraction * np.nan_to_num(av))
    reddened = _inside(av, EXTINCTIONS)
    found: list[PhotometricLikelihood | None] = []
    for row in range(len(frame)):
        given = {band: (float(magnitude[row, k]), float(error[row, k])) for k, band in enumerate(bands) if has[row, k]}
        if not given:
            found.append(None)
            continue
        plx = (float(parallax[row]), float(parallax_error[row])) if measured[row] else (None, None)
        dust = (float(av[row]), float(av_error[row])) if reddened[row] else (None, None)
        found.append(PhotometricLikelihood(given, *plx, *dust))
    return found
