"""Restores an installation from a backup. Checks the whole backup before it writes anything."""

from dataclasses import dataclass

from mechshare.domain.backups import BackupRefused, Manifest, Snapshot
from mechshare.domain.errors import MediaNotFound
from mechshare.ports.backups import BackupFolder, Snapshots
from mechshare.ports.blobs import BlobStore
from mechshare.ports.persistence.copy import TableCopied
from mechshare.services.maintenance.blob_copy import (
    ChecksumMismatch,
    Progress,
    Stage,
    each,
    for_each,
    transfer,
)
from mechshare.services.support.blob_facts import facts_of

_MAX_LISTED = 10
"""The maximum number of damaged parts that a message lists; for the rest it states their number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """The result of a restore: `copied` counts the blobs that were written (the rest existed with equal content),
    `others` those at the destination that are not in the backup."""

    manifest: Manifest
    tables: tuple[TableCopied, ...]
    copied: int
    others: int


class RestoreService:
    """Restores the blobs from `backup_blobs` into `blobs`."""

    def __init__(
        self, rows: Snapshots, blobs: BlobStore, folder: BackupFolder, backup_blobs: BlobStore
    ) -> None:
        self._rows = rows
        self._blobs = blobs
        self._folder = folder
        self._backup_blobs = backup_blobs

    async def check(self, progress: Progress) -> Manifest:
        """Reads the whole backup and compares it with its manifest; writes nothing.

        Raises BackupRefused, whose message lists what is missing or damaged.
        """
        async with self._folder.lock(is_writing=False):
            manifest, _ = await self._checked(progress)
        return manifest

    async def restore(self, progress: Progress, *, keep_others: bool) -> Restored:
        """Restores all rows and blobs and compares them by hash. After an interruption, another call continues.

        Raises BackupRefused if the backup is damaged. Raises BackupRefused or CopyRefused if the destination is not
        empty, except for what an earlier run restored; with `keep_others` it may contain other blobs.
        """
        async with self._folder.lock(is_writing=False):
            manifest, snapshot = await self._checked(progress)
            others = await self._others(manifest)
            if others and not keep_others:
                raise BackupRefused(
                    f"The destination has {others} files that are not in this backup. Choose an empty destination, or "
                    "pass --keep-files if they belong to this installation and are newer than the backup."
                )
            path, _ = await self._folder.find_rows(manifest)
            async with self._rows.restore(path) as copy:
                total = sum((await copy.prepare()).values())
                copied = await self._copy_blobs(manifest, progress)
                await copy.copy(lambda more: progress(Stage.ROWS, more, total))
                tables = await copy.verify(lambda more: progress(Stage.VERIFYING, more, total))
        found = {table.table: (table.rows, table.digest) for table in tables}
        if found != {table.table: (table.rows, table.digest) for table in snapshot.tables or tables}:
            raise BackupRefused(
                "The restored rows differ from the manifest: empty the destination, then run the command again."
            )
        return Restored(manifest=manifest, tables=tables, copied=copied, others=others)

    async def _checked(self, progress: Progress) -> tuple[Manifest, Snapshot]:
        manifest = await self._folder.read()
        path, rows = await self._folder.find_rows(manifest)
        damages = await self._damaged_blobs(manifest, progress)
        if rows != manifest.rows:
            damages.insert(0, f"the rows in {path} are {'damaged' if rows else 'missing'}")
            raise _refusal(damages)
        snapshot = await self._rows.read(path)
        if snapshot.tables and snapshot.tables != manifest.tables:
            damages.append("the rows differ from the manifest")
        unknown = snapshot.summary.named.keys() - {blob.key for blob in manifest.blobs} - {*manifest.missing}
        damages.extend(
            f"the file '{key}', which a row names, is not in the manifest" for key in sorted(unknown)
        )
        if damages:
            raise _refusal(damages)
        return manifest, snapshot

    async def _damaged_blobs(self, manifest: Manifest, progress: Progress) -> list[str]:
        expected = {blob.key: blob for blob in manifest.blobs}
        damages: list[str] = []

        async def examine(key: str) -> None:
            found = await facts_of(self._backup_blobs, key)
            if found != expected[key]:
                damages.append(f"the file '{key}' is {'damaged' if found else 'missing'}")
            progress(Stage.CHECKING, 1, len(expected))

        progress(Stage.CHECKING, 0, len(expected))
        await for_each(each(expected), examine)
        return damages

    async def _others(self, manifest: Manifest) -> int:
        await self._blobs.prepare()
        expected = {blob.key for blob in manifest.blobs}
        return sum([key not in expected async for key in self._blobs.list("")])

    async def _copy_blobs(self, manifest: Manifest, progress: Progress) -> int:
        """Copies the blobs; returns how many were written."""
        expected = {blob.key: blob for blob in manifest.blobs}
        written: list[str] = []

        async def copy(key: str) -> None:
            if await facts_of(self._blobs, key) != expected[key]:
                if await transfer(self._backup_blobs, self._blobs, key) != expected[key]:
                    raise BackupRefused(f"The file '{key}' of the backup changed during the restore.")
                written.append(key)
            progress(Stage.BLOBS, 1, len(expected))

        progress(Stage.BLOBS, 0, len(expected))
        try:
            await for_each(each(expected), copy)
        except MediaNotFound as problem:
            raise BackupRefused("A file of the backup was deleted during the restore.") from problem
        except ChecksumMismatch as problem:
            raise BackupRefused(str(problem)) from problem
        return len(written)


def _refusal(damages: list[str]) -> BackupRefused:
    listed = "; ".join(damages[:_MAX_LISTED])
    more = f"; and {len(damages) - _MAX_LISTED} more" if len(damages) > _MAX_LISTED else ""
    return BackupRefused(
        f"The backup is unusable; nothing was written: {listed}{more}. Use another copy of it."
    )
