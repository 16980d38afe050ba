"""Isochrones, regions and insets of the diagrams of one star."""

from __future__ import annotations

import numpy as np

from stellar_core.figures.star_diagram import AgeCurve


def test_a_curve_is_cut_at_a_frame_with_a_gap_outside():
    x = np.linspace(0.0, 10.0, 11)
    curve = AgeCurve(4.0, x, x, x).within((3.5, 6.5), (0.0, 20.0))
    assert curve.x[np.isfinite(curve.x)].tolist() == [3.0, 4.0, 5.0, 6.0, 7.0]
    assert np.isnan(curve.y[[0, 1, 2, 8, 9, 10]]).all() and curve.mass.tolist() == x.tolist()
