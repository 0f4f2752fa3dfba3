"""Backups: the folder of a backup, and snapshots of a database."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Protocol

from mechshare.domain.backups import InstallationSummary, Manifest, Snapshot
from mechshare.domain.blobs import BlobFacts
from mechshare.ports.persistence.copy import DatabaseCopy


class BackupFolder(Protocol):
    """The manifest and the rows of a backup; its blobs are in a blob store.

    The folder always holds the last finished backup, complete, or none. Every method raises OutOfSpace, and
    BackupRefused if the folder is unusable or holds no backup.
    """

    def lock(self, *, is_writing: bool) -> AbstractAsyncContextManager[None]:
        """Locks the folder for one writer or any number of readers. Raises BackupRefused at once if it is locked."""

    async def begin(self) -> Manifest | None:
        """Makes a new or empty folder a backup folder; returns the last finished backup, None if there is none.

        Raises BackupRefused if the folder holds anything else.
        """

    async def draft(self) -> Path:
        """Removes files of interrupted runs; returns the path to which a new file of rows may be written."""

    async def rows(self) -> BlobFacts:
        """Moves the file at `draft` durably beside the rows of the last backup; returns its facts. It must not change
        after."""

    async def finish(self, manifest: Manifest) -> None:
        """Makes this the finished backup, durably, and deletes the rows of the previous one."""

    async def read(self) -> Manifest:
        """Returns the manifest. Raises BackupRefused unless there is a finished backup with an unaltered manifest."""

    async def find_rows(self, manifest: Manifest) -> tuple[Path, BlobFacts | None]:
        """Returns the path of the rows and the facts of the file, measured again; None if it is missing."""


class Snapshots(Protocol):
    """Reads and restores the rows of an installation, in one file format for all databases.

    Every method raises BackupRefused and Unavailable.
    """

    async def inspect(self) -> InstallationSummary:
        """Returns the summary as of now."""

    async def take(self, into: Path, progress: Callable[[int, int], None]) -> Snapshot:
        """Writes all rows as of one moment to the new file `into` and reads them back. Does not block writers.

        A running job is stored as queued, without a lease. `progress` receives the number of further rows and the
        total.
        """

    async def read(self, rows: Path) -> Snapshot:
        """Returns what such a file holds. Writes nothing to it or beside it."""

    def restore(self, rows: Path) -> AbstractAsyncContextManager[DatabaseCopy]:
        """Copies the rows of such a file into the database, which is locked meanwhile. Migrates rows of an older
        schema.

        Raises CopyRefused.
        """
