"""Landlock: denies a process all files that it opens by path, TCP, and signals to others (landlock(7))."""

import ctypes
import os
import struct

from mechshare.adapters.media.system_calls import NUMBERS

_VERSION = 1  # LANDLOCK_CREATE_RULESET_VERSION
_FILE_RIGHTS = ((1, 0x1FFF), (2, 0x3FFF), (3, 0x7FFF), (5, 0xFFFF), (9, 0x1FFFF))
"""The bits of handled_access_fs, all that exist from each version of the ABI on."""
_NETWORK_RIGHTS = 0b11  # bind and connect TCP, from version 4 on
_SCOPES = 0b11  # abstract Unix sockets and signals, from version 6 on
_SIZES = ((1, 8), (4, 16), (6, 24))
"""The bytes of struct landlock_ruleset_attr from each version on."""


def deny_everything(libc: ctypes.CDLL, machine: str) -> int:
    """Denies this process everything that Landlock can deny, irrevocably; descriptors that are open go on working.

    The process must have set no_new_privs. Returns the version of the kernel's ABI, 0 without Landlock.
    """
    if machine not in NUMBERS:
        return 0
    numbers = NUMBERS[machine]
    version = int(libc.syscall(numbers["landlock_create_ruleset"], None, 0, _VERSION))
    if version < 1:
        return 0
    attributes = struct.pack("=QQQ", _since(version, _FILE_RIGHTS), _NETWORK_RIGHTS, _SCOPES)
    ruleset = libc.syscall(
        numbers["landlock_create_ruleset"], attributes, ctypes.c_size_t(_since(version, _SIZES)), 0
    )
    if ruleset < 0:
        return 0
    denied = libc.syscall(numbers["landlock_restrict_self"], ruleset, 0) == 0
    os.close(ruleset)
    return version if denied else 0


def _since(version: int, steps: tuple[tuple[int, int], ...]) -> int:
    """Returns the value of the last step that `version` has reached."""
    return [value for first, value in steps if first <= version][-1]
