"""Opens folders below a root one by one, so that no link leads out of the root."""

import errno
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

NOT_FOUND_ERRNOS = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP)
"""The error numbers for a folder that is missing or is something else, such as a link."""


@contextmanager
def opened(root: Path, names: Sequence[str], *, make: bool = False) -> Iterator[list[int]]:
    """Opens `root` and each of `names` below it; yields the descriptors, outermost first. `make` creates folders.

    Raises OSError, with an error number in NOT_FOUND_ERRNOS if there is no such folder.
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
    """Creates `folder` and its missing parents, so that they survive a power failure."""
    if not folder.is_dir():
        make_durably(folder.parent)
        folder.mkdir(mode=0o700, exist_ok=True)
    _sync(folder.parent)


def make_durably_in(folder: Path, name: str) -> None:
    """Creates the folder `name` in `folder`, so that it survives a power failure. Raises OSError if there is no
    `folder`."""
    (folder / name).mkdir(mode=0o700, exist_ok=True)
    _sync(folder)


def prune(root: Path, names: Sequence[str]) -> None:
    """Removes the innermost of the folders `names` below `root`, then its parents, as long as they are empty."""
    for depth in range(len(names), 0, -1):
        try:
            with opened(root, names[: depth - 1]) as descriptors:
                os.rmdir(names[depth - 1], dir_fd=descriptors[-1])
        except OSError as problem:
            if problem.errno in (errno.ENOTEMPTY, errno.EEXIST):
                return
            if problem.errno not in NOT_FOUND_ERRNOS:
                raise


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
