"""Evolutionary tracks on equivalent evolutionary points (EEP), and isochrones from them.

Everything is interpolated at fixed EEP (Dotter 2016, ApJS 222, 8): linearly in the
initial [Fe/H], in log initial mass and in EEP. EEP 202 is the zero-age main sequence,
353 its intermediate age, 454 its end, 605 the tip of the red-giant branch, 631 the
start of core helium burning, 707 its end, 808 the thermally pulsing AGB or carbon burning.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from stellar_core.constants import SUN_LOGG, SUN_TEFF
from stellar_core.errors import ParameterError

ZAMS, IAMS, TAMS, RGB_TIP, HE_BURNING, HE_END, LAST_EEP = 202, 353, 454, 605, 631, 707, 808

#: Evolutionary phases by EEP, first point included and last excluded (the end belongs to the last).
PHASES = {
    "main sequence": (ZAMS, TAMS),
    "subgiant and red giant branch": (TAMS, RGB_TIP),
    "helium flash or ignition": (RGB_TIP, HE_BURNING),
    "core helium burning": (HE_BURNING, HE_END),
    "asymptotic giant branch": (HE_END, LAST_EEP + 1),
}

#: Columns of a table of tracks, with their units.
COLUMNS = {
    "log_age": "log10(yr)",
    "log_teff": "log10(K)",
    "logg": "dex(cm/s2), of the current mass",
    "log_radius": "log10(Rsun)",
    "feh_surface": "dex",
}


@dataclass(frozen=True)
class TrackPoints:
    """Points on tracks; every array has one shape, NaN where no star exists.

    Attributes
    ----------
    eep : EEP, float
    mass, feh : initial mass in Msun and initial [Fe/H] in dex
    log_age : log10(yr)
    log_teff : log10(K)
    logg : dex(cm/s2)
    log_radius : log10(Rsun)
    feh_surface : [Fe/H] at the surface now, dex
    """

    eep: np.ndarray
    mass: np.ndarray
    feh: np.ndarray
    log_age: np.ndarray
    log_teff: np.ndarray
    logg: np.ndarray
    log_radius: np.ndarray
    feh_surface: np.ndarray

    @property
    def teff(self) -> np.ndarray:
        """Effective temperature, K."""
        return 10.0**self.log_teff

    @property
    def log_luminosity(self) -> np.ndarray:
        """log10(L/Lsun) from radius and temperature."""
        return 2.0 * self.log_radius + 4.0 * (self.log_teff - np.log10(SUN_TEFF))

    @property
    def current_mass(self) -> np.ndarray:
        """Mass left at this point in Msun, from log g and radius."""
        return 10.0 ** (self.logg - SUN_LOGG + 2.0 * self.log_radius)

    def select(self, keep: np.ndarray) -> TrackPoints:
        """The points of ``keep``, a boolean mask or an index."""
        return TrackPoints(**{name: getattr(self, name)[keep] for name in self.__dataclass_fields__})


@dataclass(frozen=True, eq=False)
class Tracks:
    """A rectangular table of tracks; equal, and hashed, by identity.

    Attributes
    ----------
    feh : (n_feh,) initial [Fe/H] in dex, increasing
    mass : (n_mass,) initial mass in Msun, increasing
    eep : (n_eep,) EEP numbers, increasing
    log_age, log_teff, logg, log_radius, feh_surface : (n_feh, n_mass, n_eep) float
        Units as in `COLUMNS`; NaN where the track has ended.
    real : (n_feh, n_mass, n_eep) bool
        False where the track has ended, and where a track that broke off early was
        completed from its neighbours in mass.
    source : str
        Origin of the table, for display.
    """

    feh: np.ndarray
    mass: np.ndarray
    eep: np.ndarray
    log_age: np.ndarray
    log_teff: np.ndarray
    logg: np.ndarray
    log_radius: np.ndarray
    feh_surface: np.ndarray
    real: np.ndarray
    source: str = ""

    def __post_init__(self) -> None:
        shape = (len(self.feh), len(self.mass), len(self.eep))
        for name in (*COLUMNS, "real"):
            if getattr(self, name).shape != shape:
                raise ParameterError(f"Column {name} has shape {getattr(self, name).shape}, expected {shape}.")
        for name in ("feh", "mass", "eep"):
            if not np.all(np.diff(getattr(self, name)) > 0):
                raise ParameterError(f"The {name} axis of the tracks is not increasing.")

    def column(self, name: str) -> np.ndarray:
        """A column by its name in `COLUMNS`, (n_feh, n_mass, n_eep)."""
        if name not in COLUMNS:
            raise ParameterError(f"Tracks have no column {name!r}; there are {', '.join(COLUMNS)}.", value=name)
        return getattr(self, name)

    def points(self, real_only: bool = True) -> TrackPoints:
        """Every tabulated point as flat arrays; with ``real_only`` without completed ones."""
        keep = self.real if real_only else np.isfinite(self.log_age)
        feh, mass, eep = np.broadcast_arrays(
            self.feh[:, None, None], self.mass[None, :, None], self.eep[None, None, :].astype(float)
        )
        columns = {name: getattr(self, name)[keep] for name in COLUMNS}
        return TrackPoints(eep=eep[keep], mass=mass[keep], feh=feh[keep], **columns)

    def at(self, mass: np.ndarray, feh: np.ndarray, eep: np.ndarray) -> TrackPoints:
        """Points at any initial mass (Msun), initial [Fe/H] (dex) and EEP, broadcast together.

        Outside the table, and where a needed track has ended, the columns are NaN.
        """
        mass, feh, eep = (np.array(x, float) for x in np.broadcast_arrays(mass, feh, eep))
        f0, wf = bracket(self.feh, feh)
        m0, wm = bracket(np.log10(self.mass), np.log10(np.where(mass > 0, mass, np.nan)))
        e0, we = bracket(self.eep, eep)
        corners = [
            (f0 + i, m0 + j, e0 + k, (wf if i else 1 - wf) * (wm if j else 1 - wm) * (we if k else 1 - we))
            for i in (0, 1)
            for j in (0, 1)
            for k in (0, 1)
        ]
        columns = {}
        for name in COLUMNS:
            table = getattr(self, name)
            # An ended track (NaN) contributes only where its weight is not zero.
            columns[name] = sum(w * np.where(w != 0, table[i, j, k], 0.0) for i, j, k, w in corners)
        return TrackPoints(eep=eep, mass=mass, feh=feh, **columns)

    def track(self, mass: float, feh: float) -> TrackPoints:
        """The track of one star from ZAMS to its end, at the tabulated EEPs.

        Raises
        ------
        ParameterError
            Where the models have no such star.
        """
        self._check(feh=feh)
        points = self.at(mass, feh, self.eep)
        keep = np.isfinite(points.log_age)
        if not keep.any():
            raise ParameterError(
                f"No track of initial mass {mass} Msun; the models cover {self.mass[0]:g} to {self.mass[-1]:g}.",
                value=mass,
            )
        return points.select(keep)

    def isochrone(self, log_age: float, feh: float) -> TrackPoints:
        """Stars of one age and one initial [Fe/H], in order of EEP.

        At each tabulated EEP the lightest initial mass that has this age is found by linear
        interpolation of log age in log mass. Points where the mass would fall along the
        isochrone (irregular EEPs of the lightest tracks, the helium flash) are left out.

        Parameters
        ----------
        log_age : float
            log10(yr).
        feh : float
            Initial [Fe/H], dex.
        """
        self._check(feh=feh)
        if not np.isfinite(log_age):
            raise ParameterError(f"An isochrone needs a finite log age, got {log_age}.", value=log_age)
        f0, w = bracket(self.feh, np.asarray(float(feh)))
        upper = f0 + 1 if w > 0 else f0
        ages = (1 - w) * self.log_age[f0] + (w * self.log_age[upper] if w > 0 else 0.0)  # (n_mass, n_eep)
        log_mass = np.log10(self.mass)
        older = (ages[:-1] >= log_age) & (ages[1:] < log_age)  # (n_mass - 1, n_eep); never where a track has ended
        eep_index = np.flatnonzero(older.any(axis=0))
        lower = older[:, eep_index].argmax(axis=0)
        age0, age1 = ages[lower, eep_index], ages[lower + 1, eep_index]
        fraction = (age0 - log_age) / (age0 - age1)
        masses = 10.0 ** (log_mass[lower] + fraction * (log_mass[lower + 1] - log_mass[lower]))
        points = self.at(masses, feh, self.eep[eep_index])
        return points.select(np.isfinite(points.log_teff) & (masses >= np.maximum.accumulate(masses)))

    def stars(self, mass: np.ndarray, feh: np.ndarray, log_age: np.ndarray) -> TrackPoints:
        """Stars of given initial mass (Msun), initial [Fe/H] (dex) and log age (log10 yr).

        The EEP is found where the interpolated track reaches the age; NaN where the star
        is dead, not yet on the main sequence, or outside the table. Arrays of shape (n_star,).
        """
        mass, feh, log_age = (np.array(x, float).ravel() for x in np.broadcast_arrays(mass, feh, log_age))
        eep = np.full(mass.size, np.nan)
        grid = self.eep.astype(float)
        for start in range(0, mass.size, 4096):
            part = slice(start, start + 4096)
            ages = self._ages(mass[part], feh[part])  # (n, n_eep)
            target = log_age[part, None]
            ended = np.isnan(ages)
            index = np.where(ended, np.inf, ages) <= target
            lower = np.clip(index.sum(axis=1) - 1, 0, grid.size - 2)
            rows = np.arange(lower.size)
            age0, age1 = ages[rows, lower], ages[rows, lower + 1]
            with np.errstate(invalid="ignore", divide="ignore"):
                fraction = (target[:, 0] - age0) / (age1 - age0)
                inside = (fraction >= 0) & (fraction <= 1)
            eep[part] = np.where(inside, grid[lower] + fraction * (grid[lower + 1] - grid[lower]), np.nan)
        points = self.at(mass, feh, eep)
        return points

    def end_log_age(self, eep: int = LAST_EEP) -> np.ndarray:
        """log10(yr) at which each track reaches ``eep`` or, sooner, its end; (n_feh, n_mass)."""
        reached = np.where(self.eep[None, None, :] <= eep, self.log_age, np.nan)
        return np.nanmax(np.where(np.isnan(reached), -np.inf, reached), axis=2)

    def thin(self, eep: np.ndarray) -> Tracks:
        """The same tracks on some of their EEPs."""
        index = np.searchsorted(self.eep, eep)
        columns = {name: getattr(self, name)[..., index] for name in (*COLUMNS, "real")}
        return Tracks(self.feh, self.mass, self.eep[index], source=self.source, **columns)

    def between_nodes(self, table: np.ndarray, mass: np.ndarray, feh: np.ndarray) -> np.ndarray:
        """A (n_feh, n_mass) table at any mass (Msun) and [Fe/H], as the tracks are interpolated; NaN outside."""
        f0, wf = bracket(self.feh, feh)
        m0, wm = bracket(np.log10(self.mass), np.log10(np.where(mass > 0, mass, np.nan)))
        lower = (1 - wm) * table[f0, m0] + wm * table[f0, m0 + 1]
        upper = (1 - wm) * table[f0 + 1, m0] + wm * table[f0 + 1, m0 + 1]
        return (1 - wf) * lower + wf * upper

    def _ages(self, mass: np.ndarray, feh: np.ndarray) -> np.ndarray:
        """log age at every tabulated EEP, (n_star, n_eep)."""
        f0, wf = bracket(self.feh, feh)
        m0, wm = bracket(np.log10(self.mass), np.log10(np.where(mass > 0, mass, np.nan)))
        total = 0.0
        for i in (0, 1):
            for j in (0, 1):
                w = ((wf if i else 1 - wf) * (wm if j else 1 - wm))[:, None]
                total = total + w * np.where(w != 0, self.log_age[f0 + i, m0 + j], 0.0)
        return total

    def _check(self, feh: float) -> None:
        if not self.feh[0] <= feh <= self.feh[-1]:
            raise ParameterError(
                f"[Fe/H] = {feh} lies outside the models, which cover {self.feh[0]:g} to {self.feh[-1]:g}.", value=feh
            )


def bracket(nodes: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Index of the node below each value and the weight of the node above; NaN weight outside."""
    lower = np.clip(np.searchsorted(nodes, values, side="right") - 1, 0, len(nodes) - 2)
    weight = (values - nodes[lower]) / (nodes[lower + 1] - nodes[lower])
    return lower, np.where((weight >= -1e-9) & (weight <= 1 + 1e-9), np.clip(weight, 0.0, 1.0), np.nan)


def assemble(
    feh: np.ndarray, mass: np.ndarray, eep: np.ndarray, columns: Mapping[str, np.ndarray], source: str
) -> Tracks:
    """Make `Tracks` from raw columns, completing tracks that broke off early.

    A track that ends before both a lighter and a heavier one of its [Fe/H] has crashed;
    its missing points are interpolated linearly in log mass between the nearest tracks
    that have them: log of the time since the EEP before, and the other columns directly.
    Completed points are marked ``real = False``. Tracks at the light end of the table stay short.
    """
    table = {name: np.array(columns[name], float) for name in COLUMNS}
    real = np.isfinite(table["log_age"])
    log_mass = np.log10(mass)
    for i in range(len(feh)):
        for k in range(1, len(eep)):
            have = np.flatnonzero(real[i, :, k])
            if have.size < 2:
                continue
            gaps = np.flatnonzero(~real[i, :, k])
            gaps = gaps[(gaps > have[0]) & (gaps < have[-1])]
            if not gaps.size:
                continue
            steps = 10.0 ** table["log_age"][i, :, k] - 10.0 ** table["log_age"][i, :, k - 1]
            log_step = np.interp(log_mass[gaps], log_mass[have], np.log10(np.maximum(steps[have], 1.0)))
            table["log_age"][i, gaps, k] = np.log10(10.0 ** table["log_age"][i, gaps, k - 1] + 10.0**log_step)
            for name in COLUMNS:
                if name != "log_age":
                    table[name][i, gaps, k] = np.interp(log_mass[gaps], log_mass[have], table[name][i, have, k])
    return Tracks(np.asarray(feh, float), np.asarray(mass, float), np.asarray(eep), real=real, source=source, **table)
