"""Training stars of a job: MOCK stars, a survey store, or a labelled table."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import fields, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from stellar_core.datasets.config import DataConfig
from stellar_core.datasets.labelled_table import read_star_table
from stellar_core.datasets.memmap_stars import select
from stellar_core.datasets.mock_stars import Inputs, Labels, StarSet, make_stars
from stellar_core.errors import ParameterError, StellarError
from stellar_core.isochrones import nearest_label
from stellar_core.jobs.spec import StarSource
from stellar_core.preprocessing.features import features
from stellar_core.preprocessing.spectra import prepare
from stellar_core.progress import Progress
from stellar_core.spectrum import Spectrum

if TYPE_CHECKING:
    from stellar_core.pipeline.survey_sets import SurveySets

#: With ranges: MOCK stars drawn at a time, and drawn stars per star wanted before giving up.
BLOCK, MOST = 2000, 50
#: Smallest number of usable stars.
FEWEST = 100


def training_stars(
    source: StarSource, data: DataConfig, folder: Path, progress: Progress, say: Callable[[str], None], most: int = MOST
) -> StarSet | None:
    """Return the training stars of a job, or None for plain MOCK stars, which the run makes itself.

    Those of a survey store come from `stored_stars`.

    Parameters
    ----------
    source : StarSource
    data : DataConfig
        Number of stars, and settings of MOCK ones.
    folder : Path
        The job's folder, with ``table.csv`` if its stars come from a table.
    progress : callable
        Called with what is being done, how much is done and of how much.
    say : callable
        Called with a line for each reason for which stars were left out.
    most : int
        With ranges: MOCK stars drawn per star wanted, at most.

    Raises
    ------
    StellarError
        If fewer than 100 stars can be used.
    """
    if source.kind == "mock":
        return _drawn(source, data, progress, most)
    if source.kind == "table":
        stars, left = _from_table(read_star_table((folder / "table.csv").read_bytes()), source, data.stars, progress)
        what = "rows of the table"
    else:
        stars, left = _from_mock_survey(source, data, progress)
        what = "stars of the MOCK survey"
    for reason, number in sorted(left.items()):
        say(f"{number} {what} left out: {reason}")
    if len(stars) < FEWEST:
        raise ParameterError(f"Only {len(stars)} {what} can be used; a run needs at least {FEWEST}.", value=len(stars))
    return stars


def stored_stars(
    source: StarSource, data: DataConfig, folder: Path, progress: Progress, say: Callable[[str], None]
) -> SurveySets | None:
    """Return the stars of a job whose source is a survey store, those for training in ``folder``; None for others.

    Raises
    ------
    StellarError
        As `stellar_core.pipeline.survey_sets.survey_sets`.
    """
    if source.kind != "catalogue" or not source.store:
        return None
    from stellar_core.pipeline.survey_sets import survey_sets

    chosen = partial(inside, source.ranges)
    return survey_sets(
        Path(source.store), data, folder / "stars", chosen, ranges=source.ranges, say=say, progress=progress
    )


def _drawn(source: StarSource, data: DataConfig, progress: Progress, most: int) -> StarSet | None:
    """MOCK stars drawn for this run."""
    if source.ranges:
        stars = _selected_mock(source, data, progress, most)
    elif source.labels == "truth":
        stars = make_stars(data.stars, data, "train", progress)
    else:
        return None
    return with_true_labels(stars) if source.labels == "truth" else stars


def with_true_labels(stars: StarSet) -> StarSet:
    """Replace the labels of age, lifetime and stage of MOCK stars by the true values."""
    truth = stars.truth
    age, lifetime = (np.asarray(array, np.float32) for array in (truth.log_age, truth.log_lifetime))
    return replace(stars, labels=replace(stars.labels, log_age=age, log_lifetime=lifetime, stage=truth.stage))


def inside(ranges: dict[str, tuple[float, float]], atmosphere: np.ndarray, snr: np.ndarray) -> np.ndarray:
    """(n,) bool: stars within all ``ranges``; ``atmosphere`` (n, 3) in K, dex, dex and ``snr`` (n,)."""
    columns = dict(zip(("teff", "logg", "feh"), np.asarray(atmosphere).T)) | {"snr": np.asarray(snr)}
    kept = np.ones(len(snr), dtype=bool)
    for name, (low, high) in ranges.items():
        kept &= (columns[name] >= low) & (columns[name] <= high)
    return kept


def _selected_mock(source: StarSource, data: DataConfig, progress: Progress, most: int) -> StarSet:
    """``data.stars`` MOCK stars within the ranges of their labels' atmosphere."""
    parts: list[StarSet] = []
    made = drawn = 0
    what = "making MOCK stars within the ranges"
    while made < data.stars:
        progress(what, made, data.stars)
        block = make_stars(
            min(BLOCK, max(FEWEST, data.stars)), replace(data, seed=1000 * (data.seed + 1) + len(parts)), "train"
        )
        rows = np.flatnonzero(inside(source.ranges, block.labels.atmosphere, block.truth.snr))[: data.stars - made]
        parts.append(select(block, rows))
        made, drawn = made + len(rows), drawn + len(block)
        if made < data.stars and drawn >= most * data.stars:
            raise ParameterError(
                f"Only {made} of {drawn} MOCK stars lie within the ranges.", remedy="Widen them or ask for fewer."
            )
    progress(what, made, data.stars)
    return _joined(parts)


def _joined(sets: list[StarSet]) -> StarSet:
    """Inputs, labels and truth of several sets in one; a training needs no more."""
    joined = {}
    for group in ("inputs", "labels", "truth"):
        parts = [getattr(stars, group) for stars in sets]
        names = [item.name for item in fields(parts[0])]
        joined[group] = type(parts[0])(
            **{name: np.concatenate([getattr(part, name) for part in parts]) for name in names}
        )
    return StarSet(**joined)


def _from_mock_survey(source: StarSource, data: DataConfig, progress: Progress) -> tuple[StarSet, dict[str, int]]:
    """Stars of the MOCK survey that pass the paper's cuts, with pipeline parameters within the ranges."""
    import pandas as pd

    from stellar_core.mock.catalogue_writer import catalogue_columns
    from stellar_core.mock.plates import make_plate
    from stellar_core.mock.survey import SEED, MockSurvey
    from stellar_core.sdss.quality_cuts import QualityCuts
    from stellar_core.sdss.specobjid import BOSS_RUN2D
    from stellar_core.sdss.star_id import MOCK_PLATES, StarId

    ids: list[StarId] = []
    atmospheres: list[np.ndarray] = []
    plates = np.random.default_rng([data.seed, 6]).permutation(np.arange(MOCK_PLATES[0], MOCK_PLATES[1] + 1))
    for number in plates:
        if len(ids) >= data.stars:
            break
        progress("reading the MOCK catalogue", len(ids), data.stars)
        frame = pd.DataFrame(catalogue_columns(make_plate(SEED, int(number)), SEED))
        found = frame[[f"{name}adop" for name in ("teff", "logg", "feh")]].to_numpy(float)
        kept = QualityCuts().mask(frame) & inside(source.ranges, found, frame["snMedian"].to_numpy(float))
        for row in np.flatnonzero(kept)[: data.stars - len(ids)]:
            ids.append(StarId(int(number), int(frame["mjd"][row]), int(frame["fiberID"][row]), BOSS_RUN2D))
            atmospheres.append(found[row])
    spectra = (frame.spectrum for frame in MockSurvey(SEED).frames(ids))
    return _prepared(spectra, np.array(atmospheres).reshape(-1, 3), {}, progress, len(ids))


def _from_table(table, source: StarSource, most: int, progress: Progress) -> tuple[StarSet, dict[str, int]]:
    """The stars of the user's table within the ranges, the first ``most`` of them."""
    from stellar_core import lookup

    atmosphere = table[["teff", "logg", "feh"]].to_numpy(float)
    ranges = {name: limits for name, limits in source.ranges.items() if name != "snr"}
    rows = np.flatnonzero(inside(ranges, atmosphere, np.zeros(len(table))))[:most]
    own = {name: table[name].to_numpy()[rows] for name in ("log_age", "log_lifetime", "stage") if name in table}

    def spectra() -> Iterable[Spectrum | StellarError]:
        for text in table["star"].to_numpy()[rows]:
            try:
                yield lookup.load(lookup.resolve(text))
            except StellarError as error:
                yield error

    stars, left = _prepared(spectra(), atmosphere[rows], own, progress, len(rows), source.ranges.get("snr"))
    if len(rows) < len(table):
        left["outside the ranges, or beyond the number requested"] = len(table) - len(rows)
    return stars, left


def _prepared(
    spectra: Iterable[Spectrum | StellarError],
    atmosphere: np.ndarray,
    own: dict[str, np.ndarray],
    progress: Progress,
    total: int,
    snr: tuple[float, float] | None = None,
) -> tuple[StarSet, dict[str, int]]:
    """Training stars from spectra, and the number of stars left out for each reason."""
    kept: list[int] = []
    arrays: dict[str, list[np.ndarray]] = {item.name: [] for item in fields(Inputs)}
    left: dict[str, int] = {}

    def reject(reason: str) -> None:
        left[reason] = left.get(reason, 0) + 1

    nearest = nearest_label(*atmosphere.T)
    for row, spectrum in enumerate(spectra):
        if row % 25 == 0:
            progress("reading spectra", row, total)
        if isinstance(spectrum, StellarError):
            reject(f"no spectrum ({type(spectrum).__name__})")
        elif not nearest.inside_models[row] and len(own) < 3:
            reject("outside the tracks")
        else:
            values = features(spectrum.photometry)
            try:
                found = prepare(spectrum)
            except StellarError:
                reject("the spectrum cannot be used")
                continue
            if not np.isfinite(values).all():
                reject("the photometry is incomplete")
            elif snr is not None and not snr[0] <= found.snr <= snr[1]:
                reject("outside the range of S/N")
            else:
                kept.append(row)
                arrays["flux"].append(found.flux.astype(np.float16))
                arrays["coverage"].append(found.coverage)
                arrays["root_ivar"].append(np.sqrt(found.ivar).astype(np.float16))
                arrays["features"].append(values.astype(np.float32))
    progress("reading spectra", total, total)
    if not kept:
        return StarSet(Inputs(**dict.fromkeys(arrays, np.empty(0))), _labels(nearest, own, atmosphere, []), None), left
    return StarSet(
        Inputs(**{name: np.stack(rows) for name, rows in arrays.items()}), _labels(nearest, own, atmosphere, kept), None
    ), left


def _labels(nearest, own: dict[str, np.ndarray], atmosphere: np.ndarray, rows: list[int]) -> Labels:
    """Labels of the table if given, else of the nearest track point; the atmosphere is also the reference."""
    taken = np.array(rows, dtype=int)
    given = atmosphere[taken].astype(np.float32)
    return Labels(
        log_age=np.asarray(own.get("log_age", nearest.log_age), np.float32)[taken],
        log_lifetime=np.asarray(own.get("log_lifetime", nearest.log_lifetime), np.float32)[taken],
        stage=np.asarray(own.get("stage", nearest.stage), np.int64)[taken],
        atmosphere=given,
        reference=given,
    )
