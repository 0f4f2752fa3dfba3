"""Keeps the stored files that former revisions show, and deletes those that no revision shows any more."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from mechshare.domain.blobs import BlobReference, BlobRole, OwnerKind
from mechshare.domain.events import FileReplaced
from mechshare.domain.ids import MechanismId
from mechshare.services.transactions import Transaction

_OF_MAIN_FILES = frozenset(BlobRole) - {BlobRole.ATTACHMENT, BlobRole.MODEL_THUMBNAIL}


async def replace_files(
    tx: Transaction, id: MechanismId, current: Sequence[BlobReference], request_id: str
) -> None:
    """Stores these references of the main file and of what is made of it, in place of the earlier ones.

    Files that a former revision shows stay; all others are deleted after the commit.
    """
    before = await tx.blob_references.delete_of(OwnerKind.MECHANISM, [id], roles=_OF_MAIN_FILES)
    known = {one.key: one for one in before}
    shown = {one.key: replace(known.get(one.key, one), role=one.role) for one in current}
    needed = await _former_keys(tx, id) - shown.keys()
    former = [replace(one, role=BlobRole.FORMER) for one in before if one.key in needed]
    await tx.blob_references.add([*shown.values(), *former])
    await _let_go(tx, (key for key in known if key not in shown and key not in needed), request_id)


async def release_files(
    tx: Transaction, id: MechanismId, request_id: str, *, refused: str | None = None
) -> None:
    """Deletes former files that no revision shows any more, and `refused`, which was to become the main file."""
    roles = (BlobRole.FORMER, BlobRole.ORIGINAL)
    before = await tx.blob_references.delete_of(OwnerKind.MECHANISM, [id], roles=roles)
    needed = await _former_keys(tx, id)
    stays = [
        one for one in before if one.key in needed or (one.role is BlobRole.ORIGINAL and one.key != refused)
    ]
    await tx.blob_references.add(
        [replace(one, role=BlobRole.FORMER) if one.key == refused else one for one in stays]
    )
    await _let_go(tx, (one.key for one in before if one not in stays), request_id)


async def prune_files(tx: Transaction, id: MechanismId, keep: int, request_id: str) -> int:
    """Deletes the former files of the mechanism, except the latest `keep`; returns how many it deleted."""
    holders = [one.number for one in await tx.revisions.find_former(id) if one.main_file]
    pruned = holders[: max(len(holders) - keep, 0)]
    for number in pruned:
        await tx.revisions.drop_file(id, number)
    if pruned:
        await release_files(tx, id, request_id)
    return len(pruned)


async def _former_keys(tx: Transaction, id: MechanismId) -> frozenset[str]:
    former = await tx.revisions.find_former(id)
    return frozenset(key for one in former if one.main_file for key in one.main_file.keys)


async def _let_go(tx: Transaction, keys: Iterable[str], request_id: str) -> None:
    for key in keys:
        await tx.record(FileReplaced(key, request_id))
