"""Frames and media of the wavelength axis, and the table of the refractive index for the browser."""

import numpy as np

from stellar_core.figures.wavelength_frames import FRAMES, NODES, excess_of_air
from stellar_core.spectral_lines import vacuum_to_air


def test_the_rest_frame_in_vacuum_comes_first():
    assert [frame.name for frame in FRAMES] == ["Rest, vacuum", "Rest, air", "Observed, vacuum", "Observed, air"]
    assert FRAMES[3].title == "Observed wavelength (Å, air)" and FRAMES[3].observed and FRAMES[3].air


def test_the_table_gives_air_wavelengths_to_a_thousandth():
    vacuum = np.random.default_rng(1).uniform(3000, 11000, 500)
    air = vacuum / (1 + np.interp(vacuum, NODES, excess_of_air()))
    np.testing.assert_allclose(air, vacuum_to_air(vacuum), atol=1e-3)
