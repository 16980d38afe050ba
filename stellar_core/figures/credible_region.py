"""Outlines of the regions that hold most of a star's draws in two quantities."""

from __future__ import annotations

import numpy as np

#: Probabilities of the regions, the outer one first.
LEVELS = (0.95, 0.68)
#: Bins per axis, and the width of the smoothing in standard deviations of the draws.
BINS, WIDTH = 64, 0.22


def credible_regions(x: np.ndarray, y: np.ndarray) -> list[list[np.ndarray]]:
    """Find the smallest regions of highest density that hold 95 % and 68 % of the draws.

    The draws are whitened, binned and smoothed by a Gaussian, so that regions follow a correlation of the two
    quantities, and draws on the points of tracks give smooth outlines.

    Parameters
    ----------
    x, y : (n_draw,) float
        Finite values.

    Returns
    -------
    list of list of (n, 2) array
        The closed outlines of each of `LEVELS`; empty lists where the draws do not spread in both quantities.
    """
    from contourpy import contour_generator
    from scipy.ndimage import gaussian_filter

    points = np.column_stack([x, y]).astype(float)
    middle, spread = points.mean(axis=0), points.std(axis=0)
    if not (spread > 0).all():
        return [[] for _ in LEVELS]
    covariance = np.cov((points - middle).T / spread[:, None]) + 1e-6 * np.eye(2)
    factor = np.linalg.cholesky(covariance)
    white = np.linalg.solve(factor, ((points - middle) / spread).T)
    edges = [np.linspace(one.min() - 4 * WIDTH, one.max() + 4 * WIDTH, BINS + 1) for one in white]
    steps = [edge[1] - edge[0] for edge in edges]
    density = gaussian_filter(np.histogram2d(*white, bins=edges)[0], [WIDTH / step for step in steps], mode="constant")
    ordered = np.sort(density.ravel())[::-1]
    held = np.cumsum(ordered) / ordered.sum()
    centres = [0.5 * (edge[:-1] + edge[1:]) for edge in edges]
    outlines = contour_generator(*centres, density.T)
    return [
        [middle + spread * (line @ factor.T) for line in outlines.lines(float(ordered[np.searchsorted(held, level)]))]
        for level in LEVELS
    ]
