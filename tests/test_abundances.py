import pytest

from stellar_core.abundances import metallicity_offset


def test_solar_mixture_has_no_offset():
    assert metallicity_offset(0.0) == pytest.approx(0.0, abs=1e-12)


def test_offset_of_an_enhanced_mixture_follows_salaris():
    assert metallicity_offset(0.3) == pytest.approx(0.21, abs=0.01)
