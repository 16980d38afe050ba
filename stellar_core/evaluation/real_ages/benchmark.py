"""The benchmark: isochrone fits of REAL stars against their independent ages and masses."""

from __future__ import annotations

import datetime
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from stellar_core import __version__
from stellar_core.constants import SSPP_ERRORS
from stellar_core.evaluation.metrics import rounded
from stellar_core.evaluation.real_ages.accuracy import by_stage
from stellar_core.evaluation.real_ages.binaries import coevality
from stellar_core.evaluation.real_ages.degraded import SEED, degrade
from stellar_core.evaluation.real_ages.parallaxes import measure_parallaxes
from stellar_core.evaluation.real_ages.record import ERRORS, ONCE
from stellar_core.evaluation.real_ages.tables import SAMPLES, read_stars, title
from stellar_core.isochrones.alpha_enhancement import AlphaEnhancement
from stellar_core.isochrones.label import label_table
from stellar_core.isochrones.priors import Priors
from stellar_core.isochrones.track_table import load_tracks
from stellar_core.progress import Progress

if TYPE_CHECKING:
    import pandas

_WHAT = (
    "REAL stars: isochrone fit of published Teff, log g and [Fe/H], against ages of asteroseismology and masses of "
    "asteroseismology or eclipsing binaries; log age in dex, posterior mean minus truth; coverage includes the error "
    "of the truth"
)


def measure(
    folder: Path | None = None,
    progress: Progress = lambda name, done, total: None,
    priors: Priors = Priors(),
    alpha: AlphaEnhancement = AlphaEnhancement(),
    systematics: bool = True,
) -> dict[str, object]:
    """Fit all stars of a folder, with errors as published and degraded to those of the SSPP.

    Parameters
    ----------
    folder : Path, optional
        As for `tables.read_stars`.
    progress : callable
    priors, alpha, systematics
        As for `stellar_core.isochrones.infer_posterior`.

    Returns
    -------
    dict
        ``what`` and the settings; ``samples``: by name ``title``, ``reference``, ``headline_ages`` and, for each of
        `ERRORS`, the counts ``stars``, ``used``, ``outside_models``, ``bad_input`` and ``without_truth`` with the
        ``age`` and ``mass`` of `accuracy.by_stage`; `ONCE` is all samples with headline ages, each star from the first
        that has it; ``binaries``: for each of `ERRORS` the result of `binaries.coevality`; ``parallaxes``: the
        result of `measure_parallaxes`; ``stars``: columns of the stars of `ONCE` for the figure.
    """
    start = time.monotonic()
    stars = read_stars(folder)
    labelled = {}
    for number, (name, changed) in enumerate(zip(ERRORS, (stars, degrade(stars))), 1):
        labelled[name] = label_table(changed, priors, alpha, systematics).assign(
            stage=stars["stage"]
        )  # not the inferred one
        progress("sets of errors", number, len(ERRORS))
    known = {sample.name: sample for sample in SAMPLES}
    samples: dict[str, object] = {}
    for name in dict.fromkeys(stars["sample"]):
        rows = (stars["sample"] == name).to_numpy()
        sample = known.get(name)
        samples[name] = {
            "title": title(name),
            "reference": sample.reference if sample else "",
            "headline_ages": sample.ages if sample else True,
            **{errors: _accuracy(table[rows]) for errors, table in labelled.items()},
        }
    once = _seismic_once(stars)
    if once.any():
        samples[ONCE] = {"title": "All, each star once"} | {
            errors: _accuracy(table[once]) for errors, table in labelled.items()
        }
    found = {
        "what": _WHAT,
        "date": datetime.date.today().isoformat(),
        "version": __version__,
        "models": load_tracks().source,
        "priors": priors.to_dict(),
        "alpha": alpha.to_dict(),
        "systematics": systematics,
        "sdss_errors": list(SSPP_ERRORS),
        "seed": SEED,
        "samples": samples,
        "binaries": {errors: coevality(table) for errors, table in labelled.items()},
        "parallaxes": measure_parallaxes(folder, progress),
        "stars": _columns({errors: table[once] for errors, table in labelled.items()}),
        "seconds": time.monotonic() - start,
    }
    return rounded(found)


def _accuracy(table: pandas.DataFrame) -> dict[str, object]:
    counts = table["state"].value_counts()
    known = table["true_log_age"].notna() | table["true_mass_msun"].notna()
    inside = table["inside_models"].astype(bool)
    return {
        "stars": len(table),
        "used": int((inside & known).sum()),
        "without_truth": int((inside & ~known).sum()),
        "outside_models": int(counts.get("outside the models", 0)),
        "bad_input": int(counts.get("bad input", 0)),
        **by_stage(table),
    }


def _seismic_once(stars: pandas.DataFrame) -> np.ndarray:
    """Rows (n,) of stars with headline ages, the first of each star."""
    others = {sample.name for sample in SAMPLES if not sample.ages}
    wanted = stars["true_log_age"].notna() & ~stars["sample"].isin(others)
    return (wanted & ~stars["repeated"]).to_numpy()


def _columns(labelled: Mapping[str, pandas.DataFrame]) -> dict[str, object]:
    """Columns of the stars that have an age with both sets of errors; log10(yr)."""
    inside = np.logical_and.reduce([table["inside_models"].to_numpy(bool) for table in labelled.values()])
    tables = {name: table[inside] for name, table in labelled.items()}
    first = next(iter(tables.values()))

    def numbers(values: np.ndarray) -> list[float | None]:
        return [round(float(value), 3) if np.isfinite(value) else None for value in values]

    age = first["true_log_age"].to_numpy(float)
    low, high = (first[f"true_log_age_err_{side}"].to_numpy(float) for side in ("lo", "hi"))
    found: dict[str, object] = {name: first[name].tolist() for name in ("star", "sample", "stage")}
    found["true_log_age"] = {"p16": numbers(age - low), "median": numbers(age), "p84": numbers(age + high)}
    for name, table in tables.items():
        found[name] = {part: numbers(table[f"log_age_{part}"].to_numpy(float)) for part in ("p16", "median", "p84")}
    return found
