"""Imports that must be finished before threads start."""

from __future__ import annotations


def load_libraries() -> None:
    """Import the modules of Astropy and astroquery that look-ups need, in this thread.

    Astropy's modules import each other in circles: two threads that enter such a circle at different places at the
    same time find modules that are only half imported.
    """
    import astropy.coordinates
    import astropy.io.fits  # noqa: F401
    import astroquery.sdss  # noqa: F401
