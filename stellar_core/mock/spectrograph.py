"""Pixel grid, resolution and sky ranges common to SDSS and BOSS spectra."""

from __future__ import annotations

import numpy as np

#: log10 of the wavelength (A, vacuum) of pixel 0 and the step, dex; every SDSS file uses these pixels.
LOGLAM_ZERO, LOGLAM_STEP = 3.55, 1e-4
#: Number of pixels of the common grid: 3548 to 10471 A.
N_PIXEL = 4700
#: Files with more pixels than this come from the BOSS spectrographs.
BOSS_PIXELS = 4200
#: Nodes of the smooth curves, log10 A.
N_NODE = 40
NODES = LOGLAM_ZERO + LOGLAM_STEP * np.linspace(0, N_PIXEL - 1, N_NODE)
#: Ranges (A) with independent residuals of the sky lines: [O I] 5579, [O I] 6302 and 6366, OH bands.
SKY_RANGES = ((5565, 5595), (6280, 6400), (6800, 7700), (7700, 8150), (8150, 8650), (8650, 9250), (9250, 10400))
#: Pixels on each side of a spike that are kept with it.
SPIKE_HALF = 2


def sdss_fwhm(wavelength: np.ndarray) -> np.ndarray:
    """Resolution (FWHM, A) of the emulated spectra: the median of SDSS files, at least the 2.5 A of MILES.

    The line spread (``wdisp``) of SDSS files gives 2.4 A at 4000 A, 2.5 A at 5000 A, 3.2 A at 6500 A and 3.3 A at
    8500 A.
    """
    return np.clip(np.asarray(wavelength, float) / 2030.0, 2.5, 3.4)
