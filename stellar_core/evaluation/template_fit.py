"""The fit of template spectra and a network on labelled REAL stars of two surveys, repeated spectra and MOCK stars.

Spectra alone, no photometry. The labels of SDSS stars are those of the SSPP, those of LAMOST stars of LASP.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from stellar_core.datasets.config import DataConfig
from stellar_core.datasets.mock_stars import make_stars
from stellar_core.errors import StellarError
from stellar_core.evaluation.atmospheres import estimate_all
from stellar_core.inference.base import BaseEstimator
from stellar_core.inference.result import Result
from stellar_core.inference.template_fit import TemplateFit, contradiction, fit_templates
from stellar_core.inference.template_fit.templates import Templates
from stellar_core.preprocessing.grid import GRID
from stellar_core.preprocessing.spectra import KeptSpectrum, PreparedSpectrum
from stellar_core.progress import Progress
from stellar_core.spectrum import Spectrum

#: Errors of the labels of SDSS (SSPP) and LAMOST (LASP) stars: K, dex, dex.
LABEL_ERRORS = {"SDSS": (75.0, 0.2, 0.1), "LAMOST": (90.0, 0.15, 0.1), "MOCK": (0.0, 0.0, 0.0)}
#: Columns of labels in each survey's ``index.csv``.
COLUMNS = {"SDSS": ("sspp_teff", "sspp_logg", "sspp_feh"), "LAMOST": ("lasp_teff_K", "lasp_logg_dex", "lasp_feh_dex")}
#: Difference from the label in [Fe/H] (dex) of a wild answer, and largest in Teff (K) and [Fe/H] of a good one; MOCK
#: stars and their seed.
WILD, GOOD, MOCK_STARS, SEED = 1.0, (300.0, 0.5), 300, 7

#: Kinds of answers of the network, see `_kinds`.
KINDS = ("good", "off", "wild", "unlabelled")


@dataclass(frozen=True)
class Sample:
    """Spectra with labels (n, 3): Teff [K], log g, [Fe/H]; and the star of each (n,), 0 where it has one spectrum."""

    name: str
    spectra: tuple[Spectrum, ...]
    labels: np.ndarray
    group: np.ndarray


def read_sample(name: str, folder: Path) -> Sample:
    """Read the labelled and repeated spectra of one of `COLUMNS`; unlabelled single ones are left out."""
    import pandas as pd

    from stellar_core.sdss.readers import read_spectrum

    table = pd.read_csv(Path(folder) / "index.csv")
    labels = table[list(COLUMNS[name])].to_numpy(float)
    group = table["group"].fillna(0).to_numpy(int) if "group" in table else np.zeros(len(table), int)
    use = np.isfinite(labels).all(axis=1) | (group > 0)
    spectra = tuple(replace(read_spectrum(Path(folder) / file), photometry=None) for file in table["file"][use])
    return Sample(name, spectra, labels[use], group[use])


def mock_sample(stars: int = MOCK_STARS) -> Sample:
    """MOCK test stars with their true values."""
    made = make_stars(stars, DataConfig(seed=SEED), "test")
    ivar = made.inputs.root_ivar.astype(np.float32) ** 2
    flux = made.inputs.flux.astype(np.float32)
    spectra = tuple(
        KeptSpectrum(
            GRID,
            flux[k],
            ivar[k],
            redshift=0.0,
            name=f"MOCK {k}",
            source="mock",
            prepared=PreparedSpectrum(
                flux[k], made.inputs.coverage[k], 0.0, "file", float(made.truth.snr[k]), ivar=ivar[k]
            ),
        )
        for k in range(len(made))
    )
    return Sample("MOCK", spectra, np.asarray(made.truth.atmosphere, float), np.zeros(len(made), int))


def compare_templates(
    estimator: BaseEstimator,
    data: Path,
    mock_stars: int = MOCK_STARS,
    progress: Progress = lambda name, done, total: None,
) -> dict[str, object]:
    """Fit templates to all samples, and compare with the labels and with a network.

    Parameters
    ----------
    estimator : BaseEstimator
    data : Path
        With ``sdss/`` and, optionally, ``lamost/``.
    mock_stars : int
        MOCK stars, which have no label but their truth.

    Returns
    -------
    dict
        ``seconds_per_star`` of processor. ``rows``: for each sample and method ``n``, median difference from the label
        (``teff_bias`` [K], ``logg_bias``, ...), 1.4826 MAD (``_scatter``), ``_within``, the share of stars within one
        sigma of the joint error, and ``wild``. ``contradictions``: for each sample the number of ``good``, ``off``,
        ``wild`` and ``unlabelled`` answers of the network, and of those ``_flagged``. ``repeats``: for each method the
        number of ``pairs`` and the RMS of the pulls of repeated spectra (``_robust``: 1.4826 MAD), for the fit without
        its systematic errors.
    """
    names = [name for name in COLUMNS if (Path(data) / name.lower() / "index.csv").exists()]
    rows, contradictions, repeats = [], [], []
    Templates.load()
    seconds = stars = 0.0
    for number, name in enumerate([*names, "MOCK"], 1):
        sample = mock_sample(mock_stars) if name == "MOCK" else read_sample(name, Path(data) / name.lower())
        begun = time.process_time()
        fits = [_fit(spectrum) for spectrum in sample.spectra]
        seconds, stars = seconds + time.process_time() - begun, stars + len(fits)
        results = estimate_all(estimator, sample.spectra)
        arrays = {"templates": _from_fits(fits), "network": _from_results(results)}
        labelled = np.isfinite(sample.labels).all(axis=1)
        for method, (mean, error, _) in arrays.items():
            difference = (mean - sample.labels)[labelled]
            rows.append({"sample": name, "method": method, **_row(difference, error[labelled], LABEL_ERRORS[name])})
            if (sample.group > 0).any():
                repeats.append({"sample": name, "method": method, **_pulls(mean, arrays[method][2], sample.group)})
        flagged = np.array(
            [fit is not None and bool(contradiction(result, fit)) for fit, result in zip(fits, results)], bool
        )
        kinds = _kinds(arrays["network"][0] - sample.labels)
        counts = {kind: int(of_kind.sum()) for kind, of_kind in kinds.items()}
        counts |= {f"{kind}_flagged": int((of_kind & flagged).sum()) for kind, of_kind in kinds.items()}
        contradictions.append({"sample": name, **counts})
        progress("samples of stars", number, len(names) + 1)
    return {
        "seconds_per_star": round(seconds / stars, 4),
        "rows": rows,
        "contradictions": contradictions,
        "repeats": repeats,
    }


def _fit(spectrum: Spectrum) -> TemplateFit | None:
    try:
        return fit_templates(spectrum)
    except StellarError:
        return None


def _from_fits(fits: Sequence[TemplateFit | None]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(n, 3) Teff, log g, [Fe/H], errors and statistical errors; NaN without a fit."""
    none = np.full(3, np.nan)
    mean = np.array([none if fit is None else (fit.teff, fit.logg, fit.feh) for fit in fits])
    return (
        mean,
        *(
            np.array([none if fit is None else getattr(fit, part) for fit in fits])
            for part in ("errors", "statistical")
        ),
    )


def _from_results(results: Sequence[Result]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    mean, std = (
        np.array([[getattr(getattr(one, name), part) for name in ("teff", "logg", "feh")] for one in results])
        for part in ("mean", "std")
    )
    return mean, std, std


def _kinds(difference: np.ndarray) -> dict[str, np.ndarray]:
    """Kinds of a network's answers by their differences (n, 3) from the labels, NaN without label; each (n,) bool."""
    teff, feh = np.abs(difference[:, 0]), np.abs(difference[:, 2])
    good, wild, unlabelled = (teff <= GOOD[0]) & (feh <= GOOD[1]), feh > WILD, ~np.isfinite(difference).all(axis=1)
    return {"good": good, "off": ~good & ~wild & ~unlabelled, "wild": wild, "unlabelled": unlabelled}


def _row(difference: np.ndarray, error: np.ndarray, label_error: tuple[float, float, float]) -> dict[str, object]:
    """Statistics of differences (n, 3) from the labels."""
    known = np.isfinite(difference).all(axis=1)
    difference, error = difference[known], np.hypot(error[known], label_error)
    bias = np.median(difference, axis=0)
    scatter = 1.4826 * np.median(np.abs(difference - bias), axis=0)
    within = (np.abs(difference) < error).mean(axis=0)
    row: dict[str, object] = {"n": len(difference), "wild": int((np.abs(difference[:, 2]) > WILD).sum())}
    for k, name in enumerate(("teff", "logg", "feh")):
        digits = 1 if name == "teff" else 3
        row |= {f"{name}_bias": round(float(bias[k]), digits), f"{name}_scatter": round(float(scatter[k]), digits)}
        row[f"{name}_within"] = round(float(within[k]), 3)
    return row


def _pulls(mean: np.ndarray, error: np.ndarray, group: np.ndarray) -> dict[str, object]:
    """Pairs of spectra of one star, and the RMS of their pulls."""
    first, second = np.nonzero(np.triu((group[:, None] == group[None]) & (group > 0)[:, None], 1))
    pull = (mean[first] - mean[second]) / np.hypot(error[first], error[second])
    pull = pull[np.isfinite(pull).all(axis=1)]
    spread = np.round(np.sqrt((pull**2).mean(axis=0)), 2)
    robust = np.round(1.4826 * np.median(np.abs(pull), axis=0), 2)
    return {"pairs": len(pull)} | {
        f"{name}_{part}": float(values[k])
        for k, name in enumerate(("teff", "logg", "feh"))
        for part, values in (("pull", spread), ("pull_robust", robust))
    }


def text(found: Mapping[str, object]) -> str:
    """The rows as tables for a terminal."""
    titles = "".join(f"{title:^22}" for title in ("Teff (K)", "log g (dex)", "[Fe/H] (dex)"))
    lines = [
        f"Fit of templates: {found['seconds_per_star']:.3f} s of processor a star.",
        f"{'median difference, scatter, within 1 sigma':<44}{titles}wild",
    ]
    for row in found["rows"]:
        parts = [
            f"{row[f'{name}_bias']:>6.{digits}f} {row[f'{name}_scatter']:>6.{digits}f} {row[f'{name}_within']:>6.2f}"
            for name, digits in (("teff", 0), ("logg", 2), ("feh", 2))
        ]
        lines.append(
            f"{row['sample'] + ', ' + row['method'] + ', ' + str(row['n']):<44}" + "  ".join(parts) + f"  {row['wild']}"
        )
    for row in found["repeats"]:
        pulls = ", ".join(
            f"{row[f'{name}_pull']:.2f} ({row[f'{name}_pull_robust']:.2f})" for name in ("teff", "logg", "feh")
        )
        lines.append(f"Pulls of {row['pairs']} pairs of {row['sample']}, {row['method']}: {pulls} (robust).")
    for row in found["contradictions"]:
        shares = [f"{row[f'{kind}_flagged']} of {row[kind]} {kind}" for kind in KINDS if row[kind]]
        lines.append(f"{row['sample']}: the network contradicts the templates in {', '.join(shares)} answers.")
    return "\n".join(lines)
