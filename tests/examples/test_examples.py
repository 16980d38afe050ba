"""The example spectra: real, found without a network, and the cases that their captions state."""

from __future__ import annotations

import numpy as np
import pytest

from stellar_core import Estimator, examples
from stellar_core.sdss.specobjid import encode
from stellar_core.sdss.star_id import Position, StarId


@pytest.fixture(scope="module")
def results():
    estimator = Estimator.load()
    return {one.caption: estimator.estimate(one.spectrum()) for one in examples.examples()}


def test_three_to_six_spectra_ship_as_small_files():
    found = examples.examples()
    assert 3 <= len(found) <= 6
    assert {one.path for one in found} == set(examples.SPECTRA.iterdir())
    assert all(one.path.stat().st_size < 250_000 for one in found)


@pytest.mark.parametrize("one", examples.examples(), ids=lambda one: one.star.name)
def test_an_example_is_a_real_spectrum_with_its_identity_and_sspp_values(one):
    spectrum = one.spectrum()
    assert spectrum.source == "sdss" and spectrum.name == one.star.name and not one.star.is_mock
    assert spectrum.meta["specobjid"] == one.star.specobjid
    assert (spectrum.meta["ra"], spectrum.meta["dec"]) == pytest.approx((one.ra, one.dec), abs=1e-5)
    assert spectrum.photometry is not None and spectrum.snr > 20
    assert {key: spectrum.meta.get(f"sspp_{key}") for key in one.sspp} == one.sspp
    assert one.lesson.endswith(".") and one.lesson.count(". ") == 0, "one sentence"


def test_the_examples_are_what_they_are_said_to_be(results):
    trusted = {caption: result.verdict.in_domain for caption, result in results.items()}
    assert trusted == {caption: caption != "Quasar" for caption in results}
    width = {caption: result.log_age.p84 - result.log_age.p16 for caption, result in results.items()}
    assert min(width, key=width.get) == "Old turn-off star" and results["Old turn-off star"].log_age.median > 10.0
    assert results["Red giant"].most_likely_stage == "Red Giant"
    for one in examples.examples():
        for name, value in one.sspp.items():
            ours = getattr(results[one.caption], name).median
            assert ours == pytest.approx(value, abs={"teff": 100, "logg": 0.25, "feh": 0.2}[name]), one.caption


def test_an_example_is_found_by_plate_mjd_fiber_in_any_reduction():
    first = examples.examples()[0]
    assert examples.find(StarId(first.star.plate, first.star.mjd, first.star.fiber, "26")) is first
    assert examples.find(StarId(266, 51602, 31, "26")) is None
    assert encode(*(getattr(first.star, key) for key in ("plate", "mjd", "fiber", "run2d"))) == int(
        first.star.specobjid
    )


def test_an_example_is_found_by_its_position():
    first = examples.examples()[0]
    assert examples.near(Position(first.ra, first.dec + 2.0 / 3600)) is first
    assert examples.near(Position(first.ra, first.dec + 4.0 / 3600)) is None
    east = 2.0 / 3600 / np.cos(np.radians(first.dec))
    assert examples.near(Position(first.ra + east, first.dec)) is first
