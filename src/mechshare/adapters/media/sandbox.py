"""The sandbox: takes all rights that it does not need from the process that handles an untrusted file."""

import ctypes
import os
import platform
import resource
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass

from mechshare.adapters.media.call_filter import filter_calls, report_forbidden_calls
from mechshare.adapters.media.landlock import deny_everything
from mechshare.adapters.media.limits import MediaLimits

_PR_SET_PDEATHSIG = 1
_PR_SET_NO_NEW_PRIVS = 38
NOBODY = 65534
"""The user and group without rights, by the convention of Linux (overflowuid)."""


class StillRoot(Exception):
    """The process runs as root and can't become another user."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Confinement:
    """The layers that are active: whether calls are filtered, Landlock's version (0: none), and the user's number."""

    call_filter: bool
    landlock: int
    user: int


def confine(limits: MediaLimits, parent: int, forbidden: Callable[[int], None]) -> Confinement:
    """Restricts this process, a child of the process `parent`, irrevocably.

    Limits memory, CPU time, size of written files and open files; disables core dumps. On Linux, the process also dies
    with its parent, is not root, gains no new rights, and can only use what it has open: a call beyond those allowed
    runs `forbidden` with its number and ends the process. Raises SystemExit if the parent has died, StillRoot.
    """
    resource.setrlimit(resource.RLIMIT_AS, (limits.memory, limits.memory))
    resource.setrlimit(resource.RLIMIT_CPU, (limits.cpu_seconds, limits.cpu_seconds + 1))
    resource.setrlimit(resource.RLIMIT_FSIZE, (limits.file_size, limits.file_size))
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform != "linux":
        return Confinement(call_filter=False, landlock=0, user=os.geteuid())
    _drop_root()
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)  # a change of the user would reset it
    if os.getppid() != parent:  # it died before PR_SET_PDEATHSIG was set
        raise SystemExit("the parent is gone")
    libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    report_forbidden_calls(libc, forbidden)
    machine, user = platform.machine(), os.geteuid()
    landlock = deny_everything(libc, machine)
    return Confinement(call_filter=filter_calls(libc, machine), landlock=landlock, user=user)


def _drop_root() -> None:
    """Switches from root to NOBODY, without supplementary groups; does nothing for other users. Raises StillRoot."""
    if 0 not in os.getresuid():
        return
    try:
        os.setgroups([])
        os.setresgid(NOBODY, NOBODY, NOBODY)
        os.setresuid(NOBODY, NOBODY, NOBODY)
    except OSError as refusal:
        raise StillRoot(f"root can't become the user {NOBODY}: {refusal.strerror}") from refusal
