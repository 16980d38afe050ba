"""Agreement of Model 9 with isochrone fits on REAL stars: ages from spectra, and ages from SSPP parameters."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from stellar_core.constants import SSPP_ERRORS
from stellar_core.errors import StellarError
from stellar_core.isochrones import AlphaEnhancement, infer_posterior
from stellar_core.progress import Progress

if TYPE_CHECKING:
    from stellar_core.inference.isochrone import IsochroneEstimator
    from stellar_core.intervals import Interval


def compare(
    estimator: IsochroneEstimator, folder: Path, progress: Progress = lambda name, done, total: None
) -> dict[str, object]:
    """Compare posteriors of log age from the spectra and from the SSPP's values of the labelled files in ``folder``.

    Both use the same tracks. ``delivered`` is the model's result, recalibrated with the mock survey's mixture of ages;
    ``same_prior`` is under the flat prior of the isochrone fit. The network never sees the SSPP's values.

    Returns
    -------
    dict
        For each of the two ``median_difference`` and ``mean_difference`` of mean log age, dex;
        ``median_absolute_difference``; ``overlap_68``, the fraction of stars with overlapping 68 % intervals. Also
        ``prior_difference``, the median absolute difference of the isochrone fit from the prior mean, as a baseline
        without any spectrum; and ``rows``, star by star.
    """
    import pandas as pd

    from stellar_core.sdss.readers import read_spectrum

    table = pd.read_csv(Path(folder) / "index.csv")
    columns = ["sspp_teff", "sspp_logg", "sspp_feh"]
    rows, prior, flat = [], None, estimator.without_recalibration()
    entries = table[table[columns].notna().all(axis=1)].to_dict("records")
    for number, entry in enumerate(entries, 1):
        progress("SDSS spectra", number, len(entries))
        atmosphere = (float(entry[name]) for name in columns)
        # the physics of the network's samples: solar mixture, uncorrected tracks
        engine = infer_posterior(*atmosphere, SSPP_ERRORS, alpha=AlphaEnhancement(0.0), systematics=False)
        if not engine.inside_models:
            rows.append({"file": entry["file"], "left_out": "outside the models by its SSPP values"})
            continue
        try:
            spectrum = replace(read_spectrum(Path(folder) / entry["file"]), photometry=None)
            found, same = (one.estimate(spectrum, samples=2).log_age for one in (estimator, flat))
        except StellarError as error:
            rows.append({"file": entry["file"], "left_out": str(error)})
            continue
        prior = engine.prior_interval("log_age")
        age = engine.interval("log_age")
        rows.append(
            {
                "file": entry["file"],
                "engine": round(age.mean, 4),
                "delivered": _difference(found, age),
                "same_prior": _difference(same, age),
            }
        )
    kept = [row for row in rows if "left_out" not in row]
    off_prior = np.array([row["engine"] - prior.mean for row in kept])
    return {
        "what": "REAL stars: log age by Model 9 from the spectrum alone, less that of the isochrone engine from the "
        "SSPP's values",
        "sspp_errors": list(SSPP_ERRORS),
        "stars": len(kept),
        **{name: _summary([row[name] for row in kept]) for name in ("delivered", "same_prior")},
        "prior_difference": round(float(np.median(np.abs(off_prior))), 4),
        "rows": rows,
    }


def _difference(model: Interval, engine: Interval) -> dict[str, object]:
    """Mean of the model, its difference from the isochrone fit, and the overlap of the 68 % intervals."""
    return {
        "mean": round(model.mean, 4),
        "difference": round(model.mean - engine.mean, 4),
        "overlap": bool(model.p16 <= engine.p84 and engine.p16 <= model.p84),
    }


def _summary(rows: list[dict[str, object]]) -> dict[str, float]:
    difference = np.array([row["difference"] for row in rows], float)
    return {
        "median_difference": round(float(np.median(difference)), 4),
        "mean_difference": round(float(difference.mean()), 4),
        "median_absolute_difference": round(float(np.median(np.abs(difference))), 4),
        "overlap_68": round(float(np.mean([row["overlap"] for row in rows])), 4),
    }
