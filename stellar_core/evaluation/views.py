"""Inputs of a network for MOCK stars: spectrum and photometry, or one of them."""

from __future__ import annotations

import numpy as np

from stellar_core.datasets.mock_stars import StarSet


def views(stars: StarSet) -> dict[str, tuple[np.ndarray, ...]]:
    """Flux, coverage, ivar, features and S/N of the stars by view: with both, without photometry, without spectrum."""
    inputs = stars.inputs
    flux, coverage_, ivar = inputs.flux, inputs.coverage, inputs.root_ivar.astype(np.float32) ** 2
    hidden = np.full_like(inputs.features, np.nan)
    dark = np.zeros_like(coverage_)
    return {
        "spectrum and photometry": (flux, coverage_, ivar, inputs.features, stars.truth.snr),
        "spectrum alone": (flux, coverage_, ivar, hidden, stars.truth.snr),
        "photometry alone": (np.ones_like(flux), dark, np.zeros_like(ivar), inputs.features, stars.truth.snr),
    }
