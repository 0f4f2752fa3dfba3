"""Recognizes the folder of a blob store, so that an empty mount point is not taken for it."""

import errno
import os
from contextlib import suppress
from pathlib import Path

from mechshare.adapters.file_access import FOLDER_SUFFIX
from mechshare.adapters.safe_paths import make_durably_in

INCOMING = ".incoming"
"""The folder in a store in which files are written. Every store that was ever prepared or written to has it."""


def mark(root: Path) -> None:
    """Creates INCOMING durably; no-op if it exists. Raises OSError."""
    if not (root / INCOMING).is_dir():
        make_durably_in(root, INCOMING)


def require_store(root: Path) -> None:
    """Raises FileNotFoundError if `root` is not the folder of a store: it has neither INCOMING nor blobs.

    A store whose files an operator copied here may have blobs without INCOMING.
    """
    if (root / INCOMING).is_dir():
        return
    with suppress(FileNotFoundError, NotADirectoryError), os.scandir(root) as entries:
        if any(entry.name.endswith(FOLDER_SUFFIX) for entry in entries):
            return
    explanation = f"neither files nor the folder {INCOMING} are here: is the folder mounted?"
    raise FileNotFoundError(errno.ENOENT, explanation, str(root))
