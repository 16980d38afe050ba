"""The tracks shipped with the package: MIST on fewer EEPs, 16 bits per number.

Every (mass, [Fe/H]) node of MIST is kept with about half of its EEPs, chosen where the tracks
bend; interpolation at fixed EEP gives the rest. Compared with a network, a table adds no wiggles
at the turn-off, the red-giant bump or the clump; it keeps the time steps of MIST, and with them
the weight of the evolutionary speed; and it is smaller and loads in well under a second.

Stored per point: the log of the time since the knot before (16 bits over its range, 0 for
no time), log Teff, log radius and surface [Fe/H] (16 bits each), and the log of the fraction of
the mass left (8 bits), which with mass and radius gives log g.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import numpy as np

from stellar_core.constants import SUN_LOGG
from stellar_core.isochrones.tracks import (
    COLUMNS,
    HE_BURNING,
    HE_END,
    IAMS,
    LAST_EEP,
    PHASES,
    RGB_TIP,
    TAMS,
    ZAMS,
    Tracks,
)
from stellar_core.model_store import read_model, write_model
from stellar_core.paths import TRAINED_DIR

HOME = TRAINED_DIR / "track-emulator"
PRIMARY = (ZAMS, IAMS, TAMS, RGB_TIP, HE_BURNING, HE_END, LAST_EEP)
#: Errors of equal importance when knots are chosen: log age, Teff in K, log radius, surface [Fe/H].
TOLERANCE = {"log_age": 0.003, "teff": 15.0, "log_radius": 0.004, "feh_surface": 0.008}
#: Stored tensors and the number of codes of each; code 0 stands for "none".
CODES = {"log_step": 65535, "log_teff": 65535, "log_radius": 65535, "feh_surface": 65535, "log_left": 255}


@lru_cache(maxsize=1)
def load_tracks(folder: Path | None = None) -> Tracks:
    """The shipped tracks (kept in memory after the first call).

    Raises
    ------
    ModelError
        Where the files are missing or damaged.
    """
    stored, _ = read_model(folder or HOME)
    return _unpack(stored, f"MIST v1.2, v/vcrit 0.4, compact table of {stored['eep'].size} EEPs (shipped)")


def build(full: Tracks, folder: Path = HOME, n_knots: int = 290) -> dict[str, object]:
    """Make the shipped table from all points of the tracks, and measure its errors.

    Parameters
    ----------
    full : Tracks
        Every EEP, from `mist.read_archive` or `eep_files.read_eep_files`.
    folder : Path
        Where it is written.
    n_knots : int
        EEPs kept.

    Returns
    -------
    dict
        The metrics written on the card: ``at_nodes`` from `errors_by_phase`, ``between_nodes``
        from `errors_between_nodes`.
    """
    compact = full.thin(choose_knots(full, n_knots))
    compact = _unpack(_pack(compact), compact.source)
    metrics = {"at_nodes": errors_by_phase(full, compact), "between_nodes": errors_between_nodes(compact)}
    save(compact, metrics, folder)
    return metrics


def errors_by_phase(full: Tracks, compact: Tracks, masses: tuple[float, float] = (0.6, 4.0)) -> dict[str, object]:
    """Absolute errors of ``compact`` at every real point of ``full``, by evolutionary phase.

    Returns
    -------
    dict
        ``phase -> quantity -> {"median", "p99"}`` with Teff in K, log g and log age in dex, surface
        [Fe/H] in dex; and ``n``, the number of points. ``"all"`` is every EEP from 202 to 808.
    """
    chosen = (full.mass >= masses[0] - 1e-6) & (full.mass <= masses[1] + 1e-6)
    at = compact.at(full.mass[None, chosen, None], full.feh[:, None, None], full.eep[None, None, :])
    real = full.real[:, chosen] & np.isfinite(at.log_age)
    errors = {
        "teff_K": np.abs(at.teff - 10.0 ** full.log_teff[:, chosen]),
        "logg_dex": np.abs(at.logg - full.logg[:, chosen]),
        "log_age_dex": np.abs(at.log_age - full.log_age[:, chosen]),
        "log_radius_dex": np.abs(at.log_radius - full.log_radius[:, chosen]),
        "feh_surface_dex": np.abs(at.feh_surface - full.feh_surface[:, chosen]),
    }
    metrics: dict[str, object] = {}
    for phase, (first, last) in {"all": (ZAMS, LAST_EEP + 1), **PHASES}.items():
        keep = real & ((full.eep >= first) & (full.eep < last))
        metrics[phase] = {
            "n": int(keep.sum()),
            **{
                name: {"median": float(np.median(e[keep])), "p99": float(np.quantile(e[keep], 0.99))}
                for name, e in errors.items()
            },
        }
    return metrics


def errors_between_nodes(tracks: Tracks) -> dict[str, object]:
    """Errors of interpolation, bounded from above: every second mass, or [Fe/H], is left out and predicted.

    The spacing is then twice the table's, so a smooth error is about four times the table's own.

    Returns
    -------
    dict
        ``"mass"`` and ``"feh"``, each as from `errors_by_phase`.
    """
    columns = {name: getattr(tracks, name) for name in (*COLUMNS, "real")}
    halves = {
        "mass": Tracks(tracks.feh, tracks.mass[::2], tracks.eep, **{n: c[:, ::2] for n, c in columns.items()}),
        "feh": Tracks(tracks.feh[::2], tracks.mass, tracks.eep, **{n: c[::2] for n, c in columns.items()}),
    }
    left_out = {
        "mass": Tracks(tracks.feh, tracks.mass[1::2], tracks.eep, **{n: c[:, 1::2] for n, c in columns.items()}),
        "feh": Tracks(tracks.feh[1::2], tracks.mass, tracks.eep, **{n: c[1::2] for n, c in columns.items()}),
    }
    return {axis: errors_by_phase(left_out[axis], halves[axis]) for axis in halves}


def choose_knots(tracks: Tracks, n_knots: int = 290, min_mass: float = 0.6) -> np.ndarray:
    """Choose the EEPs that minimise the error of linear interpolation.

    Starting from the primary EEPs, the interval whose 99th-percentile worst error over all
    tracks, in units of `TOLERANCE`, is largest is halved until ``n_knots`` are reached.
    """
    used = tracks.mass >= min_mass - 1e-6
    values = {
        "log_age": tracks.log_age[:, used],
        "teff": 10.0 ** tracks.log_teff[:, used],
        "log_radius": tracks.log_radius[:, used],
        "feh_surface": tracks.feh_surface[:, used],
    }

    def loss(first: int, last: int) -> float:
        if last - first < 2:
            return 0.0
        fraction = np.linspace(0.0, 1.0, last - first + 1)
        worst = 0.0
        for name, column in values.items():
            piece = column[..., first : last + 1]
            piece = piece[np.isfinite(piece[..., -1])]
            straight = piece[:, :1] * (1 - fraction) + piece[:, -1:] * fraction
            worst = np.maximum(worst, np.abs(piece - straight).max(axis=1) / TOLERANCE[name])
        return float(np.quantile(worst, 0.99))

    edges = np.searchsorted(tracks.eep, PRIMARY)
    intervals = {(int(a), int(b)): loss(a, b) for a, b in zip(edges[:-1], edges[1:])}
    while len(intervals) + 1 < n_knots:
        (first, last), worst = max(intervals.items(), key=lambda item: item[1])
        if worst == 0.0:
            break
        del intervals[first, last]
        middle = (first + last) // 2
        intervals[first, middle], intervals[middle, last] = loss(first, middle), loss(middle, last)
    return tracks.eep[sorted({edge for interval in intervals for edge in interval})]


@lru_cache(maxsize=2)
def coarse(tracks: Tracks) -> Tracks:
    """The same tracks on two thirds of their EEPs, for stars of large errors."""
    return tracks.thin(choose_knots(tracks, 2 * tracks.eep.size // 3))


def save(tracks: Tracks, metrics: dict[str, object], folder: Path = HOME) -> Path:
    """Write ``weights.safetensors`` and ``card.json``; returns the folder."""
    card = {
        "name": "track-emulator",
        "what": "MIST v1.2 tracks (v/vcrit 0.4) on chosen EEPs, 16 bits a number, linear interpolation at fixed EEP",
        "why_a_table": (
            "No wiggles to invent, MIST's own time steps, exact at its nodes; smaller and faster to load than a "
            "network of like accuracy."
        ),
        "source": tracks.source,
        "references": ["Choi et al. 2016, ApJ 823, 102", "Dotter 2016, ApJS 222, 8"],
        "axes": {
            "feh": tracks.feh.tolist(),
            "mass_msun": [float(tracks.mass[0]), float(tracks.mass[-1])],
            "n_mass": int(tracks.mass.size),
            "eep": [int(tracks.eep[0]), int(tracks.eep[-1])],
            "n_eep": int(tracks.eep.size),
        },
        "log_g": "of the current mass: the archive's, lowered for the mass MIST's winds remove",
        "completed": int((np.isfinite(tracks.log_age) & ~tracks.real).sum()),
        "seed": None,
        "metrics": metrics,
    }
    write_model(folder, _pack(tracks), card)
    return folder


def _pack(tracks: Tracks) -> dict[str, np.ndarray]:
    """Tensors of the shipped file."""
    ended = np.isnan(tracks.log_age)
    age = 10.0**tracks.log_age
    steps = np.diff(age, axis=-1, prepend=0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        log_step = np.where(steps > 0, np.log10(steps), np.nan)
    tensors = {"feh": tracks.feh, "mass": tracks.mass, "eep": tracks.eep.astype(np.int32)}
    tensors = {name: np.ascontiguousarray(axis) for name, axis in tensors.items()}
    tensors["last"] = (~ended).sum(axis=-1).astype(np.int16)
    tensors["last_real"] = tracks.real.sum(axis=-1).astype(np.int16)
    log_left = tracks.logg - _initial_logg(tracks.mass, tracks.log_radius)
    columns = {"log_step": log_step, "log_left": np.minimum(log_left, 0.0)}
    for name, top in CODES.items():
        column = columns[name] if name in columns else getattr(tracks, name)
        low, high = float(np.nanmin(column)), float(np.nanmax(column))
        codes = np.nan_to_num(1 + np.round((column - low) / max(high - low, 1e-12) * (top - 1)), nan=0.0)
        tensors[name] = np.ascontiguousarray(codes, dtype=np.uint8 if top < 256 else np.uint16)
        tensors[f"{name}_range"] = np.array([low, high])
    return tensors


def _unpack(stored: dict[str, np.ndarray], source: str) -> Tracks:
    """`Tracks` from the tensors of the shipped file."""
    position = np.arange(stored["eep"].size)
    ended = position >= stored["last"][..., None]
    columns = {}
    for name, top in CODES.items():
        low, high = stored[f"{name}_range"]
        columns[name] = low + (stored[name].astype(float) - 1) / (top - 1) * (high - low)
        columns[name][ended] = np.nan
    steps = np.where(stored["log_step"] == 0, 0.0, 10.0 ** columns.pop("log_step"))
    age = np.cumsum(steps, axis=-1)
    columns["log_age"] = np.log10(np.where(ended, np.nan, np.where(ended, 1.0, age)))
    columns["logg"] = _initial_logg(stored["mass"], columns["log_radius"]) + columns.pop("log_left")
    real = position < stored["last_real"][..., None]
    return Tracks(stored["feh"], stored["mass"], stored["eep"], real=real, source=source, **columns)


def _initial_logg(mass: np.ndarray, log_radius: np.ndarray) -> np.ndarray:
    """log g of a star that kept its initial mass, (n_feh, n_mass, n_eep)."""
    return SUN_LOGG + np.log10(mass)[None, :, None] - 2.0 * log_radius
