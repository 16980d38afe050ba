"""Many trials, each run once: in this process, in several, or on a Dask cluster.

A result depends only on settings, stars and number of threads, which is the same for all
trials, so that all three ways give the same results.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from stellar_core.experiments.trial import Trial, run_trial, stored
from stellar_core.parallel import parallel_map

Result = dict[str, object]
Say = Callable[[str], None]
Stop = Callable[[], bool]


class Stopped(Exception):
    """Raised where runs are left because a stop was requested."""


@dataclass(frozen=True)
class Deadline:
    """True when called after the time ``at``, seconds since the epoch."""

    at: float

    def __call__(self) -> bool:
        return time.time() > self.at


def sweep(
    trials: Sequence[Trial],
    stars_folder: Path,
    folder: Path,
    workers: int = 1,
    cluster: str | None = None,
    threads: int = 1,
    say: Say = lambda text: None,
    stop: Stop | None = None,
) -> list[Result]:
    """Run the trials that have no result yet, and return all results.

    Parameters
    ----------
    trials : sequence of Trial
        With different names.
    stars_folder, folder : Path
        Folders of the stars and of the results; with a cluster, shared by all its workers.
    workers : int
        Number of processes; 1 uses this one.
    cluster : str, optional
        Address of a Dask scheduler, such as tcp://host:8786, in place of ``workers``.
    threads : int
        Threads of each trial.
    say : callable, optional
        Called with lines of text.
    stop : callable, optional
        Called after every step; if it returns true the run writes a checkpoint and no other begins. With several
        processes it is called in each, and has to be one that can be sent there, such as `Deadline`.

    Returns
    -------
    list of dict
        Results in the order of ``trials``.

    Raises
    ------
    Stopped
        If ``stop`` returned true before all were finished.
    ParameterError
        If the cluster cannot be reached.
    RunError
        If a stored result has other settings.
    RunError
        If a worker or the cluster dies; finished results are kept.
    """
    found = {trial.name: stored(trial, folder) for trial in trials}
    waiting = [trial for trial in trials if found[trial.name] is None]
    if len(waiting) < len(trials):
        say(f"{len(trials) - len(waiting)} of {len(trials)} runs are finished already.")
    places = {"stars_folder": stars_folder.resolve(), "folder": folder.resolve()}
    one = partial(run_trial, **places, threads=threads, stop=stop)
    if cluster is not None or (workers > 1 and len(waiting) > 1):
        results = parallel_map(
            one, iter(waiting), workers, cluster, lambda what, done, total: say(f"{what}: {done} of {total}")
        )
    else:
        results = (_alone(trial, one, say) for trial in waiting)
    since, stopped = time.monotonic(), False
    for done, result in enumerate(results, start=1):
        if result is None:
            stopped = True
            if cluster is None and workers == 1:
                break
            continue
        found[result["name"]] = result
        left = (time.monotonic() - since) / done * (len(waiting) - done) / 60
        say(f"{sentence(result)}; {len(trials) - len(waiting) + done} of {len(trials)} runs, {left:.0f} minutes left")
    if stopped:
        made = sum(result is not None for result in found.values())
        raise Stopped(f"Stopped after {made} of {len(trials)} runs. The same command continues.")
    return [found[trial.name] for trial in trials]


def sentence(result: Result) -> str:
    """Summarise a finished trial in one line."""
    scores = result["test"]["natural"]
    return (
        f"{result['name']}: log age RMSE {scores['log_age']['rmse']:.3f}, R2 {scores['log_age']['r2']:.3f}, "
        f"F1 {scores['stage']['macro_f1']:.3f}, {result['seconds']:.0f} s at "
        f"{result['spectra_per_second']:.0f} spectra/s"
    )


def _alone(trial: Trial, one: Callable[..., Result], say: Say) -> Result | None:
    def report(state: dict[str, object]) -> None:
        losses = ", ".join(f"{name} {value:.4f}" for name, value in state["losses"].items())
        done = f"{trial.name} step {state['step']} of {state['total']}"
        say(f"{done}: {losses}; {state['seconds_left']:.0f} s left in this run")

    return one(trial, report=report)
