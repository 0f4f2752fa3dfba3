"""The seccomp filter: a list of the system calls that a process may use; any other ends the process (seccomp(2))."""

import ctypes
import os
import signal
import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from mechshare.adapters.media.system_calls import NUMBERS

_PR_SET_SECCOMP = 22
_SECCOMP_MODE_FILTER = 2
_ALLOW = 0x7FFF0000
_TRAP = 0x00030000  # SECCOMP_RET_TRAP: the call does not take place, the process gets SIGSYS
_KILL = 0x80000000  # SECCOMP_RET_KILL_PROCESS
_LOAD, _AND, _EQUAL, _RETURN = 0x20, 0x54, 0x15, 0x06  # BPF: load a word, AND it, jump if =, return
_NUMBER, _ARCHITECTURE, _ARGUMENTS = 0, 4, 16  # offsets in struct seccomp_data
_AUDIT_ARCHITECTURE: Mapping[str, int] = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
_SA_SIGINFO = 4
_CALL_NUMBER = 24  # the offset of si_syscall in siginfo_t
_PROT_EXEC = 4


@dataclass(frozen=True, slots=True)
class Condition:
    """The low 32 bits of an argument (counted from 0), masked, must be `value`."""

    argument: int
    mask: int
    value: int


_NOT_EXECUTABLE = Condition(2, _PROT_EXEC, 0)
_MEASURED: Mapping[str, Sequence[Condition]] = {
    "read": (),
    "write": (),
    "lseek": (),
    "brk": (),
    "mmap": (_NOT_EXECUTABLE,),
    "munmap": (),
    "mremap": (),
    "madvise": (),
    "futex": (),
    "close": (),
    "exit_group": (),
}
"""What decoding and encoding need, most frequent first. `python -m tools.media_calls` measures it. No clip needs fcntl,
ioctl, prctl or clone, so no command of them is allowed."""
_OCCASIONAL: Mapping[str, Sequence[Condition]] = {
    "mprotect": (_NOT_EXECUTABLE,),  # malloc
    "fstat": (),
    "readv": (),  # musl's read
    "writev": (),  # musl's write, and the message of glibc before it aborts
    "clock_gettime": (),  # where the vDSO has no clock
    "gettimeofday": (),
    "getrandom": (),
    "getpid": (),
    "gettid": (),
    "rt_sigprocmask": (),
    "rt_sigreturn": (),
    "restart_syscall": (),  # after SIGSTOP and SIGCONT
    "exit": (),
}
"""What other C libraries use for the same, and what a machine under load may need. None of it reaches beyond the
process and its open files."""


def _allowed(process: int) -> Mapping[str, Sequence[Condition]]:
    """Returns the calls that `process` may use. Of signals it may send only SIGABRT, to itself: abort(3)."""
    every_bit = 0xFFFFFFFF
    abort = (Condition(0, every_bit, process), Condition(2, every_bit, signal.SIGABRT))
    return {**_MEASURED, **_OCCASIONAL, "tgkill": abort}


ALLOWED = frozenset(_allowed(0))
"""The names of the allowed calls."""


def filter_calls(libc: ctypes.CDLL, machine: str) -> bool:
    """Installs the filter irrevocably. Returns False if the platform does not support it."""
    if machine not in NUMBERS:
        return False
    numbers = NUMBERS[machine]
    allowed = {numbers[name]: conditions for name, conditions in _allowed(os.getpid()).items()}
    return install(libc, program(_AUDIT_ARCHITECTURE[machine], allowed))


def install(libc: ctypes.CDLL, instructions: bytes) -> bool:
    """Installs a program of BPF. Returns False if the kernel refuses it."""
    buffer = ctypes.create_string_buffer(instructions, len(instructions))
    described = struct.pack("HxxxxxxP", len(instructions) // 8, ctypes.addressof(buffer))
    return bool(libc.prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, described, 0, 0) == 0)


def program(
    architecture: int, allowed: Mapping[int, Sequence[Condition]], *, otherwise: int = _TRAP
) -> bytes:
    """Returns the filter as BPF: each instruction is a code, the jumps if true and if false, and an operand.

    A call of another architecture kills the process: its numbers mean other calls.
    """
    steps = [
        (_LOAD, 0, 0, _ARCHITECTURE),
        (_EQUAL, 1, 0, architecture),
        (_RETURN, 0, 0, _KILL),
        (_LOAD, 0, 0, _NUMBER),
    ]
    for number, conditions in allowed.items():
        steps += _steps(number, conditions, otherwise)
    steps.append((_RETURN, 0, 0, otherwise))
    return b"".join(struct.pack("=HBBI", *step) for step in steps)


def _steps(number: int, conditions: Sequence[Condition], otherwise: int) -> list[tuple[int, int, int, int]]:
    """Returns the steps that decide on the call `number` and skip any other call."""
    decision: list[tuple[int, int, int, int]] = []
    for condition in conditions:
        decision += [
            (_LOAD, 0, 0, _ARGUMENTS + 8 * condition.argument),
            (_AND, 0, 0, condition.mask),
            (_EQUAL, 1, 0, condition.value),
            (_RETURN, 0, 0, otherwise),
        ]
    decision.append((_RETURN, 0, 0, _ALLOW))
    return [(_EQUAL, 0, len(decision), number), *decision]


class _Action(ctypes.Structure):
    """struct sigaction of glibc and musl."""

    _fields_ = (
        ("handler", ctypes.c_void_p),
        ("mask", ctypes.c_byte * 128),
        ("flags", ctypes.c_int),
        ("restorer", ctypes.c_void_p),
    )


def report_forbidden_calls(libc: ctypes.CDLL, report: Callable[[int], None]) -> None:
    """From now on, calls `report` with the number of the call that the filter refuses, then ends the process.

    A handler in Python code would run too late, when the refused call has returned. If the process can't run the
    handler, SIGSYS kills it.
    """

    def handle(number: int, information: int, context: int) -> None:
        try:
            report(ctypes.c_int.from_address(information + _CALL_NUMBER).value)
        finally:
            os._exit(1)

    handler = ctypes.CFUNCTYPE(None, ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p)(handle)
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(handler))  # the kernel has its address: it is never freed
    action = _Action(handler=ctypes.cast(handler, ctypes.c_void_p), flags=_SA_SIGINFO)
    if libc.sigaction(int(signal.SIGSYS), ctypes.byref(action), None) != 0:
        raise OSError(ctypes.get_errno(), "SIGSYS can't be handled")
