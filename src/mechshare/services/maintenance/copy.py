"""Copies a whole installation to other stores: first the files, then the rows that name them."""

from dataclasses import dataclass

from mechshare.domain.copies import CopyRefused
from mechshare.domain.errors import MediaNotFound
from mechshare.ports.blobs import BlobStore
from mechshare.ports.persistence.copy import DatabaseCopy, TableCopied
from mechshare.services.maintenance.blob_copy import (
    ChecksumMismatch,
    Progress,
    Stage,
    for_each,
    transfer,
)
from mechshare.services.support.blob_facts import facts_of


@dataclass(slots=True, kw_only=True)
class BlobsCopied:
    """The result of copying blobs: `existing` counts those that the destination had with equal content, `others` those
    that only the destination has; `size` is the total of `copied` and `existing`, in bytes."""

    copied: int = 0
    existing: int = 0
    others: int = 0
    size: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Copied:
    """The verified tables and blobs; None for what was not to be copied."""

    tables: tuple[TableCopied, ...] | None
    blobs: BlobsCopied | None


class CopyService:
    def __init__(self, rows: DatabaseCopy | None, blobs: tuple[BlobStore, BlobStore] | None) -> None:
        """`rows` and `blobs` (source, destination) are None for what is not to be copied."""
        self._rows = rows
        self._blobs = blobs

    async def copy(self, progress: Progress) -> Copied:
        """Copies what the destination lacks and compares everything. It can be repeated after any interruption.

        Raises CopyRefused, OutOfSpace and Unavailable.
        """
        totals = await self._rows.prepare() if self._rows else {}
        rows = sum(totals.values())
        blobs = await _copy_blobs(*self._blobs, progress) if self._blobs else None
        tables = None
        if self._rows:
            await self._rows.copy(lambda more: progress(Stage.ROWS, more, rows))
            tables = await self._rows.verify(lambda more: progress(Stage.VERIFYING, more, rows))
        return Copied(tables=tables, blobs=blobs)


async def _copy_blobs(source: BlobStore, destination: BlobStore, progress: Progress) -> BlobsCopied:
    await destination.prepare()
    total = await _count(source)
    progress(Stage.BLOBS, 0, total)
    done = BlobsCopied()

    async def copy(key: str) -> None:
        size, is_new = await _copy_blob(source, destination, key)
        done.copied += is_new
        done.existing += not is_new
        done.size += size
        progress(Stage.BLOBS, 1, total)

    await for_each(source.list(""), copy)
    done.others = await _count(destination) - done.copied - done.existing
    return done


async def _copy_blob(source: BlobStore, destination: BlobStore, key: str) -> tuple[int, bool]:
    """Copies a blob; returns its size in bytes and whether it was written."""
    size = await source.stat(key)
    if size is None:
        raise _missing_blob(key)
    if await destination.stat(key) == size:
        expected = await facts_of(source, key)
        if await facts_of(destination, key) == expected:
            return size, False
    try:
        return (await transfer(source, destination, key)).size, True
    except MediaNotFound as problem:
        raise _missing_blob(key) from problem
    except ChecksumMismatch as problem:
        raise CopyRefused(str(problem)) from problem


async def _count(store: BlobStore) -> int:
    count = 0
    async for _ in store.list(""):
        count += 1
    return count


def _missing_blob(key: str) -> CopyRefused:
    return CopyRefused(
        f"The blob '{key}' was deleted during the copy: stop every process that uses the source, then run the copy "
        "again."
    )
