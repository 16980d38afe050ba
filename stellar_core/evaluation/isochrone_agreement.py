"""Model 9 beside the isochrone engine on REAL stars: spectrum to age, and SSPP parameters to age."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from stellar_core.constants import SSPP_ERRORS
from stellar_core.errors import StellarError
from stellar_core.isochrones import infer_posterior

if TYPE_CHECKING:
    from stellar_core.inference.isochrone import IsochroneEstimator
    from stellar_core.intervals import Interval


def compare(estimator: IsochroneEstimator, folder: Path) -> dict[str, object]:
    """Posteriors of log age from the spectrum, and from the SSPP's values, of the labelled SDSS files of ``folder``.

    Twice: ``delivered``, as the model answers, levelled with the mock survey's mixture of ages, and ``same_prior``,
    both under the engine's flat prior. Both use the same tracks. The SSPP's values enter the engine alone, never the
    network.

    Returns
    -------
    dict
        For each of the two ``median_difference`` and ``mean_difference`` of mean log age, dex;
        ``median_absolute_difference``; ``overlap_68``, the share of stars whose 68 % intervals have a part in common.
        Beside them ``prior_difference``, the median absolute difference of the engine's mean from the prior's: what
        one who looked at no spectrum would reach; and ``rows``, star by star.
    """
    import pandas as pd

    from stellar_core.sdss.readers import read_spectrum

    table = pd.read_csv(Path(folder) / "index.csv")
    columns = ["sspp_teff", "sspp_logg", "sspp_feh"]
    rows, prior, flat = [], None, estimator.without_recalibration()
    for entry in table[table[columns].notna().all(axis=1)].to_dict("records"):
        engine = infer_posterior(*(float(entry[name]) for name in columns), SSPP_ERRORS)
        if not engine.inside_models:
            rows.append({"file": entry["file"], "left_out": "outside the models by its SSPP values"})
            continue
        try:
            spectrum = read_spectrum(Path(folder) / entry["file"])
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
                "delivered": _beside(found, age),
                "same_prior": _beside(same, age),
            }
        )
    kept = [row for row in rows if "left_out" not in row]
    off_prior = np.array([row["engine"] - prior.mean for row in kept])
    return {
        "what": "REAL stars: log age by Model 9 from the spectrum alone, less that of the isochrone engine from the SSPP's values",
        "sspp_errors": list(SSPP_ERRORS),
        "stars": len(kept),
        **{name: _summary([row[name] for row in kept]) for name in ("delivered", "same_prior")},
        "prior_difference": round(float(np.median(np.abs(off_prior))), 4),
        "rows": rows,
    }


def _beside(model: Interval, engine: Interval) -> dict[str, object]:
    """Mean of the model and by how much it differs; whether the 68 % intervals have a part in common."""
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
