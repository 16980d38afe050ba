"""The shipped table against all points of MIST."""

import json

import numpy as np
import pytest

from stellar_core.errors import ModelError, StorageError
from stellar_core.isochrones import load_tracks, track_table
from stellar_core.isochrones.mist import read_archive
from stellar_core.isochrones.tracks import COLUMNS


@pytest.fixture(scope="module")
def full(shared_data):
    return read_archive(shared_data / "mist" / "mist_v1.2_vvcrit0.4_tracks.npz")


def test_errors_meet_the_targets(full):
    errors = track_table.errors_by_phase(full, load_tracks())["all"]
    assert errors["n"] > 700_000
    for name, median, p99 in (("teff_K", 10, 60), ("logg_dex", 0.01, 0.05), ("log_age_dex", 0.01, 0.06)):
        assert errors[name]["median"] <= median
        assert errors[name]["p99"] <= p99


def test_card_states_the_measured_errors(full):
    card = json.loads((track_table.HOME / "card.json").read_text())
    now = track_table.errors_by_phase(full, load_tracks())
    assert card["metrics"]["at_nodes"]["all"]["teff_K"]["p99"] == pytest.approx(now["all"]["teff_K"]["p99"], rel=1e-3)
    assert card["bytes"] < 8_000_000


def test_time_steps_are_kept(full):
    """The evolution-speed weight: time spent between knots, from the table and from all points."""
    ours = load_tracks()
    index = np.searchsorted(full.eep, ours.eep)
    exact, table = (np.diff(10.0**age, axis=-1) for age in (full.log_age[..., index], ours.log_age))
    known = np.isfinite(exact) & (exact > 1e6)
    assert np.abs(table[known] / exact[known] - 1).max() < 0.01


@pytest.mark.parametrize("log_age", [9.0, 9.3, 9.6, 9.9, 10.1])
@pytest.mark.parametrize("feh", [-1.5, -0.5, 0.0, 0.25])
def test_isochrones_have_no_additional_wiggles(full, log_age, feh):
    ours, theirs = load_tracks().isochrone(log_age, feh), full.isochrone(log_age, feh)
    sharp = (ours.eep > 605) & (ours.eep < 631)  # the helium flash: drawn, but passed in no time
    for name, tolerance in (("teff", 40.0), ("logg", 0.02)):
        exact = np.interp(ours.eep, theirs.eep, getattr(theirs, name))
        assert np.abs(getattr(ours, name) - exact)[~sharp].max() < tolerance
        assert _turns(getattr(ours, name), 2 * tolerance) <= _turns(getattr(theirs, name), tolerance)


def _turns(values, least):
    """Times the curve turns by more than ``least``."""
    turns, direction, extreme = 0, 0, values[0]
    for value in values[1:]:
        if direction >= 0 and value < extreme - least or direction <= 0 and value > extreme + least:
            turns += direction != 0
            direction = 1 if value > extreme else -1
            extreme = value
        elif direction >= 0 and value > extreme or direction <= 0 and value < extreme:
            extreme = value
    return turns


def test_a_saved_table_reads_back_the_same(full, tmp_path):
    small = full.thin(full.eep[::6])
    small = type(full)(
        small.feh,
        small.mass[20:24],
        small.eep,
        real=small.real[:, 20:24],
        source="part",
        **{name: getattr(small, name)[:, 20:24] for name in COLUMNS},
    )
    folder = track_table.save(small, {}, tmp_path / "a")
    read = track_table.load_tracks(folder)
    for name, tolerance in (("log_age", 5e-4), ("log_teff", 2e-5), ("logg", 2e-3), ("feh_surface", 2e-4)):
        assert np.nanmax(np.abs(getattr(read, name) - getattr(small, name))) < tolerance
    assert (read.real == small.real).all()


def test_damaged_files_are_refused(tmp_path):
    with pytest.raises(ModelError):
        track_table.load_tracks(tmp_path)
    for name in ("card.json", "weights.safetensors"):
        (tmp_path / name).write_bytes((track_table.HOME / name).read_bytes())
    payload = bytearray((tmp_path / "weights.safetensors").read_bytes())
    payload[-1] ^= 1
    (tmp_path / "weights.safetensors").write_bytes(payload)
    with pytest.raises(ModelError, match="does not match"):
        track_table.load_tracks(tmp_path)


def test_other_files_are_refused_as_archives(tmp_path):
    with pytest.raises(StorageError, match="no track archive"):
        read_archive(tmp_path / "none.npz")
    np.savez(tmp_path / "other.npz", a=np.arange(3))
    with pytest.raises(StorageError, match="not an archive"):
        read_archive(tmp_path / "other.npz")


def test_gravity_differs_from_the_archive_only_for_giants_that_lose_mass(full, shared_data):
    with np.load(shared_data / "mist" / "mist_v1.2_vvcrit0.4_tracks.npz") as stored:
        rows = (stored["init_feh"] == 0) & np.isclose(stored["init_mass"], 1.0)
        first, n = int(stored["first_row"][rows][0]), int(stored["n_rows"][rows][0])
        raw = stored["log_g"][first : first + n][52:]
    i, j = int(np.flatnonzero(full.feh == 0)[0]), int(np.argmin(np.abs(full.mass - 1)))
    change = full.logg[i, j] - raw
    assert np.abs(change[: 454 - 202]).max() < 1e-6
    assert -0.04 < change[-1] < -0.01
