"""Hiding ranges of wavelengths: what is known of stars must come out."""

from dataclasses import replace

import numpy as np
import pytest

from stellar_core import Estimator, lookup
from stellar_core.errors import ParameterError
from stellar_core.inference.emulated import emulated_spectrum
from stellar_core.inference.occlusion import influence, occlude
from stellar_core.preprocessing.features import features
from stellar_core.preprocessing.spectra import FILLER, GRID


@pytest.fixture(scope="module")
def estimator():
    return Estimator.load()


def at(found, wavelength):
    return int(np.flatnonzero((found.edges[:, 0] <= wavelength) & (wavelength <= found.edges[:, 1]))[0])


@pytest.fixture(scope="module")
def answered(estimator):
    """Spectrum, result and influence of a Sun-like dwarf and of a metal-poor star of the halo, MOCK."""
    examples = {caption: star for star, caption in lookup.examples()}
    found = {}
    for caption in ("Sun-like dwarf", "Metal-poor halo star"):
        spectrum = lookup.load(examples[caption])
        result = estimator.estimate(spectrum, samples=2)
        found[caption] = spectrum, result, influence(estimator, spectrum, result)
    return found


def test_one_range_after_another_counts_as_not_observed(estimator, answered):
    prepared = estimator.prepare(answered["Sun-like dwarf"][0])
    edges, (flux, coverage, ivar) = occlude(prepared, 150)
    assert len(flux) == len(edges) + 1
    np.testing.assert_array_equal(flux[0], prepared.flux)
    for row, (low, high) in enumerate(edges, 1):
        inside = (GRID >= low) & (GRID <= high)
        assert prepared.coverage[inside].any()
        assert (flux[row, inside] == FILLER).all() and not coverage[row, inside].any() and not ivar[row, inside].any()
        np.testing.assert_array_equal(coverage[row, ~inside], prepared.coverage[~inside])
    assert not coverage[1:].all(axis=0).any(), "every point is hidden once"


def test_gravity_of_a_dwarf_hangs_on_mg_b_and_iron_of_the_halo_on_ca_k(answered):
    dwarf, halo = answered["Sun-like dwarf"][2], answered["Metal-poor halo star"][2]
    assert dwarf.strongest("logg") == at(dwarf, 5176) and halo.strongest("feh") == at(halo, 3935)
    red = dwarf.edges[:, 0] > 7200
    assert np.abs(dwarf.shift["logg"][red]).max() < 0.2 * np.abs(dwarf.shift["logg"]).max()


def test_it_is_what_the_estimator_says_of_the_cut_spectrum(estimator, answered):
    spectrum, result, found = answered["Sun-like dwarf"]
    prepared = estimator.prepare(spectrum)
    k = found.strongest("log_age")
    _, arrays = occlude(prepared)
    cut = replace(prepared, **{name: array[k + 1] for name, array in zip(("flux", "coverage", "ivar"), arrays)})
    output = estimator.infer(cut, features(spectrum.photometry), 2, 0)
    shift = output.intervals["log_age"].mean - result.log_age.mean
    assert found.shift["log_age"][k] == pytest.approx(shift, abs=1e-4)
    assert found.widening[k] == pytest.approx(output.intervals["log_age"].std / result.log_age.std - 1, abs=1e-3)
    assert found.error["log_age"] == result.log_age.std


def test_networks_without_a_width_of_their_own_give_shifts_alone(answered):
    spectrum, _, _ = answered["Sun-like dwarf"]
    six = Estimator.load("paper-setup-a")
    found = influence(six, spectrum, six.estimate(spectrum, samples=2))
    assert found.widening is None and np.abs(found.shift["teff"]).max() > 10
    with pytest.raises(ParameterError, match="20 to 1000"):
        influence(six, spectrum, None, width=5)


def test_the_emulated_spectrum_lies_on_the_star(estimator, answered):
    spectrum, result, _ = answered["Sun-like dwarf"]
    prepared = estimator.prepare(spectrum)
    atmosphere = result.teff.median, result.logg.median, result.feh.median
    like = emulated_spectrum(estimator.emulator, spectrum, prepared, atmosphere)
    assert like.shape == spectrum.flux.shape
    seen = spectrum.good & np.isfinite(like)
    assert seen.mean() > 0.95
    ratio = (spectrum.flux / like)[seen]
    assert np.median(ratio) == pytest.approx(1, abs=0.01) and np.std(ratio) < 0.08
    other = emulated_spectrum(estimator.emulator, spectrum, prepared, (4300.0, 4.6, -0.3))
    assert np.std((spectrum.flux / other)[seen]) > 1.5 * np.std(ratio)
    assert emulated_spectrum(estimator.emulator, spectrum, prepared, (30000.0, 9.0, 3.0)) is None
