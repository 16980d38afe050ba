"""Libraries that must be there before threads begin."""

from __future__ import annotations


def load_libraries() -> None:
    """Import what look-ups need, in this thread.

    Astropy's modules import each other in circles: two threads that enter such a circle at different places at the
    same time meet half-made modules. A quarter of a second, once in a process.
    """
    import astropy.coordinates
    import astropy.io.fits  # noqa: F401
    import astroquery.sdss  # noqa: F401
