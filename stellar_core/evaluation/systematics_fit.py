"""Fit of the systematic errors of the tracks to stars with independent masses, and to the Sun.

A star's mass, log g and [Fe/H] give its place on a track, by interpolation, and with it the Teff of the models. The
correction (`stellar_core.isochrones.systematics`) minimises the differences from the observed Teff, of all stars
once, from the log g of clump stars and from the age of the Sun. The errors that remain are the largest under which
the true masses of eclipsing binaries are still about as probable as they can be (log score of the posteriors of the
corrected tracks).

Stars are split into two halves. What is fitted to one is tested on the other; the shipped values are fitted to all.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from stellar_core.abundances import metallicity_offset
from stellar_core.constants import SUN_LOGG, SUN_TEFF
from stellar_core.errors import ParameterError
from stellar_core.evaluation.metrics import rounded
from stellar_core.evaluation.real_ages.tables import read_stars
from stellar_core.files import write_text
from stellar_core.galaxy import COMPONENTS
from stellar_core.isochrones.posterior import infer_posterior
from stellar_core.isochrones.systematics import HOME, ModelErrors
from stellar_core.isochrones.track_table import load_tracks
from stellar_core.isochrones.tracks import HE_BURNING, HE_END, RGB_TIP, ZAMS, Tracks
from stellar_core.model_store import card_text

if TYPE_CHECKING:
    import pandas

#: Samples of dwarfs and subgiants, with spectroscopic [Fe/H]; and of giants.
DWARFS = ("kepler_legacy", "kages", "chaplin2014_spectroscopic", "debcat")
GIANTS = ("apokasc2",)
#: Dwarfs and subgiants that are fitted: lowest log g, and range of masses in Msun.
LOWEST_LOGG, MASSES = 3.6, (0.7, 2.0)
#: Masses of the clump stars that are fitted, Msun: lighter ones have lost mass, heavier ones had no helium flash; and
#: the spread of log10 Teff and log g along core helium burning, dex.
CLUMP_MASSES, CLUMP_SPREAD = (1.2, 1.8), (0.004, 0.04)
#: Age of the Sun (log10 yr; Connelly et al. 2012, Science 338, 651), and how well its Teff and log age must agree, dex.
SUN_LOG_AGE, SUN_ERRORS = 9.6597, (0.0015, 0.02)
#: Parameters of the correction with the steps of their derivatives.
STEPS = {"metallicity_scale": 0.05, "dwarf_shift": 0.002, "giant_shift": 0.005, "giant_slope": 0.01}
#: Degrees of freedom of Student's t, which stands for the errors: wrong truths lose weight.
FREEDOM = 4
#: Errors of Teff (fraction), log g and [Fe/H] (dex) of the models by Tayar et al. (2022, ApJ 927, 31) for a Sun-like
#: star: 2 % in Teff, 4 % in luminosity; [Fe/H]: solar mixture. A common factor is fitted, one of `FACTORS`: the
#: largest whose log score, summed over the stars, is within `TOLERANCE` of the best.
TAYAR, FACTORS, TOLERANCE = (0.02, 0.02, 0.05), (0.0, 0.25, 0.5, 0.75, 1.0, 1.5), 1.0
#: Largest extent of the samples of the posteriors here, in errors.
SPACING = 1.0


@dataclass(frozen=True)
class Place:
    """Where stars of known mass, log g and [M/H] stand on the tracks; (n_star,) each, NaN where nowhere.

    A log g that a track passes several times counts by the time spent there. Clump stars stand at the mean of core
    helium burning over time, whatever their log g.
    """

    log_teff: np.ndarray
    logg: np.ndarray
    log_age: np.ndarray


def locate(tracks: Tracks, mass: np.ndarray, logg: np.ndarray, metallicity: np.ndarray, clump: np.ndarray) -> Place:
    """Interpolate the tracks to stars.

    Parameters
    ----------
    tracks : Tracks
    mass, logg, metallicity : (n_star,) float
        Initial mass (Msun), log g, and [M/H] at the surface (dex).
    clump : (n_star,) bool
        True for core helium burning; else from the ZAMS to the tip of the red-giant branch.
    """
    eep = tracks.eep.astype(float)
    allowed = np.where(
        clump[:, None], (eep >= HE_BURNING) & (eep <= HE_END), (eep >= ZAMS) & (eep <= RGB_TIP)
    )  # (n_star, n_eep)
    initial = metallicity.copy()
    for _ in range(4):  # the initial [M/H] that shows ``metallicity`` at the surface
        points = tracks.at(mass[:, None], np.clip(initial, tracks.feh[0], tracks.feh[-1])[:, None], eep)
        above = points.logg - logg[:, None]
        crossing = ((above[:, :-1] * above[:, 1:] <= 0) | clump[:, None]) & allowed[:, :-1] & allowed[:, 1:]
        with np.errstate(invalid="ignore", divide="ignore"):
            step = above[:, 1:] - above[:, :-1]
            fraction = np.where(crossing, -above[:, :-1] / np.where(step == 0, 1.0, step), 0.0)
            fraction = np.where(clump[:, None], 0.5, fraction)
            years = np.diff(10.0**points.log_age, axis=1)
            weight = np.where(clump[:, None], years, years / np.maximum(np.abs(step), 1e-5))
            weight = np.where(crossing & np.isfinite(weight), weight, 0.0)
        total = weight.sum(axis=1)

        def mean(column: np.ndarray) -> np.ndarray:
            value = column[:, :-1] + fraction * (column[:, 1:] - column[:, :-1])
            with np.errstate(invalid="ignore", divide="ignore"):
                return np.where(weight > 0, weight * value, 0.0).sum(axis=1) / np.where(total > 0, total, np.nan)

        surface = mean(points.feh_surface)
        initial = np.where(
            np.isfinite(surface), metallicity - surface + np.clip(initial, *tracks.feh[[0, -1]]), initial
        )
    return Place(mean(points.log_teff), mean(points.logg), mean(points.log_age))


def galactic_offset(feh: np.ndarray, error: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and spread of [M/H] - [Fe/H] (dex) of thin disc, thick disc and halo near the Sun at observed [Fe/H]."""
    weights, means, variances = [], [], []
    steps = np.linspace(-2.5, 2.5, 21)
    share = np.exp(-0.5 * steps**2) / np.exp(-0.5 * steps**2).sum()
    for one in COMPONENTS[:3]:
        width = np.hypot(one.feh_spread, error)
        weights.append(one.density / width * np.exp(-0.5 * ((feh - one.feh_mean) / width) ** 2))
        offset = metallicity_offset(one.alpha_mean(feh)[:, None] + one.alpha_spread * steps)
        means.append(offset @ share)
        variances.append(((offset - means[-1][:, None]) ** 2) @ share)
    weight = np.array(weights) / np.sum(weights, axis=0)
    mean = (weight * means).sum(axis=0)
    return mean, np.sqrt((weight * (np.array(variances) + (np.array(means) - mean) ** 2)).sum(axis=0))


def usable(stars: pandas.DataFrame) -> pandas.DataFrame:
    """Stars of `read_stars` that are fitted, each once."""
    dwarf = stars["sample"].isin(DWARFS) & (stars["logg_dex"] > LOWEST_LOGG)
    dwarf &= stars["true_mass_msun"].between(*MASSES)
    clump = (stars["evol_state"] == 2) & stars["true_mass_msun"].between(*CLUMP_MASSES)
    giant = stars["sample"].isin(GIANTS) & (clump | (stars["evol_state"] == 1))
    known = stars[["teff_K", "logg_dex", "feh_dex", "teff_err_K", "logg_err_dex", "feh_err_dex"]].notna().all(axis=1)
    return stars[(dwarf | giant) & known & ~stars["repeated"] & stars["true_mass_err_msun"].notna()]


def half_of(stars: pandas.DataFrame) -> np.ndarray:
    """(n,) 0 or 1: the half of each star; the components of a binary, and rows of one star, fall in the same."""
    name = stars["system"].where(stars["system"] != "", stars["star"])
    number = stars["kic"].map(lambda kic: int(kic) // 2 if kic == kic else -1)
    return np.array([n % 2 if n >= 0 else sum(map(ord, text)) % 2 for n, text in zip(number, name)])


@dataclass(frozen=True)
class Equations:
    """Linear equations of the correction: Teff of the stars, log g of the clump, Teff and age of the Sun.

    Attributes
    ----------
    difference : (n,) float
        Uncorrected models minus observation, dex.
    slopes : (n, 4) float
        Its change with each of `STEPS`.
    error : (n,) float
    half : (n,) int
        -1 for the Sun.
    group : (n,) str
        "dwarfs and subgiants", "red-giant branch", "clump", "log g of the clump" or "Sun".
    sample : (n,) str
        "Sun" for the Sun.
    """

    difference: np.ndarray
    slopes: np.ndarray
    error: np.ndarray
    half: np.ndarray
    group: np.ndarray
    sample: np.ndarray

    def select(self, keep: np.ndarray) -> Equations:
        """The equations of ``keep``."""
        return Equations(*(getattr(self, field.name)[keep] for field in fields(self)))

    def solve(self) -> tuple[np.ndarray, np.ndarray]:
        """Parameters, in the order of `STEPS`, and their covariance (Student's t by iterated weights)."""
        found = np.zeros(len(STEPS))
        for _ in range(50):
            pull = (self.difference + self.slopes @ found) / self.error
            weight = np.where(self.half < 0, 1.0, (FREEDOM + 1) / (FREEDOM + pull**2)) / self.error**2
            covariance = np.linalg.inv((self.slopes * weight[:, None]).T @ self.slopes)
            found = -covariance @ (self.slopes.T @ (weight * self.difference))
        return found, covariance


def equations(stars: pandas.DataFrame, tracks: Tracks) -> Equations:
    """Place ``stars`` (`usable`) and the Sun on the tracks."""
    feh_error = stars["feh_err_dex"].to_numpy(float)
    offset, unknown = galactic_offset(stars["feh_dex"].to_numpy(float), feh_error)
    values = np.stack([stars["true_mass_msun"], stars["logg_dex"], stars["feh_dex"] + offset]).astype(float)
    errors = np.stack([stars["true_mass_err_msun"], stars["logg_err_dex"], np.hypot(feh_error, unknown)]).astype(float)
    values = np.column_stack([values, [1.0, SUN_LOGG, 0.0]])
    errors = np.column_stack([errors, np.zeros(3)])
    clump = np.append((stars["evol_state"] == 2).to_numpy(bool), False)
    observed = np.log10(np.append(stars["teff_K"].to_numpy(float), SUN_TEFF))
    own = np.append((stars["teff_err_K"] / stars["teff_K"]).to_numpy(float) / np.log(10.0), 0.0)

    def place(changed: ModelErrors, at: np.ndarray = values) -> np.ndarray:
        """Model minus observation, (n_star + 1 + n_clump + 1,)."""
        found = locate(changed.corrected(tracks), *at, clump)
        return np.concatenate(
            [found.log_teff - observed, (found.logg - values[1])[clump], found.log_age[-1:] - SUN_LOG_AGE]
        )

    start = ModelErrors()
    difference = place(start)
    slopes = [(place(replace(start, **{name: step})) - difference) / step for name, step in STEPS.items()]
    spread = np.where(clump, CLUMP_SPREAD[0], 0.0)
    variance = np.concatenate([own**2 + spread**2, errors[1, clump] ** 2 + CLUMP_SPREAD[1] ** 2, [0.0]])
    for row in range(3):
        side = errors * (np.arange(3) == row)[:, None]
        variance += ((place(start, values + side) - place(start, values - side)) / 2) ** 2
    sun = len(stars)
    variance[[sun, -1]] = np.square(SUN_ERRORS)
    rows = np.concatenate([np.arange(sun + 1), np.flatnonzero(clump), [sun]])
    group = np.where(stars["sample"].isin(GIANTS), "red-giant branch", "dwarfs and subgiants").astype(object)
    group = np.append(np.where(clump[:-1], "clump", group), "Sun")[rows]
    group[sun + 1 : -1] = "log g of the clump"
    found = Equations(
        difference,
        np.stack(slopes, axis=-1),
        np.sqrt(variance),
        np.append(half_of(stars), -1)[rows],
        group.astype(str),
        np.append(stars["sample"].to_numpy(str), "Sun")[rows],
    )
    finite = np.isfinite(difference) & np.isfinite(found.slopes).all(axis=1) & np.isfinite(variance)
    return found.select(finite)


def log_score(stars: pandas.DataFrame, errors: ModelErrors, tracks: Tracks) -> np.ndarray:
    """Log probability (n_star,) of the true mass under the posterior, truth's error included.

    The density of ln mass; -10 where the star lies outside the models.
    """
    corrected = errors.corrected(tracks)
    scores = np.full(len(stars), -10.0)
    for row, star in enumerate(stars.itertuples()):
        observed = np.square([star.teff_err_K, star.logg_err_dex, star.feh_err_dex]) * np.eye(3)
        atmosphere = (star.teff_K, star.logg_dex, star.feh_dex)
        covariance = observed + errors.covariance(*atmosphere)
        found = infer_posterior(
            *atmosphere, covariance=covariance, tracks=corrected, systematics=False, spacing=SPACING
        )
        if found.inside_models:
            width = max(star.true_mass_err_msun / star.true_mass_msun, 0.01)
            off = np.log(found.samples.mass / star.true_mass_msun) / width
            density = np.sum(found.probability * np.exp(-0.5 * off**2)) / (width * np.sqrt(2 * np.pi))
            scores[row] = np.log(max(density, np.exp(-10.0)))
    return scores


def fit(folder: Path | None = None, say: Callable[[str], None] = lambda text: None) -> dict[str, object]:
    """Fit correction and errors to the stars of a folder of tables.

    Returns
    -------
    dict
        ``parameters`` of `ModelErrors`, and ``errors`` of those fitted; ``stars`` by sample; ``halves``: parameters
        fitted to each half, and the differences of Teff of the other half before and after; ``without`` each sample in
        turn, and the Sun; ``factor`` of `TAYAR` with the log scores.
    """
    tracks, chosen = load_tracks(), usable(read_stars(folder))
    lacking = [name for name in ("debcat", *GIANTS) if not (chosen["sample"] == name).any()]
    if lacking:
        raise ParameterError(
            f"The tables have no stars of {' and '.join(lacking)}, which the fit needs.", value=str(folder)
        )
    say(f"placing {len(chosen)} stars on the tracks")
    system = equations(chosen, tracks)
    names = list(STEPS)
    halves = {}
    for number, label in ((0, "a"), (1, "b")):
        found, covariance = system.select(system.half != 1 - number).solve()
        halves[label] = {
            "parameters": dict(zip(names, found.tolist())),
            "errors": dict(zip(names, np.sqrt(np.diag(covariance)).tolist())),
            "other_half": _test(system.select(system.half == 1 - number), found),
        }
    found, covariance = system.solve()
    correction = ModelErrors(**dict(zip(names, found.tolist())))
    binaries = chosen[chosen["sample"] == "debcat"]
    side = half_of(binaries)
    scores = []
    for factor in FACTORS:
        say(f"scoring {len(binaries)} binary components with {factor:g} of the errors of Tayar et al. (2022)")
        trial = replace(correction, **_errors(factor))
        one = log_score(binaries, trial, tracks)
        scores.append([one[side == 0].mean(), one[side == 1].mean(), one.mean()])
    scores = np.array(scores)
    allowed = scores[:, 2] >= scores[:, 2].max() - TOLERANCE / len(binaries)
    chosen_factor = max(factor for factor, fine in zip(FACTORS, allowed) if fine)
    return {
        "parameters": replace(correction, **_errors(chosen_factor)).to_dict(),
        "errors": dict(zip(names, np.sqrt(np.diag(covariance)).tolist())),
        "stars": {name: int((chosen["sample"] == name).sum()) for name in (*DWARFS, *GIANTS)},
        "halves": halves,
        "without": {
            name: dict(zip(names, system.select(system.sample != name).solve()[0].tolist()))
            for name in (*DWARFS, "Sun")
        },
        "factor": {
            "of": "errors of Tayar et al. (2022)",
            "tried": list(FACTORS),
            "log_score_of_mass": {"a": scores[:, 0].tolist(), "b": scores[:, 1].tolist(), "all": scores[:, 2].tolist()},
            "chosen": chosen_factor,
        },
    }


def build(folder: Path | None = None, out: Path = HOME, say: Callable[[str], None] = lambda text: None) -> Path:
    """Fit, and write the card that `stellar_core.isochrones.systematics.load_model_errors` reads.

    ``folder`` holds the tables, or has them in ``real_ages``.
    """
    if folder is not None and (Path(folder) / "real_ages").is_dir():
        folder = Path(folder) / "real_ages"
    found = fit(folder, say)
    card = {
        "name": "model-errors",
        "date": datetime.date.today().isoformat(),
        "what": "Correction of the MIST tracks and the errors left, fitted to REAL stars with independent masses",
        "references": [
            "Southworth 2015 (DEBCat); Silva Aguirre et al. 2015, 2017; Chaplin et al. 2014; Pinsonneault et al. 2018",
            "Tayar et al. 2022, ApJ 927, 31; Tayar et al. 2017, ApJ 840, 17; Magg et al. 2022, A&A 661, A140",
        ],
        **rounded(found),
    }
    path = Path(out) / "card.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    write_text(path, card_text(card))
    return path


def _errors(factor: float) -> dict[str, float]:
    return dict(zip(("teff_error", "logg_error", "feh_error"), (factor * np.array(TAYAR)).tolist()))


def _test(system: Equations, found: np.ndarray) -> dict[str, dict[str, object]]:
    """Model minus observation (weighted mean, dex) and median pull, without and with the correction, by group."""
    tests = {}
    for name in dict.fromkeys(system.group.tolist()):
        part = system.select(system.group == name)
        after = part.difference + part.slopes @ found
        tests[name] = {
            "stars": len(after),
            "difference_before": float(np.average(part.difference, weights=part.error**-2.0)),
            "difference_after": float(np.average(after, weights=part.error**-2.0)),
            "median_pull_before": float(np.median(part.difference / part.error)),
            "median_pull_after": float(np.median(after / part.error)),
        }
    return tests
