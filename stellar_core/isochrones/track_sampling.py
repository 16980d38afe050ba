"""Cut the blocks of a mesh of tracks into pieces that are small against given errors; compiled by numba.

Pieces are equal parts of a block in initial metallicity, log initial mass and EEP. Everything is trilinear inside a
block, so the values at the centre of a piece are exact, however finely the block is cut.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from stellar_core.constants import SUN_TEFF

#: Columns of a node: log10 Teff, log g, surface metallicity, log10 luminosity (Lsun), log10 age. The first four are
#: the observables.
LOG_TEFF, LOGG, SURFACE, LUMINOSITY, LOG_AGE = range(5)
OBSERVABLES = 4
#: Rows of the output; the edges follow as three vectors of the observables, along metallicity, mass and EEP.
ROWS = ("log_teff", "logg", "feh_surface", "feh", "log_age", "mass", "log_lifetime", "log_radius", "eep", "weight")
EDGES, N_ROW = len(ROWS), len(ROWS) + 9
#: Blocks along EEP that share an entry of ``chunks``.
CHUNK = 8
#: Sigmas from the star beyond which pieces grow in proportion to their distance.
NEAR = 1.5

LOG_TEFF_SUN = float(np.log10(SUN_TEFF))

compiled = njit(cache=True, nogil=True, error_model="numpy")


@compiled
def cut_blocks(nodes, axes, end, bounds, chunks, window, resolution, reach, most, oldest, span, out):
    """Cut all blocks that lie near a window; returns the number of pieces, which may exceed the capacity of ``out``.

    Parameters
    ----------
    nodes : (n_feh, n_mass, n_eep, 5) float64
        NaN where a track has ended.
    axes : three float64 arrays
        Initial metallicity (dex), log10 initial mass (Msun), EEP.
    end : (n_feh, n_mass) float64
        log10 age at the end of the tracks.
    bounds : (n_feh - 1, n_mass - 1, n_eep - 1, 2, 5) float32
        Lower and upper bounds of the columns in each block; NaN where a track has ended.
    chunks : (n_feh - 1, n_mass - 1, n_chunk, 2, 5) float32
        The same over every `CHUNK` blocks along EEP.
    window : (3, 4) float64
        Lower and upper bounds of the observables, and the distance from them within which pieces are wanted. Distances
        add in quadrature.
    resolution : (5,) float64
        Largest extent of a piece in each column of a node.
    reach : float
        The distance of the window in sigmas; 0 for pieces of the same size everywhere.
    most : int
        Largest number of cuts along an axis of a block.
    oldest : float
        Largest log10 age, yr.
    span : (int, int)
        Range of blocks along the metallicity.
    out : (n_row, capacity) float32
        Rows of `ROWS`; with `N_ROW` rows also the edges. The weight is the product of the widths in metallicity, log10
        mass and age (dex, dex, yr).
    """
    cuts = np.empty(3)
    scratch = (
        np.empty((2, 2, 5)),
        np.empty((2, 5)),
        np.empty(5),
        np.empty((2, 2, 3)),
        np.empty((2, 2, 3)),
        np.empty((2, OBSERVABLES)),
    )
    n_block, n_chunk = axes[2].size - 1, chunks.shape[2]
    count = 0
    for i in range(span[0], span[1]):
        for j in range(axes[1].size - 1):
            for c in range(n_chunk):
                if not _distance(chunks[i, j, c, 0], chunks[i, j, c, 1], window) <= 1.0:
                    continue
                for k in range(c * CHUNK, min((c + 1) * CHUNK, n_block)):
                    far = _distance(bounds[i, j, k, 0], bounds[i, j, k, 1], window)
                    if far <= 1.0 and bounds[i, j, k, 0, LOG_AGE] < oldest:
                        _count_cuts(nodes, i, j, k, resolution, max(1.0, reach * np.sqrt(far) / NEAR), most, cuts)
                        count = _cut(nodes, axes, end, i, j, k, cuts, window, oldest, scratch, out, count)
    return count


@compiled
def _distance(low, high, window):
    """Squared distance of a box of the observables from the window; infinite for an empty box."""
    total = 0.0
    for q in range(OBSERVABLES):
        total += (max(low[q] - window[1, q], window[0, q] - high[q], 0.0) / window[2, q]) ** 2
    return total


@compiled
def _count_cuts(nodes, i, j, k, resolution, wider, most, cuts):
    """Pieces along each axis that keep the largest change across a piece below ``resolution`` times ``wider``."""
    cuts[:] = 1e-9
    for q in range(5):
        size = resolution[q] * wider
        for a in range(2):
            for b in range(2):
                cuts[0] = max(cuts[0], abs(nodes[i + 1, j + a, k + b, q] - nodes[i, j + a, k + b, q]) / size)
                cuts[1] = max(cuts[1], abs(nodes[i + a, j + 1, k + b, q] - nodes[i + a, j, k + b, q]) / size)
                cuts[2] = max(cuts[2], abs(nodes[i + a, j + b, k + 1, q] - nodes[i + a, j + b, k, q]) / size)
    for axis in range(3):
        cuts[axis] = min(np.ceil(cuts[axis] - 1e-9), most)


@compiled
def _cut(nodes, axes, end, i, j, k, cuts, window, oldest, scratch, out, count):
    """Append the pieces of one block to ``out``; returns the new number of pieces."""
    feh, log_mass, eep = axes
    max_age = 10.0**oldest
    # values on a face and a line of the block and at a centre; edges along [Fe/H] on the face, both on the line
    face, line, centre, across, along, box = scratch
    low, high = box
    for x in range(int(cuts[0])):
        f = (x + 0.5) / cuts[0]
        low[:], high[:] = np.inf, -np.inf
        for b in range(2):
            for e in range(2):
                for q in range(5):
                    step = nodes[i + 1, j + b, k + e, q] - nodes[i, j + b, k + e, q]
                    face[b, e, q] = nodes[i, j + b, k + e, q] + f * step
                    if q < 3:
                        across[b, e, q] = step / cuts[0]
                    if q < OBSERVABLES:
                        low[q], high[q] = min(low[q], face[b, e, q]), max(high[q], face[b, e, q])
        if _distance(low, high, window) > 1.0:
            continue
        for y in range(int(cuts[1])):
            m = (y + 0.5) / cuts[1]
            for e in range(2):
                for q in range(5):
                    step = face[1, e, q] - face[0, e, q]
                    line[e, q] = face[0, e, q] + m * step
                    if q < 3:
                        along[0, e, q] = across[0, e, q] + m * (across[1, e, q] - across[0, e, q])
                        along[1, e, q] = step / cuts[1]
            for q in range(OBSERVABLES):
                low[q], high[q] = min(line[0, q], line[1, q]), max(line[0, q], line[1, q])
            if _distance(low, high, window) > 1.0:
                continue
            log_m = log_mass[j] + m * (log_mass[j + 1] - log_mass[j])
            life = end[i, j] + m * (end[i, j + 1] - end[i, j])
            life += f * (end[i + 1, j] + m * (end[i + 1, j + 1] - end[i + 1, j]) - life)
            width = (log_mass[j + 1] - log_mass[j]) / cuts[1] * (feh[i + 1] - feh[i]) / cuts[0]
            step = (line[1, LOG_AGE] - line[0, LOG_AGE]) / cuts[2]
            older = -1.0
            for z in range(int(cuts[2])):
                t = (z + 0.5) / cuts[2]
                for q in range(5):
                    centre[q] = line[0, q] + t * (line[1, q] - line[0, q])
                if _distance(centre, centre, window) > 1.0:
                    older = -1.0
                    continue
                younger = older if older >= 0.0 else min(10.0 ** (line[0, LOG_AGE] + z * step), max_age)
                older = min(10.0 ** (line[0, LOG_AGE] + (z + 1) * step), max_age)
                if older <= younger:
                    continue
                if count < out.shape[1]:
                    out[0, count], out[1, count], out[2, count] = centre[0], centre[1], centre[2]
                    out[3, count] = feh[i] + f * (feh[i + 1] - feh[i])
                    age = centre[LOG_AGE] if older < max_age else np.log10(0.5 * (younger + older))
                    out[4, count] = age
                    out[5, count] = 10.0**log_m
                    out[6, count] = max(life, age)
                    out[7, count] = 0.5 * centre[LUMINOSITY] - 2.0 * (centre[LOG_TEFF] - LOG_TEFF_SUN)
                    out[8, count] = eep[k] + t * (eep[k + 1] - eep[k])
                    out[9, count] = width * (older - younger)
                    if out.shape[0] == N_ROW:
                        for q in range(3):
                            out[10 + q, count] = along[0, 0, q] + t * (along[0, 1, q] - along[0, 0, q])
                            out[13 + q, count] = along[1, 0, q] + t * (along[1, 1, q] - along[1, 0, q])
                            out[16 + q, count] = (line[1, q] - line[0, q]) / cuts[2]
                count += 1
    return count
