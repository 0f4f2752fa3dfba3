"""Taking from the process that handles a stranger's file whatever it does not need."""

import ctypes
import platform
import resource
import struct
import sys

from mechshare.adapters.media.limits import MediaLimits

_PR_SET_PDEATHSIG = 1
_PR_SET_NO_NEW_PRIVS = 38
_PR_SET_SECCOMP = 22
_SECCOMP_MODE_FILTER = 2
_SIGKILL = 9
_ALLOW = 0x7FFF0000
_REFUSE = 0x00050000 | 1  # SECCOMP_RET_ERRNO | EPERM
_KILL = 0x80000000
_LOAD, _EQUAL, _AT_LEAST, _RETURN = 0x20, 0x15, 0x35, 0x06  # BPF: load a word, jump if =, jump if >=, return
_OTHER_ABI = 0x40000000  # x32 calls, which would pass by numbers of their own

# Numbers of the calls that open sockets, start programs or reach into other processes.
_REFUSED = {
    "x86_64": (0xC000003E, (41, 42, 43, 44, 49, 50, 53, 57, 58, 59, 62, 101, 288, 310, 311, 322, 425)),
    "aarch64": (0xC00000B7, (117, 129, 198, 199, 200, 201, 202, 203, 206, 221, 242, 270, 271, 281, 425)),
}


def confine(limits: MediaLimits) -> bool:
    """Limits this process for good; False where the platform has no filter for system calls.

    The rest (memory, processor time, file size, open files, no core dump, death with the parent) holds everywhere.
    """
    resource.setrlimit(resource.RLIMIT_AS, (limits.memory, limits.memory))
    resource.setrlimit(resource.RLIMIT_CPU, (limits.cpu_seconds, limits.cpu_seconds + 1))
    resource.setrlimit(resource.RLIMIT_FSIZE, (limits.file_size, limits.file_size))
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform != "linux":
        return False
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_PR_SET_PDEATHSIG, _SIGKILL, 0, 0, 0)
    libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    return _filter_calls(libc)


def _filter_calls(libc: ctypes.CDLL) -> bool:
    """A seccomp filter (seccomp(2)) under which the refused calls fail with EPERM."""
    if platform.machine() not in _REFUSED:
        return False
    architecture, refused = _REFUSED[platform.machine()]
    steps = [(_LOAD, 0, 0, 4), (_EQUAL, 1, 0, architecture), (_RETURN, 0, 0, _KILL), (_LOAD, 0, 0, 0)]
    steps.append((_AT_LEAST, len(refused) + 1, 0, _OTHER_ABI))
    for index, number in enumerate(refused):
        steps.append((_EQUAL, len(refused) - index, 0, number))
    steps += [(_RETURN, 0, 0, _ALLOW), (_RETURN, 0, 0, _REFUSE)]
    program = b"".join(struct.pack("=HBBI", *step) for step in steps)
    kept = ctypes.create_string_buffer(program)
    described = struct.pack("HxxxxxxP", len(steps), ctypes.addressof(kept))
    return bool(libc.prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, described, 0, 0) == 0)
