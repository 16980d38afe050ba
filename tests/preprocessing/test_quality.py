"""Quality remarks in words."""

from __future__ import annotations

import numpy as np
import pytest

from stellar_core.preprocessing.quality import quality_remarks
from stellar_core.preprocessing.spectra import prepare
from stellar_core.sdss.readers import read_spectrum
from stellar_core.spectrum import Spectrum

WAVE = 10 ** (3.58 + 1e-4 * np.arange(3842))
FLUX = 20 + 5 * np.sin(WAVE / 50)
GOOD = {"redshift": 0.0, "meta": {"class": "STAR", "zwarning": 0}}


def messages(ivar: np.ndarray | None = None, wave: np.ndarray = WAVE, **changes: object) -> str:
    ivar = np.ones_like(WAVE) if ivar is None else ivar
    spectrum = Spectrum(wave, FLUX[: wave.size], ivar[: wave.size], **{**GOOD, **changes})
    return " ".join(remark.text for remark in quality_remarks(spectrum, prepare(spectrum)))


def test_a_good_star_has_no_remarks():
    assert messages() == ""


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"meta": {"class": "GALAXY"}}, "GALAXY, not as a star"),
        ({"meta": {"class": "STAR", "zwarning": 4}}, "fits nearly as well (ZWARNING 4)"),
        ({"meta": {"class": "STAR", "zwarning": 20}}, "nearly as well, many outliers (ZWARNING 20)"),
        ({"meta": {"class": "STAR", "zwarning": 1024}}, "an unknown bit (ZWARNING 1024)"),
        (
            {"meta": {"class": "STAR", "zwarning": 129}},
            "no star in the fiber: a fiber on the sky, an unplugged fiber (ZWARNING 129)",
        ),
        ({"redshift": 0.02}, "too large for a star"),
        ({"meta": {"class": "STAR", "zwarning": 512}}, "no data from the fiber (ZWARNING 512)"),
        ({"redshift": None}, "assumed to be at rest"),
        ({"has_errors": False}, "gives no errors"),
        ({"ivar": np.full_like(WAVE, 0.01)}, "Too noisy: S/N 2.0"),
        ({"ivar": np.full_like(WAVE, 0.16)}, "ratio is low: "),
        ({"meta": {"class": "STAR", "subclass": "WDhotter"}}, "a white dwarf"),
        ({"ivar": np.where(np.arange(WAVE.size) % 5, 1.0, 0.0)}, "20 % of the pixels are bad"),
        ({"wave": WAVE[:2000]}, "Most of the spectrum is missing: 33 %"),
    ],
)
def test_each_defect_is_named(changes, words):
    assert words in messages(**changes)


def test_only_warnings_of_an_empty_fiber_refuse_and_outliers_alone_are_ignored():
    assert messages(meta={"class": "STAR", "zwarning": 16}) == ""
    for bits, refused in ((1, True), (128, True), (512, True), (516, True), (4, False), (36, False)):
        spectrum = Spectrum(WAVE, FLUX, np.ones_like(WAVE), redshift=0.0, meta={"class": "STAR", "zwarning": bits})
        (remark,) = quality_remarks(spectrum, prepare(spectrum))
        assert remark.refuses is refused


def test_real_galaxies_and_quasars_are_named(shared_data):
    for name in ("spec-0266-51602-0001.fits", "spec-4055-55359-0012.fits"):
        spectrum = read_spectrum(shared_data / "sdss" / name)
        first = quality_remarks(spectrum, prepare(spectrum))[0]
        assert "GALAXY" in first.text and first.refuses
