"""Make a validated `Spectrum` of the named columns of any table.

Files name, order and scale the same three columns in many ways. This module has the recognised names,
the assumptions, and the note about each assumption.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np

from stellar_core.errors import SpectrumError
from stellar_core.spectral_lines import air_to_vacuum
from stellar_core.spectrum import MAX_PIXELS, Spectrum

#: Column names by role, lower case, anything but letters and digits as "_".
ALIASES: dict[str, tuple[str, ...]] = {
    "wavelength": (
        *("wavelength", "wave", "lambda", "lam", "wl", "wvl", "wav", "wavelengths", "wlen", "ll", "spectral_axis"),
        *("vacwave", "wave_vac", "wavelength_vac", "vacuum_wavelength", "lambda_vac", "wavelength_vacuum"),
        *("airwave", "wave_air", "wavelength_air", "air_wavelength", "lambda_air"),
        *("loglam", "log_lam", "log_lambda", "loglambda", "logwave", "log_wave", "log_wavelength", "log10_lambda"),
        *("angstrom", "angstroms", "nm", "micron", "microns", "x", "w"),
    ),
    "flux": (
        *("flux", "flam", "f_lambda", "flambda", "f_lam", "flux_density", "flux_lambda", "fluxes", "flx"),
        *("norm_flux", "normalized_flux", "normalised_flux", "spectrum", "spec", "intensity", "counts", "f", "y"),
    ),
    "ivar": ("ivar", "invvar", "inverse_variance", "inv_var", "flux_ivar", "weight"),
    "error": (
        *("error", "err", "sigma", "sig", "flux_err", "flux_error", "fluxerr", "eflux", "e_flux", "err_flux"),
        *("flux_sigma", "sigma_flux", "uncertainty", "unc", "flux_unc", "std", "stddev", "noise", "dflux", "errors"),
    ),
    "variance": ("variance", "var", "flux_var", "flux_variance"),
    "model": ("model", "best_fit", "bestfit"),
}
#: Spellings of the units of wavelength, and Angstrom per unit.
UNITS: dict[str, tuple[float, tuple[str, ...]]] = {
    "Angstrom": (1.0, ("a", "aa", "å", "å", "angstrom", "angstroms", "ang", "0.1nm")),
    "nm": (10.0, ("nm", "nanometer", "nanometers", "nanometre", "nanometres")),
    "micron": (1e4, ("micron", "microns", "um", "µm", "μm", "micrometer", "micrometers", "micrometre")),
}
#: Largest number of rows read: those of the longest spectrum accepted, and some more to detect longer ones.
MAX_ROWS = MAX_PIXELS + 1000
#: Characters of a name, and of a list of names, in a message.
SHOWN, SHOWN_LIST = 40, 80
#: Wavelengths in Angstrom outside this range are fill values.
WAVELENGTHS = (100.0, 1e6)
#: Flux beyond this, in any unit, is a fill value.
MAX_FLUX = 1e50
#: Pixels per piece in which the noise is estimated where the file gives none.
NOISE_PIECE = 150
#: Least estimated error as a share of the median flux: below it lie smoothed or computed spectra.
NOISE_FLOOR = 1e-3
_OPENING, _CLOSING = re.compile(r"[\[(]"), re.compile(r"[\])]")


@dataclass(frozen=True)
class Table:
    """Columns of a file.

    Attributes
    ----------
    columns : mapping of str to (n,) float64
        By the file's own names, in its order; may be read on access.
    units : mapping of str to str
        Units of wavelength columns where the file states them.
    notes : tuple of str
        Assumptions of the file's reader.
    text : str
        Comments and column titles, searched for the words air and vacuum.
    """

    columns: Mapping[str, np.ndarray]
    units: Mapping[str, str]
    notes: tuple[str, ...] = ()
    text: str = ""


def brackets(name: str) -> list[tuple[int, int]]:
    """Return the positions of opening and closing brackets in a column name, found in one pass."""
    found, at = [], 0
    while (opening := _OPENING.search(name, at)) and (closing := _CLOSING.search(name, opening.end())):
        found.append((opening.start(), closing.start()))
        at = closing.end()
    return found


def plain(name: str) -> str:
    """Return a column name in lower case, without units in brackets, words joined by "_"."""
    kept, at = [], 0
    for opening, closing in brackets(name):
        kept.append(name[at:opening])
        at = closing + 1
    return re.sub(r"[^a-z0-9]+", "_", "".join((*kept, name[at:])).lower()).strip("_")


def quote(text: str) -> str:
    """Return the beginning of a text in quotes, unprintable characters escaped."""
    quoted = repr(text[:SHOWN])
    return quoted if len(text) <= SHOWN and len(quoted) <= SHOWN + 2 else f"{quoted[:SHOWN]}...{quoted[0]}"


def quote_list(names: Collection[str]) -> str:
    """Return the first of some names, as many as fit into a message."""
    kept: list[str] = []
    for name in list(names)[:12]:
        if kept and len(", ".join((*kept, quote(name)))) > SHOWN_LIST:
            break
        kept.append(quote(name))
    return ", ".join(kept) + (f" and {len(names) - len(kept)} more" if len(names) > len(kept) else "")


def role_of(table: Table, role: str, columns: Mapping[str, str | int] | None = None) -> str | None:
    """Return the column with ``role``, by the caller's choice or by `ALIASES`; None where there is none."""
    if columns and role in columns:
        wanted = columns[role]
        names = list(table.columns)
        if isinstance(wanted, int) and 0 <= wanted < len(names):
            return names[wanted]
        for name in names:
            if name == wanted or plain(name) == plain(str(wanted)):
                return name
        label = quote(wanted) if isinstance(wanted, str) else wanted
        raise SpectrumError(f"There is no column {label}; the columns are {quote_list(table.columns)}.", value=wanted)
    by_plain = {plain(name): name for name in reversed(list(table.columns))}
    return next((by_plain[alias] for alias in ALIASES[role] if alias in by_plain), None)


def is_spectrum(table: Table, columns: Mapping[str, str | int] | None = None) -> bool:
    """Return whether the table has a wavelength and a flux column, by name or by the caller's choice."""
    try:
        return all(role_of(table, role, columns) is not None for role in ("wavelength", "flux"))
    except SpectrumError:
        return False


def assemble(
    table: Table,
    *,
    wavelength_unit: str | None = None,
    medium: str | None = None,
    columns: Mapping[str, str | int] | None = None,
    **properties: object,
) -> Spectrum:
    """Make a spectrum of the columns of a table.

    Parameters
    ----------
    table : Table
    wavelength_unit : {"Angstrom", "nm", "micron", "log10 Angstrom"}, optional
        Inferred from the file and the values where not given.
    medium : {"vacuum", "air"}, optional
        Where not given, as the file states, else vacuum.
    columns : mapping, optional
        Column name or number (from 0) by role: "wavelength", "flux", "ivar", "error", "variance".
    **properties
        Further fields of `Spectrum`; ``notes`` come before those made here.

    Raises
    ------
    SpectrumError
        If a column is missing or has no usable values.
    """
    names = {role: role_of(table, role, columns) for role in ALIASES}
    for role in ("wavelength", "flux"):
        if names[role] is None:
            raise SpectrumError(
                f"There is no {role} column; the columns are {quote_list(table.columns)}.",
                remedy=f"Choose the {role} column.",
            )
    notes = [*properties.pop("notes", ()), *table.notes]
    wave_name = names["wavelength"]
    wavelength, unit_note = _angstrom(table.columns[wave_name], wave_name, table.units.get(wave_name), wavelength_unit)
    values = {role: table.columns[name] for role, name in names.items() if name and role != "wavelength"}

    usable = (wavelength > WAVELENGTHS[0]) & (wavelength < WAVELENGTHS[1])
    if np.count_nonzero(usable) < 10:
        raise SpectrumError(
            f"The wavelength column {quote(wave_name)} holds {np.count_nonzero(usable)} usable numbers."
        )
    if not usable.all():
        notes.append(f"{np.count_nonzero(~usable)} rows without a wavelength were left out.")
    order = np.flatnonzero(usable)
    if order.size > MAX_PIXELS:
        raise SpectrumError(f"The spectrum has {order.size} pixels; at most {MAX_PIXELS} are accepted.")
    steps = np.diff(wavelength[order])
    if np.any(steps < 0):
        order = order[np.argsort(wavelength[order], kind="stable")]
        notes.append(
            "The wavelengths were in " + ("descending" if np.all(steps < 0) else "no") + " order and have been sorted."
        )
    fresh = np.concatenate([[True], np.diff(wavelength[order]) > 0])
    if not fresh.all():
        notes.append(f"{np.count_nonzero(~fresh)} rows that repeat a wavelength were left out.")
    order = order[fresh]
    wavelength = wavelength[order]
    values = {role: np.asarray(array, dtype=np.float64)[order] for role, array in values.items()}

    notes.extend(unit_note)
    wavelength, medium_note = _vacuum(wavelength, medium, f"{wave_name} {table.text}", plain(wave_name))
    notes.extend(medium_note)
    flux = np.where(np.abs(values["flux"]) < MAX_FLUX, values["flux"], np.nan)
    if not np.any(np.isfinite(flux)):
        raise SpectrumError(f"The flux column {quote(names['flux'])} holds no number.")
    has_errors = True
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        if "ivar" in values:
            ivar = values["ivar"]
        elif "error" in values:
            ivar = np.where(values["error"] > 0, values["error"] ** -2.0, 0.0)
        elif "variance" in values:
            ivar = np.where(values["variance"] > 0, 1.0 / values["variance"], 0.0)
        else:
            ivar, has_errors = estimate_ivar(flux), False
            notes.append("The file gives no errors; they were estimated from the scatter between neighbouring pixels.")
    ivar = np.where(np.isfinite(ivar) & (ivar > 0), ivar, 0.0)
    return Spectrum(
        wavelength=wavelength,
        flux=flux,
        ivar=ivar,
        model=values.get("model"),
        has_errors=has_errors,
        notes=tuple(notes),
        **properties,
    )


def estimate_ivar(flux: np.ndarray) -> np.ndarray:
    """Estimate the inverse variance from the scatter of each pixel about its two neighbours.

    Parameters
    ----------
    flux : (n,) float64
        Non-finite values get zero.

    Returns
    -------
    (n,) float64
        One value per piece of `NOISE_PIECE` pixels. Spectral structure counts as noise: a lower limit
        for sharp-lined spectra.
    """
    good = np.flatnonzero(np.isfinite(flux))
    ivar = np.zeros(flux.size)
    if good.size < 3:
        return ivar
    values = flux[good]
    # The difference from the mean of two neighbours has 1.5 times the variance of a pixel.
    offset = np.abs(values[1:-1] - (values[:-2] + values[2:]) / 2) / np.sqrt(1.5)
    offset = np.concatenate([offset[:1], offset, offset[-1:]])
    floor = NOISE_FLOOR * float(np.median(np.abs(values))) or 1e-300
    for piece in np.array_split(np.arange(good.size), max(good.size // NOISE_PIECE, 1)):
        sigma = max(1.4826 * float(np.median(offset[piece])), floor)
        ivar[good[piece]] = np.float64(sigma) ** -2.0
    return ivar


def _angstrom(values: np.ndarray, name: str, stated: str | None, wanted: str | None) -> tuple[np.ndarray, list[str]]:
    """Return wavelengths in Angstrom, and notes on the assumptions."""
    values = np.asarray(values, dtype=np.float64)
    finite = values[np.isfinite(values)]
    if not finite.size:
        raise SpectrumError(f"The wavelength column {quote(name)} holds no number.")
    if wanted is not None:
        return _to_angstrom(
            values, wanted, f"{quote(wanted)} is not a unit of wavelength; use Angstrom, nm or micron."
        ), []
    log = plain(name).startswith("log")
    # Quantiles, so that a few fill values have no effect.
    low, high = (float(value) for value in np.quantile(finite, (0.02, 0.98), method="nearest"))
    span = f"{low:.6g} to {high:.6g}"
    if log or 3.0 < low and high < 4.5:
        if not (2.5 < low and high < 5):
            raise SpectrumError(f"The column {quote(name)} runs from {span}, which is not log10 of Angstrom.")
        with np.errstate(over="ignore"):
            return 10.0**values, [] if log else [f"The wavelengths ({span}) are assumed to be log10 of Angstrom."]
    stated = stated or (plain(name) if plain(name) in ("nm", "micron", "microns", "angstrom", "angstroms") else None)
    if stated and any(stated.strip().lower() in spellings for _, spellings in UNITS.values()):
        return _to_angstrom(values, stated, ""), []
    with np.errstate(over="ignore"):
        middle = float(np.median(finite))
    for unit, (least, most) in {"Angstrom": (1500, 60000), "nm": (150, 1500), "micron": (0.15, 6)}.items():
        if least <= middle < most:
            note = [] if unit == "Angstrom" else [f"The wavelengths ({span}) are assumed to be in {unit}."]
            return _to_angstrom(values, unit, ""), note
    raise SpectrumError(
        f"The wavelengths run from {span}, which fits no known unit.", remedy="Choose Angstrom, nm or micron."
    )


def _to_angstrom(values: np.ndarray, unit: str, otherwise: str) -> np.ndarray:
    spelled = unit.strip().lower()
    if re.sub(r"[^a-z0-9]", "", spelled) in ("log10angstrom", "logangstrom", "log10", "loglam"):
        with np.errstate(over="ignore"):
            return 10.0**values
    for factor, spellings in UNITS.values():
        if spelled in spellings:
            with np.errstate(over="ignore"):
                return values * factor
    raise SpectrumError(otherwise, value=unit)


def _vacuum(wavelength: np.ndarray, medium: str | None, text: str, name: str) -> tuple[np.ndarray, list[str]]:
    """Return vacuum wavelengths, and notes on the assumptions."""
    if medium not in (None, "air", "vacuum"):
        raise SpectrumError(f"{quote(str(medium))} is not a medium; use air or vacuum.", value=medium)
    if medium is None and name in ("loglam", "log_lam"):
        return wavelength, []
    if medium is None:
        air = bool(re.search(r"(?<![a-z])air(?![a-z])|airwave", text, re.IGNORECASE))
        vacuum = bool(re.search(r"vac", text, re.IGNORECASE))
        if air and not vacuum:
            return air_to_vacuum(wavelength), ["The file states air wavelengths; they were converted to vacuum."]
        if not vacuum:
            return wavelength, [
                "The file does not state air or vacuum; vacuum wavelengths are assumed (air differs by 83 km/s)."
            ]
        return wavelength, []
    return (air_to_vacuum(wavelength), []) if medium == "air" else (wavelength, [])
