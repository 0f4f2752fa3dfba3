"""Folders below a root, entered one by one, so that no link leads out of it."""

import errno
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

NOWHERE = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP)
"""What the system says when a folder is not there, or something else (a link, for one) stands in its place."""


@contextmanager
def opened(root: Path, names: Sequence[str], *, make: bool = False) -> Iterator[list[int]]:
    """Descriptors of `root` and of each of `names` below it, outermost first; `make` makes those that are missing.

    Raises OSError, with one of NOWHERE where there is no such folder.
    """
    descriptors = [os.open(root, os.O_RDONLY | os.O_DIRECTORY)]
    try:
        for name in names:
            if make:
                with suppress(FileExistsError):
                    os.mkdir(name, 0o700, dir_fd=descriptors[-1])
            flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW
            descriptors.append(os.open(name, flags, dir_fd=descriptors[-1]))
        yield descriptors
    finally:
        for descriptor in descriptors:
            os.close(descriptor)


def make_durably(folder: Path) -> None:
    """Makes `folder` and those above it where they are missing, so that a power cut does not undo it."""
    if not folder.is_dir():
        make_durably(folder.parent)
        folder.mkdir(mode=0o700, exist_ok=True)
    _sync(folder.parent)


def prune(root: Path, names: Sequence[str]) -> None:
    """Removes the innermost of the folders `names` below `root`, and those around it, as far as they are empty."""
    for depth in range(len(names), 0, -1):
        try:
            with opened(root, names[: depth - 1]) as descriptors:
                os.rmdir(names[depth - 1], dir_fd=descriptors[-1])
        except OSError as problem:
            if problem.errno in (errno.ENOTEMPTY, errno.EEXIST):
                return
            if problem.errno not in NOWHERE:
                raise


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
