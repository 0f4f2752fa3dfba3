"""References to stored files in memory."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from mechshare.adapters.persistence.memory.access import Access
from mechshare.adapters.persistence.memory.tables import BLOB_REFERENCES
from mechshare.domain.blobs import BlobFacts, BlobReference, BlobRole, Damage, OwnerKind
from mechshare.ports.persistence.blob_references import BlobReferenceRepository, BlobVerifications


class MemoryBlobReferenceRepository(BlobReferenceRepository):
    def __init__(self, access: Access) -> None:
        self._access = access

    async def add(self, references: Sequence[BlobReference]) -> None:
        rows = self._access.write(BLOB_REFERENCES)
        for reference in references:
            rows.insert(reference)

    async def find_by_key(self, key: str) -> BlobReference | None:
        return self._access.read(BLOB_REFERENCES).find(key)

    async def find_referenced(self, keys: Sequence[str]) -> frozenset[str]:
        rows = self._access.read(BLOB_REFERENCES)
        return frozenset(key for key in keys if rows.find(key) is not None)

    async def find_unmeasured(self, *, limit: int, after: str = "") -> tuple[BlobReference, ...]:
        rows = self._access.read(BLOB_REFERENCES)
        unmeasured = [one for one in rows if one.size is None and one.key > after]
        return tuple(sorted(unmeasured, key=lambda one: one.key)[:limit])

    async def set_facts(self, facts: BlobFacts) -> None:
        rows = self._access.write(BLOB_REFERENCES)
        reference = rows.find(facts.key)
        if reference is not None and reference.size is None:
            rows.put(replace(reference, size=facts.size, sha256=facts.sha256))

    async def find_page(self, *, limit: int, after: str = "") -> tuple[BlobReference, ...]:
        rows = [one for one in self._access.read(BLOB_REFERENCES) if one.key > after]
        return tuple(sorted(rows, key=lambda one: one.key)[:limit])

    async def delete_of(
        self,
        owner_kind: OwnerKind,
        owner_ids: Sequence[str],
        *,
        roles: Collection[BlobRole] = frozenset(BlobRole),
    ) -> tuple[BlobReference, ...]:
        rows, owners = self._access.write(BLOB_REFERENCES), frozenset(owner_ids)
        deleted = [
            one
            for one in rows
            if one.owner_kind is owner_kind and one.owner_id in owners and one.role in roles
        ]
        for one in deleted:
            rows.delete(one.key)
        return tuple(sorted(deleted, key=lambda one: one.key))


class MemoryBlobVerifications(BlobVerifications):
    def __init__(self, access: Access) -> None:
        self._access = access

    async def find_unverified(self, before: datetime, *, limit: int) -> tuple[BlobReference, ...]:
        never = datetime.min.replace(tzinfo=UTC)
        due = [
            (one.verified_at or never, one.key, one)
            for one in self._access.read(BLOB_REFERENCES)
            if one.verified_at is None or one.verified_at < before
        ]
        return tuple(one for _, _, one in sorted(due, key=lambda row: row[:2])[:limit])

    async def find_damaged(self, *, limit: int) -> tuple[BlobReference, ...]:
        rows = [one for one in self._access.read(BLOB_REFERENCES) if one.damage is not None]
        return tuple(sorted(rows, key=lambda one: one.key)[:limit])

    async def set_verified(self, key: str, at: datetime, damage: Damage | None) -> None:
        rows = self._access.write(BLOB_REFERENCES)
        if (reference := rows.find(key)) is not None:
            rows.put(replace(reference, verified_at=at, damage=damage))
