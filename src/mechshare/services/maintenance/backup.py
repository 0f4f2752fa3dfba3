"""Backs up a whole installation while it is in use: first the blobs, then all rows from one snapshot, then the blobs
that those rows name and that the first pass did not copy."""

from collections.abc import Mapping
from dataclasses import dataclass

from mechshare.domain.backups import BackupRefused, InstallationSummary, Manifest
from mechshare.domain.blobs import BlobFacts
from mechshare.domain.errors import MediaNotFound
from mechshare.ports.backups import BackupFolder, Snapshots
from mechshare.ports.blobs import BlobStore
from mechshare.ports.clock import Clock
from mechshare.ports.disks import Disks
from mechshare.services.maintenance.blob_copy import (
    ChecksumMismatch,
    Progress,
    Stage,
    each,
    for_each,
    transfer,
)
from mechshare.services.support.blob_facts import facts_of
from mechshare.services.support.disk_room import require_disk_room

_SNAPSHOTS = 5
"""The maximum number of snapshots; a snapshot is repeated if blobs that it names were deleted meanwhile."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BackedUp:
    """The result of a backup: `copied` is the number of blobs written by this run, `removed` the number of blobs of
    an earlier backup that no row names any more.

    `lost` and `damaged` are the keys of blobs that the installation has lost or altered since the earlier backup, which
    still has them as they were.
    """

    manifest: Manifest
    copied: int
    removed: int
    lost: tuple[str, ...] = ()
    damaged: tuple[str, ...] = ()

    @property
    def is_whole(self) -> bool:
        """Whether the installation has every file that its rows name, as it was recorded."""
        return not (self.manifest.missing or self.manifest.altered or self.lost or self.damaged)


class BackupService:
    """Writes the backup's blobs to `backup_blobs`; `program` is the version of mechshare that writes the backup.

    It stops when one of `disks` reaches its reserve.
    """

    def __init__(
        self,
        rows: Snapshots,
        blobs: BlobStore,
        folder: BackupFolder,
        backup_blobs: BlobStore,
        disks: Disks,
        clock: Clock,
        program: str,
    ) -> None:
        self._rows = rows
        self._blobs = blobs
        self._folder = folder
        self._backup_blobs = backup_blobs
        self._disks = disks
        self._clock = clock
        self._program = program

    async def back_up(self, progress: Progress) -> BackedUp:
        """Writes all rows from one snapshot and every blob that they name.

        If it fails or is interrupted, the earlier backup stays intact, and the next run reuses the blobs that this
        run copied. Raises BackupRefused, OutOfSpace and Unavailable.
        """
        summary = await self._rows.inspect()
        async with self._folder.lock(is_writing=True):
            earlier = await self._folder.begin()
            if earlier is not None and not earlier.is_of(summary):
                raise BackupRefused(
                    "The folder contains the backup of another installation: none of its first users exists here. "
                    "Choose another folder."
                )
            await self._backup_blobs.prepare()
            collection = _Collection(self._blobs, self._backup_blobs, self._disks)
            try:
                manifest = await self._complete_manifest(collection, summary, progress)
            except ChecksumMismatch as problem:
                raise BackupRefused(str(problem)) from problem
            await self._folder.finish(manifest)
            removed = await self._prune(manifest)
        named = {blob.key for blob in manifest.blobs}
        return BackedUp(
            manifest=manifest,
            copied=collection.copied,
            removed=removed,
            lost=tuple(sorted(collection.lost & named)),
            damaged=tuple(sorted(collection.damaged & named)),
        )

    async def _complete_manifest(
        self, collection: "_Collection", summary: InstallationSummary, progress: Progress
    ) -> Manifest:
        """Takes a snapshot of the rows and copies all blobs that it names.

        The application deletes a row before the row's blobs. If a blob was missing before the snapshot and the
        snapshot names it, the blob is lost, and the manifest lists it as missing. If a blob is missing only after the
        snapshot, its row may have been deleted since, and the snapshot is repeated.
        """
        unavailable = await collection.add(summary.named, progress)
        for _ in range(_SNAPSHOTS):
            await require_disk_room(self._disks)
            taken_at = self._clock.now()
            snapshot = await self._rows.take(
                await self._folder.draft(), lambda more, total: progress(Stage.ROWS, more, total)
            )
            named = snapshot.summary.named
            missing = unavailable & named.keys()
            present = {key: digest for key, digest in named.items() if key not in missing}
            if not (newly_missing := await collection.add(present, progress)):
                return Manifest(
                    taken_at=taken_at,
                    program=self._program,
                    schema=snapshot.summary.schema,
                    oldest_users=snapshot.summary.oldest_users,
                    rows=await self._folder.rows(),
                    tables=snapshot.tables,
                    blobs=tuple(collection.facts[key] for key in sorted(present)),
                    missing=tuple(sorted(missing)),
                    altered=tuple(sorted(collection.altered & present.keys())),
                )
            unavailable |= newly_missing
        raise BackupRefused(
            f"Clips were deleted faster than the rows that name them could be copied, {_SNAPSHOTS} times. "
            "Nothing is lost: run the command again; it continues with the files copied so far."
        )

    async def _prune(self, manifest: Manifest) -> int:
        named = {blob.key for blob in manifest.blobs}
        unreferenced = [key async for key in self._backup_blobs.list("") if key not in named]
        for key in unreferenced:
            await self._backup_blobs.delete(key)
        return len(unreferenced)


class _Collection:
    """The blobs that the backup contains so far, with the facts found when each was read there."""

    def __init__(self, source: BlobStore, backup_blobs: BlobStore, disks: Disks) -> None:
        self._source = source
        self._backup_blobs = backup_blobs
        self._disks = disks
        self.facts: dict[str, BlobFacts] = {}
        self.altered: set[str] = set()
        self.lost: set[str] = set()
        self.damaged: set[str] = set()
        self.copied = 0

    async def add(self, named: Mapping[str, str], progress: Progress) -> set[str]:
        """Copies the blobs `named`; returns the keys of those that the source does not have."""
        unavailable: set[str] = set()
        to_copy = sorted(named.keys() - self.facts.keys())

        async def add(key: str) -> None:
            try:
                self.facts[key] = await self._copied(key, named[key])
            except MediaNotFound:
                unavailable.add(key)
            progress(Stage.BLOBS, 1, len(to_copy))

        progress(Stage.BLOBS, 0, len(to_copy))
        await for_each(each(to_copy), add)
        return unavailable

    async def _copied(self, key: str, digest: str) -> BlobFacts:
        """Copies a blob unless the backup has it with a matching digest; always copies it if `digest` is empty.

        Also reads a blob that it does not copy: nothing else might notice for months that the source has lost it.
        """
        facts = await facts_of(self._backup_blobs, key) if digest else None
        if facts is not None and facts.sha256.startswith(digest):
            await self._compare(key, facts)
            return facts
        await require_disk_room(self._disks)
        facts = await transfer(self._source, self._backup_blobs, key)
        self.copied += 1
        if not facts.sha256.startswith(digest):
            self.altered.add(key)
        return facts

    async def _compare(self, key: str, backed_up: BlobFacts) -> None:
        """Notes whether the source still has the blob as the backup has it."""
        found = await facts_of(self._source, key)
        if found is None:
            self.lost.add(key)
        elif found != backed_up:
            self.damaged.add(key)
