"""References to stored files in memory."""

from collections.abc import Collection, Sequence
from dataclasses import replace

from mechshare.adapters.persistence.memory.tables import Access, add
from mechshare.domain.blobs import BlobFacts, BlobReference, BlobRole, OwnerKind


class MemoryBlobReferenceRepository:
    def __init__(self, access: Access) -> None:
        self._access = access

    async def add(self, references: Sequence[BlobReference]) -> None:
        table = self._access.write().blob_references
        for reference in references:
            add(table, reference.key, reference)

    async def find_by_key(self, key: str) -> BlobReference | None:
        return self._access.read().blob_references.get(key)

    async def find_referenced(self, keys: Sequence[str]) -> frozenset[str]:
        return frozenset(keys) & self._access.read().blob_references.keys()

    async def find_unmeasured(self, *, limit: int, after: str = "") -> tuple[BlobReference, ...]:
        table = self._access.read().blob_references
        keys = sorted(key for key, one in table.items() if one.size is None and key > after)
        return tuple(table[key] for key in keys[:limit])

    async def set_facts(self, facts: BlobFacts) -> None:
        table = self._access.write().blob_references
        found = table.get(facts.key)
        if found is not None and found.size is None:
            table[facts.key] = replace(found, size=facts.size, sha256=facts.sha256)

    async def delete_of(
        self,
        owner_kind: OwnerKind,
        owner_ids: Sequence[str],
        *,
        roles: Collection[BlobRole] = frozenset(BlobRole),
    ) -> tuple[BlobReference, ...]:
        table, owners = self._access.write().blob_references, frozenset(owner_ids)
        deleted = [
            one
            for one in table.values()
            if one.owner_kind is owner_kind and one.owner_id in owners and one.role in roles
        ]
        for one in deleted:
            del table[one.key]
        return tuple(sorted(deleted, key=lambda one: one.key))
