"""Folders on this machine for work under way."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path

from mechshare.adapters.file_access import in_thread
from mechshare.adapters.leftovers import locked_folder, remove_leftovers


class LocalScratch:
    """Creates folders in `root`. Removes what killed processes left there and in `others`, which need not exist."""

    def __init__(self, root: Path, others: Sequence[Path] = ()) -> None:
        self._root = root
        self._others = others

    def folder(self) -> AbstractContextManager[Path]:
        return locked_folder(self._root)

    async def remove_leftovers(self) -> None:
        for folder in (self._root, *self._others):
            await in_thread(remove_leftovers, folder)
