"""A folder belongs to one run and one process at a time."""

from __future__ import annotations

import json

import pytest

from stellar_core.errors import RunError, StorageError
from stellar_core.files import is_locked
from stellar_core.run_folder import RunFolder, unfinished

SETTINGS = {"seed": 0, "plates": (1, 2), "list": None}


def test_the_same_run_continues_and_another_is_refused(tmp_path):
    folder = tmp_path / "run"
    RunFolder(folder, SETTINGS).claim()
    RunFolder(folder, SETTINGS).claim()
    assert json.loads((folder / "plan.json").read_text()) == {**SETTINGS, "plates": [1, 2]}
    other = RunFolder(folder, {**SETTINGS, "seed": 1, "list": "a"}, shown="a.csv", words={"seed": "the seed"})
    with pytest.raises(RunError, match="a.csv belongs to another run: it differs in the seed, list.*--out") as caught:
        other.claim()
    assert caught.value.value == ["seed", "list"]
    RunFolder(folder, {**SETTINGS, "list": "a"}, ignored=("list",)).claim()


def test_only_the_entries_of_the_description_are_compared():
    run = RunFolder("run", {"seed": 0})
    run.check({"seed": 0, "rows": 5})
    with pytest.raises(RunError, match="seed"):
        run.check({"rows": 5})


@pytest.mark.parametrize("content", [b"", b"{", b"null", b"[]", b"[" * 100_000, bytes(10)])
def test_a_damaged_record_is_one_sentence(tmp_path, content):
    (tmp_path / "plan.json").write_bytes(content)
    with pytest.raises(StorageError, match="damaged") as caught:
        RunFolder(tmp_path, SETTINGS).claim()
    assert "\n" not in str(caught.value) and caught.value.remedy


def test_one_process_works_at_a_time_and_leftovers_are_removed(tmp_path):
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / ".x.1-2.tmp").write_bytes(b"half")
    run = RunFolder(tmp_path, SETTINGS)
    with run.working():
        assert is_locked(tmp_path / ".lock") and not list(tmp_path.rglob("*.tmp"))
        with pytest.raises(RunError, match="Another process is working"), run.working():
            pass
    assert not is_locked(tmp_path / ".lock")


def test_a_full_disk_is_one_sentence_and_other_errors_stay(tmp_path):
    run = RunFolder(tmp_path, SETTINGS)
    with pytest.raises(StorageError, match="cannot be written: No space"), run.working():
        raise OSError(28, "No space left on device")
    with pytest.raises(StorageError, match="of its own"), run.working():
        raise StorageError("A sentence of its own.")
    with pytest.raises(ZeroDivisionError), run.working():
        raise ZeroDivisionError
    (tmp_path / "file").write_text("x")
    with pytest.raises(StorageError, match="cannot be written"), RunFolder(tmp_path / "file", {}).working():
        pass


def test_chunks_without_a_file_are_unfinished(tmp_path):
    chunks = [tmp_path / f"{number}" for number in range(3)]
    chunks[1].touch()
    assert unfinished(chunks) == [0, 2]
