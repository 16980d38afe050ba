"""Catalogue rows: parsing, and the values added to a spectrum."""

from __future__ import annotations

import numpy as np
import pytest

from stellar_core.errors import IdentifierError
from stellar_core.network.retries import TransientError
from stellar_core.preprocessing.features import features
from stellar_core.preprocessing.spectra import prepare
from stellar_core.sdss.catalogue_rows import NAMES, CatalogueRow, choose_row, row_source
from stellar_core.sdss.specobjid import encode
from stellar_core.sdss.star_id import StarId
from stellar_core.spectrum import Spectrum

STAR = StarId(266, 51602, 31, "26")


def cells(run2d: str = "26", **changes: str) -> list[str]:
    values = dict.fromkeys(NAMES, "1.5")
    values |= {"specObjID": str(encode(266, 51602, 31, run2d)), "bestObjID": "1237650000000000000", "run2d": run2d}
    values |= {
        "plate": "266",
        "mjd": "51602",
        "fiberID": "31",
        "class": "STAR",
        "subClass": "F5",
        "flag": "nnnnn",
        "zWarning": "0",
    }
    values |= {f"{name}_{band}": "17.5" for name in ("psfMag", "modelMag") for band in "ugriz"}
    return [str((values | changes)[name]) for name in NAMES]


def spectrum(**changes: object) -> Spectrum:
    wave = np.linspace(4000, 9000, 100)
    return Spectrum(wave, np.ones(100), np.ones(100), name=STAR.name, **changes)


def test_a_row_is_read():
    row = CatalogueRow.read(cells(teffadop="6000.5", z="-1.2E-05"))
    assert row.star == STAR and row.parameters.teff == 6000.5 and row.redshift == -1.2e-5
    assert row.photometry.complete and row.photometry.source == "PhotoObj of SDSS DR17"
    assert row.bestobjid == "1237650000000000000"


def test_missing_values_are_nan_or_absent():
    nulls = {f"{name}_{band}": "null" for name in ("psfMag", "psfMagErr", "extinction", "modelMag") for band in "ugriz"}
    row = CatalogueRow.read(cells(teffadop="-9999", loggadop="null", bestObjID="0", zWarning="null", **nulls))
    assert row.photometry is None and row.bestobjid == "" and row.zwarning == 0
    assert set(row.parameters.as_meta()) == {"sspp_feh", "sspp_teff_err", "sspp_logg_err", "sspp_feh_err", "sspp_flag"}
    nothing = {f"{name}adop{unc}": "-9999" for name in ("teff", "logg", "feh") for unc in ("", "unc")}
    assert CatalogueRow.read(cells(**nothing)).parameters.as_meta() == {}


def test_one_missing_band_leaves_incomplete_photometry():
    row = CatalogueRow.read(cells(psfMag_u="-9999"))
    assert row.photometry is not None and not row.photometry.complete


@pytest.mark.parametrize("changes", [{"plate": "267"}, {"fiberID": "32"}, {"specObjID": "12345"}, {"specObjID": "-5"}])
def test_a_row_whose_id_and_numbers_disagree_is_refused(changes):
    with pytest.raises(IdentifierError):
        CatalogueRow.read(cells(**changes))
    with pytest.raises(TransientError):
        choose_row(STAR, [cells(**changes)])


@pytest.mark.parametrize("changes", [{"z": "abc"}, {"specObjID": "1e18"}, {"plate": ""}])
def test_a_cell_that_is_not_a_number_is_refused(changes):
    with pytest.raises(TransientError):
        CatalogueRow.read(cells(**changes))


def test_the_requested_reduction_is_chosen():
    both = [cells("103"), cells("26")]
    assert choose_row(STAR, both).star.run2d == "26"
    assert choose_row(StarId(266, 51602, 31, "103"), both).star.run2d == "103"
    assert choose_row(StarId(266, 51602, 31, "104"), both).star.run2d == "103", "any is better than none"
    assert choose_row(STAR, []) is None
    with pytest.raises(TransientError, match="0266-51602-0031 when asked for 0266-51602-0032"):
        choose_row(StarId(266, 51602, 32, "26"), both)


def test_parameters_become_metadata_and_photometry_is_added():
    row = CatalogueRow.read(cells(teffadop="6000", z="0.0001"))
    added = row.add_to(spectrum(redshift=0.0002, meta={"sn_median": 30.0}))
    assert added.meta["sspp_teff"] == 6000 and added.meta["sspp_flag"] == "nnnnn" and added.meta["class"] == "STAR"
    assert added.redshift == 0.0002 and added.meta["sn_median"] == 30.0, "the file's own numbers stay"
    assert added.photometry is row.photometry and added.notes == ()
    assert np.array_equal(added.flux, np.ones(100))
    bare = row.add_to(spectrum())
    assert bare.redshift == 0.0001 and "catalogue" in bare.notes[0]


def test_a_row_without_photometry_keeps_that_of_the_file():
    own = CatalogueRow.read(cells()).photometry
    partial = CatalogueRow.read(cells(psfMag_u="-9999"))
    assert partial.add_to(spectrum(photometry=own)).photometry is own
    assert partial.add_to(spectrum()).photometry is partial.photometry


def test_the_query_holds_numbers_only():
    assert row_source(STAR).endswith("WHERE s.plate = 266 AND s.mjd = 51602 AND s.fiberID = 31")


def test_parameters_do_not_reach_the_networks_inputs():
    rng = np.random.default_rng(3)
    wave = np.arange(3800.0, 9200.0)
    bare = Spectrum(wave, 5 + rng.standard_normal(wave.size), np.ones(wave.size), redshift=0.0, name=STAR.name)
    seen = [
        CatalogueRow.read(cells(teffadop=teff, loggadop=logg, fehadop=feh)).add_to(bare)
        for teff, logg, feh in (("4500", "2.1", "-2.0"), ("7500", "4.4", "0.3"))
    ]
    assert seen[0].meta["sspp_teff"] != seen[1].meta["sspp_teff"]
    first, second = (prepare(spectrum) for spectrum in seen)
    for name in ("flux", "ivar", "coverage"):
        np.testing.assert_array_equal(getattr(first, name), getattr(second, name))
    np.testing.assert_array_equal(features(seen[0].photometry), features(seen[1].photometry))


ID = encode(266, 51602, 31, "26")


@pytest.mark.parametrize(
    "changes", [{"specObjID": str(one)} for one in (ID - 448, ID + 300, ID - 1024, encode(266, 51602, 31, "103"))]
)
def test_a_rounded_id_is_refused_even_where_plate_mjd_and_fiber_survive(changes):
    with pytest.raises(IdentifierError):
        CatalogueRow.read(cells(**changes))
    with pytest.raises(TransientError):
        choose_row(STAR, [cells(**changes)])


def test_an_infinite_zwarning_is_zero():
    assert CatalogueRow.read(cells(zWarning="inf")).zwarning == 0 and CatalogueRow.read(cells(run2d="26")).star == STAR
