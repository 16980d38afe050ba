"""Compare networks trained on the mock survey with REAL stars.

Four samples, none of which the networks were trained on: SDSS stars with SSPP labels, and the spectra of STELIB, the
BOSS mean templates and MILES (to which the emulator was fitted). Only spectra are used, no photometry.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from torch import nn

from stellar_core.errors import ParameterError, StellarError
from stellar_core.evaluation.atmospheres import spectrum_atmosphere
from stellar_core.preprocessing.grid import GRID
from stellar_core.preprocessing.spectra import PreparedSpectrum, prepare
from stellar_core.progress import Progress
from stellar_core.spectrum import Spectrum

#: Names of the library samples; range of Teff of their stars, K.
SAMPLES = {"STELIB": "STELIB", "BOSS templates": "BOSS_TEMPLATE", "MILES": "MILES"}
TEFF_RANGE = (4000.0, 8000.0)
#: Assumed S/N per pixel of library spectra, and maximum number of stars per library.
LIBRARY_SNR, LIBRARY_STARS = 100.0, 200

Atmosphere = Callable[[Sequence[PreparedSpectrum]], np.ndarray]


@dataclass(frozen=True)
class RealSample:
    """Real spectra with labels from the literature or the SSPP.

    Attributes
    ----------
    name : str
    stars : tuple of str
    spectra : tuple of PreparedSpectrum
    labels : (n, 3) float64
        Teff [K], log g [dex], [Fe/H] [dex], as published; NaN where unknown.
    """

    name: str
    stars: tuple[str, ...]
    spectra: tuple[PreparedSpectrum, ...]
    labels: np.ndarray


def sdss_stars(folder: Path) -> RealSample:
    """Read the SDSS files of ``folder`` with all three SSPP labels in its ``index.csv``."""
    import pandas as pd

    from stellar_core.sdss.readers import read_spectrum

    table = pd.read_csv(Path(folder) / "index.csv")
    columns = ["sspp_teff", "sspp_logg", "sspp_feh"]
    table = table[table[columns].notna().all(axis=1)]
    spectra = tuple(prepare(read_spectrum(Path(folder) / name)) for name in table["file"])
    return RealSample("SDSS", tuple(table["file"].str.slice(5, -5)), spectra, table[columns].to_numpy(float))


def library_stars(folder: Path, name: str) -> RealSample:
    """Read up to 200 spectra of a library, evenly selected, that can be prepared.

    Parameters
    ----------
    folder : Path
        With ``stellar_library.npz`` and ``.csv``.
    name : str
        A key of `SAMPLES`.
    """
    import pandas as pd

    table = pd.read_csv(Path(folder) / "stellar_library.csv")
    with np.load(Path(folder) / "stellar_library.npz") as archive:
        flux = archive["flux"]
    labels = table[["teff_K", "logg_dex", "feh_dex"]].to_numpy(float)
    use = (table["source"] == SAMPLES[name]) & np.isfinite(labels).all(axis=1)
    rows = np.flatnonzero(use & (labels[:, 0] > TEFF_RANGE[0]) & (labels[:, 0] < TEFF_RANGE[1]))
    kept, spectra = [], []
    for row in rows[:: max(1, rows.size // LIBRARY_STARS)]:
        good = np.isfinite(flux[row]) & (flux[row] > 0)
        values = np.where(good, flux[row], 0.0).astype(float)
        ivar = np.where(good, (LIBRARY_SNR / np.maximum(values, 1e-3)) ** 2, 0.0)
        star = str(table["name"][row])
        try:
            spectra.append(prepare(Spectrum(GRID.copy(), values, ivar, redshift=0.0, name=star)))
        except StellarError:
            continue
        kept.append(row)
    return RealSample(name, tuple(str(table["name"][row]) for row in kept), tuple(spectra), labels[kept])


def load_samples(data: Path) -> list[RealSample]:
    """Read all four samples of a data folder with ``sdss/`` and ``library/``.

    Raises
    ------
    ParameterError
        If a folder is missing.
    """
    data = Path(data)
    for part in ("sdss/index.csv", "library/stellar_library.npz"):
        if not (data / part).exists():
            raise ParameterError(f"There is no {part} in {data}.", value=str(data), remedy="Name the data folder.")
    return [sdss_stars(data / "sdss"), *(library_stars(data / "library", name) for name in SAMPLES)]


def compare(sample: RealSample, atmosphere: Atmosphere) -> dict[str, float | int | str]:
    """Compute median difference (network minus label) and scatter (1.4826 MAD about it) for one sample.

    Parameters
    ----------
    sample : RealSample
    atmosphere : callable
        From n prepared spectra to (n, 3): Teff [K], log g, [Fe/H] [dex].

    Returns
    -------
    dict
        ``sample``, ``n``, and ``teff_bias`` [K], ``teff_scatter``, ``logg_bias`` [dex] and so on.
    """
    difference = atmosphere(sample.spectra) - sample.labels
    bias = np.nanmedian(difference, axis=0)
    scatter = 1.4826 * np.nanmedian(np.abs(difference - bias), axis=0)
    found: dict[str, float | int | str] = {"sample": sample.name, "n": len(sample.spectra)}
    for name, offset, width in zip(("teff", "logg", "feh"), bias, scatter):
        digits = 1 if name == "teff" else 3
        found |= {f"{name}_bias": round(float(offset), digits), f"{name}_scatter": round(float(width), digits)}
    return found


def compare_samples(
    network: nn.Module, data: Path, progress: Progress = lambda name, done, total: None
) -> list[dict[str, float | int | str]]:
    """`compare` a network with every sample of the folder ``data``, without dropout and photometry."""
    atmosphere, rows = spectrum_atmosphere(network), []
    samples = load_samples(data)
    for number, sample in enumerate(samples, 1):
        rows.append(compare(sample, atmosphere))
        progress("samples of real stars", number, len(samples))
    return rows
