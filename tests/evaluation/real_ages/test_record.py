"""The stored figures: the shipped ones are complete, and a damaged file says what to do."""

import pytest

from stellar_core.errors import StorageError
from stellar_core.evaluation.real_ages.record import ERRORS, ONCE, RECORD, read_record, write_record
from stellar_core.evaluation.real_ages.tables import read_stars
from stellar_core.isochrones.label import label_table


def test_the_shipped_record_is_complete_and_small():
    found = read_record()
    assert RECORD.stat().st_size < 60_000 and found["models"] and found["date"]
    for errors in ERRORS:
        ages = found["samples"][ONCE][errors]["age"]["all"]
        assert ages["n"] >= len(found["stars"]["star"]) == len(found["stars"][errors]["median"]) > 50
        assert 0 < ages["rmse"] < ages["rmse_constant"] < 0.5 and 0 < ages["coverage_68"] <= 1
    assert {"kepler_legacy", "kages", "debcat"} <= set(found["samples"])


@pytest.mark.slow
def test_the_shipped_record_is_of_the_installed_isochrone_fit():
    found = read_record()
    stars = read_stars().head(4)
    again = label_table(stars)
    place = [found["stars"]["star"].index(star) for star in stars["star"]]
    stored = [found["stars"]["published"]["median"][row] for row in place]
    assert again["log_age_median"].tolist() == pytest.approx(stored, abs=0.01), (
        "run evaluate --suite real-ages --record"
    )


def test_what_was_written_is_read_without_the_running_time(tmp_path):
    path = tmp_path / "measured.json"
    found = {"samples": {"a": 1}, "stars": {"star": []}, "binaries": {}, "parallaxes": {}, "seconds": 3.0}
    write_record(found, path)
    assert read_record(path) == {"samples": {"a": 1}, "stars": {"star": []}, "binaries": {}, "parallaxes": {}}


@pytest.mark.parametrize("content", ["{", "[]", "{}", None])
def test_a_damaged_record_says_what_to_do(content, tmp_path):
    path = tmp_path / "measured.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(StorageError, match="real-ages --record"):
        read_record(path)
