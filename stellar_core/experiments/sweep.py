"""Many trials, each once: one after another, in processes beside each other, or over a Dask cluster.

A trial is a function of its settings, the stars and the number of threads, and every trial
gets the same number of threads: the results are the same whichever way they come.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from stellar_core.experiments.trial import Trial, run_trial, stored
from stellar_core.parallel import spread

Result = dict[str, object]
Say = Callable[[str], None]


def sweep(
    trials: Sequence[Trial],
    stars_folder: Path,
    folder: Path,
    workers: int = 1,
    cluster: str | None = None,
    threads: int = 1,
    say: Say = lambda text: None,
) -> list[Result]:
    """Run the trials that have no result yet.

    Parameters
    ----------
    trials : sequence of Trial
        Of different names.
    stars_folder, folder : Path
        Of the stars and of the results; with a cluster, paths that all its workers share.
    workers : int
        Processes beside each other; 1 runs in this one.
    cluster : str, optional
        Address of a Dask scheduler, such as tcp://host:8786; takes the place of ``workers``.
    threads : int
        Of each trial.
    say : callable, optional
        Gets lines of progress.

    Returns
    -------
    list of dict
        Results in the order of ``trials``.

    Raises
    ------
    ParameterError
        If a stored result has other settings, or the cluster cannot be reached.
    RunError
        If a worker dies, or the cluster goes away; what is finished is kept.
    """
    found = {trial.name: stored(trial, folder) for trial in trials}
    waiting = [trial for trial in trials if found[trial.name] is None]
    if len(waiting) < len(trials):
        say(f"{len(trials) - len(waiting)} of {len(trials)} runs are finished already.")
    one = partial(run_trial, stars_folder=stars_folder.resolve(), folder=folder.resolve(), threads=threads)
    if cluster is not None or (workers > 1 and len(waiting) > 1):
        results = spread(
            one, iter(waiting), workers, cluster, lambda what, done, total: say(f"{what}: {done} of {total}")
        )
    else:
        results = (_alone(trial, one, say) for trial in waiting)
    since = time.monotonic()
    for done, result in enumerate(results, start=1):
        found[result["name"]] = result
        left = (time.monotonic() - since) / done * (len(waiting) - done) / 60
        say(f"{sentence(result)}; {len(trials) - len(waiting) + done} of {len(trials)} runs, {left:.0f} minutes left")
    return [found[trial.name] for trial in trials]


def sentence(result: Result) -> str:
    """A finished trial in a line."""
    scores = result["test"]["natural"]
    return (
        f"{result['name']}: log age RMSE {scores['log_age']['rmse']:.3f}, R2 {scores['log_age']['r2']:.3f}, "
        f"F1 {scores['stage']['macro_f1']:.3f}, {result['seconds']:.0f} s at {result['spectra_per_second']:.0f} spectra/s"
    )


def _alone(trial: Trial, one: Callable[..., Result], say: Say) -> Result:
    def report(state: dict[str, object]) -> None:
        losses = ", ".join(f"{name} {value:.4f}" for name, value in state["losses"].items())
        done = f"{trial.name} step {state['step']} of {state['total']}"
        say(f"{done}: {losses}; {state['seconds_left']:.0f} s left in this run")

    return one(trial, report=report)
