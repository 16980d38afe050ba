"""The fit of templates: emulated stars with the faults of other instruments, and REAL stars."""

from dataclasses import replace

import numpy as np
import pytest

from stellar_core.errors import SpectrumError
from stellar_core.inference.template_fit import fit_templates
from stellar_core.inference.template_fit.fit import CLIP, OFFSET, SLOPE, SYSTEMATIC
from stellar_core.inference.template_fit.regions import REGIONS
from stellar_core.mock.emulator import SpectralEmulator
from stellar_core.preprocessing.grid import GRID
from stellar_core.preprocessing.spectra import prepare
from stellar_core.sdss.readers import read_spectrum
from stellar_core.spectrum import Spectrum

STARS = [(5600.0, 4.4, -0.4), (6400.0, 4.2, -0.2), (4700.0, 2.5, -0.5), (6000.0, 4.3, -1.5)]


def emulated(star, change=lambda flux: flux, snr=60.0, redshift=0.0, seed=0) -> Spectrum:
    flux = change(SpectralEmulator.load().spectra(*([value] for value in star))[0].astype(float))
    sigma = flux / snr
    noise = sigma * np.random.default_rng(seed).standard_normal(flux.size)
    return Spectrum(GRID * (1 + redshift), flux + noise, sigma**-2.0, redshift=0.0)


def off(fit, star) -> np.ndarray:
    """Difference from the truth on the scale of the emulator, in units of the errors."""
    found = np.array([fit.teff, fit.logg, fit.feh])
    scale = OFFSET + SLOPE * np.clip(star[2], *CLIP)
    return (found + scale - star) / fit.errors


def filled(flux: np.ndarray) -> np.ndarray:
    """Additive light: half of the flux at 4000 Angstrom, a fifth at 4500, nothing redwards of 5500."""
    return flux + np.interp(GRID, [4000, 4500, 5500], [0.5, 0.2, 0.0]) * np.convolve(flux, np.ones(301) / 301, "same")


@pytest.mark.parametrize("star", STARS, ids=str)
def test_an_emulated_star_is_found(star):
    fit = fit_templates(emulated(star))
    assert np.abs(off(fit, star)).max() < 1.5
    assert fit.chi2 < 1.2 and not fit.notes and set(fit.dilution) == set(REGIONS)
    assert (fit.errors > SYSTEMATIC).all() and (fit.errors > fit.statistical).all()


@pytest.mark.parametrize("star", STARS, ids=str)
def test_faults_of_other_instruments_hardly_change_it(star):
    faults = {
        "additive light": filled,
        "tilt and wiggle": lambda flux: flux * (GRID / 5000) ** 2 * (1 + 0.1 * np.sin(GRID / 150)),
        "resolution": lambda flux: np.convolve(flux, [0.06, 0.24, 0.4, 0.24, 0.06], "same"),
        "emission and spikes": lambda flux: flux + 3.0 * (np.abs(GRID - 5008) < 3) + 20.0 * (np.abs(GRID - 6200) < 1),
        "lost blue end": lambda flux: np.where(GRID < 4350, np.nan, flux),
    }
    for name, change in faults.items():
        spectrum = emulated(star, change)
        assert np.abs(off(fit_templates(spectrum), star)).max() < 2.0, name


def test_light_in_the_lines_is_measured():
    fit = fit_templates(emulated(STARS[0], filled))
    share, error = fit.dilution["4150-4300 A"]
    assert share == pytest.approx(0.27, abs=max(0.06, 2 * error)) and abs(fit.dilution["6100-6450 A"][0]) < 0.06
    assert any("filled in" in note for note in fit.notes)


def test_an_error_of_the_velocity_is_adjusted():
    fit = fit_templates(emulated(STARS[0], redshift=150 / 299792.458))
    assert fit.velocity == pytest.approx(150, abs=10) and any(
        "km/s from the given redshift" in one for one in fit.notes
    )
    assert np.abs(off(fit, STARS[0])).max() < 2


def test_a_star_without_redshift_is_measured():
    spectrum = replace(emulated(STARS[0], redshift=0.001), redshift=None)
    assert np.abs(off(fit_templates(spectrum), STARS[0])).max() < 2


def test_noise_widens_the_errors():
    clear, noisy = (fit_templates(emulated(STARS[0], snr=snr)) for snr in (80, 8))
    assert (noisy.statistical > 1.5 * clear.statistical).all()


def test_too_little_coverage_is_one_sentence():
    spectrum = emulated(STARS[0], lambda flux: np.where((GRID > 4300) & (GRID < 6900), np.nan, flux))
    with pytest.raises(SpectrumError, match="regions between 4000 and 6800 Angstrom are measured"):
        fit_templates(spectrum)
    with pytest.raises(SpectrumError, match="no errors"):
        fit_templates(replace(prepare(emulated(STARS[0])), ivar=None))


def test_a_spectrum_of_no_star_has_a_note():
    waves = emulated(STARS[0], lambda flux: flux * (1 + 0.3 * np.sin(GRID / 9)))
    assert any("No template" in note for note in fit_templates(waves).notes)


def test_the_object_of_the_command_line_is_complete():
    found = fit_templates(emulated(STARS[0])).to_dict()
    assert set(found) == {"teff", "logg", "feh", "chi2", "dilution", "velocity_kms", "blur_A", "notes"}
    assert found["teff"]["p16"] < found["teff"]["median"] < found["teff"]["p84"]
    assert set(found["dilution"]["4000-4150 A"]) == {"fraction", "error"}


def test_real_stars_of_another_survey(shared_data):
    pd = pytest.importorskip("pandas")
    if not (shared_data / "lamost" / "index.csv").exists():
        pytest.skip("no spectra of LAMOST")
    table = pd.read_csv(shared_data / "lamost" / "index.csv")
    table = table[(table["kind"] == "labelled") & table["lasp_teff_K"].between(4500, 7000)][::3]
    fits = [fit_templates(read_spectrum(shared_data / "lamost" / name)) for name in table["file"]]
    labels = table[["lasp_teff_K", "lasp_logg_dex", "lasp_feh_dex"]].to_numpy()
    difference = np.array([(fit.teff, fit.logg, fit.feh) for fit in fits]) - labels
    assert (np.abs(np.median(difference, axis=0)) < [60, 0.1, 0.1]).all()
    assert (1.4826 * np.median(np.abs(difference - np.median(difference, axis=0)), axis=0) < [120, 0.22, 0.15]).all()
    blue = [fit.dilution["4000-4150 A"][0] for fit in fits if "4000-4150 A" in fit.dilution]
    assert np.median(blue) > 0.1, "the lines at the blue end are filled in"
