"""Stars to be looked up, from spectra and tables."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from astropy.table import MaskedColumn, Table

from stellar_core.errors import ParameterError
from stellar_core.gaia.targets import GAIA_EPOCH, SDSS_EPOCHS, Target, target_of, targets_of
from stellar_core.photometry import Photometry
from stellar_core.spectrum import Spectrum

NAN = np.full(5, np.nan)


def spectrum(source: str = "sdss", mags: np.ndarray | None = None, **meta) -> Spectrum:
    wave = np.linspace(4000.0, 9000.0, 100)
    photometry = None if mags is None else Photometry(mags, NAN, NAN, NAN)
    return Spectrum(wave, np.ones(100), np.ones(100), photometry=photometry, source=source, meta=meta, name="x")


def test_a_spectrum_of_sdss():
    mags = np.array([19.0, 17.9, 17.5, np.nan, 17.3])
    found = target_of(spectrum(mags=mags, ra=182.0, dec=-1.5, mjd=53000, bestobjid="1237654652031435034"))
    assert (found.ra, found.dec, found.g, found.r) == (182.0, -1.5, 17.9, 17.5) and math.isnan(found.i)
    assert found.epochs == (1998.7, pytest.approx(2003.98, abs=0.02)) and found.bestobjid == "1237654652031435034"


def test_the_images_end_before_the_spectra_of_boss():
    assert target_of(spectrum(ra=1.0, dec=2.0, mjd=57000)).epochs == SDSS_EPOCHS
    assert target_of(spectrum(ra=1.0, dec=2.0)).epochs == SDSS_EPOCHS
    assert target_of(spectrum(ra=1.0, dec=2.0, mjd=0)).epochs == SDSS_EPOCHS, "0 is no MJD"
    assert target_of(spectrum("upload", ra=1.0, dec=2.0)).epochs == (1998.7, GAIA_EPOCH)


@pytest.mark.parametrize(
    "meta", [{}, {"ra": 1.0}, {"ra": math.nan, "dec": 2.0}, {"ra": 400.0, "dec": 0.0}, {"ra": "x", "dec": 1.0}]
)
def test_without_a_position_there_is_nothing_to_look_up(meta):
    assert target_of(spectrum(**meta)) is None


def test_tables_of_three_kinds():
    columns = {
        "RA": [10.0, 20.0, 30.0],
        "dec": [1.0, 2.0, np.nan],
        "mjd": [53000, 0, 57000],
        "g_mag": [17.0, -9999.0, 18.0],
    }
    columns |= {"bestObjID": ["1237654652031435034", "", "0"]}
    first, second, third = targets_of(pd.DataFrame(columns))
    assert first.g == 17.0 and first.epochs[1] == pytest.approx(2003.98, abs=0.02) and first.bestobjid
    assert math.isnan(second.g) and second.epochs == (1998.7, GAIA_EPOCH) and second.bestobjid == "" and third is None
    for other in (columns, Table(columns)):
        assert [repr(one) for one in targets_of(other)] == [repr(one) for one in (first, second, third)]


def test_masked_values_and_other_names():
    table = Table({"ra_deg": [10.0, 20.0], "dec_deg": [1.0, 2.0], "psfMag_r": MaskedColumn([17.0, 18.0], mask=[0, 1])})
    first, second = targets_of(table)
    assert first.r == 17.0 and math.isnan(second.r)
    with pytest.raises(ParameterError, match="needs the columns ra and dec"):
        targets_of({"ra": [1.0]})


def test_positions_and_epochs_must_be_possible():
    assert Target(359.9, -89.9).place == "RA 359.90000, Dec -89.90000"
    for wrong in (
        {"ra": -1.0, "dec": 0.0},
        {"ra": 1.0, "dec": math.nan},
        {"ra": 1.0, "dec": 0.0, "epochs": (2010.0, 2000.0)},
    ):
        with pytest.raises(ParameterError):
            Target(**wrong)
