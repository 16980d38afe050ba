"""Restrict a process on Linux to the system calls of pure computing: read, write, memory, clocks, exit.

The filter is a BPF program for seccomp(2), installed without a library.
"""

from __future__ import annotations

import ctypes
import platform
import sys

_PR_SET_DUMPABLE, _PR_SET_NO_NEW_PRIVS = 4, 38
_SECCOMP_SET_MODE_FILTER, _SECCOMP_FILTER_FLAG_TSYNC = 1, 1
#: BPF: load a word, jump if equal, jump if greater or equal, return; and the values returned.
_LOAD, _IF_EQUAL, _IF_AT_LEAST, _RETURN = 0x20, 0x15, 0x35, 0x06
_ALLOW, _REFUSE = 0x7FFF0000, 0x00050000 | 1  # EPERM
#: Offsets of the number of the call and of the architecture in the data of the kernel.
_NUMBER, _ARCHITECTURE = 0, 4
#: Machine -> its number in the kernel, the number of seccomp(2), and the calls that stay allowed:
#: read write readv writev close fstat lseek mmap mprotect munmap brk mremap madvise munlock rt_sigaction
#: rt_sigprocmask rt_sigreturn sigaltstack sched_yield sched_getaffinity nanosleep clock_nanosleep clock_gettime
#: gettimeofday futex getpid gettid getrusage setitimer exit exit_group restart_syscall getrandom rseq
#: set_robust_list membarrier.
_MACHINES = {
    "x86_64": (
        0xC000003E, 317,
        (0, 1, 19, 20, 3, 5, 8, 9, 10, 11, 12, 25, 28, 150, 13, 14, 15, 131, 24, 204, 35, 230, 228, 96, 202, 39,
         186, 98, 38, 60, 231, 219, 318, 334, 273, 324),
    ),
    "aarch64": (
        0xC00000B7, 277,
        (63, 64, 65, 66, 57, 80, 62, 222, 226, 215, 214, 216, 233, 229, 134, 135, 139, 132, 124, 123, 101, 115, 113,
         169, 98, 172, 178, 165, 103, 93, 94, 128, 278, 293, 99, 283),
    ),
}  # fmt: skip
#: First number of the calls of the 32-bit variant of x86_64.
_VARIANT = 0x40000000


class _Instruction(ctypes.Structure):
    _fields_ = [("code", ctypes.c_ushort), ("yes", ctypes.c_ubyte), ("no", ctypes.c_ubyte), ("value", ctypes.c_uint32)]


class _Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("instructions", ctypes.POINTER(_Instruction))]


def refuse_system_calls() -> bool:
    """Refuse all other calls of every thread of this process, irrevocably; False where the system cannot do so."""
    if sys.platform != "linux":
        return False
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
    libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    known = _MACHINES.get(platform.machine())
    if known is None or sys.maxsize < 2**32:
        return False
    architecture, seccomp, allowed = known
    steps = _steps(architecture, allowed)
    program = _Program(len(steps), (_Instruction * len(steps))(*(_Instruction(*step) for step in steps)))
    return libc.syscall(seccomp, _SECCOMP_SET_MODE_FILTER, _SECCOMP_FILTER_FLAG_TSYNC, ctypes.byref(program)) == 0


def _steps(architecture: int, allowed: tuple[int, ...]) -> list[tuple[int, int, int, int]]:
    """Return the instructions: code, steps to jump if true, steps to jump if false, value."""
    most = len(allowed)
    return [
        (_LOAD, 0, 0, _ARCHITECTURE),
        (_IF_EQUAL, 0, most + 2, architecture),
        (_LOAD, 0, 0, _NUMBER),
        (_IF_AT_LEAST, most, 0, _VARIANT),
        *((_IF_EQUAL, most - place, 0, number) for place, number in enumerate(allowed)),
        (_RETURN, 0, 0, _REFUSE),
        (_RETURN, 0, 0, _ALLOW),
    ]
