"""Errors of the MOCK survey's parameter pipeline beside those of the SSPP.

The SSPP's errors are those published, and those that it quotes for real stars.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from stellar_core.datasets.config import DataConfig
from stellar_core.datasets.mock_stars import make_stars
from stellar_core.errors import ParameterError
from stellar_core.mock.pipeline import PipelineEstimate, SpectroscopicPipeline
from stellar_core.mock.survey import MockSurvey
from stellar_core.preprocessing.features import features_batch
from stellar_core.preprocessing.spectra import prepare
from stellar_core.progress import Progress
from stellar_core.sdss.star_id import MOCK_PLATES, StarId

#: Range of Teff of the published errors, K, and bins of S/N and Teff.
TEFF = (4500.0, 7500.0)
SNR_BINS = ((10, 20), (20, 30), (30, 50), (50, 80))
TEFF_BINS = ((4500, 5250), (5250, 6000), (6000, 7500))
#: MOCK test stars, and plates of the MOCK survey searched for repeated spectra.
STARS, PLATES, SEED = 6000, 24, 41
#: S/N of both spectra of a repeated star.
REPEAT_SNR = (20.0, 40.0)
#: Published errors of the SSPP in K, dex, dex. Internal: scatter between its methods; external: total errors at S/N
#: above 50 against high-resolution spectra, which include the errors of those (Lee et al. 2008a, b, Allende Prieto et
#: al. 2008). Repeats: of a G dwarf at S/N 30 in DR17 (Teff alone; SDSS DR17, "Internal consistency").
PUBLISHED = {"internal": (75.0, 0.20, 0.10), "external": (117.0, 0.26, 0.22), "repeats": (50.0, None, None)}
#: File of the SSPP's values of real stars in a data folder.
REAL = Path("catalogue") / "sspp_labels.csv"


def measure(data: Path | None, progress: Progress = lambda name, done, total: None) -> dict[str, object]:
    """Compare estimates of MOCK test stars with the truth.

    Parameters
    ----------
    data : Path or None
        Folder of public data with `REAL`; None leaves out the errors that the SSPP quotes for real stars.
    progress : Progress

    Returns
    -------
    dict
        ``by_snr``, ``by_teff`` (S/N above 20): number of stars, ``bias`` (median), ``rms`` against the truth and
        ``quoted`` (median), each for Teff, log g, [Fe/H] in K, dex, dex; ``sspp`` with the median quoted error of real
        stars in the same bins; ``repeats``, ``published``, ``known`` (share of stars with parameters).
    """
    stars = make_stars(STARS, DataConfig(seed=SEED, snr=(10.0, 80.0), dusty=0.0, missing_stretch=0.0), "test", progress)
    found = SpectroscopicPipeline.load().estimate(
        stars.inputs.flux, stars.inputs.coverage, np.asarray(stars.inputs.features)
    )
    truth, snr = np.asarray(stars.truth.atmosphere), np.asarray(stars.truth.snr)
    inside = (found.methods > 0) & (truth[:, 0] > TEFF[0]) & (truth[:, 0] < TEFF[1])
    real = _read_sspp(data)
    by_snr, by_teff = [], []
    for low, high in SNR_BINS:
        row = _row(found, truth, inside & (snr >= low) & (snr < high))
        by_snr.append({"snr": [low, high], **row, **_quoted(real, "snr", low, high)})
    for low, high in TEFF_BINS:
        row = _row(found, truth, inside & (snr >= 20) & (truth[:, 0] >= low) & (truth[:, 0] < high))
        by_teff.append({"teff": [low, high], **row, **_quoted(real, "teff", low, high)})
    return {
        "what": f"MOCK test stars of {TEFF[0]:g} to {TEFF[1]:g} K: pipeline minus truth, K, dex, dex; bias and quoted "
        "are medians",
        "seed": SEED,
        "known": float(np.mean(found.methods > 0)),
        "by_snr": by_snr,
        "by_teff": by_teff,
        "repeats": repeats(progress),
        "published": {name: list(values) for name, values in PUBLISHED.items()},
    }


def repeats(progress: Progress) -> dict[str, object]:
    """Scatter of the estimates from two spectra of one star, and the part of the squared error that they share.

    Stars of the MOCK survey with two nights of `REPEAT_SNR`; the photometry of a star is the same.
    """
    from stellar_core.mock.plates import make_plate

    survey, pairs, truth = MockSurvey(), [], []
    numbers = np.linspace(*MOCK_PLATES, PLATES).astype(int)
    for done, number in enumerate(numbers):
        progress("spectra of repeated MOCK stars", done, len(numbers))
        plate = make_plate(survey.seed, int(number))
        if len(plate.mjds) < 2:
            continue
        stars = plate.stars
        fine = ((plate.snr[:2] >= REPEAT_SNR[0]) & (plate.snr[:2] < REPEAT_SNR[1])).all(axis=0)
        fine &= (stars.teff > TEFF[0]) & (stars.teff < TEFF[1]) & (stars.mass_ratio == 0)
        run2d = survey.star_ids(int(number))[0].run2d
        for row in np.flatnonzero(fine)[:60]:
            pairs += [StarId(int(number), mjd, int(plate.fibers[row]), run2d) for mjd in plate.mjds[:2]]
            truth.append((stars.teff[row], stars.logg[row], stars.feh[row]))
    if len(truth) < 20:
        raise ParameterError(f"Only {len(truth)} MOCK stars have two spectra.", value=len(truth))
    spectra = [frame.spectrum for frame in survey.frames(pairs)]
    prepared = [prepare(spectrum) for spectrum in spectra]
    light = [
        np.array([getattr(one.photometry, name) for one in spectra])
        for name in ("psf_mag", "psf_mag_err", "extinction", "model_mag")
    ]
    found = SpectroscopicPipeline.load().estimate(
        np.array([one.flux for one in prepared]), np.array([one.coverage for one in prepared]), features_batch(*light)
    )
    error = found.atmosphere.reshape(-1, 2, 3) - np.array(truth)[:, None]
    error = error[np.isfinite(error).all(axis=(1, 2))]
    noise = 0.5 * np.mean((error[:, 0] - error[:, 1]) ** 2, axis=0)
    return {
        "stars": len(error),
        "snr": list(REPEAT_SNR),
        "scatter": np.sqrt(noise).tolist(),
        "total": np.sqrt(np.mean(error**2, axis=(0, 1))).tolist(),
        "shared": (1.0 - noise / np.mean(error**2, axis=(0, 1))).tolist(),
    }


def _row(found: PipelineEstimate, truth: np.ndarray, rows: np.ndarray) -> dict[str, object]:
    error = (found.atmosphere - truth)[rows]
    return {
        "stars": int(rows.sum()),
        "bias": np.median(error, axis=0).tolist(),
        "rms": np.sqrt(np.mean(error**2, axis=0)).tolist(),
        "quoted": np.median(found.error[rows], axis=0).tolist(),
    }


def _read_sspp(data: Path | None) -> dict[str, np.ndarray] | None:
    """S/N, Teff and quoted errors (n, 3) of real stars; NaN where unknown."""
    if data is None:
        return None
    import pandas as pd

    path = Path(data) / REAL
    if not path.exists():
        raise ParameterError(
            f"There is no {REAL} in {data}.", value=str(data), remedy="Name another folder with --data."
        )
    table = pd.read_csv(path)
    errors = table[["teff_err_K", "logg_err_dex", "feh_err_dex"]].to_numpy(float)
    return {
        "snr": table["sn_median"].to_numpy(float),
        "teff": table["teff_K"].to_numpy(float),
        "errors": np.where(errors > 0, errors, np.nan),
    }


def _quoted(real: dict[str, np.ndarray] | None, name: str, low: float, high: float) -> dict[str, object]:
    """Median quoted errors of the real stars in a bin; None where fewer than 30 have one."""
    if real is None:
        return {}
    rows = (real[name] >= low) & (real[name] < high) & (real["snr"] >= (20 if name == "teff" else 0))
    known = [column[np.isfinite(column)] for column in real["errors"][rows].T]
    return {"sspp": [float(np.median(one)) if one.size >= 30 else None for one in known]}


def text(found: Mapping[str, object]) -> str:
    """The comparison as a table for a terminal."""
    head = f"{'':<16}{'stars':>7}" + "".join(f"{title:^26}" for title in ("Teff (K)", "log g (dex)", "[Fe/H] (dex)"))
    lines = [f"{found['what']}. SSPP: median quoted error of REAL stars.", head]
    lines.append(f"{'':<23}" + f"{'bias':>7}{'RMS':>6}{'quoted':>7}{'SSPP':>6}" * 3)
    for row in [*found["by_snr"], *found["by_teff"]]:
        name = "snr" if "snr" in row else "teff"
        title = f"{'S/N' if name == 'snr' else 'Teff'} {row[name][0]}-{row[name][1]}"
        lines.append(f"{title:<16}{row['stars']:>7}" + "".join(_cells(row, k) for k in range(3)))
    again, published = found["repeats"], found["published"]
    shared = ", ".join(f"{100 * part:.0f} %" for part in again["shared"])
    lines.append(
        f"Two spectra of one star, S/N {again['snr'][0]:g}-{again['snr'][1]:g} ({again['stars']} MOCK stars): scatter "
        f"{_triple(again['scatter'])}; they share {shared} of the "
        "squared error in Teff, log g, [Fe/H]."
    )
    lines.append(
        f"Published for the SSPP: internal {_triple(published['internal'])}; external, S/N above 50, "
        f"{_triple(published['external'])}; repeats {published['repeats'][0]:.0f} K."
    )
    return "\n".join(lines)


def _cells(row: Mapping[str, object], column: int) -> str:
    digits = 0 if column == 0 else 2
    quoted = row.get("sspp", [None] * 3)[column]
    values = (row["bias"][column], row["rms"][column], row["quoted"][column])
    cells = "".join(f"{value:>{width}.{digits}f}" for value, width in zip(values, (7, 6, 7)))
    return cells + (f"{quoted:>6.{digits}f}" if quoted is not None else f"{'-':>6}")


def _triple(values: Sequence[float]) -> str:
    return f"{values[0]:.0f} K, {values[1]:.2f} dex, {values[2]:.2f} dex"
