"""The status file of a job, written atomically."""

from __future__ import annotations

import datetime
import json
import time
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path

from stellar_core.files import read_json, write_text

#: All states. "starting", "running": a worker is active; "cancelled", "failed": can be resumed.
STATES = ("queued", "starting", "running", "cancelled", "failed", "done")
#: Largest status file, bytes.
MAX_BYTES = 1_000_000
#: Longest time from the launch of a worker until it holds the job's lock, s.
START_SECONDS = 30.0


@dataclass(frozen=True)
class Status:
    """State and progress of a job.

    Attributes
    ----------
    state : str
        One of `STATES`.
    reason : str
        Why it failed or was cancelled, as a sentence.
    phase : str
        What is being done, in words; "training" during the training.
    done, total : int
        Progress of the phase.
    epoch, epochs : int
        Of the training.
    losses : dict
        Mean losses of the epoch so far, by name.
    seconds_left : float or None
        Time left of the training, extrapolated from its steps so far.
    seconds : float
        Run time so far, in all attempts.
    since : float
        When the state was entered, on the machine's monotonic clock; wall clocks can jump.
    written : str
        Wall-clock time of writing, for people to read.
    attempts : int
        Workers launched.
    token : str
        Identifies the last attempt; a worker of another attempt ends at once.
    peak_mb : float
        Largest memory of a worker, MB.
    """

    state: str
    reason: str = ""
    phase: str = ""
    done: int = 0
    total: int = 0
    epoch: int = 0
    epochs: int = 0
    losses: dict[str, float] = field(default_factory=dict)
    seconds_left: float | None = None
    seconds: float = 0.0
    since: float = field(default_factory=time.monotonic)
    written: str = ""
    attempts: int = 0
    token: str = ""
    peak_mb: float = 0.0

    @property
    def active(self) -> bool:
        """Whether a worker is active or being started."""
        return self.state in ("starting", "running")

    @property
    def age(self) -> float:
        """Seconds in this state; infinite if the machine has been restarted since."""
        passed = time.monotonic() - self.since
        return passed if passed >= 0 else float("inf")

    def enter(self, state: str, reason: str = "", **changes: object) -> Status:
        """Return this status in another state, entered now."""
        return replace(self, state=state, reason=reason, since=time.monotonic(), **changes)


def write_status(path: Path, status: Status) -> None:
    """Write ``status`` atomically; OSError if the disk does not allow it."""
    now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    write_text(path, json.dumps(asdict(replace(status, written=now))) + "\n")


def read_status(path: Path) -> Status | None:
    """Read a status, or return None if the file is absent or damaged."""
    try:
        values = read_json(path, MAX_BYTES)
        known = {item.name for item in fields(Status)}
        status = Status(**{name: value for name, value in values.items() if name in known})
    except (OSError, ValueError, TypeError, AttributeError):
        return None
    words = (status.state, status.reason, status.phase, status.written, status.token)
    counts = (status.done, status.total, status.epoch, status.epochs, status.attempts)
    numbers = (
        *counts,
        status.seconds,
        status.since,
        status.peak_mb,
        0.0 if status.seconds_left is None else status.seconds_left,
    )
    whole = all(isinstance(word, str) for word in words) and all(map(_is_number, numbers)) and status.state in STATES
    return (
        status
        if whole
        and isinstance(status.losses, dict)
        and all(isinstance(loss, (int, float)) for loss in status.losses.values())
        else None
    )


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < 1e18
