"""Backups: a folder that holds one, and the database it is of."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Protocol

from mechshare.domain.backups import InstallationSummary, Manifest, Snapshot
from mechshare.domain.blobs import BlobFacts
from mechshare.ports.persistence.copy import DatabaseCopy


class BackupFolder(Protocol):
    """What says what a backup holds, and its rows; its blobs are a blob store's affair.

    At every moment there is the last finished backup, whole, or none. Every method raises BackupRefused where the
    folder can't be used or is no backup's, and OutOfSpace.
    """

    def lock(self, *, is_writing: bool) -> AbstractAsyncContextManager[None]:
        """One who writes at a time, or any number who read. Raises BackupRefused at once where it can't be had."""

    async def begin(self) -> Manifest | None:
        """Makes the folder a backup's where it is new or empty. Gives the last finished one, None if there is none.

        Raises BackupRefused where anything else is in it.
        """

    async def draft(self) -> Path:
        """Where a file of rows may be written; nothing is there, whatever an earlier run left."""

    async def rows(self) -> BlobFacts:
        """Puts what was written at `draft` beside the rows of the last backup, durably. It may not change any more."""

    async def finish(self, manifest: Manifest) -> None:
        """From now on, durably, this is the backup. The rows of the one before go."""

    async def read(self) -> Manifest:
        """Raises BackupRefused unless there is a finished backup whose manifest is as it was written."""

    async def find_rows(self, manifest: Manifest) -> tuple[Path, BlobFacts | None]:
        """Where its rows are, and what is there, read anew; None where there is nothing."""


class Snapshots(Protocol):
    """The rows of an installation, kept in files of one format whatever its database is.

    Every method raises BackupRefused, and Unavailable.
    """

    async def inspect(self) -> InstallationSummary:
        """As of now."""

    async def take(self, into: Path, progress: Callable[[int, int], None]) -> Snapshot:
        """Writes all rows as of one moment into the new file `into`, and reads them back. Nobody is kept from writing.

        A job that was running waits there, without a lease. `progress` hears of so many rows more, of how many in all.
        """

    async def read(self, rows: Path) -> Snapshot:
        """What such a file holds. Nothing is written to it or beside it."""

    def restore(self, rows: Path) -> AbstractAsyncContextManager[DatabaseCopy]:
        """From such a file into the database, which is held alone. An older schema's rows are brought up to date.

        Raises CopyRefused.
        """
