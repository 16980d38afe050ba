"""Fit the selection by colour of the survey to a catalogue of real SDSS stars."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from stellar_core.isochrones import Tracks, load_tracks
from stellar_core.mock.photometry import observe_photometry
from stellar_core.mock.population import draw
from stellar_core.mock.population_cells import make_cells
from stellar_core.mock.selection import Selection
from stellar_core.mock.survey import EDITION

#: Edges of the colour bins, mag.
EDGES = np.linspace(-0.3, 1.5, 37)


def fit_selection(catalogue: Path, seed: int = 0, n: int = 60_000, tracks: Tracks | None = None) -> tuple[dict, dict]:
    """Fit the selection probability as a function of g-r: real counts over those of a draw without selection.

    Parameters
    ----------
    catalogue : Path
        ``sdss_colours_feh.csv`` with columns u_g, g_r, r_i, i_z (not dereddened) and feh_dex.
    seed, n : int
        Of the comparison draw.
    tracks : Tracks, optional
        The shipped ones by default.

    Returns
    -------
    arrays, card
        For `stellar_core.model_store.write_model`: ``g_r`` and ``chance`` (36,).
    """
    import pandas as pd
    from scipy.ndimage import gaussian_filter1d

    tracks = load_tracks() if tracks is None else tracks
    selection = Selection()
    rng = np.random.default_rng(seed)
    stars = draw(n, rng, selection=selection, tracks=tracks, cells=make_cells(tracks, selection, colours=False))
    seen = observe_photometry(stars.magnitudes, stars.ebv, rng).psf_mag
    drawn, _ = np.histogram(seen[:, 1] - seen[:, 2], EDGES, density=True)
    real, _ = np.histogram(pd.read_csv(catalogue).g_r, EDGES, density=True)
    drawn, real = gaussian_filter1d(drawn, 0.7), gaussian_filter1d(real, 0.7)
    ratio = np.clip(real / np.maximum(drawn, 0.002), 0.0, 100.0)
    arrays = {
        "g_r": (0.5 * (EDGES[1:] + EDGES[:-1])).astype(np.float32),
        "chance": (ratio / ratio.max()).astype(np.float32),
    }
    card = {
        "what": "Relative chance that SDSS takes a star of a given g-r",
        "data": "g-r of SDSS DR17 stars with [Fe/H] (sdss_colours_feh.csv) over a magnitude-limited draw",
        "command": "python -m stellar_core build population DATA",
        "seed": seed,
        "edition": EDITION,
        "stars_drawn": n,
    }
    return arrays, card
