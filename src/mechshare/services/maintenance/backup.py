"""Backing a whole installation up while it is in use: blobs first, then all rows as of one moment, then the blobs that
those name and that came meanwhile."""

from collections.abc import Mapping
from dataclasses import dataclass

from mechshare.domain.backups import BackupRefused, InstallationSummary, Manifest
from mechshare.domain.blobs import BlobFacts
from mechshare.domain.errors import MediaNotFound
from mechshare.ports.backups import BackupFolder, Snapshots
from mechshare.ports.blobs import BlobStore
from mechshare.ports.clock import Clock
from mechshare.services.maintenance.blob_copy import (
    ChecksumMismatch,
    Progress,
    Stage,
    each,
    facts_of,
    for_each,
    transfer,
)

_SNAPSHOTS = 5
"""So often, at most, the rows are taken anew because blobs that they name were deleted meanwhile."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BackedUp:
    """`copied` of the blobs were written now, `removed` are those of an earlier backup that no row names any more."""

    manifest: Manifest
    copied: int
    removed: int


class BackupService:
    """`backup_blobs` is where the backup's blobs are; `program` is the version that writes it."""

    def __init__(
        self,
        rows: Snapshots,
        blobs: BlobStore,
        folder: BackupFolder,
        backup_blobs: BlobStore,
        clock: Clock,
        program: str,
    ) -> None:
        self._rows = rows
        self._blobs = blobs
        self._folder = folder
        self._backup_blobs = backup_blobs
        self._clock = clock
        self._program = program

    async def back_up(self, progress: Progress) -> BackedUp:
        """Afterwards the folder holds all rows as of one moment, and every blob that they name.

        Whatever ends it early, the backup that was there before stays, and the next run goes on with the blobs that
        this one copied. Raises BackupRefused, OutOfSpace and Unavailable.
        """
        summary = await self._rows.inspect()
        async with self._folder.lock(is_writing=True):
            earlier = await self._folder.begin()
            if earlier is not None and not earlier.is_of(summary):
                raise BackupRefused(
                    "The folder holds the backup of another installation: none of its first users is known here. "
                    "Choose another folder."
                )
            await self._backup_blobs.prepare()
            collection = _Collection(self._blobs, self._backup_blobs)
            try:
                manifest = await self._settled(collection, summary, progress)
            except ChecksumMismatch as problem:
                raise BackupRefused(str(problem)) from problem
            await self._folder.finish(manifest)
            removed = await self._prune(manifest)
        return BackedUp(manifest=manifest, copied=collection.copied, removed=removed)

    async def _settled(
        self, collection: "_Collection", summary: InstallationSummary, progress: Progress
    ) -> Manifest:
        """Rows with all of their blobs.

        A row goes before its blobs do. So a blob that was gone, but is named by rows that were taken later, is lost;
        and one that is gone when its row was seen before is looked for no more once the rows are taken anew.
        """
        gone = await collection.add(summary.named, progress)
        for _ in range(_SNAPSHOTS):
            taken_at = self._clock.now()
            snapshot = await self._rows.take(
                await self._folder.draft(), lambda more, total: progress(Stage.ROWS, more, total)
            )
            named = snapshot.summary.named
            missing = gone & named.keys()
            late = {key: digest for key, digest in named.items() if key not in missing}
            if not (gone_now := await collection.add(late, progress)):
                return Manifest(
                    taken_at=taken_at,
                    program=self._program,
                    schema=snapshot.summary.schema,
                    oldest_users=snapshot.summary.oldest_users,
                    rows=await self._folder.rows(),
                    tables=snapshot.tables,
                    blobs=tuple(collection.facts[key] for key in sorted(late)),
                    missing=tuple(sorted(missing)),
                    altered=tuple(sorted(collection.altered & late.keys())),
                )
            gone |= gone_now
        raise BackupRefused(
            f"Clips were deleted faster than the rows that name them could be copied, {_SNAPSHOTS} times. "
            "Nothing is lost: run it again, it goes on with what it has."
        )

    async def _prune(self, manifest: Manifest) -> int:
        named = {blob.key for blob in manifest.blobs}
        needless = [key async for key in self._backup_blobs.list("") if key not in named]
        for key in needless:
            await self._backup_blobs.delete(key)
        return len(needless)


class _Collection:
    """The blobs that are in the backup by now, each of them read there."""

    def __init__(self, source: BlobStore, backup_blobs: BlobStore) -> None:
        self._source = source
        self._backup_blobs = backup_blobs
        self.facts: dict[str, BlobFacts] = {}
        self.altered: set[str] = set()
        self.copied = 0

    async def add(self, named: Mapping[str, str], progress: Progress) -> set[str]:
        """Those of `named` that the source does not have."""
        gone: set[str] = set()
        wanted = sorted(named.keys() - self.facts.keys())

        async def add(key: str) -> None:
            try:
                self.facts[key] = await self._copied(key, named[key])
            except MediaNotFound:
                gone.add(key)
            progress(Stage.BLOBS, 1, len(wanted))

        progress(Stage.BLOBS, 0, len(wanted))
        await for_each(each(wanted), add)
        return gone

    async def _copied(self, key: str, digest: str) -> BlobFacts:
        """What stands in the backup is left if it is what it should be; for all that is known, a key's content is."""
        facts = await facts_of(self._backup_blobs, key) if digest else None
        if facts is not None and facts.sha256.startswith(digest):
            return facts
        facts = await transfer(self._source, self._backup_blobs, key)
        self.copied += 1
        if not facts.sha256.startswith(digest):
            self.altered.add(key)
        return facts
