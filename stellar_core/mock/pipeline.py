"""The MOCK survey's own stellar parameter pipeline: Teff, log g and [Fe/H] from a noisy spectrum and its colours.

It works as the SSPP does (Lee et al. 2008a, AJ 136, 2022; Rockosi et al. 2022 for its methods in DR17). Several methods
compare a part of the spectrum, and the colours, with templates of known parameters; one takes the colours alone. A
method without data on 5 % of its range gives nothing; the adopted values are the means of the others, and their scatter
is the quoted error. The templates have a parameter scale of their own, so the errors of an estimate depend on the
star, and are the same in each of its spectra, as far as noise does not change them. Nothing is drawn: whoever has the
spectrum has all there is of the error.

Each method is a kernel regression on principal components, `stellar_core.mock.fit.pipeline` builds it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from stellar_core.model_store import read_model
from stellar_core.paths import TRAINED_DIR
from stellar_core.preprocessing.features import FEATURE_NAMES
from stellar_core.preprocessing.grid import GRID

HOME = TRAINED_DIR / "mock-pipeline"
#: Ranges of the methods, Angstrom: those of the SSPP's CaI1 and CaIIK1, ki13 and k24, WBG, ANNSR and ANNRR.
#: ``colours``, as its IRFM, is for Teff alone.
WINDOWS = {
    "blue": (3850.0, 4250.0),
    "green": (4400.0, 5500.0),
    "optical": (3900.0, 6000.0),
    "whole": (3850.0, 9000.0),
    "colours": None,
}
#: Bins of the spectrum, and width of the running mean that stands for the continuum, Angstrom.
BIN, CONTINUUM = 5, 150
#: Largest part of a range without data.
MISSING = 0.05
#: Fewest methods of an estimate, and range of g-r corrected for extinction, mag: the SSPP's.
FEWEST, G_R = 3, (-0.3, 1.3)
#: Colours, and their value and scale in the regression, mag.
COLOURS, CENTRE = ("u-g", "g-r", "r-i"), np.array([1.2, 0.5, 0.2])
#: Range of Teff (K), log g and [Fe/H] (dex) of the SSPP's grids of synthetic spectra.
GRID_LOW, GRID_HIGH = np.array([4000.0, 0.0, -4.0]), np.array([10_000.0, 5.0, 0.5])
#: Centre and scale of log10 Teff, log g, [Fe/H] in the regression.
TARGET, TARGET_SCALE = np.array([3.77, 4.0, -0.6]), np.array([0.03, 0.5, 0.5])


@dataclass(frozen=True)
class PipelineEstimate:
    """Parameters of n stars.

    Attributes
    ----------
    atmosphere : (n, 3) float64, Teff [K], log g [dex], [Fe/H] [dex]
        NaN where the pipeline gives none.
    error : (n, 3) float64
        Quoted error in the same units: scatter of the methods over the root of their number.
    methods : (n,) int
        Number of methods.
    """

    atmosphere: np.ndarray
    error: np.ndarray
    methods: np.ndarray


@dataclass(frozen=True, eq=False)
class Method:
    """One method: templates in principal components and colours, and the weights of a Gaussian kernel.

    Attributes
    ----------
    mean, components : (n_bin,), (n_component, n_bin) float32
        Of the line spectrum; empty for ``colours``.
    scale : float
        Of the components.
    colour_scale : float
        Weight of a magnitude of colour.
    templates : (n_template, n_dim) float32
    weights : (n_template, 3) float32
    length : float
        Length of the kernel.
    """

    mean: np.ndarray
    components: np.ndarray
    scale: float
    colour_scale: float
    templates: np.ndarray
    weights: np.ndarray
    length: float

    def place(self, lines: np.ndarray, colours: np.ndarray) -> np.ndarray:
        """(n, n_dim) position of stars among the templates."""
        return np.column_stack([(lines - self.mean) @ self.components.T / self.scale, colours * self.colour_scale])

    def estimate(self, lines: np.ndarray, colours: np.ndarray) -> np.ndarray:
        """(n, 3) Teff, log g, [Fe/H], within the grids."""
        kernel = gaussian_kernel(self.place(lines, colours), self.templates, self.length)
        found = TARGET + TARGET_SCALE * (kernel @ self.weights)
        return np.clip(np.column_stack([10.0 ** found[:, 0], found[:, 1:]]), GRID_LOW, GRID_HIGH)


@dataclass(frozen=True, eq=False)
class SpectroscopicPipeline:
    """The methods by their names in `WINDOWS`."""

    methods: dict[str, Method]

    @staticmethod
    def load(folder: Path = HOME) -> SpectroscopicPipeline:
        """Load the shipped pipeline; kept in memory. ModelError where it is missing or damaged."""
        return _load(folder)

    def estimate(self, flux: np.ndarray, coverage: np.ndarray, features: np.ndarray) -> PipelineEstimate:
        """Estimate the parameters of stars.

        Parameters
        ----------
        flux, coverage : (n, 6800) float, bool
            As from `stellar_core.preprocessing.normalisation.normalise_batch`: at rest.
        features : (n, 29) float
            As from `stellar_core.preprocessing.features.features_batch`.

        Returns
        -------
        PipelineEstimate
        """
        colours = colours_of(features)
        found = np.full((len(self.methods), len(flux), 3), np.nan)
        for row, (name, method) in enumerate(self.methods.items()):
            if WINDOWS[name] is None:
                found[row, :, 0] = method.estimate(np.empty((len(flux), 0)), colours)[:, 0]
            else:
                lines, covered = line_spectrum(flux, coverage, WINDOWS[name])
                found[row] = np.where((covered >= 1.0 - MISSING)[:, None], method.estimate(lines, colours), np.nan)
        number = np.isfinite(found).sum(axis=0)
        colour = np.asarray(features, float)[:, FEATURE_NAMES.index("g-r")]
        known = (number[:, 0] >= FEWEST) & (colour >= G_R[0]) & (colour <= G_R[1])
        found[:, ~known] = np.nan
        total = np.nansum(found, axis=0)
        with np.errstate(invalid="ignore", divide="ignore"):
            mean = np.where(known[:, None], total / number, np.nan)
            error = np.sqrt(np.nansum((found - mean) ** 2, axis=0) / (number - 1) / number)
        return PipelineEstimate(mean, np.where(known[:, None], error, np.nan), np.where(known, number[:, 0], 0))


def line_spectrum(flux: np.ndarray, coverage: np.ndarray, window: tuple[float, float]) -> tuple[np.ndarray, np.ndarray]:
    """Flux over its running mean, less 1, in bins.

    Parameters
    ----------
    flux, coverage : (n, 6800)
    window : (float, float)
        Angstrom.

    Returns
    -------
    lines : (n, n_bin) float32
        0 without data.
    covered : (n,) float
        Part of the bins with data.
    """
    wavelength = GRID.reshape(-1, BIN).mean(axis=1)
    near = (wavelength > window[0] - CONTINUUM / 2) & (wavelength < window[1] + CONTINUUM / 2)
    inside = (wavelength[near] > window[0]) & (wavelength[near] < window[1])
    pixels = np.repeat(near, BIN)
    known = np.asarray(coverage)[:, pixels].reshape(len(flux), -1, BIN).all(axis=2)
    binned = np.asarray(flux, np.float32)[:, pixels].reshape(len(flux), -1, BIN).mean(axis=2) * known
    width = CONTINUUM // BIN
    weight = np.maximum(_running_sum(known.astype(np.float32), width), 1.0)
    continuum = np.maximum(_running_sum(binned, width) / weight, 0.05)
    lines = np.where(known, np.clip(binned / continuum, 0.0, 2.0) - 1.0, 0.0)[:, inside]
    return lines.astype(np.float32), known[:, inside].mean(axis=1)


def _running_sum(values: np.ndarray, width: int) -> np.ndarray:
    """Sum over ``width`` neighbours along the last axis."""
    total = np.cumsum(np.pad(values, ((0, 0), (width // 2 + 1, width - 1 - width // 2))), axis=1, dtype=float)
    return total[:, width:] - total[:, :-width]


def colours_of(features: np.ndarray) -> np.ndarray:
    """(n, 3) u-g, g-r and r-i, corrected for extinction, about a typical star; mag."""
    found = np.asarray(features, float)[:, [FEATURE_NAMES.index(name) for name in COLOURS]]
    return np.clip(found - CENTRE, -1.5, 2.0)


def gaussian_kernel(one: np.ndarray, other: np.ndarray, length: float) -> np.ndarray:
    """(n, m) Gaussian kernel of the distances between the rows of two arrays."""
    one, other = np.asarray(one, np.float64), np.asarray(other, np.float64)
    squared = (one**2).sum(axis=1)[:, None] + (other**2).sum(axis=1) - 2.0 * one @ other.T
    return np.exp(-np.maximum(squared, 0.0) / (2.0 * length**2))


@lru_cache(maxsize=1)
def _load(folder: Path) -> SpectroscopicPipeline:
    arrays, card = read_model(folder)
    methods = {}
    for name in WINDOWS:
        parts = {key: arrays[f"{name}.{key}"] for key in ("mean", "components", "templates", "weights")}
        numbers = {key: float(card["methods"][name][key]) for key in ("scale", "colour_scale", "length")}
        methods[name] = Method(**parts, **numbers)
    return SpectroscopicPipeline(methods)
