"""Test a model on corrupted spectra: out-of-distribution check and coverage.

Each corruption is applied to the spectrum as it was read, before preprocessing. Severe corruption should be flagged;
under mild corruption the intervals should keep their coverage, or the star should be flagged. `corruption_suite` uses
MOCK stars, `real_corruption_suite` REAL spectra, including galaxies and quasars.

In the results, "grave" is severe corruption, "gate_spoke" the fraction of stars flagged as out of distribution.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from stellar_core.constants import SPEED_OF_LIGHT, SSPP_ERRORS
from stellar_core.evaluation.mock_evaluation import main_view
from stellar_core.evaluation.predictions import Predictions, predict_stars
from stellar_core.evaluation.reliability import covered
from stellar_core.evaluation.survey_sample import star_set, survey_stars, truth_of_survey
from stellar_core.inference.estimator import Estimator
from stellar_core.mock.population import Population
from stellar_core.mock.survey import MockSurvey
from stellar_core.photometry import Photometry
from stellar_core.progress import Progress
from stellar_core.spectrum import Spectrum

Corruption = Callable[[Spectrum, np.random.Generator], Spectrum]
#: Boundary of the spectrograph's two arms, Angstrom; seed of the corruptions.
ARMS, SEED = 6000.0, 21
#: Bands of the Earth's atmosphere, Angstrom in vacuum: oxygen, then water.
TELLURIC = ((6868, 6945), (7592, 7700), (7165, 7340), (8130, 8350), (8950, 9250))


def cosmic_rays(spectrum: Spectrum, rng: np.random.Generator, count: int = 20, height: float = 30.0) -> Spectrum:
    """Raise single pixels by up to ``height`` times the median flux, without a mask."""
    flux = np.array(spectrum.flux)
    hit = rng.choice(np.flatnonzero(spectrum.good), count, replace=False)
    flux[hit] += rng.uniform(0.3, 1.0, count) * height * max(np.median(flux[spectrum.good]), 1e-3)
    return replace(spectrum, flux=flux)


def dead_arm(spectrum: Spectrum, rng: np.random.Generator, marked: bool = True) -> Spectrum:
    """Lose one arm: set its inverse variance to 0, or if not ``marked`` its flux."""
    lost = (spectrum.wavelength < ARMS) == bool(rng.integers(2))
    if marked:
        return replace(spectrum, ivar=np.where(lost, 0.0, spectrum.ivar))
    return replace(spectrum, flux=np.where(lost, 0.0, spectrum.flux))


def wrong_redshift(spectrum: Spectrum, rng: np.random.Generator, kms: float = 300.0) -> Spectrum:
    """Shift the redshift by ``kms`` in either direction."""
    return replace(spectrum, redshift=(spectrum.redshift or 0.0) + rng.choice([-1, 1]) * kms / SPEED_OF_LIGHT)


def tilt(spectrum: Spectrum, rng: np.random.Generator, power: float = 1.5) -> Spectrum:
    """Multiply flux and errors by a power of the wavelength: 1.5 is a factor of 3.8 from end to end."""
    factor = (spectrum.wavelength / ARMS) ** (rng.choice([-1, 1]) * power)
    return replace(spectrum, flux=spectrum.flux * factor, ivar=spectrum.ivar / factor**2)


def tellurics(spectrum: Spectrum, rng: np.random.Generator, depth: float = 0.4) -> Spectrum:
    """Add telluric absorption bands."""
    inside = np.any([(spectrum.wavelength > low) & (spectrum.wavelength < high) for low, high in TELLURIC], axis=0)
    return replace(spectrum, flux=np.where(inside, spectrum.flux * (1.0 - depth), spectrum.flux))


def shuffled(spectrum: Spectrum, rng: np.random.Generator) -> Spectrum:
    """Permute the pixels, each with its error."""
    good = np.flatnonzero(spectrum.good)
    order = np.arange(spectrum.flux.size)
    order[good] = rng.permutation(good)
    return replace(spectrum, flux=spectrum.flux[order], ivar=spectrum.ivar[order])


#: Corruptions that should be flagged.
SEVERE: Mapping[str, Corruption] = {
    "cosmic rays": cosmic_rays,
    "dead arm": dead_arm,
    "dead arm, not marked": lambda spectrum, rng: dead_arm(spectrum, rng, marked=False),
    "redshift off by 300 km/s": wrong_redshift,
    "tilt": tilt,
    "tellurics": tellurics,
    "shuffled pixels": shuffled,
}
#: Corruptions that should leave the coverage intact, or be flagged.
MILD: Mapping[str, Corruption] = {
    "3 cosmic rays": lambda spectrum, rng: cosmic_rays(spectrum, rng, 3, 5.0),
    "redshift off by 30 km/s": lambda spectrum, rng: wrong_redshift(spectrum, rng, 30.0),
    "tilt of 20 %": lambda spectrum, rng: tilt(spectrum, rng, 0.2),
    "tellurics of 10 %": lambda spectrum, rng: tellurics(spectrum, rng, 0.1),
}
SWAPPED = "swapped photometry"


def swap_photometry(spectra: Sequence[Spectrum]) -> list[Spectrum]:
    """Give each spectrum the photometry of the next star."""
    others: list[Photometry | None] = [spectrum.photometry for spectrum in spectra]
    return [replace(spectrum, photometry=other) for spectrum, other in zip(spectra, others[1:] + others[:1])]


def corruption_suite(
    estimator: Estimator, n: int, seed: int = SEED, progress: Progress = lambda name, done, total: None
) -> dict[str, object]:
    """Run the suite on ``n`` stars of the MOCK survey."""
    stars = survey_stars(n)
    spectra = [frame.spectrum for frame in MockSurvey().frames(stars)]
    return {
        "what": "MOCK survey stars, S/N above 5",
        **_suite(estimator, spectra, truth_of_survey(stars), seed, progress),
    }


def _suite(
    estimator: Estimator, spectra: Sequence[Spectrum], true: Population | None, seed: int, progress: Progress
) -> dict[str, object]:
    photometry = all(spectrum.photometry is not None for spectrum in spectra)
    view = main_view(estimator) if photometry else "spectrum alone"
    kept, clean = star_set(estimator, spectra, true)
    before = predict_stars(estimator, clean, view, seed)
    spectra, true = [spectra[row] for row in kept], None if true is None else true.select(np.array(kept))
    sets = {name: (kind, one) for kind, part in (("grave", SEVERE), ("mild", MILD)) for name, one in part.items()}
    out: dict[str, object] = {"stars": len(kept), "false_alarms": float(before.flagged.mean()), "grave": {}, "mild": {}}
    scores = []
    if true is not None:
        out["coverage_68_undamaged"] = covered(before.u[:, 3])["68"]
    if view == "spectrum and photometry":
        sets[SWAPPED] = ("grave", None)
    for number, (name, (kind, corrupt)) in enumerate(sets.items()):
        progress("corruptions", number + 1, len(sets))
        rng = np.random.default_rng([seed, number])
        corrupted = swap_photometry(spectra) if corrupt is None else [corrupt(spectrum, rng) for spectrum in spectra]
        rows, stars = star_set(estimator, corrupted, true)
        after = predict_stars(estimator, stars, view, seed)
        lost = len(spectra) - len(rows)
        out[kind][name] = _row(before, after, np.array(rows, int), lost, true is not None)
        if kind == "grave":
            scores.append(np.concatenate([after.domain_score, np.full(lost, np.inf)]))
    out["auroc"] = _auroc(before.domain_score, np.concatenate(scores))
    out["auroc_without_swapped_photometry"] = _auroc(before.domain_score, np.concatenate(scores[: len(SEVERE)]))
    return out


def _row(before: Predictions, after: Predictions, rows: np.ndarray, lost: int, known: bool) -> dict[str, float]:
    """Metrics of one corruption: stars flagged, coverage, and change of log age."""
    n, flagged = len(before), after.flagged
    moved = np.abs(after.mean[:, 3] - before.mean[rows, 3]) / np.hypot(after.std[:, 3], before.std[rows, 3])
    out = {
        "gate_spoke": float((flagged.sum() + lost) / n),
        "auroc": _auroc(before.domain_score, np.concatenate([after.domain_score, np.full(lost, np.inf)])),
        "moved_within_errors_or_gate_spoke": float((((moved < 1.0) | flagged).sum() + lost) / n),
    }
    if known:
        inside = np.abs(after.u[:, 3] - 0.5) <= 0.34
        out |= {
            "coverage_68": float(inside.mean()),
            "coverage_68_where_the_gate_was_silent": float(inside[~flagged].mean()) if (~flagged).any() else 1.0,
            "covered_or_gate_spoke": float(((inside | flagged).sum() + lost) / n),
        }
    return out


def _auroc(good: np.ndarray, bad: np.ndarray) -> float:
    from sklearn.metrics import roc_auc_score

    scores = np.minimum(np.concatenate([good, bad]), 1e12)
    return float(roc_auc_score(np.r_[np.zeros(good.size), np.ones(bad.size)], scores))


def real_corruption_suite(
    estimator: Estimator, folder: Path, seed: int = SEED, progress: Progress = lambda name, done, total: None
) -> dict[str, object]:
    """Run the suite on REAL spectra of stars, and count the stars and other objects that are flagged.

    Parameters
    ----------
    estimator : Estimator
    folder : Path
        With ``index.csv`` and the files listed in it.
    """
    import pandas as pd

    from stellar_core.errors import StellarError
    from stellar_core.sdss.readers import read_spectrum

    table, verdicts = pd.read_csv(Path(folder) / "index.csv"), []
    spectra = [replace(read_spectrum(Path(folder) / name), photometry=None) for name in table["file"]]
    results = []
    for spectrum in spectra:
        try:
            results.append(estimator.estimate(spectrum, samples=2))
            verdicts.append(results[-1].verdict.in_domain)
        except StellarError:
            results.append(None)
            verdicts.append(False)
    refused = ~np.array(verdicts)
    star, labelled = (
        (table["kind"] == "STAR").to_numpy(),
        table[["sspp_teff", "sspp_logg", "sspp_feh"]].notna().all(axis=1).to_numpy(),
    )
    good = labelled & (table["sn"].to_numpy(float) > 10)
    whole = [spectrum for spectrum, use in zip(spectra, star & ~refused) if use]
    rows = [(table.iloc[k], results[k]) for k in np.flatnonzero(labelled) if results[k] is not None]
    return {
        "what": "REAL SDSS spectra, spectrum alone; damage is done to the stars that pass undamaged",
        "no_stars_caught": f"{int((refused & ~star).sum())} of {int((~star).sum())}",
        "labelled_stars_refused": f"{int((refused & good).sum())} of {int(good.sum())}",
        "stars_refused": f"{int((refused & star).sum())} of {int(star.sum())}",
        "sspp": _compare_with_sspp(rows),
        **_suite(estimator, whole, None, seed, progress),
    }


def _compare_with_sspp(rows: list) -> dict[str, dict[str, float]]:
    """Coverage of the SSPP's values by the 68 % intervals, without and with the SSPP's errors."""
    out = {}
    for name, error in zip(("teff", "logg", "feh"), SSPP_ERRORS):
        label = np.array([float(row[f"sspp_{name}"]) for row, _ in rows])
        found = [getattr(result, name) for _, result in rows]
        low, middle, high = (np.array([getattr(one, part) for one in found]) for part in ("p16", "median", "p84"))
        half = (high - low) / 2
        out[name] = {
            "stars": len(rows),
            "bias": float(np.median(middle - label)),
            "half_width_68": float(np.median(half)),
            "covered_68": float(((label >= low) & (label <= high)).mean()),
            "sspp_error": error,
            "covered_68_with_the_errors_of_the_sspp": float((np.abs(middle - label) <= np.hypot(half, error)).mean()),
        }
    return out
