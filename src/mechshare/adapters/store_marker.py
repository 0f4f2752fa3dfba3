"""Recognizes the folder of a blob store by a file in it, so that an empty mount point is not taken for it."""

import errno
import os
from contextlib import suppress
from pathlib import Path

from mechshare.adapters.file_access import FOLDER_SUFFIX

MARKER = ".mechshare-store"
_TEXT = b"mechshare stores files here. Without this file, it takes the folder for an empty mount point.\n"


def mark(root: Path) -> None:
    """Creates the marker durably; no-op if it exists. Raises OSError."""
    with suppress(FileExistsError):
        descriptor = os.open(root / MARKER, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            os.write(descriptor, _TEXT)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def require_store(root: Path) -> None:
    """Raises FileNotFoundError if `root` is not the folder of a store: it has no marker and no blobs.

    Folders of releases without markers have blobs and no marker.
    """
    if (root / MARKER).exists():
        return
    with suppress(FileNotFoundError, NotADirectoryError), os.scandir(root) as entries:
        if any(entry.name.endswith(FOLDER_SUFFIX) for entry in entries):
            return
    explanation = f"neither files nor the marker {MARKER} are here: is the folder mounted?"
    raise FileNotFoundError(errno.ENOENT, explanation, str(root))
