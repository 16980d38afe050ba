"""Figures of the MOCK catalogue: normalisation and contours."""

import numpy as np
import pytest

from stellar_core.figures.population import SHARES, contour_levels, density_figure, histograms_figure


def test_both_histograms_are_normalised():
    edges = np.linspace(0, 2, 11)
    real, mock = np.arange(10) * 100, np.ones(10, int)
    figure = histograms_figure(["g−r (mag)"], [edges], [real], [mock])
    areas = [np.sum(trace.y[:-1] * np.diff(edges)) for trace in figure.data]
    assert areas == pytest.approx([1.0, 1.0], rel=1e-5)
    assert [trace.name for trace in figure.data] == ["REAL SDSS stars", "MOCK stars"]
    assert figure.data[0].fill == "tozeroy" and figure.data[1].fill is None
    assert figure.layout.xaxis.title.text == "g−r (mag)"


def test_one_legend_for_all_panels():
    edges = [np.linspace(0, 1, 6)] * 5
    figure = histograms_figure(list("abcde"), edges, [np.ones(5)] * 5, [np.ones(5)] * 5)
    assert len(figure.data) == 10 and sum(bool(trace.showlegend) for trace in figure.data) == 2


def test_contours_contain_their_fraction():
    counts = np.random.default_rng(0).poisson(30 * np.exp(-np.hypot(*np.mgrid[-3:3:40j, -3:3:40j])))
    for share, level in zip(SHARES, contour_levels(counts, SHARES)):
        assert counts[counts >= level].sum() >= share * counts.sum()
        assert counts[counts > level].sum() <= share * counts.sum()


def test_real_stars_are_colours_and_mock_stars_contours():
    edges = (np.linspace(0, 1, 21), np.linspace(0, 2, 31))
    real = np.zeros((30, 20), int)
    real[10, 5] = 100
    figure = density_figure(("x", "y"), edges, real, np.roll(real, 3, axis=0))
    heat = figure.data[0]
    assert np.array(heat.z)[10, 5] == pytest.approx(2.0) and np.isnan(np.array(heat.z)[0, 0])
    contours = figure.data[1:]
    assert len(contours) == len(SHARES) and all(trace.contours.coloring == "none" for trace in contours)
    smoothed = np.array(contours[0].z)
    assert smoothed.sum() == pytest.approx(100.0, rel=1e-5) and smoothed[13, 5] == smoothed.max()
    assert figure.layout.xaxis.range == (0.0, 1.0) and figure.layout.yaxis.range == (0.0, 2.0)
