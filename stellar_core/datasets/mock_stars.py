"""MOCK stars as training data: inputs, labels and truth.

A star is drawn from the population; its spectrum is emulated with star-to-star scatter,
reddened, observed by a spectrograph and preprocessed as real files are. Labels are made as
in the paper (section 3.2.2): looked up on MIST tracks from the parameters of a mock pipeline,
by `DataConfig.pipeline` and `DataConfig.look_up`. The true values are kept in `Truth`, for
calibration and tests only.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields, replace

import numpy as np

from stellar_core.bolometric_corrections import apparent_magnitudes
from stellar_core.constants import SPEED_OF_LIGHT
from stellar_core.datasets.config import DataConfig
from stellar_core.datasets.raw_spectra import RawSpectra
from stellar_core.galaxy import STRAGGLERS
from stellar_core.isochrones import LOOK_UPS, power_law_log_lifetime
from stellar_core.mock.binaries import with_companion
from stellar_core.mock.emulator import SpectralEmulator
from stellar_core.mock.gaia import GaiaBatch, observe_gaia
from stellar_core.mock.instrument import load_instrument, observe
from stellar_core.mock.light import LightSources, rest_spectra
from stellar_core.mock.photometry import observe_photometry
from stellar_core.mock.pipeline import SpectroscopicPipeline
from stellar_core.mock.population import Population, draw
from stellar_core.mock.spectrograph import sdss_fwhm
from stellar_core.preprocessing.features import features_batch
from stellar_core.preprocessing.grid import GRID
from stellar_core.preprocessing.normalisation import normalise_batch
from stellar_core.progress import Progress

#: Stars made at a time; each chunk has a seed of its own.
CHUNK = 1000
#: Number of the random stream of Gaia's values.
_GAIA = 5
#: Split -> its name in messages; the order gives the seeds.
SPLITS = {"train": "training", "calibration": "calibration", "test": "test"}


@dataclass(frozen=True)
class Inputs:
    """Inputs of a network.

    Attributes
    ----------
    flux : (n, 6800) float16
    coverage : (n, 6800) bool
    features : (n, 29) float32
    root_ivar : (n, 6800) float16
        Square root of the inverse variance of ``flux``: at most 1000, which float16 holds; 0 where
        not covered.
    """

    flux: np.ndarray
    coverage: np.ndarray
    features: np.ndarray
    root_ivar: np.ndarray


@dataclass(frozen=True)
class Labels:
    """Training targets: the paper's labels, the pipeline's atmosphere, a reference atmosphere.

    Attributes
    ----------
    log_age, log_lifetime : (n,) float32, log10(yr)
    stage : (n,) int64
    atmosphere : (n, 3) float32, Teff [K], log g [dex], [Fe/H] [dex]
        Of the mock pipeline, with errors like the SSPP's; the other labels are looked up from it.
    reference : (n, 3) float32, Teff [K], log g [dex], [Fe/H] [dex]
        With the small errors `DataConfig.teacher_errors`, as if from a high-resolution spectrum;
        the target of the isochrone head.
    """

    log_age: np.ndarray
    log_lifetime: np.ndarray
    stage: np.ndarray
    atmosphere: np.ndarray
    reference: np.ndarray


@dataclass(frozen=True)
class Truth:
    """True values of the MOCK stars in the form of `Labels`, for calibration and tests only.

    ``log_lifetime`` is 10 Gyr M^-2.5 of the true mass, as in the paper's label, except for blue stragglers, which
    outlive it; ``track_log_lifetime`` is the lifetime on the star's own track. Of pairs, all values are the primary's.
    """

    log_age: np.ndarray
    log_lifetime: np.ndarray
    stage: np.ndarray
    atmosphere: np.ndarray
    track_log_lifetime: np.ndarray
    snr: np.ndarray


@dataclass(frozen=True)
class StarSet:
    """Inputs, labels and truth of stars, row by row.

    ``gaia`` has parallaxes and Gaia's magnitudes, for calibration and evaluation with a parallax: no input of a
    network. None where they are unknown: sets from disk and from a survey. ``raw`` has the spectra before the
    preprocessing and ``companion_light`` (n,) the true light of an unresolved companion in r over that of the star, 0
    for single stars; both only from `make_stars` with ``raw``.
    """

    inputs: Inputs
    labels: Labels
    truth: Truth
    gaia: GaiaBatch | None = None
    raw: RawSpectra | None = None
    companion_light: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.labels.log_age)


def make_stars(n: int, config: DataConfig, split: str, progress: Progress | None = None, raw: bool = False) -> StarSet:
    """Make mock stars.

    Parameters
    ----------
    n : int
        Stars to draw. A few per cent are rejected: outside the domain of the spectral emulator,
        unusable spectrum, no pipeline parameters, label outside the isochrones, or, except in
        training, a blue straggler.
    config : DataConfig
    split : {"train", "calibration", "test"}
        Each has its own seed.
    progress : callable, optional
        Called with what is being made, the number done and ``n``.
    raw : bool
        Keep the spectra before the preprocessing (38 kB per star), and the light of companions.
    """
    stream = list(SPLITS).index(split)
    balanced = config.balanced if split == "train" else 0.0
    parts, done = [], 0
    for chunk, size in enumerate(_chunks(n)):
        # Two streams, so that spectra and photometry do not depend on what is drawn for Gaia.
        rng, sky = (np.random.default_rng([config.seed, stream, chunk, *more]) for more in ((), (_GAIA,)))
        part = _make_chunk(size, config, balanced, split == "train", rng, sky)
        parts.append(part if raw else replace(part, raw=None, companion_light=None))
        done += size
        if progress is not None:
            progress(f"making MOCK {SPLITS[split]} stars", done, n)
    return StarSet(*(_join([getattr(part, item.name) for part in parts]) for item in fields(StarSet)))


def _chunks(n: int) -> Iterator[int]:
    for start in range(0, n, CHUNK):
        yield min(CHUNK, n - start)


def _join(parts: list):
    kind = type(parts[0])
    if parts[0] is None:
        return None
    if kind is np.ndarray:
        return np.concatenate(parts)
    return kind(*(np.concatenate([getattr(part, name) for part in parts]) for name in kind.__dataclass_fields__))


def _draw_population(n: int, balanced: float, rng: np.random.Generator) -> Population:
    even = int(round(n * balanced))
    parts = [draw(count, rng, flatten=flatten) for count, flatten in ((n - even, 0.0), (even, 1.0)) if count]
    return parts[0] if len(parts) == 1 else _join(parts)


def _make_chunk(
    n: int, config: DataConfig, balanced: float, stragglers: bool, rng: np.random.Generator, sky: np.random.Generator
) -> StarSet:
    stars = _draw_population(n, balanced, rng)
    snr = np.exp(rng.uniform(*np.log(config.snr), n))
    ebv = stars.ebv + np.where(rng.random(n) < config.dusty, rng.exponential(0.15, n), 0.0)
    flux, coverage, ivar, usable, raw = _spectra(stars, ebv, snr, config, rng)
    magnitudes = apparent_magnitudes(stars.teff, stars.logg, stars.feh, stars.log_radius, stars.distance_pc, ebv)
    magnitudes = with_companion(magnitudes, stars.secondary_flux)
    seen = observe_photometry(magnitudes, ebv, rng)
    features = features_batch(seen.psf_mag, seen.psf_mag_err, seen.extinction, seen.model_mag)

    true = np.column_stack([stars.teff, stars.logg, stars.feh])
    pipeline = true + rng.standard_normal(true.shape) * np.array(config.spp_errors)
    if config.pipeline == "spectroscopic":
        pipeline = SpectroscopicPipeline.load().estimate(flux, coverage, features).atmosphere
    label = LOOK_UPS[config.look_up](*pipeline.T)
    reference = true + rng.standard_normal(true.shape) * np.array(config.teacher_errors)
    known = SpectralEmulator.load().domain(stars.teff, stars.logg, stars.feh)
    keep = usable & known & label.inside_models & np.isfinite(features).all(axis=1)
    merged = stars.component == STRAGGLERS
    keep &= ~merged | stragglers
    inputs = Inputs(flux.astype(np.float16), coverage, features.astype(np.float32), np.sqrt(ivar).astype(np.float16))
    labels = Labels(
        label.log_age.astype(np.float32),
        label.log_lifetime.astype(np.float32),
        label.stage,
        pipeline.astype(np.float32),
        reference.astype(np.float32),
    )
    lifetime = np.where(merged, stars.log_lifetime, power_law_log_lifetime(stars.mass))
    truth = Truth(stars.log_age, lifetime, stars.stage, true, stars.log_lifetime, snr)
    parts = inputs, labels, truth, observe_gaia(stars, ebv, sky), raw
    return StarSet(*(_select(part, keep) for part in parts), companion_light=stars.secondary_flux[keep, 2])


def _select(part, keep: np.ndarray):
    return type(part)(*(getattr(part, name)[keep] for name in part.__dataclass_fields__))


def _spectra(
    stars: Population, ebv: np.ndarray, snr: np.ndarray, config: DataConfig, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, RawSpectra]:
    """Preprocessed flux, coverage, inverse variance, (n,) bool: spectra that passed the preprocessing; raw spectra."""
    n = len(snr)
    rest = rest_spectra(LightSources.of(stars), ebv, rng)
    error = config.velocity_error * np.where(rng.random(n) < 0.1, 5.0, 1.0) * rng.standard_normal(n)
    flux = np.empty((n, GRID.size), dtype=np.float32)
    coverage = np.zeros((n, GRID.size), dtype=bool)
    known = np.zeros((n, GRID.size), dtype=np.float32)
    usable = np.zeros(n, dtype=bool)
    boss = rng.random(n) < config.boss
    raw = RawSpectra.empty(boss, stars.velocity_kms + error)
    for name, rows in (("BOSS", np.flatnonzero(boss)), ("SDSS", np.flatnonzero(~boss))):
        if not rows.size:
            continue
        seen = observe(rest[rows], stars.velocity_kms[rows], snr[rows], name, rng, resolution=sdss_fwhm)
        ivar = _lose_stretches(seen.wavelength, seen.ivar, config.missing_stretch, rng)
        raw.fill(rows, load_instrument(name).pixels, seen, ivar)
        shift = 1.0 + raw.velocity_kms[rows] / SPEED_OF_LIGHT
        wavelength = seen.wavelength[None, :] / shift[:, None]
        flux[rows], coverage[rows], known[rows], usable[rows] = normalise_batch(wavelength, seen.flux, ivar)
    return flux, coverage, known, usable, raw


def _lose_stretches(wavelength: np.ndarray, ivar: np.ndarray, share: float, rng: np.random.Generator) -> np.ndarray:
    """Set ``ivar`` to 0 over a random stretch of some spectra."""
    ivar = ivar.copy()
    for row in np.flatnonzero(rng.random(len(ivar)) < share):
        width = rng.uniform(300.0, 2500.0)
        start = rng.uniform(wavelength[0] - width / 2, wavelength[-1] - width / 2)
        ivar[row, (wavelength >= start) & (wavelength < start + width)] = 0.0
    return ivar
