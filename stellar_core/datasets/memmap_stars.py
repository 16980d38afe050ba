"""MOCK stars of one experiment phase, made once and memory-mapped by all its runs.

They follow the paper's protocol (sections 3.1 and 3.2): stages in the proportions of a survey,
the paper's quality cuts, spectra that pass the preprocessing, labels by the nearest point of
the tracks to the pipeline's parameters.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path

import numpy as np

from stellar_core.datasets.config import DataConfig
from stellar_core.datasets.mock_stars import Inputs, Labels, StarSet, Truth, make_stars
from stellar_core.files import read_json, write_text
from stellar_core.photometry import BANDS
from stellar_core.preprocessing.features import FEATURE_NAMES
from stellar_core.run_folder import RunFolder
from stellar_core.sdss.quality_cuts import QualityCuts
from stellar_core.stages import STAGES

#: Stars made at a time, to limit the memory.
BLOCK = 5000
#: The paper's thresholds.
CUTS = QualityCuts()
#: S/N per pixel, from the paper's cut to the brightest stars of a plate.
SNR = (CUTS.sn_median, 80.0)
_PARTS = {"inputs": Inputs, "labels": Labels, "truth": Truth}
_SUMMARY = "stars.json"


@dataclass(frozen=True)
class PhaseStars:
    """Stars of one phase, mapped from disk.

    Attributes
    ----------
    train : StarSet
        For training and validation.
    test : StarSet
        For the tables; from another seed.
    summary : dict
        Counts, class mix and settings as `make_phase_stars` wrote them.
    """

    train: StarSet
    test: StarSet
    summary: dict[str, object]


def protocol(seed: int, spp_errors: tuple[float, float, float] = DataConfig.spp_errors) -> DataConfig:
    """Return the paper's sample: as a survey selects it, without the additional dust and gaps of our training stars."""
    return DataConfig(seed=seed, balanced=0.0, snr=SNR, dusty=0.0, missing_stretch=0.0, spp_errors=spp_errors)


def make_phase_stars(
    folder: Path, train: int, test: int, config: DataConfig, say: Callable[[str], None] = lambda text: None
) -> None:
    """Make the stars of a phase, unless they are in ``folder`` already.

    Parameters
    ----------
    folder : Path
        Written atomically.
    train, test : int
        Stars of each set after all cuts.
    config : DataConfig
        As from `protocol`; its numbers of stars are ignored.
    say : callable, optional
        Called with lines of text.

    Raises
    ------
    RunError
        If the folder holds stars made with other settings.
    """
    description = {"train": train, "test": test, "config": asdict(config)}
    if (folder / _SUMMARY).exists():
        RunFolder(folder, description, remedy="Choose another folder with --out.").check(read_json(folder / _SUMMARY))
        return
    draft = folder.with_name(folder.name + ".tmp")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True)
    sets = {name: _write_set(draft / name, n, config, name, say) for name, n in (("train", train), ("test", test))}
    write_text(draft / _SUMMARY, json.dumps({**description, "sets": sets}, indent=1) + "\n")
    os.replace(draft, folder)


def open_phase_stars(folder: Path) -> PhaseStars:
    """Memory-map the stars written by `make_phase_stars`."""
    summary = json.loads((folder / _SUMMARY).read_text())
    return PhaseStars(_open_set(folder / "train"), _open_set(folder / "test"), summary)


def select(stars: StarSet, rows: np.ndarray) -> StarSet:
    """Return the stars of ``rows``, in memory."""
    parts = {}
    for name, kind in _PARTS.items():
        part = getattr(stars, name)
        parts[name] = kind(**{item.name: np.asarray(getattr(part, item.name)[rows]) for item in fields(kind)})
    return StarSet(**parts, gaia=None if stars.gaia is None else stars.gaia.select(rows))


def passes(stars: StarSet) -> np.ndarray:
    """(n,) bool: stars that pass the cuts on photometric errors, extinction and the pipeline's Teff.

    The paper's other cuts (class, S/N, redshift error, flat spectra) hold for every star made.
    """

    def five(name: str) -> np.ndarray:
        return stars.inputs.features[:, [FEATURE_NAMES.index(f"{name}_{band}") for band in BANDS]]

    teff = stars.labels.atmosphere[:, 0]
    kept = (five("psfMagErr") < CUTS.psf_mag_err).all(axis=1) & (five("extinction") >= CUTS.extinction).all(axis=1)
    return kept & (teff >= CUTS.teff[0]) & (teff <= CUTS.teff[1])


def _write_set(folder: Path, n: int, config: DataConfig, split: str, say: Callable[[str], None]) -> dict[str, object]:
    """Write ``n`` stars that pass the cuts; return counts, stages and label ages."""
    folder.mkdir()
    files: dict[str, np.ndarray] = {}
    made = drawn = usable = block = 0
    while made < n:
        size = min(BLOCK, max(100, int(1.1 * (n - made))))
        stars = make_stars(size, replace(config, seed=1000 * config.seed + block), split)
        drawn, usable, block = drawn + size, usable + len(stars), block + 1
        kept = select(stars, np.flatnonzero(passes(stars)))
        count = min(len(kept), n - made)
        for part in _PARTS:
            for name, array in vars(getattr(kept, part)).items():
                key = f"{part}.{name}"
                if key not in files:
                    path = folder / f"{key}.npy"
                    files[key] = np.lib.format.open_memmap(path, "w+", array.dtype, (n, *array.shape[1:]))
                files[key][made : made + count] = array[:count]
        made += count
        say(f"{made} of {n} MOCK {split} stars made.")
    for array in files.values():
        array.flush()
    stage, log_age = np.asarray(files["labels.stage"]), np.asarray(files["labels.log_age"])
    ages = 10.0 ** (log_age.astype(float) - 9.0)
    return {
        "drawn": drawn,
        "usable": usable,
        "kept": n,
        "stages": {name: int((stage == k).sum()) for k, name in enumerate(STAGES)},
        "label_ages_gyr": {"min": float(ages.min()), "max": float(ages.max()), "mean": float(ages.mean())},
        "label_spread_dex": float(log_age.std(dtype=float)),
    }


def _open_set(folder: Path) -> StarSet:
    def part(name: str):
        kind = _PARTS[name]
        return kind(**{item.name: np.load(folder / f"{name}.{item.name}.npy", mmap_mode="r") for item in fields(kind)})

    return StarSet(**{name: part(name) for name in _PARTS})
