"""Errors of the MOCK parameter pipeline beside those of the SSPP."""

import numpy as np
import pytest

from stellar_core.errors import ParameterError
from stellar_core.evaluation import pipeline_errors


def ignore(name: str, done: int, total: int) -> None:
    """A progress that shows nothing."""


@pytest.fixture(scope="module")
def found():
    patch = pytest.MonkeyPatch()
    patch.setattr(pipeline_errors, "STARS", 800)
    patch.setattr(pipeline_errors, "PLATES", 12)
    yield pipeline_errors.measure(None, ignore)
    patch.undo()


def test_errors_fall_with_the_signal_to_the_parameter_scale(found):
    low, high = found["by_snr"][0], found["by_snr"][-1]
    for column in range(3):
        assert low["rms"][column] > high["rms"][column]
        assert low["quoted"][column] > high["quoted"][column] > 0
    assert 60 < high["rms"][0] < 130 and 0.15 < high["rms"][1] < 0.3 and 0.12 < high["rms"][2] < 0.25
    assert "sspp" not in low and found["known"] > 0.95


def test_two_spectra_of_a_star_share_most_of_the_error(found):
    again = found["repeats"]
    assert again["stars"] >= 20
    assert all(0 < scatter < total for scatter, total in zip(again["scatter"], again["total"]))
    assert all(0.4 < shared < 1.0 for shared in again["shared"])


def test_quoted_errors_of_real_stars_are_read_by_bin(tmp_path, found):
    (tmp_path / "catalogue").mkdir()
    lines = ["plate_mjd_fiber,sn_median,teff_K,teff_err_K,logg_dex,logg_err_dex,feh_dex,feh_err_dex"]
    lines += [f"{k},{25 if k < 40 else 60},5500,{40 if k < 40 else 20},4.4,{-9999 if k == 0 else 0.1},-1,"
              for k in range(80)]  # fmt: skip
    (tmp_path / "catalogue" / "sspp_labels.csv").write_text("\n".join(lines) + "\n")
    real = pipeline_errors._read_sspp(tmp_path)
    assert pipeline_errors._quoted(real, "snr", 20, 30) == {"sspp": [40.0, 0.1, None]}
    assert pipeline_errors._quoted(real, "snr", 10, 20) == {"sspp": [None, None, None]}
    assert np.isnan(real["errors"][0, 1])
    with pytest.raises(ParameterError, match="no catalogue/sspp_labels.csv"):
        pipeline_errors._read_sspp(tmp_path / "catalogue")


def test_the_text_has_a_row_for_every_bin_and_the_published_errors(found):
    text = pipeline_errors.text(found)
    assert "S/N 50-80" in text and "Teff 4500-5250" in text and "117 K, 0.26 dex, 0.22 dex" in text
    assert text.count("\n") == 2 + len(found["by_snr"]) + len(found["by_teff"]) + 2
