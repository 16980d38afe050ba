"""Age labels of single stars and of tables, as plain values for the command line."""

from __future__ import annotations

from collections.abc import Callable
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
from stellar_core.isochrones.observation import POSSIBLE
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

#: Columns that a table of stars must have, with units in their names.
INPUT_COLUMNS = ("teff_K", "logg_dex", "feh_dex", "teff_err_K", "logg_err_dex", "feh_err_dex")
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
) -> dict[str, object]:
    """Label one star: posterior, nearest track point and prior, as plain values.

    Parameters
    ----------
    teff, logg, feh : float
        K, dex(cm/s2), dex.
    errors : tuple of float
        K, dex, dex.
    priors, alpha, systematics
        As for `infer_posterior`.

    Returns
    -------
    dict
        ``inside_models``, ``posterior``, ``nearest``, ``prior``, ``models`` and the ``input``;
        ``posterior`` and ``nearest`` are None outside the models; ``systematics`` are the errors of the models
        that were corrected; ``other_prior`` the age with the Galaxy's prior instead of a flat one, or the reverse.
    """
    if teff is None or logg is None or feh is None:
        raise ParameterError("A label needs Teff (K), log g (dex) and [Fe/H] (dex), or a table of stars.")
    found = infer_posterior(teff, logg, feh, errors, priors=priors, alpha=alpha, systematics=systematics)
    state = found.to_dict()
    inside = found.inside_models
    if inside:
        state["posterior"] = {**state["posterior"], "log_lifetime_to": _lifetimes(found)}
        other = other_prior(priors)
        changed = infer_posterior(teff, logg, feh, errors, priors=other, alpha=alpha, systematics=systematics)
        state["other_prior"] = compare_priors(found, changed)
    state["prior"]["assumed"] |= alpha.to_dict()
    state["systematics"] = load_model_errors().to_dict() if systematics else None
    return {
        "input": {"teff": float(teff), "logg": float(logg), "feh": float(feh), "errors": [float(e) for e in errors]},
        **state,
        "nearest": nearest_label(teff, logg, feh).to_dict() if inside else None,
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
        With the columns `INPUT_COLUMNS`; other columns are kept. Where it has ``alpha_fe_dex``, a number there takes
        the place of ``alpha``.
    priors, alpha, systematics
        As for `infer_posterior`.
    progress : Progress, optional

    Returns
    -------
    DataFrame
        One row per input: the input's columns, ``inside_models``, ``state`` ("inside the models",
        "outside the models" or "bad input"), seven columns for each of log_age, mass and
        log_lifetime, the most probable ``stage`` and evolutionary ``phase`` with their probabilities. Numbers are NaN
        and stage and phase are None outside the models and for bad input.
    """
    import pandas as pd

    missing = [name for name in INPUT_COLUMNS if name not in frame.columns]
    if missing:
        raise ParameterError(
            f"The table lacks the column{'s' if len(missing) > 1 else ''} {', '.join(missing)}.",
            remedy=f"It needs {', '.join(INPUT_COLUMNS)}.",
        )
    numbers = lambda name: pd.to_numeric(frame[name], errors="coerce").to_numpy(float)
    values = np.stack([numbers(name) for name in INPUT_COLUMNS], axis=-1)
    low, high = np.array([limits[:2] for limits in POSSIBLE.values()]).T
    usable = np.isfinite(values).all(axis=1) & (values[:, 3:] > 0).all(axis=1)
    usable &= (values[:, :3] >= low).all(axis=1) & (values[:, :3] <= high).all(axis=1)
    own = numbers("alpha_fe_dex") if "alpha_fe_dex" in frame.columns else np.full(len(frame), np.nan)
    usable &= ~((own < POSSIBLE_ALPHA[0]) | (own > POSSIBLE_ALPHA[1]) | np.isinf(own))
    found = PosteriorSummaries.empty(len(frame), len(LEVELS))
    own = np.round(own, 2)
    for value in np.unique(own[usable]):
        one = alpha if np.isnan(value) else AlphaEnhancement(float(value))
        rows = np.flatnonzero(usable & (np.isnan(own) if np.isnan(value) else own == value))
        engine = CataloguePosterior(priors, one, systematics)
        found.fill(rows, engine.evaluate(*values[rows, :3].T, diagonal_covariance(values[rows, 3:]), progress=progress))
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
    carried = frame.drop(columns=[name for name in columns if name in frame.columns]).reset_index(drop=True)
    return pd.concat([carried, pd.DataFrame(columns)], axis=1)


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


def _lifetimes(found: Posterior) -> dict[str, float]:
    """Posterior mean of the log lifetime to each end point, log10(yr)."""
    ends = {}
    for end in ENDS:
        values = track_log_lifetime(found.samples.mass, found.samples.feh, found.mesh.tracks, end)
        ends[end] = float(np.sum(found.probability * values))
    return ends
