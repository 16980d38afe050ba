"""Fit the spectral emulator to the stellar library: five minutes on two cores."""

from __future__ import annotations

import datetime
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import nn

from stellar_core.mock.emulator import CONTINUUM_STEP, DOMAIN_STEP, EMULATOR_DIR, scale_labels
from stellar_core.mock.fit.emulator_report import card_of
from stellar_core.mock.fit.held_out import folds_by_star, hold_out, measure
from stellar_core.mock.fit.library import StellarLibrary, load_library, smooth_continuum
from stellar_core.mock.fit.library_velocity import MOVED, in_rest_frame, library_velocities
from stellar_core.mock.fit.outliers import OutlierDiagnosis
from stellar_core.mock.fit.temperature_scale import TemperatureScale, fit_scale
from stellar_core.mock.held_out import write_held_out
from stellar_core.model_store import write_model
from stellar_core.preprocessing.grid import GRID

TEFF_RANGE = (3300.0, 12500.0)
FOLDS = 5
RESIDUAL_COMPONENTS = {"blue": 24, "red": 8}
RESIDUAL_TEFF = np.array([4000.0, 4750.0, 5500.0, 6500.0, 8500.0])
SPLIT = 3770  # pixel of 7370 A, where MILES ends


def fit_network(
    x: np.ndarray, y: np.ndarray, weight: np.ndarray, hidden: tuple[int, ...], steps: int, delta: float, seed: int
) -> nn.Sequential:
    """Fit a SiLU perceptron by a weighted Huber loss on random batches of 256 rows."""
    generator = torch.Generator().manual_seed(seed)
    sizes = (x.shape[1], *hidden, y.shape[1])
    layers: list[nn.Module] = []
    for n_in, n_out in zip(sizes[:-1], sizes[1:]):
        linear = nn.Linear(n_in, n_out)
        nn.init.kaiming_uniform_(linear.weight, a=5**0.5, generator=generator)
        nn.init.uniform_(linear.bias, -(n_in**-0.5), n_in**-0.5, generator=generator)
        layers += [linear, nn.SiLU()]
    network = nn.Sequential(*layers[:-1])
    x, y, weight = (torch.as_tensor(array, dtype=torch.float32) for array in (x, y, weight))
    network[-1].bias.data = (y * weight).sum(0) / weight.sum(0).clamp_min(1e-6)
    optimiser = torch.optim.AdamW(network.parameters(), lr=5e-3, weight_decay=1e-2)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 5e-3, steps)
    for _ in range(steps):
        rows = torch.randint(len(x), (256,), generator=generator)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            predicted = network(x[rows])
        loss = nn.functional.huber_loss(predicted.float(), y[rows], delta=delta, reduction="none")
        loss = (loss * weight[rows]).sum() / weight[rows].sum()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
    return network.eval().requires_grad_(False)


def fit_continuum(folder: Path, seed: int = 0) -> nn.Sequential:
    """Log continuum on every 20th Angstrom from the Castelli & Kurucz (2004) fluxes."""
    with np.load(Path(folder) / "photometry" / "ck04_sed.npz") as archive:
        wavelength, labels, flux = (archive[key] for key in ("wavelength_A", "teff_logg_mh", "surface_flux"))
    keep = (labels[:, 0] <= 13000) & (flux.min(axis=1) > 0)
    labels, flux = labels[keep], flux[keep]
    fine = np.exp(np.stack([np.interp(GRID, wavelength, np.log(row)) for row in flux])).astype(np.float32)
    fine /= fine[:, 900:3400].mean(axis=1, keepdims=True)
    coarse = np.log(smooth_continuum(fine))[:, ::CONTINUUM_STEP]
    return fit_network(scale_labels(*labels.T), coarse, np.ones_like(coarse), (96, 96), 6000, 1.0, seed)


def line_spectra(library: StellarLibrary, continuum: nn.Sequential) -> np.ndarray:
    """Flux over its 100 A continuum, beyond a library's red end continued by the model continuum."""
    flux = library.flux.copy()
    limits = np.clip(library.labels, [3500, 0.0, -2.5], [13000, 5.0, 0.5])
    coarse = continuum(torch.as_tensor(scale_labels(*limits.T))).numpy()
    nodes = GRID[::CONTINUUM_STEP]
    for row in range(len(library)):
        last = np.flatnonzero(library.weight[row, :SPLIT] > 0)[-1]
        if library.source[row] != "MILES" or last < 200:
            continue
        model = np.exp(np.interp(GRID, nodes, coarse[row]))
        ratio = flux[row, last - 150 : last].mean() / model[last - 150 : last].mean()
        flux[row, last:] = ratio * model[last:]
    return flux / smooth_continuum(flux)


def library_scale(library: StellarLibrary) -> TemperatureScale:
    """The temperature scale from the MILES spectra that cover g and r."""
    g_and_r = slice(250, 3300)
    rows = (library.source == "MILES") & ((library.weight[:, g_and_r] > 0).mean(axis=1) > 0.98)
    return fit_scale(library.name[rows], library.labels[rows], library.flux[rows])


def on_scale(library: StellarLibrary, scale: TemperatureScale) -> StellarLibrary:
    """``library`` with the temperatures of MILES and STELIB on ``scale``; the other libraries' stay."""
    labels = library.labels.copy()
    rows = np.isin(library.source, ("MILES", "STELIB"))
    labels[rows, 0] += scale(*labels[rows].T)
    return replace(library, labels=labels)


def find_outliers(residual: np.ndarray, weight: np.ndarray, teff: np.ndarray) -> np.ndarray:
    """(n,) bool: residual RMS above three times the running median of the 101 nearest in Teff."""
    from scipy.ndimage import median_filter

    use = weight[:, 250:SPLIT] > 0
    rms = np.sqrt((residual[:, 250:SPLIT] ** 2 * use).sum(1) / np.maximum(use.sum(1), 1))
    order = np.argsort(teff)
    typical = np.empty_like(rms)
    typical[order] = median_filter(rms[order], size=101, mode="reflect")
    return rms > 3 * typical


def residual_components(
    residual: np.ndarray, weight: np.ndarray, teff: np.ndarray, part: str
) -> tuple[np.ndarray, np.ndarray]:
    """Principal components of the residuals and their scatter at each of `RESIDUAL_TEFF`."""
    window = slice(0, SPLIT) if part == "blue" else slice(SPLIT, GRID.size)
    data = np.where(weight[:, window] > 0, residual[:, window], 0.0)
    data = np.clip(data, -0.15, 0.15)
    _, _, vectors = np.linalg.svd(data - data.mean(0), full_matrices=False)
    vectors = vectors[: RESIDUAL_COMPONENTS[part]]
    scores = data @ vectors.T
    edges = np.concatenate([[0], (RESIDUAL_TEFF[1:] + RESIDUAL_TEFF[:-1]) / 2, [np.inf]])
    amplitude = []
    for low, high in zip(edges[:-1], edges[1:]):
        here = scores[(teff >= low) & (teff < high)]
        amplitude.append(1.4826 * np.median(np.abs(here - np.median(here, axis=0)), axis=0))
    full = np.zeros((len(vectors), GRID.size), dtype=np.float32)
    full[:, window] = vectors
    return full, np.array(amplitude, dtype=np.float32)


def build(data: Path, out: Path = EMULATOR_DIR, seed: int = 0) -> dict[str, object]:
    """Hold every star out once, identify outliers, fit to all other spectra, and save.

    Parameters
    ----------
    data : Path
        Folder with ``library/`` and ``photometry/``.
    out : Path
        Folder of the model.
    seed : int
        Seed of the folds and the fits.

    Returns
    -------
    dict
        The card.
    """
    library = load_library(Path(data) / "library")
    scale = library_scale(library)
    library = on_scale(library, scale)
    teff = library.labels[:, 0]
    keep = (teff > TEFF_RANGE[0]) & (teff < TEFF_RANGE[1])
    library = StellarLibrary(*(getattr(library, name)[keep] for name in library.__dataclass_fields__))
    teff, x = library.labels[:, 0], scale_labels(*library.labels.T)
    continuum = fit_continuum(Path(data), seed)

    def fit(rows: np.ndarray) -> nn.Sequential:
        return fit_network(x[rows], lines[rows], library.weight[rows], (128, 128, 128), 4000, 0.02, seed)

    def emulate(network: nn.Sequential) -> np.ndarray:
        return network(torch.as_tensor(x)).numpy()

    lines = line_spectra(library, continuum)
    velocities = library_velocities(library, lines, emulate(fit(np.flatnonzero(~np.isin(library.source, MOVED)))))
    library = in_rest_frame(library, velocities)
    lines = line_spectra(library, continuum)
    emulated = hold_out(lambda rows: emulate(fit(rows)), folds_by_star(library.name, FOLDS, seed))
    outlier = find_outliers(lines - emulated, library.weight, teff)
    spectra = (library.source, library.name, library.labels, lines, emulated, library.weight, outlier)
    held = measure(*spectra)
    network = fit(np.flatnonzero(~outlier))
    residual = lines - emulate(network)

    weights = {}
    for prefix, part in (("line", network), ("continuum", continuum)):
        for layer, linear in enumerate(module for module in part if isinstance(module, nn.Linear)):
            weights[f"{prefix}.weight{layer}"] = linear.weight.numpy().astype(np.float16)
            weights[f"{prefix}.bias{layer}"] = linear.bias.numpy().astype(np.float16)
    good = ~outlier
    for part, sources in (("blue", ("MILES",)), ("red", ("STELIB", "BOSS_TEMPLATE"))):
        rows = good & np.isin(library.source, sources)
        vectors, amplitude = residual_components(residual[rows], library.weight[rows], teff[rows], part)
        weights[f"spread.{part}"] = vectors.astype(np.float16)
        weights[f"spread.{part}_amplitude"] = amplitude
    weights["spread.teff"] = RESIDUAL_TEFF.astype(np.float32)
    domain = np.column_stack([5040.0 / teff, library.labels[:, 1:]])[good & (library.source != "KURUCZ_STD")]
    weights["domain.labels"] = domain.astype(np.float32)
    card = {
        "what": "spectral emulator: Teff, log g, [Fe/H] to flux on 3600..10399 A",
        "sources": {name: int((library.source[good] == name).sum()) for name in np.unique(library.source)},
        "continuum": "Castelli & Kurucz 2004",
        "temperature_scale": {
            "what": "published Teff of MILES and STELIB moved onto the g-r scale of MIST's bolometric corrections, "
            "zero point 16 Cyg A and B; no SDSS star enters",
            "added_K": {
                f"{label[0]} K, log g {label[1]}, [Fe/H] {label[2]:+.1f}": int(
                    round(float(scale(*np.array([label]).T)[0]))
                )
                for label in (
                    (5777, 4.4, 0.0),
                    (6500, 4.2, 0.0),
                    (6200, 4.2, -2.0),
                    (5500, 4.4, -1.0),
                    (4500, 2.0, 0.0),
                )
            },
            "coefficients": [round(float(value), 3) for value in scale.coefficients],
            "scatter_K": round(scale.scatter, 1),
            "stars": scale.stars,
        },
        "resolution": "FWHM wavelength / 2030, between 2.5 and 3.4 A",
        "seed": seed,
        "date": datetime.date.today().isoformat(),
        "velocities": {
            "what": f"spectra of {' and '.join(MOVED)} moved to the rest frame by their velocities against a fit "
            "without them",
            "moved_by_over_30_km_s": int((np.abs(velocities) > 30).sum()),
            "largest_km_s": round(float(np.abs(velocities).max()), 0),
        },
        **card_of(held, FOLDS),
        "outliers_left_out": OutlierDiagnosis(*spectra).reasons(),
        "domain": {
            "teff_K": [3500, 12000],
            "largest_distance": round(float(_third_nearest(domain)), 3),
            "rule": "third nearest library star in steps of 0.04 in 5040/Teff, 0.5 in log g, 0.4 in [Fe/H]",
            "outside": "M dwarfs below 3500 K, stars above 12000 K, white dwarfs, carbon stars, interacting binaries, "
            "emission lines",
        },
    }
    full = write_model(out, weights, card)
    write_held_out(held, out)
    return full


def _third_nearest(domain: np.ndarray) -> float:
    """98th percentile of the distance from a library star to its third neighbour."""
    from scipy.spatial import cKDTree

    distance, _ = cKDTree(domain / DOMAIN_STEP).query(domain / DOMAIN_STEP, k=4)
    return float(np.quantile(distance[:, 3], 0.98))
