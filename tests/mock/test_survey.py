"""The MOCK survey: reproducible stars alone and in batches, error messages, examples."""

import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from stellar_core.constants import SPEED_OF_LIGHT
from stellar_core.errors import ArchiveError, ParameterError
from stellar_core.mock import plates
from stellar_core.mock.plates import N_STARS, make_plate, stars_on, to_galactic
from stellar_core.mock.survey import BATCH, SEED, MockSurvey
from stellar_core.mock.truth import truth
from stellar_core.sdss.star_id import MOCK_PLATES, StarId

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def survey():
    return MockSurvey()


def star_of(survey, plate, place=10):
    return survey.star_ids(plate)[place]


def test_size():
    numbers = range(MOCK_PLATES[0], MOCK_PLATES[1] + 1)
    assert sum(stars_on(number) for number in numbers) == N_STARS == 166_625
    assert len(make_plate(SEED, 16000).fibers) == stars_on(16000)


def test_a_star_is_the_same_alone_and_after_others(survey):
    star = star_of(survey, 16011)
    first = survey.spectrum(star)
    plates.make_plate.cache_clear()
    survey.spectrum(star_of(survey, 16020))
    again = MockSurvey().spectrum(star)
    assert np.array_equal(first.flux, again.flux) and np.array_equal(first.ivar, again.ivar)
    assert first.redshift == again.redshift
    assert np.array_equal(first.photometry.psf_mag, again.photometry.psf_mag)
    assert not np.array_equal(make_plate(1, 16011).fibers, make_plate(SEED, 16011).fibers)
    assert not np.array_equal(make_plate(1, 16011).stars.mass, make_plate(SEED, 16011).stars.mass)


def same(one, other):
    """True if two frames agree in every bit."""
    arrays = [
        (getattr(one.spectrum, name), getattr(other.spectrum, name)) for name in ("wavelength", "flux", "ivar", "model")
    ]
    arrays += [(one.wdisp, other.wdisp), (one.sky, other.sky)]
    arrays += [
        (getattr(one.spectrum.photometry, name), getattr(other.spectrum.photometry, name))
        for name in ("psf_mag", "psf_mag_err", "extinction", "model_mag")
    ]
    words = all(
        getattr(one.spectrum, name) == getattr(other.spectrum, name) for name in ("name", "redshift", "meta", "notes")
    )
    return words and all(np.array_equal(a, b) for a, b in arrays)


def test_a_star_is_identical_in_any_batch(survey):
    number = next(number for number in range(16000, 16020) if len(make_plate(SEED, number).mjds) == 2)
    twice = survey.star_ids(number)[3]
    stars = [star_of(survey, plate, place) for plate in (16000, 16001, 16150, 16383) for place in range(0, 60, 4)]
    stars += [StarId.of(number, mjd, twice.fiber) for mjd in make_plate(SEED, number).mjds] + stars[:2]
    alone = {star: survey.frame(star) for star in stars}
    assert len(stars) > BATCH
    rng = np.random.default_rng(0)
    for count in (1, 2, BATCH - 1, BATCH, len(stars)):
        some = [stars[i] for i in rng.permutation(len(stars))[:count]]
        plates.make_plate.cache_clear()
        frames = list(MockSurvey().frames(iter(some)))
        assert len(frames) == count
        for star, frame in zip(some, frames):
            assert frame.spectrum.name == star.name and same(frame, alone[star])
    assert not same(alone[stars[0]], alone[stars[1]])


def test_another_processor_gives_the_same_star_within_rounding(survey, tmp_path):
    """In a process with two threads and without the newer instructions of this processor."""
    from numpy._core._multiarray_umath import __cpu_dispatch__, __cpu_features__

    stars = [star_of(survey, number) for number in (16000, 16001)]
    code = (
        "import numpy, sys\nfrom stellar_core.mock.survey import MockSurvey\n"
        "from stellar_core.sdss.identifiers import parse\n"
        f"frames = MockSurvey().frames([parse(name) for name in {[star.name for star in stars]!r}])\n"
        "numpy.savez(sys.argv[1], *[array for f in frames for array in (f.spectrum.flux, f.spectrum.ivar)])\n"
    )
    plain = " ".join(name for name in __cpu_dispatch__ if __cpu_features__.get(name))
    settings = {"NPY_DISABLE_CPU_FEATURES": plain, "OPENBLAS_CORETYPE": "Prescott", "OMP_NUM_THREADS": "2"}
    path = tmp_path / "plain.npz"
    subprocess.run([sys.executable, "-c", code, path], env=os.environ | settings, check=True, cwd=ROOT)
    with np.load(path) as found:
        for index, star in enumerate(stars):
            flux, ivar = (found[f"arr_{2 * index + part}"] for part in (0, 1))
            here = survey.spectrum(star)
            assert np.abs(flux - here.flux).max() < 1e-5 * np.median(here.flux)
            assert np.allclose(ivar, here.ivar, rtol=1e-5, atol=0)


def test_frames_are_made_lazily(survey):
    stars = survey.star_ids(16004)[:3] + [StarId.of(16004, 51999, 1)]
    assert list(survey.frames([])) == []
    with pytest.raises(ArchiveError, match="not observed on MJD 51999|has no star"):
        list(survey.frames(stars))
    many = survey.frames(survey.star_ids(16004)[:BATCH] + stars[-1:])
    assert next(many).spectrum.name == stars[0].name


def test_spectra_are_fast_once_loaded(survey):
    star = star_of(survey, 16012)
    survey.spectrum(star)
    times = []
    for other in survey.star_ids(16012)[:10]:
        start = time.process_time()
        survey.spectrum(other)
        times.append(time.process_time() - start)
    assert np.median(times) < 0.05


@pytest.mark.parametrize(
    ("number", "instrument", "low", "high"), [(16010, "SDSS", 3790, 9190), (16011, "BOSS", 3650, 10300)]
)
def test_spectra_are_complete(survey, number, instrument, low, high):
    star = star_of(survey, number)
    spectrum = survey.spectrum(star)
    plate = make_plate(SEED, number)
    row = plate.row(star.fiber)
    assert spectrum.source == "mock" and spectrum.name == star.name
    assert abs(spectrum.wavelength[0] - low) < 60 and abs(spectrum.wavelength[-1] - high) < 110
    assert spectrum.meta["instrument"] == instrument and spectrum.meta["class"] == "STAR"
    assert spectrum.meta["specobjid"] == star.specobjid and spectrum.meta["zwarning"] == 0
    assert spectrum.photometry.complete and "MOCK" in spectrum.photometry.source
    assert any("MOCK" in note for note in spectrum.notes)
    assert spectrum.snr == pytest.approx(plate.snr[0, row], rel=0.05)
    assert spectrum.meta["sn_median"] == pytest.approx(spectrum.snr)
    # The flux scale is that of the photometry.
    near = (spectrum.wavelength > 5600) & (spectrum.wavelength < 6750)
    expected = 10 ** (-0.4 * (spectrum.photometry.psf_mag[2] + 48.6)) * 2.998e18 / 6166**2 * 1e17
    assert np.mean(spectrum.flux[near]) == pytest.approx(expected, rel=0.15)


def test_redshift_is_the_velocity_within_its_error():
    pulls = []
    for number in range(16000, 16010):
        plate = make_plate(SEED, number)
        pulls.append((plate.redshift[0] - plate.stars.velocity_kms / SPEED_OF_LIGHT) * SPEED_OF_LIGHT)
        assert np.all(plate.redshift_err > 0)
    assert 3.0 < np.std(np.concatenate(pulls)) < 12.0


def test_two_nights_are_one_star_with_other_noise(survey):
    number = next(number for number in range(16000, 16020) if len(make_plate(SEED, number).mjds) == 2)
    plate = make_plate(SEED, number)
    fiber = int(plate.fibers[np.argmax(plate.snr[0])])
    assert survey.mjds(number, fiber) == sorted(plate.mjds)
    first, second = (survey.spectrum(StarId.of(number, mjd, fiber)) for mjd in plate.mjds)
    assert np.array_equal(first.photometry.psf_mag, second.photometry.psf_mag)
    grid = np.arange(4500.0, 8800.0, 2.0)
    a, b = (np.interp(grid, s.wavelength, s.flux) for s in (first, second))
    assert not np.array_equal(a, b) and np.corrcoef(a, b)[0, 1] > 0.5
    assert abs(first.redshift - second.redshift) < 1.5e-4


def test_errors_are_one_sentence(survey):
    star = star_of(survey, 16000)
    with pytest.raises(ArchiveError, match=f"not observed on MJD 51999, only on {star.mjd}"):
        survey.spectrum(StarId.of(16000, 51999, star.fiber))
    free = next(fiber for fiber in range(1, 640) if fiber not in set(make_plate(SEED, 16000).fibers.tolist()))
    with pytest.raises(ArchiveError, match="has no star; the nearest fiber that has one is"):
        survey.mjds(16000, free)
    with pytest.raises(ArchiveError, match="no plate 15999; its plates are 16000 to 16383"):
        survey.mjds(15999, 1)
    with pytest.raises(ParameterError):
        MockSurvey(seed=-1)


def test_examples_match_their_captions(survey):
    examples = survey.examples()
    captions = [caption for _, caption in examples]
    assert captions == [
        "Sun-like dwarf",
        "Turn-off star",
        "Subgiant",
        "Red giant",
        "Metal-poor halo star",
        "Hot A star",
    ]
    assert len({star for star, _ in examples}) == len(examples)
    true = {caption: truth(star) for star, caption in examples}
    assert all(one["true_mass_ratio"] == 0 and one["true_population"] != "blue stragglers" for one in true.values())
    assert abs(true["Sun-like dwarf"]["true_teff"] - 5772) < 100
    assert true["Subgiant"]["true_stage"] == "Subgiant" and true["Red giant"]["true_stage"] == "Red Giant"
    assert true["Metal-poor halo star"]["true_feh"] < -1.5 and true["Hot A star"]["true_teff"] > 8000
    for star, _ in examples:
        assert star.is_mock and survey.spectrum(star).snr > 20


def test_plates_lie_in_the_northern_sky():
    longitude, latitude = to_galactic(np.array([192.85948, 266.40499]), np.array([27.12825, -28.93617]))
    assert latitude[0] == pytest.approx(90, abs=0.01)
    assert (longitude[1] + 180) % 360 - 180 == pytest.approx(0, abs=0.01) and latitude[1] == pytest.approx(0, abs=0.01)
    for number in (16000, 16100, 16383):
        plate = make_plate(SEED, number)
        assert plate.ra.min() > 115 and plate.ra.max() < 245 and plate.dec.min() > -6 and plate.dec.max() < 63
