"""Local calibration sets: same inputs and stage, nearest S/N."""

import numpy as np

from stellar_core.inference.calibration.local_set import MINIMUM, SIZE, LocalCalibrationSet


def test_a_local_set_has_the_same_stage_and_the_nearest_snr():
    n = 4 * SIZE
    snr, stage = np.geomspace(5, 80, n), np.arange(n) % 2
    calibration = LocalCalibrationSet.join([np.ones(n)], [stage], [snr])
    rows = calibration.nearest(1, 0, 20.0)
    assert rows.size == SIZE and (stage[rows] == 0).all()
    others = np.setdiff1d(np.flatnonzero(stage == 0), rows)
    assert np.abs(np.log(snr[rows] / 20)).max() <= np.abs(np.log(snr[others] / 20)).min() + 1e-6
    assert calibration.nearest(0, 0, 20.0).size == 0


def test_a_rare_stage_uses_all_stages():
    stage = np.r_[np.zeros(500), np.full(MINIMUM - 1, 4)]
    calibration = LocalCalibrationSet.join([np.zeros(stage.size)], [stage], [np.full(stage.size, 10.0)])
    assert calibration.nearest(0, 4, 10.0).size == SIZE
    again = LocalCalibrationSet.from_arrays(calibration.arrays())
    assert np.array_equal(again.nearest(0, 0, 10.0), calibration.nearest(0, 0, 10.0))
