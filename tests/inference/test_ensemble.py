"""An ensemble is the even mixture of its members and is surer of nothing than they are."""

import numpy as np
import pytest

from stellar_core.errors import ParameterError
from stellar_core.inference.ensemble import Ensemble, combine
from stellar_core.inference.result import Interval, Parts, Result, Verdict
from stellar_core.quantities import UNITS
from stellar_core.stages import STAGES


def member(name: str, centre: float, sure: float, known: bool = True) -> Result:
    rng = np.random.default_rng(0)
    draws = {quantity: centre + 0.1 * rng.standard_normal(400) for quantity in UNITS}
    stage = np.full(5, (1 - sure) / 4)
    stage[0 if centre < 9.5 else 1] = sure
    return Result(
        input="a",
        star="a",
        source="mock",
        model=name,
        seed=0,
        samples=2,
        **{quantity: Interval.from_draws(column) for quantity, column in draws.items()},
        stage=dict(zip(STAGES, stage)),
        verdict=Verdict(known, () if known else ("no",)),
        draws={**draws, "stage": np.tile(stage, (2, 1))},
        parts={quantity: Parts(0.02, 0.03, 0.09) for quantity in UNITS},
    )


def test_members_that_agree_change_nothing():
    one = member("one", 9.0, 0.9)
    both = combine([one, member("two", 9.0, 0.9)])
    assert both.log_age.mean == pytest.approx(one.log_age.mean) and both.log_age.std == pytest.approx(one.log_age.std)
    assert both.parts["log_age"].epistemic == pytest.approx(0.02) and both.mutual_information == pytest.approx(
        0, abs=1e-9
    )


def test_what_members_disagree_about_is_epistemic():
    both = combine([member("one", 9.0, 0.9), member("two", 10.0, 0.9, known=False)])
    assert both.parts["log_age"].epistemic == pytest.approx(np.hypot(0.5, 0.02), rel=0.05)
    assert both.log_age.std > 0.45 and both.mutual_information > 0.3
    assert not both.verdict.in_domain and both.verdict.messages == ("two: no",)
    assert both.model == "one + two" and sum(both.stage.values()) == pytest.approx(1)


def test_one_is_no_ensemble():
    with pytest.raises(ParameterError, match="two members"):
        Ensemble.load(["isochrone"])
