"""Each kind of fault is added to a spectrum and must be identified."""

import numpy as np
import pytest

from stellar_core.constants import SPEED_OF_LIGHT
from stellar_core.mock.emulator import SpectralEmulator
from stellar_core.mock.fit.library import StellarLibrary
from stellar_core.mock.fit.library_velocity import in_rest_frame, library_velocities, velocity
from stellar_core.mock.fit.outliers import OutlierDiagnosis
from stellar_core.preprocessing.grid import GRID

#: Rows of the small library below.
SUN, GIANT, COOL, HOT = 0, 1, 2, 3


@pytest.fixture(scope="module")
def library():
    """40 emulated stars in place of a library, with realistic noise."""
    rng = np.random.default_rng(3)
    labels = np.column_stack([rng.uniform(4300, 9000, 40), rng.uniform(1.5, 4.7, 40), rng.uniform(-1.5, 0.2, 40)])
    labels[:4] = [(5772, 4.4, 0.0), (4700, 2.4, -0.2), (4300, 1.5, 0.1), (8500, 4.0, 0.0)]
    emulated = SpectralEmulator.load().lines(*labels.T)
    observed = emulated + 0.006 * rng.standard_normal(emulated.shape).astype(np.float32)
    return labels, observed.astype(np.float32), emulated


def reason(library, row, spectrum, name=None, source=None, model=None):
    """Reason given for ``spectrum`` in place of ``row``."""
    labels, observed, emulated = library
    observed = observed.copy()
    observed[row] = spectrum
    outlier = np.zeros(len(labels), bool)
    outlier[row] = True
    source = np.array(["MILES"] * len(labels)) if source is None else source
    name = np.array([f"HD{k}" for k in range(len(labels))]) if name is None else name
    reasons = OutlierDiagnosis(source, name, labels, observed, emulated, np.ones_like(observed), outlier).reasons()
    assert list(reasons) == [f"{source[row]} {name[row]}"]
    return next(iter(reasons.values()))


def shifted(spectrum, kms):
    return np.interp(GRID / (1 + kms / SPEED_OF_LIGHT), GRID, spectrum)


@pytest.mark.parametrize("kms", [-230.0, -15.0, 70.0, 380.0])
def test_a_velocity_is_measured(library, kms):
    _, observed, emulated = library
    found, rms = velocity(shifted(observed[SUN], kms), emulated[SUN], np.ones(GRID.size, bool))
    assert found == pytest.approx(kms, abs=4.0) and rms < 0.01


def test_a_velocity_is_named(library):
    text = reason(library, SUN, shifted(library[1][SUN], 380.0))
    assert "km/s off" in text and "+3" in text and "5772 K, 4.4, +0.0" in text


def test_only_stelib_is_moved_and_its_masks_move_along(library):
    labels, observed, emulated = library
    spectra = np.stack([shifted(observed[k], 150.0 if k % 2 else 0.0) for k in range(len(labels))]).astype(np.float32)
    source = np.array(["STELIB" if k % 2 else "MILES" for k in range(len(labels))])
    weight = np.full(spectra.shape, 0.15, np.float32)
    weight[:, (GRID > 6860) & (GRID < 6965)] = 0
    lib = StellarLibrary(source, source, labels, spectra, weight)
    found = library_velocities(lib, spectra, emulated)
    assert (found[source == "MILES"] == 0).all()
    lost = np.stack([shifted(one, 900.0) for one in spectra]).astype(np.float32)
    assert np.abs(library_velocities(lib, lost, emulated)).max() < 490
    narrow = (source == "STELIB") & (labels[:, 0] < 7000)
    assert found[narrow] == pytest.approx(150.0, abs=8.0)
    still = in_rest_frame(lib, found)
    use = slice(300, 3000)
    assert np.abs(still.flux[narrow, use] - observed[narrow, use]).mean() < 0.01
    assert np.array_equal(still.flux[source == "MILES"], spectra[source == "MILES"])
    row = np.flatnonzero(narrow)[0]
    assert still.weight[row, int(6910 - 3600)] == 0 and still.weight[row, int(6857 - 3600)] == 0
    assert still.weight[row, 1000] == pytest.approx(0.15)


def test_the_labels_of_another_star_are_named(library):
    text = reason(library, SUN, library[1][GIANT])
    assert "looks like a star of 4700 K, log g 2.4" in text


def test_the_light_of_two_stars_is_named(library):
    labels, observed, _ = library
    share = np.clip(0.75 - 0.5 * (GRID - 3850) / 3500, 0.1, 0.9)
    text = reason(library, COOL, share * observed[HOT] + (1 - share) * observed[COOL])
    assert "light of two stars" in text and "4300" in text


def test_emission_carbon_and_noise_are_named(library):
    _, observed, _ = library
    emission = observed[SUN] + 1.6 * np.exp(-0.5 * ((GRID - 6564.6) / 5) ** 2)
    assert "H alpha filled in or in emission" in reason(library, SUN, emission)
    bands = np.zeros(GRID.size)
    for head, low in ((5165, 5040), (4737, 4620), (5636, 5540)):
        inside = (GRID > low) & (GRID < head)
        bands[inside] = 0.5 * (GRID[inside] - low) / (head - low)
    assert "carbon" in reason(library, SUN, observed[SUN] - bands)
    noise = np.random.default_rng(0).standard_normal(GRID.size)
    assert "noisy" in reason(library, HOT, observed[HOT] + 0.08 * noise)


def test_a_step_without_known_cause_is_reported(library):
    _, observed, _ = library
    text = reason(library, SUN, observed[SUN] + 0.4 * ((GRID > 4100) & (GRID < 4180)))
    assert "no single cause seen" in text and "within 100 A of 41" in text


def test_a_second_spectrum_of_the_star_is_compared(library):
    labels, observed, emulated = library
    name = np.array([f"HD{k}" for k in range(len(labels))])
    source = np.array(["MILES"] * len(labels), object)
    # The giant of the other library is the same star, and fits.
    name[GIANT], source[GIANT] = "HD 0", "STELIB"
    fault = observed[SUN] + 0.4 * ((GRID > 4100) & (GRID < 4180))
    assert "the same star in STELIB fits, so this spectrum is at fault" in reason(library, SUN, fault, name, source)


@pytest.mark.slow
def test_a_bad_spectrum_at_the_cool_end_is_found():
    from stellar_core.mock.fit.emulator import find_outliers

    rng = np.random.default_rng(0)
    residual = 0.01 * rng.standard_normal((300, GRID.size))
    residual[[0, 150, 299]] *= 8
    found = find_outliers(residual, np.ones(residual.shape), np.linspace(3400, 9000, 300))
    assert np.flatnonzero(found).tolist() == [0, 150, 299]
