"""The life of a star."""

from __future__ import annotations

import numpy as np
import pytest

from stellar_core.inference.life_span import LifeSpan
from stellar_core.isochrones import load_tracks
from tests.inference.made_results import made_result


def test_the_life_of_a_sun_has_its_phases_in_order():
    life = LifeSpan.of(made_result(4.6, 0.02, 11.5), load_tracks())
    assert life.fraction[2] == pytest.approx(0.4, abs=0.01) and np.all(np.diff(life.fraction) > 0)
    assert list(life.phases) == ["main sequence", "subgiant and red giant", "helium burning"]
    ends = list(life.phases.values())
    assert 0.75 < ends[0] < 0.95 < ends[1] < ends[2] == 1.0
    assert life.universe == pytest.approx(13.8 / life.lifetime)


def test_a_network_without_masses_has_no_phases_and_no_age_beyond_death():
    life = LifeSpan.of(made_result(11.8, 0.02, 7.9, mass=None), load_tracks())
    assert life.phases == {} and max(life.fraction) == 1.0
