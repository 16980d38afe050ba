"""Stars on disk: written once, read batch by batch, so that memory does not grow with their number.

A set of stars is a folder of NumPy files. The stars of an experiment phase are two sets, for training and for the test.
MOCK ones follow the paper's protocol (sections 3.1 and 3.2): stages in the proportions of a survey, the paper's quality
cuts, spectra that pass the preprocessing, labels by a look-up from the pipeline's parameters.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import BinaryIO

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
#: Arrays that stay on disk.
ON_DISK = ("inputs.flux", "inputs.coverage", "inputs.root_ivar")
_PARTS = {"inputs": Inputs, "labels": Labels, "truth": Truth}
_SUMMARY = "stars.json"


class DiskArray:
    """Array-like view of a NumPy file, read on indexing and not mapped in between.

    Parameters
    ----------
    path : Path
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        opened = self._open()
        self.dtype, self.shape, self.nbytes = opened.dtype, opened.shape, opened.nbytes

    def _open(self) -> np.memmap:
        return np.load(self.path, mmap_mode="r")

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, index: int | slice | np.ndarray) -> np.ndarray:
        """Read some stars, (n, length), or one, (length,)."""
        return np.array(self._open()[index])

    def __array__(self, dtype: np.dtype | None = None, copy: bool | None = None) -> np.ndarray:
        """Read the whole array into memory."""
        return np.asarray(self[:], dtype=dtype)


class SetWriter:
    """Write a set of ``n`` stars part by part into a new folder.

    Parameters
    ----------
    folder : Path
        Created.
    n : int
    """

    def __init__(self, folder: Path, n: int) -> None:
        self.folder, self.n, self.written = folder, n, 0
        self._files: dict[str, BinaryIO] = {}
        folder.mkdir(parents=True)

    def append(self, stars: StarSet) -> None:
        """Write the next stars; parts that are None are left out."""
        for part in _PARTS:
            values = getattr(stars, part)
            for name, array in ({} if values is None else vars(values)).items():
                if array is not None:
                    self._file(f"{part}.{name}", array).write(np.ascontiguousarray(array).tobytes())
        self.written += len(stars)

    def _file(self, key: str, array: np.ndarray) -> BinaryIO:
        if key not in self._files:
            self._files[key] = (self.folder / f"{key}.npy").open("wb")
            described = np.lib.format.header_data_from_array_1_0(array) | {"shape": (self.n, *array.shape[1:])}
            np.lib.format.write_array_header_1_0(self._files[key], {**described, "fortran_order": False})
        return self._files[key]

    def close(self) -> None:
        """Finish the files."""
        for file in self._files.values():
            file.close()


@dataclass(frozen=True)
class PhaseStars:
    """Stars of one phase, on disk.

    Attributes
    ----------
    train : StarSet
        For training and validation.
    test : StarSet
        For the tables; other stars.
    summary : dict
        Counts, class mix and settings as `make_phase_stars` wrote them.
    """

    train: StarSet
    test: StarSet
    summary: dict[str, object]


def make_phase_stars(
    folder: Path, train: int, test: int, config: DataConfig, say: Callable[[str], None] = lambda text: None
) -> None:
    """Make the MOCK stars of a phase, unless they are in ``folder`` already.

    Parameters
    ----------
    folder : Path
        Written atomically.
    train, test : int
        Stars of each set after all cuts.
    config : DataConfig
        As from `DataConfig.paper`; its numbers of stars are ignored.
    say : callable, optional
        Called with lines of text.

    Raises
    ------
    RunError
        If the folder holds stars made with other settings.
    """
    description = {"train": train, "test": test, "config": asdict(config)}

    def write(draft: Path) -> dict[str, object]:
        wanted = {"train": train, "test": test}
        return {name: _write_set(draft / name, n, config, name, say) for name, n in wanted.items()}

    write_sets(folder, description, write)


def write_sets(
    folder: Path, description: dict[str, object], write: Callable[[Path], dict[str, object]]
) -> dict[str, object]:
    """Write sets of stars atomically, unless they are in ``folder`` already.

    Parameters
    ----------
    folder : Path
    description : dict
        Identity of the stars.
    write : callable
        Writes the sets into a folder and returns a summary of each, by name.

    Returns
    -------
    dict
        The description, and the summaries as ``sets``.

    Raises
    ------
    RunError
        If the folder holds other stars.
    """
    if (folder / _SUMMARY).exists():
        found = read_json(folder / _SUMMARY)
        RunFolder(folder, description, remedy="Choose another folder with --out.").check(found)
        return found
    draft = folder.with_name(folder.name + ".tmp")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True)
    found = {**description, "sets": write(draft)}
    write_text(draft / _SUMMARY, json.dumps(found, indent=1) + "\n")
    os.replace(draft, folder)
    return found


def open_phase_stars(folder: Path) -> PhaseStars:
    """Open the stars written by `make_phase_stars`, or those of a survey."""
    return PhaseStars(open_set(folder / "train"), open_set(folder / "test"), read_json(folder / _SUMMARY))


def open_set(folder: Path) -> StarSet:
    """Open a set of stars: `ON_DISK` arrays are read when indexed, the others are in memory. Unknown parts are None."""

    def array(part: str, name: str) -> np.ndarray | DiskArray | None:
        path = folder / f"{part}.{name}.npy"
        if not path.exists():
            return None
        return DiskArray(path) if f"{part}.{name}" in ON_DISK else np.load(path)

    parts = {
        part: kind(**{item.name: array(part, item.name) for item in fields(kind)}) for part, kind in _PARTS.items()
    }
    return StarSet(**{**parts, "truth": None if parts["truth"].snr is None else parts["truth"]})


def select(stars: StarSet, rows: np.ndarray) -> StarSet:
    """Return the stars of ``rows``, in memory."""
    parts = {name: select_part(getattr(stars, name), rows) for name in _PARTS}
    return StarSet(**parts, gaia=None if stars.gaia is None else stars.gaia.select(rows))


def select_part(part: Inputs | Labels | Truth | None, rows: np.ndarray) -> Inputs | Labels | Truth | None:
    """Return the ``rows`` of a part of a star set, in memory."""
    if part is None:
        return None
    values = {item.name: getattr(part, item.name) for item in fields(part)}
    return type(part)(**{name: None if array is None else np.asarray(array[rows]) for name, array in values.items()})


def passes(stars: StarSet) -> np.ndarray:
    """(n,) bool: stars that pass the cuts on photometric errors, extinction and the pipeline's Teff.

    The paper's other cuts (class, S/N, redshift error, flat spectra) hold for every star made.
    """

    def five(name: str) -> np.ndarray:
        return stars.inputs.features[:, [FEATURE_NAMES.index(f"{name}_{band}") for band in BANDS]]

    teff = stars.labels.atmosphere[:, 0]
    kept = (five("psfMagErr") < CUTS.psf_mag_err).all(axis=1) & (five("extinction") >= CUTS.extinction).all(axis=1)
    return kept & (teff >= CUTS.teff[0]) & (teff <= CUTS.teff[1])


def summary_of(labels: Labels) -> dict[str, object]:
    """Summarise labels: number, stages, range and mean of the ages [Gyr], standard deviation of the log ages [dex]."""
    stage, log_age = np.asarray(labels.stage), np.asarray(labels.log_age, float)
    ages = 10.0 ** (log_age - 9.0)
    return {
        "kept": len(stage),
        "stages": {name: int((stage == k).sum()) for k, name in enumerate(STAGES)},
        "label_ages_gyr": {"min": float(ages.min()), "max": float(ages.max()), "mean": float(ages.mean())},
        "label_spread_dex": float(log_age.std()),
    }


def _write_set(folder: Path, n: int, config: DataConfig, split: str, say: Callable[[str], None]) -> dict[str, object]:
    """Write ``n`` MOCK stars that pass the cuts; return counts, stages and label ages."""
    writer = SetWriter(folder, n)
    drawn = usable = block = 0
    while writer.written < n:
        left = n - writer.written
        size = min(BLOCK, max(100, int(1.1 * left)))
        stars = make_stars(size, replace(config, seed=1000 * config.seed + block), split)
        drawn, usable, block = drawn + size, usable + len(stars), block + 1
        writer.append(select(stars, np.flatnonzero(passes(stars))[:left]))
        say(f"{writer.written} of {n} MOCK {split} stars made.")
    writer.close()
    return {"drawn": drawn, "usable": usable, **summary_of(open_set(folder).labels)}
