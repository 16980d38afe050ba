"""Stars are looked up in the MOCK survey or in SDSS, by their plate."""

import pytest

from stellar_core import lookup
from stellar_core.errors import ArchiveError, IdentifierError
from stellar_core.sdss import archive
from stellar_core.sdss.star_id import PlateFiber, StarId


def test_mock_plates_work_offline(monkeypatch):
    def refuse(*_args, **_options):
        raise AssertionError("a MOCK star must not need the archive")

    monkeypatch.setattr(archive, "fetch_spectrum", refuse)
    monkeypatch.setattr(archive, "plate_mjds", refuse)
    star, caption = lookup.examples()[0]
    assert star.is_mock and caption
    spectrum = lookup.load(star)
    assert spectrum.source == "mock" and spectrum.name == star.name
    assert star.mjd in lookup.mjds(PlateFiber(star.plate, star.fiber))


def test_other_plates_are_looked_up_in_the_archive(monkeypatch):
    asked = []
    monkeypatch.setattr(archive, "fetch_spectrum", asked.append)
    monkeypatch.setattr(archive, "plate_mjds", lambda plate, fiber: [51602, 51600])
    star = lookup.resolve("266-51602-31")
    lookup.load(star)
    assert asked == [star] and isinstance(star, StarId)
    assert lookup.mjds(PlateFiber(266, 31)) == [51600, 51602]


def test_a_position_is_looked_up_in_the_archive(monkeypatch):
    asked = []
    star = StarId(266, 51602, 31, "26", notes=("The spectrum nearest to there is here.",))
    monkeypatch.setattr(archive, "star_near", lambda position: asked.append(position) or star)
    assert lookup.resolve("147.32107 -0.00657") is star
    assert (asked[0].ra, asked[0].dec) == (147.32107, -0.00657)
    assert "nearest" in lookup.identify("147.32107 -0.00657")["notes"][0]


def test_a_fiber_without_spectrum_is_an_identifier_error(monkeypatch):
    monkeypatch.setattr(archive, "plate_mjds", lambda plate, fiber: [])
    with pytest.raises(IdentifierError, match="fiber 31"):
        lookup.mjds(PlateFiber(266, 31))


def test_an_unreachable_archive_is_one_clear_error(monkeypatch):
    def offline(*_args, **_options):
        raise ArchiveError("The SDSS archive could not be reached.")

    monkeypatch.setattr(archive, "fetch_spectrum", offline)
    with pytest.raises(ArchiveError, match="could not be reached"):
        lookup.load(lookup.resolve("266-51602-31"))
