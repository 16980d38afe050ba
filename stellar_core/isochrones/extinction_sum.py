"""Sum of the likelihood of magnitudes over the extinction, for many track samples; compiled by numba.

At a given extinction the magnitudes give a distance modulus, of first order in it, and the chi-square of the colours,
of second order. The sum runs in equal steps over the extinctions that fit the colours of a sample.
"""

from __future__ import annotations

import numpy as np
from numba import njit

#: Largest number of extinctions at which the likelihood of a sample is summed.
MOST_NODES = 48
#: Samples this far (natural log) below the most probable one do not matter.
UNIMPORTANT = 19.0
#: log of a half: the ends of a trapezoid.
HALF = float(np.log(0.5))

compiled = njit(cache=True, nogil=True, error_model="numpy")


@compiled
def interpolate(axes, table, points):
    """(n, n_column) float32, columns of ``table`` at ``points`` (n, 3), trilinear; the ends of the axes are kept."""
    n_column = table.shape[3]
    found = np.empty((len(points), n_column), np.float32)
    cell, part, value = np.empty(3, np.int64), np.empty(3), np.empty(n_column)
    for n in range(len(points)):
        for a in range(3):
            axis = axes[a]
            x = min(max(points[n, a], axis[0]), axis[-1])
            low = min(max(np.searchsorted(axis, x, side="right") - 1, 0), axis.size - 2)
            cell[a] = low
            part[a] = (x - axis[low]) / (axis[low + 1] - axis[low])
        value[:] = 0.0
        for i in range(2):
            for j in range(2):
                for k in range(2):
                    w = (
                        (part[0] if i else 1 - part[0])
                        * (part[1] if j else 1 - part[1])
                        * (part[2] if k else 1 - part[2])
                    )
                    for b in range(n_column):
                        value[b] += w * table[cell[0] + i, cell[1] + j, cell[2] + k, b]
        for b in range(n_column):
            found[n, b] = value[b]
    return found


@compiled
def sum_extinctions(
    corrections, log_teff, log_radius, magnitudes, precision, integral, width, prior, by_distance, largest, sun,
    log_weight, found, colours, weight, shares,
):  # fmt: skip
    """Fill ``found`` and ``colours`` (n_sample,); with ``weight``, add to ``shares`` (n_extinction, n_modulus).

    ``corrections`` (n_sample, 2 n_band) are the bolometric corrections and the extinctions A_band / A_V.
    """
    bolometric_sun, log_teff_sun, first, step = sun
    n_band, last = magnitudes.size, integral.size - 1
    total = precision.sum()
    value, term, place = np.empty(2 * n_band), np.empty(MOST_NODES), np.empty(MOST_NODES, np.int64)
    top = -np.inf
    for n in range(found.size):
        for b in range(2 * n_band):
            value[b] = corrections[n, b]
        # modulus and chi-square of the colours are of first and second order in the extinction
        m0, m1 = 0.0, 0.0
        for b in range(n_band):
            value[b] += magnitudes[b]
            m0 += precision[b] * value[b]
            m1 += precision[b] * value[n_band + b]
        m0, m1 = m0 / total, m1 / total
        c0, c1, c2 = 0.0, 0.0, 0.0
        for b in range(n_band):
            x, y = value[b] - m0, value[n_band + b] - m1
            c0 += precision[b] * x * x
            c1 += precision[b] * x * y
            c2 += precision[b] * y * y
        colours[n] = c0 - c1 * c1 / c2 if c1 > 0.0 else c0
        if log_weight.size and log_weight[n] - 0.5 * colours[n] < top - UNIMPORTANT:
            found[n] = -np.inf
            continue
        c0, c1, c2 = c0 + prior[0], c1 + prior[1], c2 + prior[2]
        m0 -= bolometric_sun - 5.0 * log_radius[n] - 10.0 * (log_teff[n] - log_teff_sun)
        # equal steps over the extinctions that fit the colours, fine enough for the distance as well
        sigma = 1.0 / np.sqrt(max(c2, 1e-4))
        low = min(max(c1 / max(c2, 1e-4) - 3.5 * sigma, 0.0), 0.9 * largest)
        high = max(min(c1 / max(c2, 1e-4) + 3.5 * sigma, largest), low + min(2.0 * sigma, 0.1 * largest))
        n_node = int(min((high - low) / min(0.9 * sigma, width / m1), MOST_NODES - 2)) + 2
        gap = (high - low) / (n_node - 1)
        best = -np.inf
        for v in range(n_node):
            av = low + v * gap
            index = min(max((m0 - av * m1 - first) / step, 0.0), last - 1e-6)
            place[v] = int(index)
            fraction = index - place[v]
            term[v] = (1.0 - fraction) * integral[place[v]] + fraction * integral[place[v] + 1]
            term[v] -= 0.5 * (c0 - 2.0 * av * c1 + av * av * c2)
            if by_distance.size:
                p = place[v]
                term[v] -= 0.5 * (by_distance[0, p] - 2.0 * av * by_distance[1, p] + av * av * by_distance[2, p])
            best = max(best, term[v])
        term[0] += HALF
        term[n_node - 1] += HALF
        share = 0.0
        for v in range(n_node):
            if term[v] > best - 20.0:
                share += np.exp(term[v] - best)
        found[n] = best + np.log(share * gap)
        if log_weight.size:
            top = max(top, log_weight[n] + found[n])
        if weight.size:
            for v in range(n_node):
                column = min(int((low + v * gap) / largest * (shares.shape[0] - 1) + 0.5), shares.shape[0] - 1)
                shares[column, place[v]] += weight[n] * np.exp(term[v] - best) / share
