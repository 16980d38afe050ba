"""Answers with and without a parallax for the same MOCK stars."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from stellar_core.datasets.memmap_stars import select
from stellar_core.datasets.mock_stars import StarSet
from stellar_core.evaluation.metrics import classification
from stellar_core.evaluation.predictions import Predictions, predict_stars
from stellar_core.evaluation.reliability import covered
from stellar_core.galaxy import TYPICAL_LATITUDE
from stellar_core.inference.calibration.isochrone import BOTH, PARALLAX_VIEWS, VIEWS
from stellar_core.inference.isochrone import IsochroneEstimator
from stellar_core.inference.parallax_term import ParallaxTerm
from stellar_core.photometry import BANDS, Photometry
from stellar_core.preprocessing.features import FEATURE_NAMES
from stellar_core.stages import STAGES

#: Bins of parallax over error.
SIGNIFICANCE = ((-np.inf, 3.0), (3.0, 5.0), (5.0, 10.0), (10.0, 20.0), (20.0, np.inf))
#: Columns of `Predictions` of lifetime and age.
_COLUMNS = {"log_age": 3, "log_lifetime": 4}


def parallax_terms(stars: StarSet, photometry: bool) -> list[ParallaxTerm | None]:
    """The factor of each star's parallax, None without one; with ``photometry``, for a network that reads ugriz.

    The stars have no position: dust is that of a typical latitude.
    """
    names = ("psfMag", "psfMagErr", "extinction")
    psf, error, extinction = (
        stars.inputs.features[:, [FEATURE_NAMES.index(f"{name}_{band}") for band in BANDS]].astype(float)
        for name in names
    )
    found: list[ParallaxTerm | None] = []
    for row in range(len(stars)):
        astrometry = stars.gaia.astrometry(row)
        seen = Photometry(psf[row], error[row], extinction[row], psf[row]) if photometry else None
        found.append(
            None if astrometry is None else ParallaxTerm.from_parts(astrometry, seen, photometry, TYPICAL_LATITUDE)
        )
    return found


def compare_views(
    estimator: IsochroneEstimator, stars: StarSet, without: Mapping[str, Predictions]
) -> dict[str, object]:
    """Compare answers with and without the parallaxes of MOCK stars, for both views with a spectrum.

    Parameters
    ----------
    estimator : IsochroneEstimator
    stars : StarSet
        With ``gaia``.
    without : mapping of str to Predictions
        Of these stars, or of the first, by view without parallax.

    Returns
    -------
    dict
        By name of the view, as of `compare`.
    """
    figures = {}
    for name, view in PARALLAX_VIEWS.items():
        base = next(key for key, value in VIEWS.items() if value == view)
        rows = np.flatnonzero(stars.gaia.has_parallax[: len(without[base])])
        some = select(stars, rows)
        terms = parallax_terms(some, photometry=view == BOTH)
        beside = predict_stars(estimator, some, base, terms=terms)
        figures[name] = compare(without[base].select(rows), beside, some.gaia.parallax / some.gaia.parallax_error)
    return figures


def compare(without: Predictions, beside: Predictions, significance: np.ndarray) -> dict[str, object]:
    """Compare predictions of the same stars without and with (``beside``) their parallaxes.

    Parameters
    ----------
    without, beside : Predictions
    significance : (n,) float
        Parallax over error.

    Returns
    -------
    dict
        ``all``, and a mapping by parallax over error and by true stage; each with the number of stars and, without
        and with the parallax, CRPS and coverage of log age and log lifetime, macro F1, recall of subgiants.
    """
    groups: dict[str, np.ndarray] = {"all": np.ones(len(without), bool)}
    for low, high in SIGNIFICANCE:
        name = f"parallax/error {low:g}-{high:g}" if np.isfinite([low, high]).all() else ""
        name = name or (f"parallax/error below {high:g}" if low < 0 else f"parallax/error above {low:g}")
        groups[name] = (significance >= low) & (significance < high)
    groups |= {f"true {name}": without.stage == number for number, name in enumerate(STAGES)}
    return {
        name: {"n": int(rows.sum()), "without": _measures(without, rows), "with": _measures(beside, rows)}
        for name, rows in groups.items()
        if rows.any()
    }


def _measures(found: Predictions, rows: np.ndarray) -> Mapping[str, object]:
    ages = {
        name: {"crps": float(found.crps[rows, column].mean()), **covered(found.u[rows, column])}
        for name, column in _COLUMNS.items()
    }
    subgiants = rows & (found.stage == STAGES.index("Subgiant"))
    right = (found.predicted == found.stage)[subgiants]
    return {
        **ages,
        "macro_f1": float(classification(found.predicted[rows], found.stage[rows])["macro_f1"]),
        "accuracy": float((found.predicted == found.stage)[rows].mean()),
        "subgiant_recall": float(right.mean()) if right.size else None,
    }
