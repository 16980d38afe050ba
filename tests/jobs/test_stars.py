"""Training stars of a job: MOCK stars within ranges, a catalogue, a labelled table."""

from __future__ import annotations

import numpy as np
import pytest

from stellar_core.datasets.config import DataConfig
from stellar_core.datasets.mock_stars import make_stars
from stellar_core.errors import ParameterError
from stellar_core.jobs.spec import StarSource
from stellar_core.jobs.stars import inside, stored_stars, training_stars
from stellar_core.mock.survey import MockSurvey
from stellar_core.stages import STAGES
from tests.small_store import make_store

DATA = DataConfig(stars=190, calibration=100, test=100)


def nothing(*_words: object) -> None:
    """Discard progress."""


def table(rows: int = 190, header: str = "star,teff,logg,feh", row: str = "16000-{mjd}-{fiber},5800,4.4,0.0") -> bytes:
    mjd = MockSurvey().mjds(16000, 1)[0]
    return "\n".join([header, *(row.format(mjd=mjd, fiber=fiber) for fiber in range(1, rows + 1))]).encode()


def test_plain_mock_stars_are_left_to_the_run(tmp_path):
    assert training_stars(StarSource(), DATA, tmp_path, nothing, nothing) is None


def test_mock_stars_within_ranges(tmp_path):
    ranges = {"teff": (5000.0, 6500.0), "snr": (20.0, 80.0)}
    stars = training_stars(StarSource("mock", ranges), DATA, tmp_path, nothing, nothing)
    assert len(stars) == 190
    teff = stars.labels.atmosphere[:, 0]
    assert teff.min() >= 5000 and teff.max() <= 6500 and stars.truth.snr.min() >= 20
    with pytest.raises(ParameterError, match="lie within the ranges"):
        training_stars(StarSource("mock", {"teff": (14_000.0, 14_001.0)}), DATA, tmp_path, nothing, nothing, most=2)


def test_stars_of_the_mock_catalogue_within_ranges(tmp_path):
    ranges = {"teff": (5000.0, 6500.0)}
    calls = []
    stars = training_stars(
        StarSource("catalogue", ranges),
        DataConfig(stars=120, calibration=100, test=100),
        tmp_path,
        lambda *values: calls.append(values),
        nothing,
    )
    assert 100 <= len(stars) <= 120 and stars.truth is None
    assert ((stars.labels.atmosphere[:, 0] >= 5000) & (stars.labels.atmosphere[:, 0] <= 6500)).all()
    assert np.isfinite(stars.labels.log_age).all() and set(np.unique(stars.labels.stage)) <= set(range(5))
    assert stars.inputs.flux.shape == (len(stars), 6800) and stars.inputs.flux.dtype == np.float16
    assert calls[-1] == ("reading spectra", 120, 120)


def test_stars_of_a_survey_store_within_ranges(tmp_path):
    store = make_store(tmp_path / "store", stars=400)
    source = StarSource("catalogue", {"teff": (5200.0, 6000.0)}, str(store))
    sets = stored_stars(source, DATA, tmp_path, nothing, nothing)
    for part in (sets.training, sets.calibration, sets.test):
        teff = np.asarray(part.labels.atmosphere)[:, 0]
        assert teff.min() >= 5200 and teff.max() <= 6000
    assert len(sets.training) == 190 and (tmp_path / "stars").is_dir()
    assert stored_stars(StarSource("catalogue"), DATA, tmp_path, nothing, nothing) is None
    assert stored_stars(StarSource(), DATA, tmp_path, nothing, nothing) is None


def test_a_labelled_table(tmp_path):
    own = table(
        header="star,Teff_K,logg_dex,feh_dex,log_age,log_lifetime,stage",
        row="16000-{mjd}-{fiber},5800,4.4,0.0,9.25,10.1,Subgiant",
    )
    (tmp_path / "table.csv").write_bytes(own + b"\n266-51602-31,5700,4.0,0,9.0,10,Cool")
    lines = []
    stars = training_stars(
        StarSource("table"), DataConfig(stars=200, calibration=100, test=100), tmp_path, nothing, lines.append
    )
    assert 100 <= len(stars) <= 190
    assert (stars.labels.log_age == np.float32(9.25)).all() and (stars.labels.stage == STAGES.index("Subgiant")).all()
    assert (stars.labels.reference == stars.labels.atmosphere).all()
    assert any("no spectrum" in line for line in lines), "unavailable stars are reported"


def test_absent_labels_come_from_the_nearest_track_point(tmp_path):
    (tmp_path / "table.csv").write_bytes(table())
    stars = training_stars(StarSource("table"), DATA, tmp_path, nothing, nothing)
    from stellar_core.isochrones import nearest_label

    assert stars.labels.log_age[0] == pytest.approx(float(nearest_label(5800.0, 4.4, 0.0).log_age), abs=1e-5)


def test_too_few_usable_stars_is_an_error(tmp_path):
    (tmp_path / "table.csv").write_bytes(table(row="16000-{mjd}-{fiber},5800,4.4,0.0"))
    with pytest.raises(ParameterError, match="Only 0 rows of the table can be used"):
        training_stars(StarSource("table", {"snr": (900.0, 1000.0)}), DATA, tmp_path, nothing, nothing)


def test_ranges_include_their_ends():
    atmosphere = np.array([[5000.0, 4.0, 0.0], [5001.0, 4.0, -1.0], [6000.0, 2.0, 0.0]])
    kept = inside({"teff": (5000.0, 6000.0), "logg": (3.0, 5.0), "feh": (-0.5, 0.5)}, atmosphere, np.ones(3))
    assert kept.tolist() == [True, False, False]


def test_mock_stars_with_true_labels(tmp_path):
    source, data = StarSource(labels="truth"), DataConfig(stars=120, calibration=100, test=100)
    calls = []
    stars = training_stars(source, data, tmp_path, lambda *values: calls.append(values), nothing)
    truth, plain = stars.truth, make_stars(120, data, "train")
    assert (
        np.array_equal(stars.labels.log_age, truth.log_age.astype(np.float32))
        and (stars.labels.stage == truth.stage).all()
    )
    assert np.array_equal(stars.inputs.flux, plain.inputs.flux), "the same stars as with labels looked up"
    assert not np.array_equal(stars.labels.log_age, plain.labels.log_age) and calls[-1] == (
        "making MOCK training stars",
        120,
        120,
    )
    chosen = training_stars(StarSource("mock", {"snr": (20.0, 80.0)}, labels="truth"), data, tmp_path, nothing, nothing)
    assert np.array_equal(chosen.labels.log_lifetime, chosen.truth.log_lifetime.astype(np.float32))
