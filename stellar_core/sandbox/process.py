"""Start confined processes: without the secrets of this one, in a session of their own, at low priority.

Such a process runs a module of this package, which limits itself by `stellar_core.sandbox.limits` before it touches the
input.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Mapping

from stellar_core.paths import REPOSITORY
from stellar_core.priority import lower_priority

#: Niceness: behind the server, which answers everyone, but before training jobs, since a visitor waits.
NICE = 2
#: Environment variables that Python and its libraries need; keys and tokens are not among them.
_KEPT = ("PATH", "HOME", "LANG", "LC_ALL", "PYTHONPATH", "PYTHONHOME", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "TMPDIR")
#: One thread each for linear algebra.
_SET = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"), "1")


def start(
    module: str, *arguments: str, environment: Mapping[str, str] | None = None, stderr: int | None = None
) -> subprocess.Popen[bytes]:
    """Start ``python -m MODULE ARGUMENTS`` with pipes for standard input and output.

    Parameters
    ----------
    module, *arguments : str
    environment : mapping, optional
        Additions to the environment of the process.
    stderr : int, optional
        As for `subprocess.Popen`.
    """
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    process = subprocess.Popen(
        [sys.executable, "-m", module, *arguments],
        cwd=REPOSITORY,
        env={**kept, **_SET, **(environment or {})},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=stderr,
        start_new_session=True,
    )
    lower_priority(process.pid, NICE)  # from its first import on
    return process


def run(module: str, *arguments: str, data: bytes, seconds: float) -> subprocess.CompletedProcess[bytes]:
    """Run a confined process to its end with ``data`` as input.

    Raises
    ------
    subprocess.TimeoutExpired
        If it takes longer than ``seconds``; it has been killed then.
    """
    with start(module, *arguments, stderr=subprocess.PIPE) as process:
        try:
            out, errors = process.communicate(data, timeout=seconds)
        except BaseException:
            kill(process)
            raise
    return subprocess.CompletedProcess(process.args, process.returncode, out, errors)


def kill(process: subprocess.Popen[bytes]) -> None:
    """Kill a process that has not been waited for, and its group."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        process.kill()
