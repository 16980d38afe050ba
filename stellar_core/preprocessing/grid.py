"""The wavelength grid of the networks."""

from __future__ import annotations

import numpy as np

#: (6800,) float64, rest-frame vacuum wavelength in Angstrom (paper, section 3.2.4 ii).
GRID = np.arange(3600.0, 10400.0)
GRID.flags.writeable = False
#: Longest gap between good pixels that is interpolated, Angstrom: longer than a cosmic ray, a sky line or a dead
#: column, shorter than a lost stretch of spectrum.
MAX_GAP = 20.0
