"""Build the MOCK survey's parameter pipeline: its templates, their parameter scales, and the weights of its methods."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from stellar_core.constants import SPEED_OF_LIGHT
from stellar_core.galaxy import STRAGGLERS
from stellar_core.mock.emulator import SpectralEmulator
from stellar_core.mock.instrument import observe
from stellar_core.mock.light import LightSources, rest_spectra
from stellar_core.mock.photometry import observe_photometry
from stellar_core.mock.pipeline import (
    HOME,
    MISSING,
    TARGET,
    TARGET_SCALE,
    WINDOWS,
    colours_of,
    gaussian_kernel,
    line_spectrum,
)
from stellar_core.mock.population import draw
from stellar_core.mock.spectrograph import sdss_fwhm
from stellar_core.model_store import write_model
from stellar_core.preprocessing.features import features_batch
from stellar_core.preprocessing.normalisation import normalise_batch

#: Templates drawn, and used by each method.
DRAWN, TEMPLATES = 3000, 1500
SEED = 20_080_101
#: Range of S/N of the templates, and share drawn evenly over the Kiel diagram.
SNR, FLATTEN = (20.0, 80.0), 0.7
#: Principal components of a method, and weight of a magnitude of colour.
COMPONENTS, COLOUR_SCALE = 20, 0.5
#: Scale of the colours where they stand alone, 1/mag; length of the kernel in units of the median distance of
#: templates; variance of the noise of a target in units of its scale.
COLOURS_ALONE, LENGTH, NOISE = 7.0, 1.0, 0.03
#: Systematic errors of the parameter scale of all templates, and of those of one method: standard deviations in K, dex,
#: dex. With them the errors of the adopted parameters, and their quoted errors, are those of the SSPP; see
#: `stellar_core.evaluation.pipeline_errors`.
COMMON_SCALE, OWN_SCALE = (120.0, 0.22, 0.22), (75.0, 0.28, 0.05)
#: Distances over which they change: log10 Teff, log g, [Fe/H]; and the number of waves that they are made of.
CORRELATION, WAVES = np.array([0.04, 0.8, 0.8]), 200


def build(folder: Path = HOME) -> dict[str, object]:
    """Draw the templates, fit the methods, write them and return the card."""
    rng = np.random.default_rng(SEED)
    flux, coverage, features, atmosphere = _templates(rng)
    colours = colours_of(features)
    targets = np.column_stack([np.log10(atmosphere[:, 0]), atmosphere[:, 1:]])
    common = scale_errors(targets, COMMON_SCALE, rng)
    arrays: dict[str, np.ndarray] = {}
    numbers: dict[str, dict[str, float]] = {}
    for name, window in WINDOWS.items():
        shifted = (targets + common + scale_errors(targets, OWN_SCALE, rng) - TARGET) / TARGET_SCALE
        if window is None:
            rows = np.arange(min(TEMPLATES, len(targets)))
            mean, components, scale, colour_scale = np.zeros(0), np.zeros((0, 0)), 1.0, COLOURS_ALONE
            place = colours[rows] * colour_scale
        else:
            lines, covered = line_spectrum(flux, coverage, window)
            rows = np.flatnonzero(covered >= 1.0 - MISSING)[:TEMPLATES]
            mean, colour_scale = lines[rows].mean(axis=0), COLOUR_SCALE
            components = np.linalg.svd(lines[rows] - mean, full_matrices=False)[2][:COMPONENTS]
            scores = (lines[rows] - mean) @ components.T
            scale = float(scores[:, 0].std())
            place = np.column_stack([scores / scale, colours[rows] * colour_scale])
        length = LENGTH * float(np.median(_distances(place[:500])))
        kernel = gaussian_kernel(place, place, length) + NOISE * np.eye(len(rows))
        weights = np.linalg.solve(kernel, shifted[rows])
        parts = {"mean": mean, "components": components, "templates": place, "weights": weights}
        arrays.update({f"{name}.{key}": array.astype(np.float32) for key, array in parts.items()})
        numbers[name] = {
            "templates": len(rows), "scale": scale, "colour_scale": colour_scale, "length": length
        }  # fmt: skip
    card = {
        "name": "mock-pipeline",
        "what": "Teff, log g and [Fe/H] of MOCK stars from their noisy spectra and colours, with errors as the SSPP's",
        "data": f"{len(targets)} MOCK single stars of S/N {SNR[0]:g} to {SNR[1]:g}",
        "references": ["Lee et al. 2008a, AJ 136, 2022", "Lee et al. 2008b, AJ 136, 2050"]
        + ["Allende Prieto et al. 2008, AJ 136, 2070", "Rockosi et al. 2022, ApJS 259, 60"],
        "command": "python -m stellar_core build pipeline",
        "seed": SEED,
        "common_scale": list(COMMON_SCALE),
        "own_scale": list(OWN_SCALE),
        "methods": numbers,
    }
    return write_model(folder, arrays, card)


def scale_errors(targets: np.ndarray, sizes: tuple[float, float, float], rng: np.random.Generator) -> np.ndarray:
    """Systematic errors of a parameter scale: smooth random functions of the parameters (n, 3), of mean 0.

    Parameters
    ----------
    targets : (n, 3) float
        log10 Teff, log g, [Fe/H].
    sizes : (float, float, float)
        Standard deviations in K at 5772 K, dex, dex.
    rng : numpy.random.Generator

    Returns
    -------
    (n, 3) float64
        In the units of ``targets``.
    """
    sigma = np.array([sizes[0] / 5772.0 / np.log(10.0), *sizes[1:]])
    waves = rng.standard_normal((3, WAVES, 3)) / CORRELATION
    phases = rng.uniform(0.0, 2.0 * np.pi, (3, WAVES))
    fields = [np.cos(targets @ waves[k].T + phases[k]).sum(axis=1) * np.sqrt(2.0 / WAVES) for k in range(3)]
    return np.column_stack([field - field.mean() for field in fields]) * sigma


def _templates(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Flux, coverage, features and true atmosphere of single MOCK stars, half on each spectrograph."""
    stars = draw(DRAWN, rng, flatten=FLATTEN)
    single = (stars.mass_ratio == 0) & (stars.component != STRAGGLERS)
    single &= SpectralEmulator.load().domain(stars.teff, stars.logg, stars.feh)
    stars = stars.select(single)
    rest = rest_spectra(LightSources.of(stars), stars.ebv, rng)
    snr = np.exp(rng.uniform(*np.log(SNR), len(stars)))
    flux, coverage = np.empty(rest.shape, np.float32), np.zeros(rest.shape, bool)
    usable = np.zeros(len(stars), bool)
    for first, instrument in enumerate(("SDSS", "BOSS")):
        rows = np.arange(first, len(stars), 2)
        seen = observe(rest[rows], stars.velocity_kms[rows], snr[rows], instrument, rng, resolution=sdss_fwhm)
        wavelength = seen.wavelength[None, :] / (1.0 + stars.velocity_kms[rows, None] / SPEED_OF_LIGHT)
        flux[rows], coverage[rows], _, usable[rows] = normalise_batch(wavelength, seen.flux, seen.ivar)
    seen = observe_photometry(stars.magnitudes, stars.ebv, rng)
    features = features_batch(seen.psf_mag, seen.psf_mag_err, seen.extinction, seen.model_mag)
    usable &= np.isfinite(features).all(axis=1)
    atmosphere = np.column_stack([stars.teff, stars.logg, stars.feh])
    return flux[usable], coverage[usable], features[usable], atmosphere[usable]


def _distances(place: np.ndarray) -> np.ndarray:
    return np.sqrt(((place[:, None] - place[None]) ** 2).sum(axis=2))
