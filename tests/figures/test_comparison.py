"""Spectra of several stars in one figure."""

import numpy as np

from stellar_core.figures.comparison import Curve, comparison_figure
from stellar_core.figures.palette import LIGHT


def test_each_spectrum_has_its_colour_and_the_first_is_on_top():
    wavelength = np.arange(4000.0, 5000.0)
    flux = np.ones(1000)
    flux[:200] = np.nan
    figure = comparison_figure(
        wavelength, [Curve("a", flux), Curve("b", flux), Curve("c", flux)], lines=[(4500.0, "x")]
    )
    spectra = [one for one in figure.data if one.name in "abc"]
    assert [float(np.nanmedian(one.y)) for one in spectra] == [3.0, 2.0, 1.0]
    assert [one.line.color for one in spectra] == list(LIGHT.several[:3])
    assert np.isnan(spectra[0].y[:100]).all() and spectra[0].y.size == 500
    assert [note.text for note in figure.layout.annotations] == ["<b>1</b>", "<b>2</b>", "<b>3</b>"]
    assert figure.layout.xaxis.range[0] == 4170 and figure.layout.yaxis.range[1] > 3
