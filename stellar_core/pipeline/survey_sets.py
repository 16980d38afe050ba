"""The stars of a training on a fetched survey: for training, calibration and test, no star in two of them."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from stellar_core.datasets.config import DataConfig
from stellar_core.datasets.memmap_stars import open_set, write_sets
from stellar_core.datasets.mock_stars import StarSet
from stellar_core.datasets.survey_stars import check_number, sample_survey, write_rows
from stellar_core.progress import Progress

#: Smallest number of training stars.
FEWEST = 100


@dataclass(frozen=True)
class SurveySets:
    """Stars of a survey store.

    Attributes
    ----------
    training : StarSet
        On disk.
    calibration, test : StarSet
        In memory; their labels take the place of the truth.
    survey : str
        Name of the survey.
    kind : {"REAL", "MOCK", "REAL and MOCK"}
    folder : Path
        Folder of the training stars.
    """

    training: StarSet
    calibration: StarSet
    test: StarSet
    survey: str
    kind: str
    folder: Path

    @property
    def stars(self) -> str:
        """The training stars in words."""
        return f"{len(self.training):,} stars of the survey {self.survey}"

    @property
    def tested_on(self) -> str:
        """The sentence of the card on calibration and test."""
        return (
            f"calibrated on {len(self.calibration):,} and tested on {len(self.test):,} held-out stars of the survey "
            f"{self.survey} ({self.kind}), against their SSPP-derived labels"
        )

    def clear(self) -> None:
        """Remove the training stars from the disk."""
        shutil.rmtree(self.folder, ignore_errors=True)


def survey_sets(
    store: Path,
    data: DataConfig,
    folder: Path,
    chosen: Callable[[np.ndarray, np.ndarray], np.ndarray] | None = None,
    *,
    ranges: dict[str, tuple[float, float]] | None = None,
    say: Callable[[str], None] = lambda text: None,
    progress: Progress = lambda what, done, total: None,
) -> SurveySets:
    """Choose the stars of a run from a store, spread over its plates; the same call continues with the same stars.

    Parameters
    ----------
    store : Path
    data : DataConfig
        Largest numbers of stars for training, calibration and test, and the look-up of the labels.
    folder : Path
        For the training stars, whose spectra are not kept in memory.
    chosen : callable, optional
        As in `stellar_core.datasets.survey_stars.sample_survey`.
    ranges : dict, optional
        Identify ``chosen``.
    say, progress : callable, optional

    Raises
    ------
    ParameterError
        If fewer than 100 stars are left to train on, or 10 for calibration or test.
    RunError
        If the folder holds other stars.
    """
    sample = sample_survey(store, chosen=chosen, look_up=data.look_up)
    check_number(sample, FEWEST)
    rows = sample.take("training", data.stars)
    description = {"store": sample.identity, "training": len(rows), "ranges": ranges or {}}
    description["look_up"] = data.look_up
    write_sets(
        folder, description, lambda draft: {"training": write_rows(draft / "train", sample.stars, rows, progress)}
    )
    progress("reading the survey store", 0, 0)
    held = (sample.held_out(name, most) for name, most in (("calibration", data.calibration), ("test", data.test)))
    found = SurveySets(open_set(folder / "train"), *held, sample.survey, sample.kind, folder)
    say(
        f"Trained on {found.stars}, {found.tested_on}. {sample.repeats} further spectra of the same stars are left out."
    )
    return found
