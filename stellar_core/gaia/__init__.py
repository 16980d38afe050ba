"""Parallaxes and magnitudes of Gaia DR3: the star's source, the zero point, and errors that hold.

Nothing here contacts a server on import.
"""

from __future__ import annotations

from stellar_core.gaia.archive import GaiaArchive, open_archive
from stellar_core.gaia.lookup import (
    Finding,
    astrometries,
    find_astrometry,
    find_many,
    find_source,
    look_up,
    look_up_many,
)
from stellar_core.gaia.response import read_sources
from stellar_core.gaia.source import GaiaSource, parse_source_id
from stellar_core.gaia.targets import Target

__all__ = [
    "Finding",
    "GaiaArchive",
    "GaiaSource",
    "Target",
    "astrometries",
    "find_astrometry",
    "find_many",
    "find_source",
    "look_up",
    "look_up_many",
    "open_archive",
    "parse_source_id",
    "read_sources",
]
