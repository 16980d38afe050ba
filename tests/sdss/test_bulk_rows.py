"""Rows of many stars in few queries: the same as single look-ups, which find them in the cache."""

from __future__ import annotations

import pytest

from stellar_core.errors import ArchiveError
from stellar_core.sdss.bulk_rows import AT_ONCE, prefetch_rows
from stellar_core.sdss.catalogue_rows import row_key
from stellar_core.sdss.star_id import StarId
from tests.sdss.test_archive import asked, client, mock_stars
from tests.standin import Fault, Faults


def test_few_queries_give_the_same_rows_as_single_ones(sdss, tmp_path):
    stars = mock_stars(sdss)[: 2 * AT_ONCE + 3]
    missing = StarId(16001, stars[0].mjd + 1, 999, stars[0].run2d)
    archive, other = client(sdss, tmp_path / "many"), client(sdss, tmp_path / "one")
    assert prefetch_rows(archive, [*stars, stars[0], missing]) == len(stars)
    assert len(asked(sdss, "skyserver")) == 3
    for star in stars[::20]:
        assert repr(archive.row(star)) == repr(other.row(star))
    before = len(asked(sdss, "skyserver"))
    assert prefetch_rows(archive, stars) == 0 and archive.row(stars[1]).star == stars[1]
    assert len(asked(sdss, "skyserver")) == before, "what is kept is not asked for"
    assert archive.cache.get(row_key(missing)) is None and archive.row(missing) is None


def test_the_longest_ids_fit_into_a_query_and_its_count(sdss, tmp_path):
    stars = [StarId(16383, 59999, fiber, "v5_13_2") for fiber in range(1, AT_ONCE + 1)]
    assert {len(star.specobjid) for star in stars} == {20}
    assert prefetch_rows(client(sdss, tmp_path), stars) == 0
    assert len(asked(sdss, "skyserver")) == 2


def test_unknown_reductions_need_no_extra_queries(sdss, tmp_path):
    real = [star for star, _ in sdss.spectra.real_rows() if star.plate < 3510]
    legacy = real or [star for star in mock_stars(sdss) if star.plate < 3510]
    if not legacy:
        pytest.skip("the stand-in has no star of the first spectrographs without the data folder")
    unknown = [StarId.of(star.plate, star.mjd, star.fiber) for star in legacy[:40]]
    assert not any(star.run2d_known for star in unknown)
    known, archive, other = mock_stars(sdss)[:5], client(sdss, tmp_path / "many"), client(sdss, tmp_path / "one")
    assert prefetch_rows(archive, [*known, *unknown]) == len(known) + len(unknown)
    asked_for = len(asked(sdss, "skyserver"))
    assert asked_for == -(-(3 * len(unknown) + len(known)) // AT_ONCE)
    for star in unknown[::7]:
        assert repr(archive.row(star)) == repr(other.row(star))


def test_faults_give_the_same_rows_or_one_sentence(sdss, tmp_path):
    stars = mock_stars(sdss)[:60]
    archive = client(sdss, tmp_path, 0.7)
    sdss.faults = Faults(1.0, 3, service="skyserver", first=2)
    assert prefetch_rows(archive, stars) == 60
    again = client(sdss, tmp_path / "again", 0.7, attempts=2)
    sdss.faults = Faults(1.0, 3, (Fault.OUTAGE,), service="skyserver")
    with pytest.raises(ArchiveError) as caught:
        prefetch_rows(again, stars)
    assert "\n" not in str(caught.value) and again.cache.size() == (0, 0)
