import numpy as np
import pytest

from stellar_core.initial_mass_function import chabrier, kroupa


def test_initial_mass_functions_are_continuous():
    for function, knee in ((kroupa, 0.5), (chabrier, 1.0)):
        assert function(knee * (1 - 1e-9)) == pytest.approx(function(knee * (1 + 1e-9)), rel=1e-6)
        assert function(0.2) > function(1.0) > function(4.0)


def test_slope_above_half_a_solar_mass_is_salpeters():
    slope = np.log(kroupa(2.0) / kroupa(1.0)) / np.log(2)
    assert slope == pytest.approx(-2.3)
