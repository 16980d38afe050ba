"""Does the photometry in SDSS's files help? Estimates of labelled REAL stars with and without it.

The labels are those of the SSPP, with errors of their own (`SSPP_ERRORS`). At the S/N of these stars (median 40) the
photometry can add little; noise added to the spectra shows what it adds to fainter stars.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from stellar_core.evaluation.atmospheres import estimate_all
from stellar_core.inference.base import BaseEstimator
from stellar_core.photometry import Photometry
from stellar_core.preprocessing.features import features
from stellar_core.progress import Progress
from stellar_core.sdss.readers.photometric_rows import AB_OFFSET
from stellar_core.spectrum import Spectrum

#: S/N per pixel to which noise is added, and copies of each star.
NOISY, COPIES = (10.0, 5.0), 3
#: Bootstrap samples of stars, for the errors of differences; seed of noise and bootstrap.
SAMPLES, SEED = 2000, 31
#: What goes wrong if a step is left out, each with those before; without the search for faulty bands.
MISTAKES: Mapping[str, Callable[[Photometry], Photometry]] = {
    "faulty bands used": lambda found: found,
    "and zero points of AB": lambda found: replace(
        found, psf_mag=found.psf_mag + AB_OFFSET, model_mag=found.model_mag + AB_OFFSET
    ),
    "and no extinction": lambda found: replace(
        found,
        psf_mag=found.psf_mag + AB_OFFSET,
        model_mag=found.model_mag + AB_OFFSET,
        extinction=0.05 * found.extinction,
    ),
}


def labelled_spectra(folder: Path) -> tuple[list[Spectrum], np.ndarray]:
    """Read the SDSS files with all three SSPP labels in ``index.csv``; labels (n, 3): Teff [K], log g, [Fe/H]."""
    import pandas as pd

    from stellar_core.sdss.readers import read_spectrum

    table = pd.read_csv(Path(folder) / "index.csv")
    labels = table[["sspp_teff", "sspp_logg", "sspp_feh"]].to_numpy(float)
    use = np.isfinite(labels).all(axis=1)
    return [read_spectrum(Path(folder) / name) for name in table["file"][use]], labels[use]


def with_noise(spectrum: Spectrum, snr: float, rng: np.random.Generator) -> Spectrum:
    """Add white noise until the median S/N per pixel is ``snr``; a noisier spectrum is returned as it is."""
    if spectrum.snr <= snr:
        return spectrum
    factor = spectrum.snr / snr
    sigma = np.where(spectrum.good, 1.0 / np.sqrt(np.where(spectrum.good, spectrum.ivar, 1.0)), 0.0)
    noise = sigma * np.sqrt(factor**2 - 1.0) * rng.standard_normal(sigma.size)
    return replace(spectrum, flux=spectrum.flux + noise, ivar=spectrum.ivar / factor**2)


def compare_photometry(
    estimator: BaseEstimator, folder: Path, progress: Progress = lambda name, done, total: None
) -> dict[str, object]:
    """Estimate the labelled stars with and without the photometry of their files.

    Parameters
    ----------
    estimator : BaseEstimator
    folder : Path
        With ``index.csv`` and the files listed in it.

    Returns
    -------
    dict
        ``stars``, ``with_photometry`` (stars whose photometry is used), and ``rows``: a dict for each case with
        ``case``, ``n``, ``flagged`` and for teff [K], logg [dex], feh [dex] the median difference from the label
        (``_bias``), 1.4826 MAD (``_scatter``), ``_rms``, and the change of the RMS against the row without photometry
        before it (``_rms_change``) with its bootstrap error (``_rms_change_error``).
    """
    spectra, labels = labelled_spectra(folder)
    alone = [replace(spectrum, photometry=None) for spectrum in spectra]
    steps = 4 + len(NOISY)
    before, flags_before, _ = _estimates(estimator, alone)
    progress("labelled stars", 1, steps)
    after, flags_after, used = _estimates(estimator, spectra)
    progress("labelled stars", 2, steps)
    rows = [
        _row("all stars, spectrum alone", before - labels, flags_before),
        _row("all stars, with photometry", after - labels, flags_after, before - labels),
    ]
    kept = [(spectrum, label) for spectrum, label, use in zip(spectra, labels, used) if use]
    for snr in (np.inf, *NOISY):
        name = "stars with photometry" if snr == np.inf else f"the same at S/N {snr:.0f}"
        rng = np.random.default_rng([SEED, int(min(snr, 999))])
        copies = [with_noise(one, snr, rng) for one, _ in kept for _ in range(1 if snr == np.inf else COPIES)]
        truth = np.repeat([label for _, label in kept], len(copies) // max(len(kept), 1), axis=0).reshape(-1, 3)
        without, flagged, _ = _estimates(estimator, [replace(one, photometry=None) for one in copies])
        rows.append(_row(f"{name}, spectrum alone", without - truth, flagged, stars=len(kept)))
        found, flagged, _ = _estimates(estimator, copies)
        rows.append(_row(f"{name}, with photometry", found - truth, flagged, without - truth, len(kept)))
        progress("labelled stars", len(rows) // 2 + 1, steps)
    complete = [k for k, one in enumerate(spectra) if one.photometry is not None and one.photometry.complete]
    rows.append(_row("complete photometry, spectrum alone", (before - labels)[complete], flags_before[complete]))
    for name, change in MISTAKES.items():
        wrong = _uncritical(estimator, [spectra[k] for k in complete], change) - labels[complete]
        rows.append(_row(f"complete photometry, {name}", wrong, np.zeros(0, bool), (before - labels)[complete]))
    progress("labelled stars", steps, steps)
    return {"stars": len(spectra), "with_photometry": int(used.sum()), "rows": rows}


def _estimates(estimator: BaseEstimator, spectra: Sequence[Spectrum]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mean Teff, log g, [Fe/H] (n, 3), and (n,) bool: flagged as unlike the training stars; photometry used."""
    results = estimate_all(estimator, spectra)
    means = np.array([[one.teff.mean, one.logg.mean, one.feh.mean] for one in results]).reshape(-1, 3)
    flagged = np.array([not one.verdict.in_domain for one in results], bool)
    return means, flagged, np.array([one.quality["photometry"] == "used" for one in results], bool)


def _uncritical(
    estimator: BaseEstimator, spectra: Sequence[Spectrum], change: Callable[[Photometry], Photometry]
) -> np.ndarray:
    """(n, 3) mean Teff, log g, [Fe/H] with changed photometry, whatever it is."""
    prepared = [estimator.prepare(spectrum) for spectrum in spectra]
    arrays = [np.array([getattr(one, name) for one in prepared]) for name in ("flux", "coverage", "ivar")]
    inputs = np.array([features(change(spectrum.photometry)) for spectrum in spectra])
    return estimator.moments(*arrays, inputs, np.array([one.snr for one in prepared]))[0][:, :3]


def _row(
    case: str,
    difference: np.ndarray,
    flagged: np.ndarray,
    reference: np.ndarray | None = None,
    stars: int | None = None,
) -> dict[str, object]:
    """Statistics of differences (n, 3) from the labels; copies of a star are neighbours and are drawn together."""
    bias = np.median(difference, axis=0)
    scatter = 1.4826 * np.median(np.abs(difference - bias), axis=0)
    found = {"bias": bias, "scatter": scatter, "rms": _rms(difference)}
    if reference is not None:
        groups = np.arange(len(difference)).reshape(stars or len(difference), -1)
        rng = np.random.default_rng(SEED)
        drawn = [groups[rng.integers(len(groups), size=len(groups))].ravel() for _ in range(SAMPLES)]
        changes = np.array([_rms(difference[rows]) - _rms(reference[rows]) for rows in drawn])
        found |= {"rms_change": found["rms"] - _rms(reference), "rms_change_error": changes.std(axis=0)}
    row: dict[str, object] = {"case": case, "n": len(difference), "flagged": int(flagged.sum())}
    for k, name in enumerate(("teff", "logg", "feh")):
        row |= {f"{name}_{part}": round(float(values[k]), 1 if k == 0 else 3) for part, values in found.items()}
    return row


def _rms(difference: np.ndarray) -> np.ndarray:
    return np.sqrt((difference**2).mean(axis=0))


def text(found: Mapping[str, object]) -> str:
    """The rows as a table for a terminal."""
    titles = "".join(f"{title:^22}" for title in ("Teff (K)", "log g (dex)", "[Fe/H] (dex)"))
    lines = [
        f"{found['stars']} REAL stars with SSPP labels; the photometry of {found['with_photometry']} is used.",
        f"{'median difference, scatter (1.4826 MAD), RMS':<46}{titles}flagged",
    ]
    for row in found["rows"]:
        parts = [
            " ".join(f"{row[f'{name}_{part}']:>6.{digits}f}" for part in ("bias", "scatter", "rms"))
            for name, digits in (("teff", 0), ("logg", 2), ("feh", 2))
        ]
        lines.append(f"{row['case']:<46}" + "  ".join(parts) + f"  {row['flagged']} of {row['n']}")
    return "\n".join(lines)
