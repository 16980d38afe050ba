"""The front door: spectra, tables and identifiers to astrometry."""

from __future__ import annotations

import math
import re
import time
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from stellar_core import gaia
from stellar_core.astrometry import Astrometry
from stellar_core.errors import ArchiveError, IdentifierError, ParameterError
from stellar_core.gaia import Target, astrometries, find_astrometry, find_many, find_source, look_up, look_up_many
from stellar_core.gaia.lookup import NO_POSITION
from stellar_core.gaia.response import read_sources
from stellar_core.gaia.source import TWO
from stellar_core.gaia.zero_point import error_factor
from stellar_core.mock.gaia import GaiaBatch
from stellar_core.mock.plates import gaia_of_plate
from stellar_core.mock.survey import SEED
from stellar_core.photometry import Photometry
from stellar_core.spectrum import Spectrum

NAN = np.full(5, np.nan)


def spectrum(sdss, number: int, **changes) -> Spectrum:
    """The star of a row of the stand-in's catalogue, without its pixels."""
    row = sdss.catalogue.mock.iloc[number]
    mags = np.array([row[f"psfMag_{band}"] for band in "ugriz"], dtype=float)
    meta = {"ra": float(row["ra"]), "dec": float(row["dec"]), "mjd": int(row["mjd"])}
    values = {
        **{"wavelength": np.linspace(4000.0, 9000.0, 50), "flux": np.ones(50), "ivar": np.ones(50)},
        **{"photometry": Photometry(mags, NAN, NAN, NAN), "source": "mock", "name": f"star {number}", "meta": meta},
    }
    return Spectrum(**values | changes)


def added(sdss, number: int, **values) -> dict[str, object]:
    """A source at the place of a star of the catalogue, added to the sky."""
    row = sdss.sky.sources.iloc[number].to_dict()
    new = {**row, "source_id": 128 * (number + 1), "sdss_objid": "0", **values}
    sdss.sky.add(new)
    return new


def test_the_astrometry_of_a_star(sdss, archive):
    row = sdss.sky.sources.iloc[7]
    found = find_astrometry(spectrum(sdss, 7), archive)
    assert isinstance(found, Astrometry) and found.origin == "Gaia DR3" and found.source_id == str(row["source_id"])
    assert found.parallax == pytest.approx(row["parallax"] - found.zero_point) and -0.06 < found.zero_point < 0
    assert found.parallax_error > 1.09 * row["parallax_error"] and found.ruwe == pytest.approx(row["ruwe"])
    assert set(found.magnitudes) == {"G", "BP", "RP"} and found.notes == () and found.non_single_star == 0
    assert found.magnitudes["G"][0] == np.float32(row["phot_g_mean_mag"])


def test_the_environment_names_the_server_and_the_cache(sdss, tmp_path):
    found = find_astrometry(spectrum(sdss, 7))
    assert found.source_id == str(sdss.sky.sources["source_id"][7])
    assert list((tmp_path / "cache" / "gaia").rglob("*.vot"))
    assert find_source(found.source_id) == found, "by its identifier it is the same"
    assert len(sdss.served) == 2


def test_a_mock_star_is_not_looked_up_in_the_real_archive(sdss, archive):
    real = replace(archive, url=gaia.archive.GAIA_URL)
    own = Astrometry(1.0, 0.1, origin="MOCK survey")
    assert find_astrometry(spectrum(sdss, 3), real) is None
    assert find_astrometry(spectrum(sdss, 3, astrometry=own), real) == own
    assert "MOCK star" in look_up(spectrum(sdss, 3), real).notes[0] and sdss.served == []


def test_many_stars_in_order_with_missing_ones_none(sdss, archive):
    n = 240
    spectra = [spectrum(sdss, k) for k in range(n)]
    spectra[5] = replace(spectra[5], meta={"ra": 10.0, "dec": -80.0})
    spectra[9] = replace(spectra[9], meta={})
    found = find_many(spectra, archive)
    expected = sdss.sky.sources["source_id"].astype(str)
    bare = list(np.flatnonzero(sdss.sky.sources["astrometric_params_solved"][:n] == TWO))
    assert bare and [k for k, one in enumerate(found) if one is None] == sorted([5, 9, *bare])
    assert all(one.source_id == expected[k] for k, one in enumerate(found) if one is not None)
    reasons = look_up_many(spectra, archive)
    assert reasons[9].notes == (NO_POSITION,) and "no source within 1.5 arcsec" in reasons[5].notes[0]
    assert len(sdss.served) == 2, "one query and its confirmation, then the cache"
    assert find_astrometry(spectra[17], archive) == found[17], "alone as in company"


def test_mock_stars_come_back_with_their_own_values(sdss, archive):
    """Position, brightness, zero point and error, there and back, for every star of three plates."""
    table = sdss.catalogue.mock
    known = GaiaBatch.join([gaia_of_plate(SEED, plate) for plate in (16000, 16001, 16003)])
    found = look_up_many(table, archive)
    matched = np.array([one.match.source is not None for one in found])
    assert matched.mean() > 0.99, "a few pairs that Gaia resolves are not as bright as in SDSS"
    for k in np.flatnonzero(matched):
        own, ours = known.astrometry(int(k)), found[k].astrometry
        assert (own is None) == (ours is None)
        if own is not None:
            assert ours.parallax == pytest.approx(own.parallax, abs=1e-5)
            assert ours.parallax_error == pytest.approx(own.parallax_error, rel=1e-3)
            assert ours.magnitudes["G"] == pytest.approx(own.magnitudes["G"], abs=1e-3)
            assert ours.ruwe == pytest.approx(own.ruwe, rel=1e-6) and ours.non_single_star == own.non_single_star


def test_a_table_of_stars(sdss, archive):
    table = sdss.catalogue.mock.head(60)
    found = look_up_many(table, archive)
    assert [one.match.source.source_id for one in found] == list(sdss.sky.sources["source_id"][:60])
    assert find_many(table, archive) == [one.astrometry for one in found]
    fewer = pd.DataFrame({"ra": table["ra"], "dec": table["dec"], "r_mag": table["psfMag_r"]})
    assert find_many(fewer, archive) == [one.astrometry for one in found]
    assert find_many([], archive) == [] and find_many(table.head(0), archive) == []


def test_thousands_of_stars_are_fast(sdss, archive, monkeypatch):
    """The work beside the query takes some 0.5 ms a star; a slow machine is allowed four times as much."""
    places = sdss.catalogue.mock
    positions = [(ra, dec) for ra, dec in zip(places["ra"], places["dec"])]
    sources = archive.near(positions)
    monkeypatch.setattr(
        type(archive), "near", lambda self, wanted: [sources[k % len(sources)] for k in range(len(wanted))]
    )
    targets = [Target(*positions[k % len(positions)]) for k in range(3_000)]
    start = time.process_time()
    found = find_many(targets, archive)
    assert time.process_time() - start < 6
    assert len(found) == 3_000 and found.count(None) < 60


def test_a_star_without_colours_keeps_g(sdss, archive):
    sdss.sky.add(
        {
            **{"source_id": 128, "ra": 10.0, "dec": -80.0, "parallax": 2.0, "parallax_error": 0.1, "ruwe": 1.0},
            **{"phot_g_mean_mag": 17.0, "phot_g_mean_flux_over_error": 900.0, "astrometric_params_solved": 95},
            **{"pseudocolour": 1.5, "ecl_lat": -60.0},
        }
    )
    (found,) = find_many([Target(10.0, -80.0, g=17.6, i=16.9)], archive)
    assert set(found.magnitudes) == {"G"} and found.zero_point < 0


def test_a_position_without_parallax_gives_the_reason(sdss, archive):
    sdss.sky.add({"source_id": 128, "ra": 10.0, "dec": -80.0, "phot_g_mean_mag": 17.0, "astrometric_params_solved": 3})
    (found,) = look_up_many([Target(10.0, -80.0)], archive)
    assert found.astrometry is None and found.notes == ("Gaia DR3 has a position but no parallax of source 128.",)
    with pytest.raises(ArchiveError, match="no parallax of source 128"):
        find_source(128, archive)


def test_two_sources_in_the_cone(sdss, archive):
    row = sdss.sky.sources.iloc[11]
    faint = added(sdss, 11, dec=row["dec"] + 0.8 / 3600, phot_g_mean_mag=row["phot_g_mean_mag"] + 2.0)
    found = look_up(spectrum(sdss, 11), archive)
    assert found.astrometry.source_id == str(row["source_id"]) and "14 % of the light" in found.astrometry.notes[0]
    added(sdss, 11, source_id=faint["source_id"] * 1000, dec=row["dec"] + 0.9 / 3600)
    twin = look_up(spectrum(sdss, 11), replace(archive, cache=None))
    assert twin.match.ambiguous and "ambiguous" in twin.astrometry.notes[0]


def test_the_wrong_neighbour_is_refused(sdss, archive):
    row = sdss.sky.sources.iloc[12]
    sdss.sky.remove(row["source_id"])
    added(sdss, 12, dec=row["dec"] + 1.0 / 3600, phot_g_mean_mag=row["phot_g_mean_mag"] + 2.5)
    found = look_up(spectrum(sdss, 12), archive)
    assert found.astrometry is None and "is another star" in found.notes[0]


def test_high_proper_motion(sdss, archive):
    row = sdss.catalogue.mock.iloc[13]
    source = sdss.sky.sources.iloc[13]
    sdss.sky.remove(source["source_id"])
    added(sdss, 13, ra=row["ra"], dec=row["dec"] + 24.0 / 3600, pmra=0.0, pmdec=1500.0, pm=1500.0)
    found = look_up(spectrum(sdss, 13), archive)
    assert found.astrometry is not None and found.match.separation < 0.1


def test_binaries_are_flagged_and_their_errors_widened(sdss, archive):
    row = sdss.sky.sources.iloc[14]
    changes = {"ruwe": 3.0, "non_single_star": 1, "ipd_frac_multi_peak": 40}
    sdss.sky.remove(row["source_id"])
    added(sdss, 14, **changes)
    found = find_astrometry(spectrum(sdss, 14), archive)
    assert found.ruwe == 3.0 and found.non_single_star == 1 and "RUWE" in found.caveats[0]
    factor = error_factor(row["phot_g_mean_mag"], 3.0, found.parallax)
    assert found.parallax_error == pytest.approx(math.hypot(factor * row["parallax_error"], 0.0103), rel=1e-3)
    assert any("two peaks in 40 %" in note for note in found.notes)


def test_a_spectrum_without_a_position_cannot_be_looked_up(sdss, archive):
    with pytest.raises(ParameterError, match="star 3 has no position") as caught:
        find_astrometry(spectrum(sdss, 3, meta={}), archive)
    assert "source_id or its parallax" in str(caught.value)


def test_identifiers_that_gaia_does_not_have(sdss, archive):
    with pytest.raises(ArchiveError, match="Gaia DR3 has no source 999.*spreadsheets"):
        find_source("999", archive)
    with pytest.raises(IdentifierError, match="rounded by a spreadsheet"):
        find_source("4.58363E+18", archive)
    assert [served.resource for served in sdss.served] == ["/gaia/tap/sync"] * 2, "only the first was asked for, twice"


def test_an_identifier_of_another_star_is_noted(sdss, archive):
    right, far = sdss.sky.sources["source_id"][:2].astype(str)
    assert find_source(right, archive, spectrum=spectrum(sdss, 0)) == find_source(right, archive)
    assert find_source(right, archive, spectrum=spectrum(sdss, 0, meta={})).notes == (), "no position, no check"
    noted = find_source(far, archive, spectrum=spectrum(sdss, 0))
    assert re.fullmatch(
        r"The source_id may be that of another star. It lies [\d,.]+ arcsec from .* position.", noted.notes[0]
    )
    row = sdss.sky.sources.iloc[0]
    added(sdss, 0, phot_g_mean_mag=row["phot_g_mean_mag"] - 3.0)
    assert "SDSS's magnitudes give G" in find_source(128, archive, spectrum=spectrum(sdss, 0)).notes[0]


def test_without_the_archive_there_is_one_sentence(sdss, archive):
    with pytest.raises(ArchiveError, match="127.0.0.1:1 cannot be reached") as caught:
        find_many([spectrum(sdss, 1)], replace(archive, url="http://127.0.0.1:1"))
    assert "\n" not in str(caught.value)


def test_sources_of_a_gaia_file(gaia_file):
    first, second = astrometries(read_sources(gaia_file("1710099405832VAL-result.vot")))
    assert first.source_id == "4583627001381815936" and first.parallax == pytest.approx(2.3034 + 0.0417, abs=2e-4)
    assert first.magnitudes["G"][0] == pytest.approx(7.0120187) and first.origin == "Gaia DR3"
    assert second.ruwe == pytest.approx(1.03767) and second.significance > 20
    known = astrometries(read_sources(gaia_file("cone_search.json")))
    assert sum(one is None for one in known) == 6
    assert all(one.parallax_error > 0 and "G" in one.magnitudes for one in known if one is not None)
