"""MOCK stars matched to REAL ones in Teff, log g, [Fe/H], reddening, velocity, S/N and spectrograph."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from stellar_core.constants import SPEED_OF_LIGHT, SSPP_ERRORS
from stellar_core.errors import SpectrumError, StellarError
from stellar_core.evaluation.realism.features import realism_features
from stellar_core.inference.estimator import Estimator
from stellar_core.inference.spectral_diagnostics import line_profile
from stellar_core.mock.emulator import SpectralEmulator
from stellar_core.mock.instrument import observe
from stellar_core.mock.photometry import redden
from stellar_core.mock.spectrograph import BOSS_PIXELS
from stellar_core.preprocessing.grid import GRID
from stellar_core.preprocessing.smoothing import smooth
from stellar_core.preprocessing.spectra import PreparedSpectrum
from stellar_core.sdss.readers import read_spectrum
from stellar_core.spectrum import Spectrum

#: Mock stars for each real one.
COPIES = 6
#: Prior width of the fitted Teff [K], log g and [Fe/H] about the SSPP's or the network's values, 1 sigma: the scales
#: differ.
PRIOR = (150.0, 0.25, 0.15)
#: Window of the fit, Angstrom, scatter of a line profile about its best emulated one, and points per independent one.
FIT_WINDOW, PROFILE_SCATTER, CORRELATED = (3900, 6800), 0.03, 10.0


@dataclass(frozen=True)
class MatchParameters:
    """Parameters of mock stars matched to a real one.

    Attributes
    ----------
    atmosphere : tuple of float
        Teff [K], log g, [Fe/H] [dex] on the emulator's scale: the best fit to the lines, near the SSPP's
        values if known, else near the network's.
    ebv : float
        E(B-V) that matches the emulated slope between 4500 and 8500 A to the star's, mag.
    velocity_kms : float
    snr : float
    instrument : {"SDSS", "BOSS"}
    redshift_known : bool
        True if the file gives the velocity; else it is measured, for mock stars too.
    """

    atmosphere: tuple[float, float, float]
    ebv: float
    velocity_kms: float
    snr: float
    instrument: str
    redshift_known: bool


@dataclass(frozen=True)
class Sample:
    """Real spectra and matched mock spectra with their features.

    Attributes
    ----------
    star : (n,) int64
        Number of the real star, also for its mock stars.
    real : (n,) bool
    flux : (n, 6800) float32
        Prepared spectra.
    profile : (n, 6800) float32
        The same over their running mean; 1 outside the coverage.
    groups : dict of str to (n, n_feature) float64
    """

    star: np.ndarray
    real: np.ndarray
    flux: np.ndarray
    profile: np.ndarray
    groups: dict[str, np.ndarray]


def real_stars(folder: Path, estimator: Estimator) -> list[tuple[Spectrum, MatchParameters]]:
    """Read the stars of a folder of SDSS files with ``index.csv``, except those unlike any library star.

    Raises
    ------
    SpectrumError
        If fewer than 20 are found.
    """
    found = []
    with open(Path(folder) / "index.csv", newline="") as lines:
        rows = [row for row in csv.DictReader(lines) if row["kind"] == "STAR"]
    for row in rows:
        spectrum = read_spectrum(Path(folder) / row["file"])
        try:
            result = estimator.estimate(spectrum, samples=10)
        except StellarError:
            continue
        known = [row[f"sspp_{name}"] for name in ("teff", "logg", "feh")]
        ours = (result.teff.mean, result.logg.mean, result.feh.mean)
        atmosphere = tuple(float(text) if text else value for text, value in zip(known, ours))
        prepared = estimator.prepare(spectrum)
        atmosphere = fit_atmosphere(prepared, atmosphere)
        if not SpectralEmulator.load().domain(*atmosphere)[0]:
            continue
        instrument = "BOSS" if spectrum.wavelength.size > BOSS_PIXELS else "SDSS"
        like = MatchParameters(
            atmosphere,
            _dust(prepared, atmosphere),
            prepared.redshift * SPEED_OF_LIGHT,
            spectrum.snr,
            instrument,
            prepared.redshift_source == "file",
        )
        found.append((spectrum, like))
    if len(found) < 20:
        raise SpectrumError(f"Only {len(found)} real stars in {folder}; at least 20 are needed.", value=len(found))
    return found


def fit_atmosphere(prepared: PreparedSpectrum, start: tuple[float, float, float]) -> tuple[float, float, float]:
    """Fit Teff [K], log g, [Fe/H] [dex] of emulated lines to a star's, with the prior `PRIOR` about ``start``."""
    from scipy.optimize import least_squares

    emulator, everywhere = SpectralEmulator.load(), np.ones((1, GRID.size), bool)
    window = slice(int(FIT_WINDOW[0] - GRID[0]), int(FIT_WINDOW[1] - GRID[0]))
    observed = line_profile(prepared.flux[None], prepared.coverage[None])[0, window]
    known = np.isfinite(observed)
    scatter = np.hypot(PROFILE_SCATTER, 0.5 / max(prepared.snr, 1.0)) * np.sqrt(CORRELATED)

    def misfit(x: np.ndarray) -> np.ndarray:
        step = x - 1.0
        model = smooth(emulator.spectra(*(np.array(start) + step * PRIOR))[0].astype(float))
        profile = line_profile(model[None], everywhere)[0, window]
        return np.concatenate([np.clip((observed - profile)[known], -0.3, 0.3) / scatter, step])

    # Steps are relative: the fit starts at 1, and a tenth of the prior width is well above rounding errors.
    found = least_squares(misfit, np.ones(3), diff_step=0.1, max_nfev=30).x - 1.0
    return tuple(float(value) for value in np.array(start) + np.clip(found, -4, 4) * PRIOR)


def _dust(prepared: PreparedSpectrum, atmosphere: tuple[float, float, float]) -> float:
    """E(B-V) from the slope between 4500 and 8500 A, mag, 0 to 1."""
    trial = np.linspace(0.0, 1.0, 101)
    model = redden(
        np.repeat(SpectralEmulator.load().spectra(*np.array(atmosphere)[:, None]), trial.size, axis=0), trial
    )
    blue, red = slice(900, 1100), slice(4800, 5000)
    wanted = np.median(prepared.flux[blue]) / np.median(prepared.flux[red])
    slope = np.median(model[:, blue], axis=1) / np.median(model[:, red], axis=1)
    return float(trial[np.argmin(np.abs(np.log(slope / max(wanted, 1e-3))))])


def mock_stars(like: MatchParameters, copies: int, seed: int, rest: np.ndarray | None = None) -> list[Spectrum]:
    """Make MOCK spectra matched to a real star, as in SDSS files.

    Parameters
    ----------
    like : MatchParameters
    copies, seed : int
        Equal seeds give equal stars.
    rest : (6800,) float, optional
        Rest-frame spectrum to observe instead of emulated ones.
    """
    rng = np.random.default_rng(seed)
    if rest is None:
        labels = np.tile(like.atmosphere, (copies, 1)) + rng.standard_normal((copies, 3)) * SSPP_ERRORS
        # The real star's E(B-V) includes the tilt of its flux calibration; the mock star's tilt adds to it.
        rest = redden(SpectralEmulator.load().spectra(*labels.T, rng=rng), np.full(copies, like.ebv))
    else:
        rest = np.tile(rest, (copies, 1))
    seen = observe(rest, like.velocity_kms, like.snr, like.instrument, rng)
    # Redshifts in files have a systematic error of 4 km/s in addition to that from noise.
    error = np.hypot(4.0, 120.0 / like.snr)
    spectra = []
    for flux, ivar in zip(seen.flux, seen.ivar):
        inside = np.flatnonzero(flux != 0)
        use = slice(inside[0], inside[-1] + 1)
        redshift = (like.velocity_kms + error * rng.standard_normal()) / SPEED_OF_LIGHT if like.redshift_known else None
        spectra.append(Spectrum(seen.wavelength[use], flux[use], ivar[use], redshift, source="mock"))
    return spectra


def pipeline_model(spectrum: Spectrum, velocity_kms: float) -> np.ndarray:
    """(6800,) the pipeline's model of a real spectrum, noiseless, in the star's rest frame."""
    return np.interp(GRID * (1.0 + velocity_kms / SPEED_OF_LIGHT), spectrum.wavelength, spectrum.model)


def sample(
    stars: list[tuple[Spectrum, MatchParameters]], estimator: Estimator, copies: int = COPIES, *, emulated: bool = True
) -> Sample:
    """Compute features of real stars and of ``copies`` mock stars matched to each.

    Parameters
    ----------
    stars : list of (Spectrum, MatchParameters)
        From `real_stars`.
    estimator : Estimator
        Its preprocessing is used.
    copies : int
    emulated : bool
        False to observe the SDSS pipeline's model of each spectrum instead of emulated spectra: a reference for another
        kind of synthesis.
    """
    star, real, flux, coverage, features = [], [], [], [], []
    for number, (spectrum, like) in enumerate(stars):
        rest = None if emulated else pipeline_model(spectrum, like.velocity_kms)
        for place, one in enumerate([spectrum, *mock_stars(like, copies, number, rest)]):
            prepared = estimator.prepare(one)
            star.append(number)
            real.append(place == 0)
            flux.append(prepared.flux)
            coverage.append(prepared.coverage)
            features.append(realism_features(one))
    stacked = np.array(flux)
    profile = np.nan_to_num(line_profile(stacked, np.array(coverage)), nan=1.0)
    groups = {name: np.array([row[name] for row in features]) for name in features[0]}
    return Sample(np.array(star), np.array(real), stacked, profile, groups)
