"""Distinguish MOCK spectra from REAL ones of similar stars with classifiers: a test of the mock survey's realism.

Classifiers are tested on stars they were not trained on: a real star and its mock stars are always in the same fold.
An area under the curve (AUC) of 0.5 is chance. Each classifier is the mean of a logistic regression on features and
their squares and of small boosted trees.
"""

from __future__ import annotations

import datetime
import json
from pathlib import Path

import numpy as np

from stellar_core.errors import ParameterError
from stellar_core.evaluation.realism.matched_mocks import Sample, real_stars, sample
from stellar_core.files import write_text
from stellar_core.inference.estimator import Estimator
from stellar_core.paths import TRAINED_DIR
from stellar_core.preprocessing.grid import GRID
from stellar_core.progress import Progress

#: Rest-frame wavelength ranges of line features, Angstrom.
RANGES = (
    (3850, 4150),
    (4150, 4500),
    (4500, 4900),
    (4900, 5300),
    (5300, 5700),
    (5700, 6200),
    (6200, 6800),
    (6800, 7400),
    (7400, 8100),
    (8100, 8700),
    (8700, 9150),
)
#: Principal components of a range, and of the whole spectrum with its continuum.
RANGE_COMPONENTS, COMPONENTS = 8, 25
FOLDS, REPEATS, BOOTSTRAPS = 7, 2, 300
#: Classifiers with several kinds of features: their keys on the card, and their input.
WHOLE = {
    "everything": "the prepared flux, and flux and ivar as files hold them",
    "prepared_flux": "the prepared flux, as a network does",
    "raw_flux_and_ivar": "summary numbers of flux and ivar as files hold them",
}


def _reduce(rows: np.ndarray, train: np.ndarray, count: int) -> np.ndarray:
    """Scores on the leading components of the training rows, and the scatter and maximum of the residuals."""
    from sklearn.decomposition import PCA

    fitted = PCA(count, svd_solver="randomized", random_state=0).fit(rows[train])
    found = fitted.transform(rows)
    left = rows - fitted.inverse_transform(found)
    return np.column_stack([found, np.log(left.std(axis=1) + 1e-6), np.log(np.abs(left).max(axis=1) + 1e-6)])


def _features(data: Sample, train: np.ndarray, only: tuple[str, ...] = ()) -> dict[str, np.ndarray]:
    """Features by kind, or those of ``only``; principal components are those of the training rows."""
    groups = {name: rows for name, rows in data.groups.items() if not only or name in only}
    if only and set(only) <= set(groups):
        return groups
    seen = {"whole spectrum": _reduce(data.flux[:, 200:5600], train, COMPONENTS)}
    for low, high in RANGES:
        columns = slice(low - int(GRID[0]), high - int(GRID[0]))
        seen[f"lines {low}-{high} A"] = _reduce(data.profile[:, columns], train, RANGE_COMPONENTS)
    together = {
        "everything": np.hstack([*seen.values(), *data.groups.values()]),
        "prepared_flux": np.hstack(list(seen.values())),
        "raw_flux_and_ivar": np.hstack(list(data.groups.values())),
    }
    return {name: rows for name, rows in (together | seen | data.groups).items() if not only or name in only}


def _rank(train: np.ndarray, real: np.ndarray, test: np.ndarray) -> np.ndarray:
    """Mean rank of the test rows by the two classifiers, 0 to 1; higher is more like a real star."""
    from scipy.stats import rankdata
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.linear_model import LogisticRegression
    from sklearn.preprocessing import QuantileTransformer

    normal = QuantileTransformer(n_quantiles=60, output_distribution="normal", random_state=0).fit(train)
    near, far = (np.clip(normal.transform(rows), -3.0, 3.0) for rows in (train, test))
    logistic = LogisticRegression(C=0.01, class_weight="balanced", max_iter=500)
    # Squares make a wrong scatter visible, not only a wrong mean.
    logistic.fit(np.hstack([near, near**2 - 1]), real)
    trees = HistGradientBoostingClassifier(
        max_iter=40,
        max_depth=2,
        learning_rate=0.1,
        min_samples_leaf=15,
        l2_regularization=5.0,
        class_weight="balanced",
        early_stopping=False,
        random_state=0,
    )
    # Steps of an eighth of a standard deviation: few enough values to need no binning by the trees.
    trees.fit(np.round(8 * near), real)
    first = logistic.decision_function(np.hstack([far, far**2 - 1]))
    return (rankdata(first) + rankdata(trees.decision_function(np.round(8 * far)))) / (2 * len(test))


def cross_validate(data: Sample, seed: int, only: tuple[str, ...] = ()) -> dict[str, np.ndarray]:
    """Score every spectrum by classifiers trained on other stars.

    Parameters
    ----------
    data : Sample
    seed : int
        Seed of the folds.
    only : tuple of str
        Names of feature sets; all by default.

    Returns
    -------
    dict of str to (n,) float64
        The higher, the more like a real star.
    """
    fold = np.random.default_rng(seed).permutation(int(data.star.max()) + 1)[data.star] % FOLDS
    out: dict[str, np.ndarray] = {}
    for number in range(FOLDS):
        test = fold == number
        for name, rows in _features(data, ~test, only).items():
            out.setdefault(name, np.zeros(len(fold)))[test] = _rank(rows[~test], data.real[~test], rows[test])
    return out


def area(score: np.ndarray, data: Sample) -> tuple[float, float]:
    """Compute the AUC and its 1-sigma error from bootstraps over stars."""
    from sklearn.metrics import roc_auc_score

    rng = np.random.default_rng(0)
    rows = [np.flatnonzero(data.star == number) for number in range(int(data.star.max()) + 1)]
    drawn = []
    for _ in range(BOOTSTRAPS):
        chosen = np.concatenate([rows[k] for k in rng.integers(len(rows), size=len(rows))])
        drawn.append(roc_auc_score(data.real[chosen], score[chosen]))
    return float(roc_auc_score(data.real, score)), float(np.std(drawn))


def null_sample(data: Sample) -> Sample:
    """Keep the mock stars alone, the first of each star labelled real: a sample without any difference."""
    mock = ~data.real
    star = data.star[mock]
    return Sample(
        star,
        np.concatenate([[True], star[1:] != star[:-1]]),
        data.flux[mock],
        data.profile[mock],
        {name: rows[mock] for name, rows in data.groups.items()},
    )


def classify(data: Sample, repeats: int = REPEATS) -> dict[str, object]:
    """Measure how well mock and real spectra are distinguished, and by which features.

    Returns
    -------
    dict
        ``auc`` and ``auc_error`` of the classifier with all features; the same for the others of `WHOLE` under their
        names; ``chance``, the AUC of the null sample; numbers of stars; and ``reasons``: ``what``, ``auc`` and
        ``auc_error`` of classifiers with one kind of features, the highest AUC first.

    Raises
    ------
    ParameterError
        If there are fewer real stars than folds.
    """
    if data.real.sum() < 2 * FOLDS:
        raise ParameterError(f"At least {2 * FOLDS} real stars are needed; got {int(data.real.sum())}.")
    rounds = [cross_validate(data, seed) for seed in range(repeats)]
    found = {name: area(np.mean([one[name] for one in rounds], axis=0), data) for name in rounds[0]}
    null = null_sample(data)
    chance = area(
        np.mean([cross_validate(null, seed, ("everything",))["everything"] for seed in range(repeats)], axis=0), null
    )
    entries = {name: {"auc": round(auc, 3), "auc_error": round(error, 3)} for name, (auc, error) in found.items()}
    return {
        **entries["everything"],
        "real_stars": int(data.real.sum()),
        "mock_stars": int((~data.real).sum()),
        **{name: {"sees": sees} | entries[name] for name, sees in WHOLE.items() if name != "everything"},
        "chance": {"auc": round(chance[0], 3), "auc_error": round(chance[1], 3)},
        "reasons": sorted(
            ({"what": name} | entry for name, entry in entries.items() if name not in WHOLE),
            key=lambda one: -one["auc"],
        ),
    }


def measure(
    folder: Path, estimator: Estimator, progress: Progress = lambda name, done, total: None
) -> dict[str, object]:
    """Run `classify` on real stars and their mocks, and once more with the SDSS pipeline's models as mocks.

    Parameters
    ----------
    folder : Path
        With ``index.csv``.
    estimator : Estimator
        Prepares the spectra, and gives the parameters of stars without SSPP labels.
    progress : Progress
    """
    stars = real_stars(folder, estimator)
    progress("classifications", 0, 2)
    found = classify(sample(stars, estimator))
    progress("classifications", 1, 2)
    reference = classify(sample(stars, estimator, emulated=False))
    progress("classifications", 2, 2)
    sees = "the prepared flux of the SDSS pipeline's own models, observed with the mock spectrograph: a yardstick"
    return found | {"pipeline_models": {"sees": sees} | reference["prepared_flux"]}


def record(found: dict[str, object], card: Path = TRAINED_DIR / "mock-realism" / "card.json") -> None:
    """Write ``found`` into the card as its ``classifier``; other entries stay."""
    whole = json.loads(card.read_text()) if card.exists() else {"name": "mock-realism"}
    whole["classifier"] = found
    whole["classifier_note"] = (
        "Cross-validated by star; mock stars have the Teff, log g and [Fe/H] whose emulated lines fit a real star "
        "best, near the SSPP's, its S/N, spectrograph, velocity and slope; errors from bootstraps over stars"
    )
    whole["date"] = datetime.date.today().isoformat()
    card.parent.mkdir(parents=True, exist_ok=True)
    write_text(card, json.dumps(whole, indent=1, allow_nan=False) + "\n")
