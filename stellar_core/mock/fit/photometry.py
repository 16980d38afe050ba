"""Build the photometry table from MIST bolometric corrections and real SDSS colours."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from stellar_core.bolometric_corrections import RV, BolometricTable, apparent_magnitudes
from stellar_core.errors import ParameterError

#: Ranges of Teff (K) and log g kept of MIST.
TEFF_RANGE, LOGG_RANGE = (3000.0, 12000.0), (-0.5, 5.5)
#: Pivot wavelengths of u, g, r, i, z, Angstrom (Doi et al. 2010, AJ 139, 1628).
PIVOT = (3551.0, 4686.0, 6166.0, 7480.0, 8932.0)
#: A_V at which the extinctions of Gaia and 2MASS are taken, mag.
TYPICAL_AV = 0.4
#: Mean E(B-V) of the catalogue stars whose colours set the zero points, mag.
CATALOGUE_EBV = 0.045


def build(folder: Path) -> tuple[dict[str, np.ndarray], dict]:
    """Build the table.

    Parameters
    ----------
    folder : Path
        Holds ``photometry/mist_bc_sdss_ugriz.npz`` and ``catalogue/sdss_colours_feh.csv``.

    Returns
    -------
    arrays, card
        For `stellar_core.model_store.write_model`.

    Notes
    -----
    MIST tabulates extinction by Cardelli, Clayton & Mathis (1989); the ratio of Fitzpatrick
    (1999) to it at the pivot wavelength of each band brings it to the law of the spectra.
    """
    import astropy.units as u
    from dust_extinction.parameter_averages import CCM89, F99

    axes, av, corrections = _read(Path(folder) / "photometry" / "mist_bc_sdss_ugriz.npz")
    unit, none = int(np.argmin(np.abs(av - 1.0))), int(np.argmin(np.abs(av)))
    if av[unit] != 1.0 or av[none] != 0.0:
        raise ParameterError("The bolometric corrections need A_V = 0 and 1 among their nodes.")
    pivot = np.array(PIVOT) * u.AA
    law = F99(Rv=RV)(pivot) / CCM89(Rv=RV)(pivot)
    extinction = (corrections[..., none, :] - corrections[..., unit, :]) * law
    # astropy's laws take wavelengths in vacuum.
    curve = F99(Rv=RV)((3600.0 + np.arange(6800)) * u.AA)
    table = BolometricTable(*axes, corrections[..., none, :].astype(float), extinction, np.zeros(5), curve)
    zero = zero_points(table, Path(folder) / "catalogue" / "sdss_colours_feh.csv")
    arrays = {
        "teff_K": axes[0].astype(np.float32),
        "logg_dex": axes[1].astype(np.float32),
        "feh_dex": axes[2].astype(np.float32),
        "correction_mmag": np.round(1000 * corrections[..., none, :]).astype(np.int16),
        "extinction_e4": np.round(10000 * extinction).astype(np.int16),
        "zero_point": zero.astype(np.float32),
        "curve": np.asarray(curve, np.float32),
    }
    card = {
        "what": "ugriz bolometric corrections, band extinctions (F99, R_V 3.1) and the reddening curve",
        "data": "MIST bolometric corrections (Choi et al. 2016); dust_extinction F99 and CCM89; "
        "colours of SDSS DR17 stars with [Fe/H] for the zero points",
        "command": "python -m stellar_core build photometry DATA",
        "zero_point_mag": {band: round(float(value), 3) for band, value in zip("ugriz", zero)},
        "zero_point_note": "Empirical: median difference between SDSS stars and dwarfs of the same "
        "g-r and [Fe/H]; g and r are held, so a common error of g-r stays in it.",
    }
    return arrays, card


def build_gaia(folder: Path) -> tuple[dict[str, np.ndarray], dict]:
    """Build the table of Gaia EDR3 and 2MASS on the nodes of ugriz.

    Parameters
    ----------
    folder : Path
        Holds ``photometry/mist_bc_gaia_edr3_2mass.npz``.

    Returns
    -------
    arrays, card
        For `stellar_core.model_store.write_model`.

    Notes
    -----
    Extinctions are MIST's (Cardelli, Clayton & Mathis 1989) between A_V = 0 and `TYPICAL_AV`: in the wide bands of
    Gaia they fall by a few per cent per magnitude.
    """
    axes, av, corrections = _read(Path(folder) / "photometry" / "mist_bc_gaia_edr3_2mass.npz")
    corrections = corrections.astype(float)
    typical, none = int(np.argmin(np.abs(av - TYPICAL_AV))), int(np.argmin(np.abs(av)))
    if abs(av[typical] - TYPICAL_AV) > 0.01 or av[none] != 0.0:
        raise ParameterError(f"The bolometric corrections need A_V = 0 and {TYPICAL_AV} among their nodes.")
    extinction = (corrections[..., none, :] - corrections[..., typical, :]) / av[typical]
    arrays = {
        "teff_K": axes[0].astype(np.float32),
        "logg_dex": axes[1].astype(np.float32),
        "feh_dex": axes[2].astype(np.float32),
        "correction_mmag": np.round(1000 * corrections[..., none, :]).astype(np.int16),
        "extinction_e4": np.round(10000 * extinction).astype(np.int16),
    }
    card = {
        "what": "Bolometric corrections and extinctions of Gaia EDR3 G, BP, RP and 2MASS J, H, Ks (Vega)",
        "data": "MIST bolometric corrections (Choi et al. 2016)",
        "command": "python -m stellar_core build photometry DATA",
    }
    return arrays, card


def _read(path: Path) -> tuple[list[np.ndarray], np.ndarray, np.ndarray]:
    """Axes (Teff, log g, [Fe/H]), A_V and bolometric corrections of a table of MIST within the ranges kept."""
    with np.load(path, allow_pickle=False) as mist:
        axes = [mist[name].astype(float) for name in ("teff_K", "logg_dex", "feh_dex")]
        av, corrections = mist["av_mag"].astype(float), mist["bc_mag"]
    keep = [(a >= low) & (a <= high) for a, (low, high) in zip(axes, (TEFF_RANGE, LOGG_RANGE))]
    return [axes[0][keep[0]], axes[1][keep[1]], axes[2]], av, corrections[keep[0]][:, keep[1]]


def zero_points(table: BolometricTable, catalogue: Path) -> np.ndarray:
    """Shift of u, i, z (g and r held) that brings dwarfs of the table onto real stars, (5,) mag.

    Stars of 0.25 <= g-r <= 0.8 and -2 <= [Fe/H] <= 0.2 are compared, in cells of [Fe/H] and g-r,
    with dwarfs on the line log g = 4.6 - 0.15 (Teff - 5200 K) / 1000 K.
    """
    import pandas as pd

    stars = pd.read_csv(catalogue)
    teff = np.linspace(4300.0, 8000.0, 400)
    logg = 4.6 - 0.15 * np.clip((teff - 5200.0) / 1000.0, 0.0, 3.0)
    one = np.ones_like(teff)
    shifts, weights = [], []
    for feh in np.arange(-2.0, 0.21, 0.2):
        model = apparent_magnitudes(teff, logg, feh * one, 0 * one, 10 * one, CATALOGUE_EBV * one, table)
        u_g, g_r, r_i, i_z = -np.diff(model, axis=1).T
        order = np.argsort(g_r)
        near = stars[(stars.feh_dex - feh).abs() < 0.1]
        for colour in np.arange(0.25, 0.81, 0.05):
            cell = near[(near.g_r - colour).abs() < 0.025]
            if len(cell) < 25:
                continue
            shifts.append(
                [
                    cell[name].median() - np.interp(colour, g_r[order], values[order])
                    for name, values in (("u_g", u_g), ("r_i", r_i), ("i_z", i_z))
                ]
            )
            weights.append(np.sqrt(len(cell)))
    u_g, r_i, i_z = np.average(shifts, axis=0, weights=weights)
    return np.array([u_g, 0.0, 0.0, -r_i, -r_i - i_z])
