"""The names of the files of blobs, and work with files in threads."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from errno import EDQUOT, ENOSPC
from typing import TypeVar

from mechshare.domain.blobs import is_blob_key
from mechshare.domain.errors import DependencyUnavailable, StorageFull

T = TypeVar("T")
FOLDER_SUFFIX = "_"
"""Suffix of all folder names and of no file name, so that `a` and `a/b` can both be blobs."""


def file_names(key: str) -> tuple[str, ...]:
    """Returns the folders and the file name of a blob. Raises ValueError."""
    if not is_blob_key(key):
        raise ValueError(f"not a blob key: {key!r}")
    *folders, name = key.split("/")
    return (*(folder + FOLDER_SUFFIX for folder in folders), name)


async def in_thread(work: Callable[..., T], *arguments: object) -> T:
    """Runs `work` in a thread and translates its OSErrors into DependencyUnavailable and StorageFull.

    A cancellation takes effect only after `work` has ended; otherwise `work` could use files that the caller has
    closed.
    """
    running = asyncio.get_running_loop().run_in_executor(None, work, *arguments)
    try:
        return await asyncio.shield(running)
    except asyncio.CancelledError:
        while not running.done():
            with suppress(asyncio.CancelledError):
                await asyncio.wait([running])
        running.exception()  # retrieved, so that asyncio does not log it: the cancellation takes precedence
        raise
    except OSError as problem:
        if problem.errno in (ENOSPC, EDQUOT):
            raise StorageFull() from problem
        raise DependencyUnavailable(dependency="blob store") from problem
