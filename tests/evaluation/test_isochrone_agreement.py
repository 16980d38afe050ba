"""Agreement of Model 9 with isochrone fits: differences, overlaps, and stars left out."""

import json
from pathlib import Path

import pytest

from stellar_core import Estimator
from stellar_core.evaluation import isochrone_agreement


@pytest.mark.slow
def test_overlaps_are_counted_and_stars_are_left_out_with_a_reason(shared_data: Path, tmp_path):
    source = shared_data / "sdss"
    head, *lines = (source / "index.csv").read_text().splitlines()
    labelled = [line for line in lines if line.rsplit(",", 3)[1] not in ("", "nan")][:2]
    outside = labelled[1].rsplit(",", 3)[0] + ",5600.0,9.0,0.0"
    (tmp_path / "index.csv").write_text("\n".join([head, labelled[0], outside]) + "\n")
    name = labelled[0].split(",")[0]
    (tmp_path / name).symlink_to(source / name)
    found = isochrone_agreement.compare(Estimator.load("isochrone"), tmp_path)
    kept, left = found["rows"]
    assert found["stars"] == 1 and "outside the models" in left["left_out"]
    for name in ("delivered", "same_prior"):
        assert found[name]["median_difference"] == pytest.approx(kept[name]["mean"] - kept["engine"], abs=1e-3)
        assert found[name]["overlap_68"] == float(kept[name]["overlap"])
    assert found["delivered"] != found["same_prior"]
    json.dumps(found, allow_nan=False)


@pytest.mark.parametrize("differences, median, overlap", [([0.1, -0.3, 0.2], 0.1, 1.0), ([1.0, 1.0, 4.0], 1.0, 0.0)])
def test_the_summary_is_of_medians_and_fractions(differences, median, overlap):
    found = isochrone_agreement._summary([{"difference": d, "overlap": overlap == 1.0} for d in differences])
    assert found["median_difference"] == median and found["overlap_68"] == overlap
    assert found["mean_difference"] == pytest.approx(sum(differences) / 3, abs=1e-4)
