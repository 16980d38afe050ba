"""Rebuild the shipped table of tracks: ``python -m stellar_core.isochrones SOURCE``.

SOURCE is a folder of MIST's archives (``.txz``, as ``fetch mist`` leaves them) or of
``.track.eep`` files, or one ``.npz`` archive of all points.
"""

from __future__ import annotations

import sys
from pathlib import Path

from stellar_core.errors import StellarError
from stellar_core.isochrones.eep_files import read_eep_files
from stellar_core.isochrones.mist import read_archive
from stellar_core.isochrones.track_table import build

if len(sys.argv) != 2:
    raise SystemExit("usage: python -m stellar_core.isochrones SOURCE")
source = Path(sys.argv[1])
try:
    build(read_archive(source) if source.suffix == ".npz" else read_eep_files(sorted(source.glob("*.txz")) or source))
except StellarError as error:
    raise SystemExit(f"error: {error}") from None
