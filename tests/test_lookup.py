"""Stars are looked up in the MOCK survey or in SDSS, by their plate."""

from dataclasses import replace

import pytest

from stellar_core import examples as shipped
from stellar_core import lookup
from stellar_core.errors import ArchiveError, IdentifierError
from stellar_core.mock.survey import MockSurvey
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


def test_parallaxes_of_mock_stars_need_no_connection(monkeypatch):
    monkeypatch.setattr("stellar_core.gaia.look_up_many", lambda *_args: pytest.fail("no query is needed"))
    survey = MockSurvey()
    stars = survey.star_ids(16000)[:3]
    spectra = [frame.spectrum for frame in survey.frames(stars)]
    found = lookup.add_parallaxes(spectra)
    assert [one.astrometry for one in found] == [survey.astrometry(star) for star in stars]


def test_a_mock_star_of_another_survey_has_no_parallax():
    other = MockSurvey(7)
    spectrum = other.spectrum(other.star_ids(16000)[0])
    (found,) = lookup.add_parallaxes([spectrum])
    assert found.astrometry is None and "not one of the MOCK survey" in found.notes[-1]
    told = replace(spectrum, meta={**spectrum.meta, "mock_seed": 7})
    assert lookup.add_parallaxes([told])[0].astrometry == other.astrometry(other.star_ids(16000)[0])


def test_many_stars_are_looked_up_by_one_query(sdss):
    survey = MockSurvey()
    stars = survey.star_ids(16001)[:40]
    spectra = [replace(frame.spectrum, source="sdss") for frame in survey.frames(stars)]
    found = lookup.find_parallaxes(spectra)
    assert sum(one.astrometry is not None for one in found) > 30
    known = [(one.astrometry, survey.astrometry(star)) for one, star in zip(found, stars) if one.astrometry]
    assert all(one.parallax == pytest.approx(true.parallax, abs=0.1) for one, true in known if true is not None)
    asked = [served for served in sdss.served if served.service == "gaia"]
    assert 1 <= len(asked) <= 2, "that a star has no source is asked once more"


def test_a_silent_archive_leaves_a_note(monkeypatch):
    def silent(*_args):
        raise ArchiveError("Gaia did not answer within 20 s.")

    monkeypatch.setattr("stellar_core.gaia.look_up_many", silent)
    survey = MockSurvey()
    spectrum = replace(survey.spectrum(survey.star_ids(16000)[0]), source="sdss")
    (found,) = lookup.add_parallaxes([spectrum])
    assert found.astrometry is None and found.notes[-1].startswith("Gaia was not used: Gaia did not answer")


def test_examples_need_no_connection(monkeypatch):
    def refuse(*_args, **_options):
        raise AssertionError("an example must not need the archive")

    for name in ("fetch_spectrum", "star_near"):
        monkeypatch.setattr(archive, name, refuse)
    first = shipped.examples()[0]
    star = first.star
    for text in (star.name, f"{star.plate}-{star.mjd}-{star.fiber}", star.specobjid, f"{first.ra} {first.dec}"):
        found = lookup.resolve(text)
        assert found == star and lookup.load(found).name == star.name, text
        assert not any("run2d" in note for note in found.notes), "nothing was assumed"


def test_the_position_of_a_mock_star_needs_no_connection(monkeypatch):
    asked = []
    monkeypatch.setattr(archive, "star_near", lambda place: asked.append(place))
    star, _ = lookup.examples()[0]
    meta = lookup.load(star).meta
    found = lookup.resolve(f"{meta['ra']:.5f} {meta['dec']:+.5f}")
    assert found.name == star.name and found.notes == ("A MOCK star has this position.",) and not asked
    lookup.resolve(f"{meta['ra']:.5f} {meta['dec'] + 0.001:+.5f}")
    assert len(asked) == 1, "3.6 arcsec away is another place"
