"""astroquery's own code works on the stand-in."""

from __future__ import annotations

import urllib.error
import urllib.request

import numpy as np
import pytest
from astropy.table import Table
from astroquery.exceptions import RemoteServiceError
from astroquery.sdss import SDSSClass, conf

from stellar_core.sdss.readers import read_spectrum
from tests.standin import Fault, Faults


@pytest.fixture
def astroquery(sdss) -> SDSSClass:
    """astroquery, told where the stand-in is."""
    with conf.set_temp("skyserver_baseurl", sdss.skyserver), conf.set_temp("sas_baseurl", sdss.sas):
        yield SDSSClass()


def star(sdss):
    return sdss.spectra.survey.star_ids(16001)[7]


@pytest.mark.filterwarnings("ignore")
def test_query_sql(sdss, astroquery):
    found = astroquery.query_sql("SELECT TOP 5 specObjID, z, class FROM SpecObj WHERE plate = 16001", cache=False)
    assert isinstance(found, Table) and len(found) == 5 and set(found["class"]) == {"STAR"}
    expected = sdss.catalogue.mock.set_index("specObjID")["z"]
    for row in found:
        assert np.float32(row["z"]) == expected[str(row["specObjID"])]


@pytest.mark.filterwarnings("ignore")
def test_query_specobj_and_get_spectra(sdss, astroquery):
    one = star(sdss)
    place = {"plate": one.plate, "mjd": one.mjd, "fiberID": one.fiber}
    found = astroquery.query_specobj(**place, cache=False)
    assert [str(value) for value in found["specObjID"]] == [one.specobjid] and found["run2d"][0] == one.run2d
    (hdus,) = astroquery.get_spectra(**place, cache=False, show_progress=False)
    mock = sdss.spectra.survey.spectrum(one)
    np.testing.assert_allclose(hdus[1].data["flux"], mock.flux, rtol=1e-6)


def test_empty_results_and_invalid_queries(astroquery):
    assert astroquery.query_sql("SELECT z FROM SpecObj WHERE plate = 3", cache=False) is None
    with pytest.raises(RemoteServiceError, match="error_message"):
        astroquery.query_sql("SELECT nonsense FROM SpecObj", cache=False)


def test_astroquery_recognises_the_throttling(sdss, astroquery):
    sdss.faults = Faults(1.0, 1, (Fault.THROTTLED,))
    with pytest.raises(RemoteServiceError, match="Maximum 60 queries"):
        astroquery.query_sql("SELECT z FROM SpecObj WHERE plate = 4", cache=False)


def test_the_files_are_those_of_the_mock_survey(sdss):
    one = star(sdss)
    with urllib.request.urlopen(f"{sdss.sas}/{one.file_path(one.run2d)}") as answer:
        spectrum = read_spectrum(answer.read())
    assert spectrum.name == one.name and spectrum.source == "mock"
    with pytest.raises(urllib.error.HTTPError):
        urllib.request.urlopen(
            f"{sdss.sas}/dr17/eboss/spectro/redux/v5_13_2/spectra/lite/0266/spec-0266-51602-0031.fit"
        )


def test_faults_follow_the_seed_at_their_rate():
    faults = Faults(0.2, 1)
    chosen = [faults.choose("sas", f"file {number}", 0)[0] for number in range(5000)]
    struck = [fault for fault in chosen if fault is not None]
    assert 0.18 < len(struck) / 5000 < 0.22 and set(struck) == set(Fault)
    assert chosen == [faults.choose("sas", f"file {number}", 0)[0] for number in range(5000)]
    assert chosen != [Faults(0.2, 2).choose("sas", f"file {number}", 0)[0] for number in range(5000)]
    assert Faults(1.0, 1, service="skyserver").choose("sas", "file", 0)[0] is None
