"""Age labels of single stars and of tables, as plain values for the command line."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from stellar_core.constants import SSPP_ERRORS
from stellar_core.errors import ParameterError, StorageError
from stellar_core.export import write_frame
from stellar_core.intervals import LEVELS
from stellar_core.isochrones.alpha_enhancement import POSSIBLE as POSSIBLE_ALPHA
from stellar_core.isochrones.alpha_enhancement import AlphaEnhancement
from stellar_core.isochrones.catalogue_posterior import CataloguePosterior, diagonal_covariance
from stellar_core.isochrones.lifetime import ENDS, track_log_lifetime
from stellar_core.isochrones.nearest_neighbour import nearest_label
from stellar_core.isochrones.observation_table import ObservationTable
from stellar_core.isochrones.photometric_likelihood import PhotometricLikelihood
from stellar_core.isochrones.photometric_summaries import PhotometricSummaries
from stellar_core.isochrones.posterior import QUANTITIES, Posterior, infer_posterior
from stellar_core.isochrones.posterior_summaries import PosteriorSummaries
from stellar_core.isochrones.prior_comparison import compare_priors, other_prior
from stellar_core.isochrones.priors import Priors
from stellar_core.isochrones.systematics import load_model_errors
from stellar_core.isochrones.tracks import PHASES
from stellar_core.progress import Progress
from stellar_core.stages import STAGES

if TYPE_CHECKING:
    import pandas

#: Probability of a wrong parallax, about 1 % before the data, from which a star is flagged.
DOUBT = 0.2
#: Flags of stars whose light or parallax is doubtful.
FLAGS = (
    "the parallax contradicts the star and is not believed",
    "probably the light of two stars",
    "the colours fit no star of this atmosphere",
)
#: Entries of an interval, in the order of the output columns.
PARTS = ("mean", "std", "p025", "p16", "median", "p84", "p975")


def parse_errors(text: str) -> tuple[float, float, float]:
    """Parse three errors from ``"K,DEX,DEX"``.

    Raises
    ------
    ParameterError
        Unless there are three positive numbers.
    """
    try:
        values = tuple(float(part) for part in text.split(","))
    except ValueError:
        values = ()
    if len(values) != 3:
        raise ParameterError(
            f"The errors are three numbers K,DEX,DEX, for example 75,0.2,0.1; got {text!r}.", value=text
        )
    return values


def label_star(
    teff: float | None,
    logg: float | None,
    feh: float | None,
    errors: tuple[float, float, float] = SSPP_ERRORS,
    priors: Priors = Priors(),
    alpha: AlphaEnhancement = AlphaEnhancement(),
    systematics: bool = True,
    photometry: PhotometricLikelihood | None = None,
) -> dict[str, object]:
    """Label one star: posterior, nearest track point and prior, as plain values.

    Parameters
    ----------
    teff, logg, feh : float or None
        K, dex(cm/s2), dex. None is an unknown value, for a star with magnitudes.
    errors : tuple of float
        K, dex, dex.
    priors, alpha, systematics, photometry
        As for `infer_posterior`.

    Returns
    -------
    dict
        ``inside_models``, ``posterior``, ``nearest``, ``prior``, ``models`` and the ``input``;
        ``posterior`` and ``nearest`` are None outside the models; ``systematics`` are the errors of the models
        that were corrected; ``other_prior`` the age with the Galaxy's prior instead of a flat one, or the reverse.
    """
    values = (teff, logg, feh)
    bands = 0 if photometry is None else len(photometry.magnitudes)
    if None in values and (bands == 0 or (teff is None and bands == 1)):
        raise ParameterError(
            "A label needs Teff (K), log g (dex) and [Fe/H] (dex), or magnitudes in their place, or a table of stars."
        )
    model = {"alpha": alpha, "systematics": systematics, "photometry": photometry}
    found = infer_posterior(*values, errors, priors=priors, **model)
    state = found.to_dict()
    inside = found.inside_models
    if inside:
        state["posterior"] = {**state["posterior"], "log_lifetime_to": _lifetimes(found)}
        other = other_prior(priors)
        changed = infer_posterior(*values, errors, priors=other, **model)
        state["other_prior"] = compare_priors(found, changed)
    state["prior"]["assumed"] |= alpha.to_dict()
    state["systematics"] = load_model_errors().to_dict() if systematics else None
    return {
        "input": {
            **{name: None if value is None else float(value) for name, value in zip(("teff", "logg", "feh"), values)},
            "errors": [float(error) for error in errors],
            **({} if photometry is None else {"light": photometry.words}),
        },
        **state,
        "nearest": nearest_label(*values).to_dict() if inside and None not in values else None,
    }


def label_table(
    frame: pandas.DataFrame,
    priors: Priors = Priors(),
    alpha: AlphaEnhancement = AlphaEnhancement(),
    systematics: bool = True,
    progress: Progress | None = None,
) -> pandas.DataFrame:
    """Infer the posterior of every row of a table.

    Parameters
    ----------
    frame : DataFrame
        With columns of `INPUT_COLUMNS`, any of them absent or empty: an unknown value is marginalised, an unknown
        error is that of the SSPP. Magnitudes of any bands, as ``G_mag`` and ``G_err_mag`` (u, g, r, i, z of SDSS in AB;
        G, BP, RP of Gaia EDR3 and J, H, Ks of 2MASS in the Vega system); with them ``parallax_mas`` and
        ``parallax_err_mas``, corrected for the zero point, and the extinction A_V ``av_mag`` and ``av_err_mag``,
        marginalised where unknown. Where it has ``alpha_fe_dex``, a number there takes the place of ``alpha``. Other
        columns are kept.
    priors, alpha, systematics
        As for `infer_posterior`.
    progress : Progress, optional

    Returns
    -------
    DataFrame
        One row per input: the input's columns, ``inside_models``, ``state`` ("inside the models",
        "outside the models" or "bad input"), seven columns for each of log_age, mass and
        log_lifetime, the most probable ``stage`` and evolutionary ``phase`` with their probabilities. Numbers are NaN
        and stage and phase are None outside the models and for bad input. A table with magnitudes also has the seven
        columns of ``distance_pc`` and of ``av_mag``, the probabilities that the parallax is wrong and that a companion
        adds 0.3 mag or more, what was used (``light_used``), and ``flag``: one of `FLAGS`, or several, or nothing.
    """
    import pandas as pd

    stars = ObservationTable.read(frame)
    numbers = lambda name: pd.to_numeric(frame[name], errors="coerce").to_numpy(float)
    own = numbers("alpha_fe_dex") if "alpha_fe_dex" in frame.columns else np.full(len(frame), np.nan)
    usable = stars.usable & ~((own < POSSIBLE_ALPHA[0]) | (own > POSSIBLE_ALPHA[1]) | np.isinf(own))
    found = PosteriorSummaries.empty(len(frame), len(LEVELS))
    if stars.has_photometry:
        found = replace(found, photometry=PhotometricSummaries.empty(len(frame), len(LEVELS)))
    own = np.round(own, 2)
    for value in np.unique(own[usable]):
        one = alpha if np.isnan(value) else AlphaEnhancement(float(value))
        rows = np.flatnonzero(usable & (np.isnan(own) if np.isnan(value) else own == value))
        engine = CataloguePosterior(priors, one, systematics)
        photometry = [stars.photometry[row] for row in rows]
        covariance = diagonal_covariance(stars.errors[rows])
        found.fill(rows, engine.evaluate(*stars.mean[rows].T, covariance, progress=progress, photometry=photometry))
    inside = found.inside_models
    columns: dict[str, object] = {
        "inside_models": inside,
        "state": np.where(inside, "inside the models", np.where(usable, "outside the models", "bad input")),
    }
    for name in QUANTITIES:
        parts = (found.mean[name], found.std[name], *found.quantiles[name].T)
        columns |= {f"{name}_{part}": np.where(inside, column, np.nan) for part, column in zip(PARTS, parts)}
    for name, classes, chance in (("stage", STAGES, found.stage), ("phase", tuple(PHASES), found.phase)):
        best = np.nan_to_num(chance).argmax(axis=1)
        columns[name] = [classes[k] if good else None for k, good in zip(best, inside)]
        columns[f"{name}_probability"] = np.where(inside, chance.max(axis=1, initial=0.0), np.nan)
    if stars.has_photometry:
        columns |= _columns_of_light(found.photometry, stars.photometry)
    carried = frame.drop(columns=[name for name in columns if name in frame.columns]).reset_index(drop=True)
    return pd.concat([carried, pd.DataFrame(columns)], axis=1)


def _columns_of_light(
    found: PhotometricSummaries, photometry: Sequence[PhotometricLikelihood | None]
) -> dict[str, object]:
    """Columns of distance, extinction, doubts, and what was used."""
    columns: dict[str, object] = {}
    for name in found.mean:
        parts = (found.mean[name], found.std[name], *found.quantiles[name].T)
        columns |= {f"{name}_{part}": column for part, column in zip(PARTS, parts)}
    columns |= {f"{name}_probability": values for name, values in found.doubts.items()}
    columns["light_used"] = [None if one is None else one.words for one in photometry]
    doubts = zip(found.doubts["wrong_parallax"], found.doubts["companion"], found.colours_fit)
    columns["flag"] = [raised_flags(*one) for one in doubts]
    return columns


def label_file(
    table: Path,
    out: Path | None,
    priors: Priors = Priors(),
    alpha: AlphaEnhancement = AlphaEnhancement(),
    systematics: bool = True,
    progress: Progress | None = None,
) -> dict[str, object]:
    """Read a CSV or Parquet table, label it and write ``out`` (.parquet or .csv) atomically.

    Returns
    -------
    dict
        ``stars``, ``inside_models``, ``outside_models``, ``bad_input`` and ``out``.
    """
    import pandas as pd

    if out is None:
        raise ParameterError("A table needs an output file: --out FILE.parquet.")
    table, out = Path(table), Path(out)
    if out.suffix not in (".parquet", ".csv"):
        raise ParameterError(f"The output must end in .parquet or .csv, got {out.name!r}.", value=str(out))
    try:
        frame = pd.read_parquet(table) if table.suffix == ".parquet" else pd.read_csv(table)
    except FileNotFoundError:
        raise StorageError(f"There is no table {table}.", value=str(table)) from None
    except (OSError, ValueError) as error:
        raise StorageError(f"{table.name} cannot be read as a table: {error}", value=str(table)) from None
    found = label_table(frame, priors, alpha, systematics, progress)
    try:
        write_frame(out, found)
    except OSError as error:
        raise StorageError(f"{out} cannot be written: {error}", value=str(out)) from None
    counts = found["state"].value_counts()
    return {
        "out": str(out),
        "stars": len(found),
        "inside_models": int(counts.get("inside the models", 0)),
        "outside_models": int(counts.get("outside the models", 0)),
        "bad_input": int(counts.get("bad input", 0)),
    }


def sentences(found: dict[str, object]) -> dict[str, object]:
    """The result of `label_star` as short lines for a terminal."""
    if not found["inside_models"]:
        return {"state": "outside the models: no track point fits within the errors, so no age"}
    body, nearest = found["posterior"], found["nearest"]

    def gyr(interval: dict[str, float]) -> str:
        low, middle, high = (10.0 ** (interval[part] - 9.0) for part in ("p16", "median", "p84"))
        return f"{middle:.3g} Gyr, 68 % {low:.3g} to {high:.3g}"

    mass, prior = body["mass"], found["prior"]
    return {
        "age": gyr(body["log_age"]) + (", bimodal" if body["bimodal"] else ""),
        "age before data": gyr(prior["log_age"]),
        **_sentence_on_prior(found.get("other_prior"), gyr),
        "mass": f"{mass['median']:.3g} Msun, 68 % {mass['p16']:.3g} to {mass['p84']:.3g}",
        "lifetime": gyr(body["log_lifetime"]),
        **_sentences_on_light(body),
        "stage": ", ".join(f"{name} {100 * p:.0f} %" for name, p in body["stage"].items() if p >= 0.005),
        "phase": ", ".join(f"{name} {100 * p:.0f} %" for name, p in body["phase"].items() if p >= 0.005),
        "nearest point": "none near"
        if nearest is None
        else f"{10 ** (nearest['log_age'] - 9):.3g} Gyr, {nearest['mass']:.3g} Msun, {nearest['stage']}",
        "priors": ", ".join(f"{name} {value}" for name, value in prior["assumed"].items()),
        "errors of the models": "corrected and added" if found["systematics"] else "left out",
        "models": found["models"],
    }


def _sentence_on_prior(other: dict[str, object] | None, gyr: Callable[[dict[str, float]], str]) -> dict[str, str]:
    """The age under the other prior, where the prior decides it."""
    if other is None or not other["prior_dominated"]:
        return {}
    return {f"age with the {other['population']} prior": gyr(other["log_age"]) + " (prior-dominated)"}


def _sentences_on_light(body: dict[str, object]) -> dict[str, str]:
    """Distance, extinction and doubts of a star with magnitudes."""
    if "distance_pc" not in body:
        return {}
    distance, extinction = body["distance_pc"], body["av_mag"]
    words = {
        "distance": f"{distance['median']:.4g} pc, 68 % {distance['p16']:.4g} to {distance['p84']:.4g}",
        "extinction": f"A_V {extinction['median']:.2f} mag, 68 % {extinction['p16']:.2f} to {extinction['p84']:.2f}",
    }
    flags = raised_flags(body["wrong_parallax"], body["companion"], body["colours_fit"])
    return {**words, "doubts": flags} if flags else words


def raised_flags(wrong_parallax: float, companion: float, colours_fit: bool) -> str:
    """The `FLAGS` of a star, from the probabilities that its parallax is wrong and that a companion is bright."""
    raised = (wrong_parallax > DOUBT, companion > 0.5, not colours_fit)
    return "; ".join(words for words, one in zip(FLAGS, raised) if one)


def _lifetimes(found: Posterior) -> dict[str, float]:
    """Posterior mean of the log lifetime to each end point, log10(yr)."""
    ends = {}
    for end in ENDS:
        values = track_log_lifetime(found.samples.mass, found.samples.feh, found.mesh.tracks, end)
        ends[end] = float(np.sum(found.probability * values))
    return ends
