"""Likelihood of a star's Teff, log g and [Fe/H] over track samples, marginal over [alpha/Fe]; compiled by numba.

The likelihood is averaged over the extent of each sample: exactly for the change along its edges to first order, and
with the curvature to second order. Samples may therefore be as large as the errors.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from stellar_core.isochrones.alpha_enhancement import AGES, METALLICITIES, AlphaEnhancement
from stellar_core.isochrones.mesh import TrackSamples
from stellar_core.isochrones.priors import Priors

#: Terms below this fraction of the largest weight of a node, and below exp of this, are left out.
SMALL_WEIGHT, SMALL_EXPONENT = 1e-3, -30.0
#: Samples whose centre is farther than this from the star, in errors, are left out once a near one is found.
FAR = 12.0


def likelihood(
    samples: TrackSamples, mean: np.ndarray, covariance: np.ndarray, alpha: AlphaEnhancement, priors: Priors
) -> tuple[np.ndarray, np.ndarray, float]:
    """Posterior weight of every sample of one star.

    Parameters
    ----------
    samples : TrackSamples
        With edges, from `Mesh.pieces`.
    mean : (3,) float
        Teff in K, log g and surface [Fe/H] in dex.
    covariance : (3, 3) float
        In K and dex.

    Returns
    -------
    weight : (n_sample,) float64
        Number of stars of the sample under the priors times the likelihood; not normalised.
    offset : (n_sample,) float32
        Mean [M/H] - [Fe/H], dex.
    chi2_min : float
        Squared distance, in errors, of the star from the models; infinite without samples.
    """
    weight, offset = np.empty(len(samples)), np.empty(len(samples), np.float32)
    chi2 = _sum_nodes(
        samples.log_teff, samples.logg, samples.feh_surface, samples.feh, samples.log_age, samples.edges,
        np.asarray(mean, float), np.linalg.inv(covariance), alpha.offsets, alpha.weights(priors),
        (METALLICITIES[0], METALLICITIES[1] - METALLICITIES[0], AGES[1] - AGES[0]), weight, offset,
    )  # fmt: skip
    weight *= samples.weight
    if priors.age != "uniform":
        weight *= priors.age_density(samples.log_age)
    return weight, offset, float(chi2)


@njit(cache=True, nogil=True, error_model="numpy")
def _sum_nodes(log_teff, logg, surface, feh, log_age, edges, mean, precision, offsets, table, grid, weight, offset):
    """Fill ``weight`` and ``offset``; returns the smallest chi-square."""
    best = np.inf
    first, step, age_step = grid
    x, u, edge, pull, rise = np.empty(3), np.empty(3), np.empty((3, 3)), np.empty((3, 3)), np.empty(3)
    n_age, n_metallicity, n_node = table.shape
    for n in range(weight.size):
        teff = 10.0 ** float(log_teff[n])
        x[0], x[1], x[2] = teff - mean[0], logg[n] - mean[1], surface[n] - mean[2]
        curvature = 0.0
        for a in range(3):
            edge[a, 0] = edges[n, a, 0] * teff * np.log(10.0)
            edge[a, 1], edge[a, 2] = edges[n, a, 1], edges[n, a, 2]
            for p in range(3):
                pull[a, p] = precision[p, 0] * edge[a, 0] + precision[p, 1] * edge[a, 1] + precision[p, 2] * edge[a, 2]
                curvature += edge[a, p] * pull[a, p] / 24.0
        place = min(max((feh[n] - first) / step, 0.0), n_metallicity - 1.001)
        row = int(place)
        part = place - row
        age = 0 if n_age == 1 else min(int(10.0 ** (float(log_age[n]) - 9.0) / age_step), n_age - 1)
        top = 0.0
        for k in range(n_node):
            top = max(top, table[age, row, k], table[age, row + 1, k])
        # chi-square and slopes along the edges are of second and first order in the offset
        flat = 0.0
        for p in range(3):
            u[p] = precision[p, 0] * x[0] + precision[p, 1] * x[1] + precision[p, 2] * x[2]
            flat += u[p] * x[p]
            rise[p] = pull[p, 0] * x[0] + pull[p, 1] * x[1] + pull[p, 2] * x[2]
        total, moment = 0.0, 0.0
        for k in range(n_node):
            share = (1.0 - part) * table[age, row, k] + part * table[age, row + 1, k]
            if share <= SMALL_WEIGHT * top:
                continue
            offset_k = offsets[k]
            chi2 = flat - 2.0 * offset_k * u[2] + offset_k * offset_k * precision[2, 2]
            if chi2 > FAR * FAR + best:
                continue
            exponent = -0.5 * chi2 - curvature
            nearest = chi2
            for a in range(3):
                slope = rise[a] - offset_k * pull[a, 2]
                exponent += slope * slope / (24.0 + 0.2 * slope * slope)
                nearest -= abs(slope)
            if nearest < best:  # the nearest point of the sample, edge after edge
                x[2] = surface[n] - offset_k - mean[2]
                nearest = _nearest(x, edge, pull, precision)
                best = min(best, nearest)
            if exponent > SMALL_EXPONENT - 0.5 * best:
                term = share * np.exp(exponent)
                total += term
                moment += term * offsets[k]
        weight[n] = total
        offset[n] = moment / total if total > 0.0 else 0.0
    return best


@njit(cache=True, nogil=True, error_model="numpy")
def _nearest(x, edge, pull, precision):
    """Smallest chi-square over a sample, found along its edges one after another."""
    place = x.copy()
    for a in range(3):
        length = edge[a, 0] * pull[a, 0] + edge[a, 1] * pull[a, 1] + edge[a, 2] * pull[a, 2]
        if length > 0.0:
            slope = pull[a, 0] * place[0] + pull[a, 1] * place[1] + pull[a, 2] * place[2]
            move = min(max(-slope / length, -0.5), 0.5)
            for p in range(3):
                place[p] += move * edge[a, p]
    chi2 = 0.0
    for p in range(3):
        for q in range(3):
            chi2 += place[p] * precision[p, q] * place[q]
    return chi2
