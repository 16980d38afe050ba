"""Raw spectra of MOCK stars: those that the preprocessing was given."""

import numpy as np

from stellar_core.constants import SPEED_OF_LIGHT
from stellar_core.datasets.config import DataConfig
from stellar_core.datasets.mock_stars import make_stars
from stellar_core.mock.spectrograph import LOGLAM_STEP, LOGLAM_ZERO, N_PIXEL
from stellar_core.preprocessing.normalisation import normalise_batch

DATA = DataConfig(stars=100, calibration=100, test=100)


def test_the_preprocessing_makes_the_inputs_of_the_raw_spectra():
    stars, plain = (make_stars(60, DATA, "test", raw=raw) for raw in (True, False))
    assert plain.raw is None and plain.companion_light is None
    assert np.array_equal(stars.inputs.flux, plain.inputs.flux)
    raw = stars.raw
    assert raw.flux.shape == raw.ivar.shape == (len(stars), N_PIXEL) and 0 < raw.boss.mean() < 1
    observed = 10 ** (LOGLAM_ZERO + LOGLAM_STEP * np.arange(N_PIXEL))
    rest = observed[None, :] / (1.0 + raw.velocity_kms / SPEED_OF_LIGHT)[:, None]
    flux, coverage, _, usable = normalise_batch(rest, raw.flux, raw.ivar)
    assert usable.all() and np.array_equal(coverage, stars.inputs.coverage)
    assert np.abs(flux - stars.inputs.flux.astype(float)).max() < 1e-2
    assert (raw.sky > 0).all()


def test_some_stars_have_companions():
    light = make_stars(200, DATA, "test", raw=True).companion_light
    assert ((light >= 0) & (light < 5)).all() and 0.15 < (light > 0).mean() < 0.5
