"""The stellar library that the spectral emulator is fitted to.

Four public libraries on one grid (3600..10399 A, 1 A, vacuum, rest frame): MILES
(Sanchez-Blazquez et al. 2006), STELIB (Le Borgne et al. 2003), the BOSS mean
templates (Kesseli et al. 2017) and the Kurucz standards of the SDSS pipeline.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from stellar_core.errors import ParameterError
from stellar_core.mock.spectrograph import sdss_fwhm
from stellar_core.preprocessing.grid import GRID

#: Width (standard deviation, A) of the smoothing that separates lines from continuum.
CONTINUUM_SIGMA = 100.0

#: Ranges (A) with telluric absorption or artefacts in a library.
MASKED_RANGES = {
    "MILES": ((7370, 10400),),
    "STELIB": ((6860, 6965), (7155, 7350), (7580, 7720), (8090, 8360), (8900, 10400)),
    "BOSS_TEMPLATE": ((3600, 3700), (9250, 9650), (10050, 10400)),
    "KURUCZ_STD": (),
}

#: Weight of a library below and above 7370 A. MILES has the best labels and lines, the others extend
#: it: BOSS templates have [Fe/H] in steps of 0.5, Kurucz spectra are models.
WEIGHTS = {"MILES": (1.0, 0.0), "STELIB": (0.15, 0.7), "BOSS_TEMPLATE": (0.4, 1.0), "KURUCZ_STD": (0.02, 0.3)}

#: Full width at half maximum (A) of the spectra as distributed; None = already at SDSS's.
LIBRARY_FWHM = {"MILES": 2.5, "STELIB": 3.0, "BOSS_TEMPLATE": None, "KURUCZ_STD": None}


def broaden(flux: np.ndarray, sigma: np.ndarray) -> np.ndarray:
    """Convolve (n, 6800) spectra with a Gaussian of varying ``sigma`` (6800,), in A.

    Interpolates between a few fixed widths: each costs one convolution.
    """
    from scipy.ndimage import gaussian_filter1d

    levels = np.linspace(0.0, max(float(sigma.max()), 1e-3), 8)
    stack = [flux if level == 0 else gaussian_filter1d(flux, level, axis=-1) for level in levels]
    # The effect of a narrow Gaussian grows with the square of its width.
    position = np.interp(sigma**2, levels**2, np.arange(levels.size))
    low = np.minimum(position.astype(int), levels.size - 2)
    fraction = (position - low).astype(flux.dtype)
    out = np.empty_like(flux)
    for level in range(levels.size - 1):
        here = low == level
        part = fraction[here]
        out[..., here] = (1 - part) * stack[level][..., here] + part * stack[level + 1][..., here]
    return out


def smooth_continuum(flux: np.ndarray) -> np.ndarray:
    """Continuum of complete (n, 6800) spectra: a Gaussian of 100 A, edges handled by renormalising."""
    from scipy.ndimage import gaussian_filter1d

    options = {"sigma": CONTINUUM_SIGMA, "axis": -1, "mode": "constant", "truncate": 3.0}
    norm = gaussian_filter1d(np.ones(flux.shape[-1], dtype=flux.dtype), **{**options, "axis": 0})
    return gaussian_filter1d(flux, **options) / norm


@dataclass(frozen=True)
class StellarLibrary:
    """Library spectra with labels.

    Attributes
    ----------
    source, name : (n,) str
        Library and star of each spectrum.
    labels : (n, 3) float64
        Teff [K], log g [dex], [Fe/H] [dex].
    flux : (n, 6800) float32
        Flux on `GRID` at the resolution of `sdss_fwhm`, arbitrary scale, gaps interpolated.
    weight : (n, 6800) float32
        Weight in the fit; 0 where a library has no data or is masked.
    """

    source: np.ndarray
    name: np.ndarray
    labels: np.ndarray
    flux: np.ndarray
    weight: np.ndarray

    def __len__(self) -> int:
        return len(self.labels)


def load_library(folder: Path) -> StellarLibrary:
    """Read ``stellar_library.npz`` and ``.csv`` of a data folder and convolve all to one resolution.

    Parameters
    ----------
    folder : Path
        Folder that holds the two files.

    Returns
    -------
    StellarLibrary
        Only spectra with all three labels.
    """
    import pandas as pd

    path = Path(folder) / "stellar_library.npz"
    if not path.exists():
        raise ParameterError(f"No stellar library at {path}.", value=path)
    table = pd.read_csv(path.with_suffix(".csv"))
    with np.load(path) as archive:
        raw = archive["flux"].astype(np.float32)
    labels = table[["teff_K", "logg_dex", "feh_dex"]].to_numpy(float)
    keep = np.isfinite(labels).all(axis=1)
    source, name = (np.array(table[column].astype(str).tolist())[keep] for column in ("source", "name"))
    raw, labels = raw[keep], labels[keep]

    flux, weight = np.empty_like(raw), np.zeros_like(raw)
    target = sdss_fwhm(GRID)
    for library, fwhm in LIBRARY_FWHM.items():
        rows = np.flatnonzero(source == library)
        if not rows.size:
            continue
        covered = np.isfinite(raw[rows]) & (raw[rows] > 0)
        for low, high in MASKED_RANGES[library]:
            covered[:, (GRID >= low) & (GRID < high)] = False
        filled = np.stack([_bridge(spectrum, good) for spectrum, good in zip(raw[rows], covered)])
        if fwhm is not None:
            sigma = np.sqrt(np.maximum(target**2 - fwhm**2, 0.0)) / 2.3548
            filled = broaden(filled, sigma.astype(np.float32))
        flux[rows] = filled
        blue, red = WEIGHTS[library]
        weight[rows] = covered * np.where(GRID < 7370, blue, red).astype(np.float32)
    return StellarLibrary(source, name, labels, flux, weight)


def _bridge(spectrum: np.ndarray, good: np.ndarray) -> np.ndarray:
    """Fill gaps linearly and the ends with the mean of the last 50 A."""
    pixels = np.flatnonzero(good)
    out = np.interp(np.arange(spectrum.size), pixels, spectrum[pixels]).astype(np.float32)
    out[: pixels[0]] = spectrum[pixels[:50]].mean()
    out[pixels[-1] + 1 :] = spectrum[pixels[-50:]].mean()
    return out
