"""Room on this machine's disks for work under way."""

from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol


class Scratch(Protocol):
    def folder(self) -> AbstractContextManager[Path]:
        """Creates a folder for one piece of work, and removes it at the end. Raises OSError."""

    async def remove_leftovers(self) -> None:
        """Removes what killed processes left. The work of running processes stays, also that of other programs that use
        the same folders. Raises Unavailable."""
