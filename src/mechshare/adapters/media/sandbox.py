"""The sandbox: takes all rights that it does not need from the process that handles an untrusted file."""

import ctypes
import os
import platform
import resource
import signal
import struct
import sys
from collections.abc import Mapping, Sequence

from mechshare.adapters.media.limits import MediaLimits

_PR_SET_PDEATHSIG = 1
_PR_SET_NO_NEW_PRIVS = 38
_PR_SET_SECCOMP = 22
_SECCOMP_MODE_FILTER = 2
_ALLOW = 0x7FFF0000
_REFUSE = 0x00050000 | 1  # SECCOMP_RET_ERRNO | EPERM
_KILL = 0x80000000  # SECCOMP_RET_KILL_PROCESS
_LOAD, _EQUAL, _AT_LEAST, _RETURN = 0x20, 0x15, 0x35, 0x06  # BPF: load a word, jump if =, jump if >=, return
_NUMBER, _ARCHITECTURE, _SECOND_ARGUMENT = (
    0,
    4,
    24,
)  # offsets in struct seccomp_data; for the argument, of its low 32 bits
_OTHER_ABI = 0x40000000  # x32 calls have numbers of their own, which the filter would not match

_AUDIT_ARCHITECTURE: Mapping[str, int] = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
_REFUSED: Mapping[str, Mapping[str, Sequence[int]]] = {
    "x86_64": {
        "opening files": (2, 85, 257, 304, 319, 437),
        "changing names": (76, *range(80, 85), *range(86, 89), 133, *range(258, 260), *range(263, 267), 316),
        "changing rights": (*range(90, 95), 260, 268, 452),
        "mounts": (155, 161, 165, 166, 428, 429, 430),
        "sockets": (41, 42, 43, 44, 46, 49, 50, 53, 240, 288, 307),
        "processes and threads": (56, 57, 58, 59, 272, 308, 322, 435),
        "signals to and looks into others": (62, 101, 129, 200, 234, 297, 302, 310, 311, 424, 434, 438, 440),
        "changing itself and System V": (
            64,
            68,
            105,
            106,
            109,
            112,
            113,
            114,
            116,
            117,
            119,
            122,
            126,
            157,
            222,
        ),
        "the kernel's wider surface": (29, 248, 249, 250, 298, 321, 323, 425, 426, 427),
    },
    "aarch64": {
        "opening files": (56, 265, 279, 437),
        "changing names": (*range(33, 39), 45, 49, 50, 276),
        "changing rights": (52, 53, 54, 55, 452),
        "mounts": (39, 40, 41, 51, 428, 429, 430),
        "sockets": (180, 198, 199, 200, 201, 202, 203, 206, 211, 242, 269),
        "processes and threads": (97, 220, 221, 268, 281, 435),
        "signals to and looks into others": (117, 129, 130, 131, 138, 240, 261, 270, 271, 424, 434, 438, 440),
        "changing itself and System V": (91, *range(143, 150), 151, 152, 154, 157, 159, 167, 107, 186, 190),
        "the kernel's wider surface": (194, 217, 218, 219, 241, 280, 282, 425, 426, 427),
    },
}
"""Calls that fail with EPERM, by number in Linux' unistd.h. The process opens all of its files before."""


_ALLOWED_COMMANDS: Mapping[str, Mapping[int, Sequence[int]]] = {
    "x86_64": {72: (0, 1, 2, 3, 1030), 16: (0x5401, 0x5413, 0x5450, 0x5451)},
    "aarch64": {25: (0, 1, 2, 3, 1030), 29: (0x5401, 0x5413, 0x5450, 0x5451)},
}
"""fcntl and ioctl by number, with the allowed commands: duplicate a descriptor, get and set close-on-exec, get status
flags, query a terminal. Others fail with EPERM: F_SETOWN, F_SETSIG and O_ASYNC, or FIOSETOWN of a socket, can send
signals to other processes, even SIGKILL. Linux uses only the low 32 bits of a command, and so does the filter."""


def confine(limits: MediaLimits, parent: int) -> bool:
    """Restricts this process, a child of the process `parent`, irrevocably.

    Limits memory, CPU time, size of written files and open files; disables core dumps. On Linux, the process also dies
    with its parent, gains no new rights, and can't open files or sockets, start threads or processes, or reach other
    processes. Returns False if the platform has no such filter of calls. Raises SystemExit if the parent has died.
    """
    resource.setrlimit(resource.RLIMIT_AS, (limits.memory, limits.memory))
    resource.setrlimit(resource.RLIMIT_CPU, (limits.cpu_seconds, limits.cpu_seconds + 1))
    resource.setrlimit(resource.RLIMIT_FSIZE, (limits.file_size, limits.file_size))
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform != "linux":
        return False
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:  # it died before PR_SET_PDEATHSIG was set
        raise SystemExit("the parent is gone")
    libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    return _filter_calls(libc)


def _filter_calls(libc: ctypes.CDLL) -> bool:
    """Installs the filter irrevocably (seccomp(2)). Returns False if the platform does not support it."""
    machine = platform.machine()
    if machine not in _REFUSED:
        return False
    refused = [number for group in _REFUSED[machine].values() for number in group]
    program = _program(_AUDIT_ARCHITECTURE[machine], refused, _ALLOWED_COMMANDS[machine])
    buffer = ctypes.create_string_buffer(program)
    described = struct.pack("HxxxxxxP", len(program) // 8, ctypes.addressof(buffer))
    return bool(libc.prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, described, 0, 0) == 0)


def _program(architecture: int, refused: Sequence[int], commands: Mapping[int, Sequence[int]]) -> bytes:
    """Returns the filter as BPF: each instruction is a code, the jumps if true and if false, and an operand."""
    by_command = [step for number, allowed in commands.items() for step in _command_steps(number, allowed)]
    steps = [
        (_LOAD, 0, 0, _ARCHITECTURE),
        (_EQUAL, 1, 0, architecture),
        (_RETURN, 0, 0, _KILL),
        (_LOAD, 0, 0, _NUMBER),
        (_AT_LEAST, 0, 1, _OTHER_ABI),
        (_RETURN, 0, 0, _REFUSE),
        *by_command,
    ]
    steps += [(_EQUAL, len(refused) - index, 0, number) for index, number in enumerate(refused)]
    steps += [(_RETURN, 0, 0, _ALLOW), (_RETURN, 0, 0, _REFUSE)]
    return b"".join(struct.pack("=HBBI", *step) for step in steps)


def _command_steps(number: int, allowed: Sequence[int]) -> list[tuple[int, int, int, int]]:
    """Returns the steps that decide on the call `number` by its second argument and skip any other call."""
    count = len(allowed)
    return [
        (_EQUAL, 0, count + 3, number),
        (_LOAD, 0, 0, _SECOND_ARGUMENT),
        *((_EQUAL, count - index, 0, command) for index, command in enumerate(allowed)),
        (_RETURN, 0, 0, _REFUSE),
        (_RETURN, 0, 0, _ALLOW),
    ]
