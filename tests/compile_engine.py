"""Compile the engine of the isochrones into its cache: ``python -m tests.compile_engine``.

In a fresh clone each process that needs the engine would compile it, for ten seconds and more.
"""

from __future__ import annotations

import numpy as np

from stellar_core.isochrones import infer_posterior, load_tracks
from stellar_core.isochrones.catalogue_posterior import FEW_STARS, CataloguePosterior, diagonal_covariance
from stellar_core.isochrones.photometric_likelihood import PhotometricLikelihood

#: Teff, log g and [Fe/H] of the Sun, and errors for few samples and bins.
SUN, ERRORS = (5772.0, 4.438, 0.0), np.array([150.0, 0.3, 0.3])


def main() -> None:
    """Infer a star from its atmosphere, one with a parallax, and as many equal stars as bins are made for."""
    infer_posterior(*SUN, tuple(ERRORS))
    photometry = PhotometricLikelihood({"G": (9.66, 0.02)}, parallax=10.0, parallax_error=0.1)
    infer_posterior(*SUN, tuple(ERRORS), photometry=photometry).distance_and_extinction()
    tracks = load_tracks()
    coarse = tracks.thin(np.unique(np.append(tracks.eep[::9], tracks.eep[-1])))
    stars = (np.full(FEW_STARS, value) for value in SUN)
    CataloguePosterior(tracks=coarse).evaluate(*stars, diagonal_covariance(ERRORS))


if __name__ == "__main__":
    main()
