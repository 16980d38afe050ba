"""Bins of draws, and the three places that show them."""

import io

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.figure import Figure

from stellar_core.export import table_bytes
from stellar_core.figures.distributions import histogram_figure
from stellar_core.figures.kiel import KielStar
from stellar_core.figures.publication import printed_star
from stellar_core.histogram import BINS, Histogram
from stellar_core.inference.result import Result, Verdict
from stellar_core.inference.result_tables import draws_table
from stellar_core.intervals import Interval
from stellar_core.quantities import AGE, UNITS
from stellar_core.spectrum import Spectrum
from stellar_core.stages import STAGES

SPECTRUM = Spectrum(np.arange(4000.0, 4100.0), np.linspace(1.0, 2.0, 100), np.full(100, 4.0), source="mock")


@pytest.mark.slow
@settings(deadline=None)
@given(st.floats(-1e5, 1e5, allow_nan=False), st.one_of(st.just(0.0), st.floats(1e-6, 1e4)), st.integers(1, 500))
def test_no_draw_is_lost(centre, spread, number):
    found = Histogram.of(np.random.default_rng(0).normal(centre, spread, number))
    assert found.counts.sum() == number
    assert (np.diff(found.edges) > 0).all() and BINS[0] <= found.counts.size <= BINS[1]


def test_no_bin_reaches_beyond_the_limits():
    draws = np.array([0.2, 5.0, 13.7, 13.8])
    found = Histogram.of(draws, (0.0, 13.8))
    assert (found.edges[0], found.edges[-1]) == (0.0, 13.8) and found.counts.sum() == 4
    assert Histogram.of(draws).edges[0] < 0.0
    assert found.width == pytest.approx(np.diff(found.centres).mean())


def test_page_print_and_exported_draws_show_one_histogram(monkeypatch):
    result = mock_result(9.0 + np.log10(13.8 * np.random.default_rng(4).beta(2, 2, 1000)))
    shown = AGE.convert(result.draws["log_age"])
    page = histogram_figure(shown, (1, 3, 7, 10, 13), limits=AGE.limits).data[0]
    figures = []
    monkeypatch.setattr(Figure, "savefig", lambda figure, *args, **more: figures.append(figure))
    star = KielStar("x", (5600.0, 5700.0, 5850.0), (4.1, 4.3, 4.4))
    printed_star("svg", "", SPECTRUM.wavelength, SPECTRUM.flux, star, [], shown, (3.0, 7.0, 10.0))
    bars = next(axes for axes in figures[0].axes if axes.get_xlabel() == AGE.label).containers[0]
    exported = pq.read_table(io.BytesIO(table_bytes(".parquet", draws_table(result, SPECTRUM, "ab" * 32))))[
        "log_age"
    ].to_numpy()
    counted = np.histogram(AGE.convert(exported), Histogram.of(shown, AGE.limits).edges)[0]
    np.testing.assert_array_equal(page.y, counted)
    np.testing.assert_array_equal([bar.get_height() for bar in bars], counted)
    np.testing.assert_allclose(page.x, [bar.get_x() + 0.5 * bar.get_width() for bar in bars], rtol=1e-6)
    np.testing.assert_allclose(page.width, [bar.get_width() for bar in bars])
    assert counted.sum() == 1000


def mock_result(log_age: np.ndarray) -> Result:
    interval = Interval.from_draws(log_age)
    return Result(
        input="x",
        star="16000-52357-0639",
        source="mock",
        model="m",
        seed=0,
        samples=0,
        **dict.fromkeys(UNITS, interval),
        stage=dict.fromkeys(STAGES, 0.2),
        verdict=Verdict(True),
        draws=dict.fromkeys(UNITS, log_age),
    )
