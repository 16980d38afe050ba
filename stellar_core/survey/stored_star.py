"""Prepare and label one star for the store, as for the MOCK survey."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from stellar_core.errors import SpectrumError
from stellar_core.isochrones import nearest_label
from stellar_core.preprocessing.features import features
from stellar_core.preprocessing.spectra import prepare
from stellar_core.sdss.catalogue_rows import CatalogueRow
from stellar_core.spectrum import Spectrum


@dataclass(frozen=True)
class StoredStar:
    """A star in the store: inputs, then labels.

    Attributes
    ----------
    row : CatalogueRow
    redshift, snr : float
        Of the prepared spectrum.
    flux, root_ivar : (6800,) float16
        As `stellar_core.datasets.mock_stars.Inputs` has them: prepared flux, and the root of its inverse variance.
    coverage : (6800,) bool
    features : (29,) float32
    log_age, log_lifetime : float, log10(yr)
    mass : float, Msun
        Initial mass of the nearest track point.
    stage : int
        Index into `stellar_core.stages.STAGES`.
    """

    row: CatalogueRow
    redshift: float
    snr: float
    flux: np.ndarray
    root_ivar: np.ndarray
    coverage: np.ndarray
    features: np.ndarray
    log_age: float
    log_lifetime: float
    mass: float
    stage: int


def make_star(row: CatalogueRow, spectrum: Spectrum) -> StoredStar:
    """Prepare and label one star.

    Parameters
    ----------
    row : CatalogueRow
        Its SSPP parameters make the label, its photometry the features.
    spectrum : Spectrum
        As read from its file. Its redshift is used; the catalogue's where it has none.

    Returns
    -------
    StoredStar

    Raises
    ------
    SpectrumError
        If the photometry is incomplete, the parameters lie outside the tracks, or the spectrum
        cannot be prepared. The message becomes the reason in the manifest.
    """
    values = features(row.photometry)
    if not np.isfinite(values).all():
        raise SpectrumError("The photometry is incomplete.")
    found = row.parameters
    label = nearest_label(found.teff, found.logg, found.feh)
    if not bool(label.inside_models):
        raise SpectrumError(
            f"Teff {found.teff:.0f} K, log g {found.logg:.2f} and [Fe/H] {found.feh:.2f} lie outside the tracks."
        )
    own = spectrum.redshift is not None
    prepared = prepare(spectrum, redshift=None if own or not np.isfinite(row.redshift) else row.redshift)
    with np.errstate(over="ignore"):
        flux, root_ivar = prepared.flux.astype(np.float16), np.sqrt(prepared.ivar).astype(np.float16)
    if not (np.isfinite(flux).all() and np.isfinite(root_ivar).all()):
        raise SpectrumError("A pixel's flux or error is outside the range of float16.")
    return StoredStar(
        row=row,
        redshift=prepared.redshift,
        snr=prepared.snr,
        flux=flux,
        root_ivar=root_ivar,
        coverage=prepared.coverage,
        features=values.astype(np.float32),
        log_age=float(label.log_age),
        log_lifetime=float(label.log_lifetime),
        mass=float(label.mass),
        stage=int(label.stage),
    )
