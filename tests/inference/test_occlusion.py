"""Occlusion recovers known spectral diagnostics."""

from dataclasses import replace

import numpy as np
import pytest

from stellar_core import Estimator, lookup
from stellar_core.errors import ParameterError
from stellar_core.inference.emulated import emulated_spectrum
from stellar_core.inference.occlusion import influence, occlude
from stellar_core.preprocessing.features import features
from stellar_core.preprocessing.grid import GRID
from stellar_core.preprocessing.normalisation import FILLER


@pytest.fixture(scope="module")
def estimator():
    return Estimator.load()


def at(found, wavelength):
    return int(np.flatnonzero((found.edges[:, 0] <= wavelength) & (wavelength <= found.edges[:, 1]))[0])


@pytest.fixture(scope="module")
def estimated(estimator):
    """Spectrum, result and influence of a Sun-like dwarf and of a metal-poor star of the halo, MOCK."""
    examples = {caption: star for star, caption in lookup.examples()}
    found = {}
    for caption in ("Sun-like dwarf", "Metal-poor halo star"):
        spectrum = lookup.load(examples[caption])
        result = estimator.estimate(spectrum, samples=2)
        found[caption] = spectrum, result, influence(estimator, spectrum, result)
    return found


def test_each_range_in_turn_counts_as_not_observed(estimator, estimated):
    prepared = estimator.prepare(estimated["Sun-like dwarf"][0])
    edges, (flux, coverage, ivar) = occlude(prepared, 150)
    assert len(flux) == len(edges) + 1
    np.testing.assert_array_equal(flux[0], prepared.flux)
    for row, (low, high) in enumerate(edges, 1):
        inside = (GRID >= low) & (GRID <= high)
        assert prepared.coverage[inside].any()
        assert (flux[row, inside] == FILLER).all() and not coverage[row, inside].any() and not ivar[row, inside].any()
        np.testing.assert_array_equal(coverage[row, ~inside], prepared.coverage[~inside])
    assert not coverage[1:].all(axis=0).any(), "every pixel is hidden once"


def test_mg_b_has_most_influence_on_gravity_of_a_dwarf_and_ca_k_on_metallicity_of_a_halo_star(estimated):
    dwarf, halo = estimated["Sun-like dwarf"][2], estimated["Metal-poor halo star"][2]
    assert dwarf.strongest("logg") == at(dwarf, 5176) and halo.strongest("feh") == at(halo, 3935)
    red = dwarf.edges[:, 0] > 7200
    assert np.abs(dwarf.shift["logg"][red]).max() < 0.2 * np.abs(dwarf.shift["logg"]).max()


def test_the_influence_matches_the_estimate_of_the_cut_spectrum(estimator, estimated):
    spectrum, result, found = estimated["Sun-like dwarf"]
    prepared = estimator.prepare(spectrum)
    k = found.strongest("log_age")
    _, arrays = occlude(prepared)
    cut = replace(prepared, **{name: array[k + 1] for name, array in zip(("flux", "coverage", "ivar"), arrays)})
    output = estimator.infer(cut, features(spectrum.photometry), 2, 0)
    shift = output.intervals["log_age"].mean - result.log_age.mean
    assert found.shift["log_age"][k] == pytest.approx(shift, abs=1e-4)
    assert found.widening[k] == pytest.approx(output.intervals["log_age"].std / result.log_age.std - 1, abs=1e-3)
    assert found.error["log_age"] == result.log_age.std


def test_networks_without_a_width_of_their_own_give_only_shifts(estimated):
    spectrum, _, _ = estimated["Sun-like dwarf"]
    six = Estimator.load("paper-setup-a")
    found = influence(six, spectrum, six.estimate(spectrum, samples=2))
    assert found.widening is None and np.abs(found.shift["teff"]).max() > 10
    with pytest.raises(ParameterError, match="20 to 1000"):
        influence(six, spectrum, None, width=5)


def test_the_emulated_spectrum_matches_the_star(estimator, estimated):
    spectrum, result, _ = estimated["Sun-like dwarf"]
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
