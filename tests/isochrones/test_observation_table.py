"""Rows of a table as observations: what is absent, empty, impossible."""

import numpy as np
import pandas as pd
import pytest

from stellar_core.errors import ParameterError
from stellar_core.isochrones.observation import UNKNOWN_ERRORS, UNKNOWN_VALUES
from stellar_core.isochrones.observation_table import MAGNITUDE_ERROR, ObservationTable

STAR = {"teff_K": 5772.0, "logg_dex": 4.44, "feh_dex": 0.0}
ERRORS = {"teff_err_K": 50.0, "logg_err_dex": 0.1, "feh_err_dex": 0.05}
LIGHT = {"G_mag": 9.65, "G_err_mag": 0.01, "Ks_mag": 8.27, "parallax_mas": 10.0, "parallax_err_mas": 0.05}


def read(**columns):
    return ObservationTable.read(pd.DataFrame({name: [value] for name, value in columns.items()}))


def test_an_atmosphere_alone():
    found = read(**STAR, **ERRORS)
    assert found.mean[0].tolist() == list(STAR.values()) and found.errors[0].tolist() == list(ERRORS.values())
    assert found.usable[0] and found.photometry == [None] and not found.has_photometry


def test_an_empty_or_absent_log_g_is_unknown():
    for found in (read(**{**STAR, "logg_dex": ""}, **ERRORS, **LIGHT), read(teff_K=5772.0, feh_dex=0.0, **LIGHT)):
        assert found.usable[0]
        assert found.mean[0, 1] == UNKNOWN_VALUES[1] and found.errors[0, 1] == UNKNOWN_ERRORS[1]
        assert found.errors[0, 0] < 100


def test_an_absent_error_is_that_of_the_sspp():
    assert read(**STAR).errors[0].tolist() == [75.0, 0.2, 0.1]


def test_light_is_read_with_its_errors():
    light = read(**STAR, **LIGHT, av_mag=0.2).photometry[0]
    assert light.magnitudes == {"G": (9.65, 0.01), "Ks": (8.27, MAGNITUDE_ERROR)}
    assert (light.parallax, light.parallax_error, light.av) == (10.0, 0.05, 0.2)
    assert light.av_error == pytest.approx(0.05)


@pytest.mark.parametrize("mark", [-9999.0, 99.99, np.nan, "", "n/a", np.inf])
def test_marks_of_missing_magnitudes_are_no_magnitudes(mark):
    light = read(**STAR, **{**LIGHT, "Ks_mag": mark}).photometry[0]
    assert list(light.magnitudes) == ["G"]


@pytest.mark.parametrize("change", [{"parallax_err_mas": 0.0}, {"parallax_err_mas": np.nan}, {"parallax_mas": -9999.0}])
def test_a_parallax_without_a_usable_error_is_left_out(change):
    light = read(**STAR, **{**LIGHT, **change}).photometry[0]
    assert light.parallax is None and len(light.magnitudes) == 2


def test_a_parallax_without_a_magnitude_is_left_out():
    found = read(**STAR, **ERRORS, parallax_mas=10.0, parallax_err_mas=0.1)
    assert found.photometry == [None] and found.usable[0]


@pytest.mark.parametrize(
    "columns",
    [
        {**STAR, **ERRORS, "teff_K": 0.5772},
        {**STAR, **ERRORS, "logg_err_dex": 0.0},
        {**STAR, **ERRORS, "teff_K": np.nan},
        {**STAR, **ERRORS, "teff_K": np.nan, "G_mag": 10.0},
        {**STAR, "teff_K": np.inf},
        {**STAR, "feh_dex": -10.5},
    ],
)
def test_impossible_rows_are_not_usable(columns):
    assert not read(**columns).usable[0]


def test_two_magnitudes_serve_in_place_of_a_temperature():
    assert read(**LIGHT).usable[0]
    with pytest.raises(ParameterError, match="teff_K"):
        read(G_mag=10.0, parallax_mas=1.0, parallax_err_mas=0.1)


def test_an_empty_table():
    found = ObservationTable.read(pd.DataFrame({**STAR, **LIGHT}, index=[0]).iloc[:0])
    assert found.mean.shape == (0, 3) and found.photometry == [] and found.usable.size == 0
