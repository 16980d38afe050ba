"""Degraded stars: noise matches the errors, belongs to the star, and is not added where the error is larger."""

import numpy as np

from stellar_core.constants import SSPP_ERRORS
from stellar_core.evaluation.real_ages.degraded import degrade
from stellar_core.evaluation.real_ages.tables import read_stars


def test_noise_is_as_large_as_the_growth_of_the_errors():
    stars = read_stars().drop_duplicates("star")
    moves = []
    for seed in range(12):
        changed = degrade(stars, seed=seed)
        moves.append((changed["logg_dex"] - stars["logg_dex"]) / np.sqrt(0.2**2 - stars["logg_err_dex"] ** 2))
    moves = np.concatenate(moves)
    assert abs(moves.mean()) < 4 / np.sqrt(len(moves)) and abs(moves.std() - 1) < 4 / np.sqrt(2 * len(moves))
    assert (changed["logg_err_dex"] == 0.2).all() and (changed["feh_err_dex"] >= 0.1).all()
    worse = stars["teff_err_K"] >= SSPP_ERRORS[0]
    assert worse.any() and changed.loc[worse, "teff_K"].equals(stars.loc[worse, "teff_K"])
    assert not np.isclose(changed.loc[~worse, "teff_K"], stars.loc[~worse, "teff_K"]).any()
    assert changed["stage"].equals(stars["stage"])


def test_noise_of_a_star_does_not_depend_on_the_others():
    stars = read_stars()
    every, few = degrade(stars), degrade(stars.iloc[100:103])
    assert every.iloc[100:103].equals(few)
    assert len(degrade(stars.iloc[:0])) == 0


def test_a_missing_error_stays_missing():
    stars = read_stars().head(1).assign(feh_err_dex=np.nan)
    assert np.isnan(degrade(stars)["feh_err_dex"]).all()
