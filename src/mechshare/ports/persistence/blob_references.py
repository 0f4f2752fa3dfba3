"""The stored files that belong to the installation."""

from collections.abc import Collection, Sequence
from typing import Protocol

from mechshare.domain.blobs import BlobFacts, BlobReference, BlobRole, OwnerKind


class BlobReferenceRepository(Protocol):
    """The stored files that belong to the installation, each under its key. At most 1,000 keys or owners at a time."""

    async def add(self, references: Sequence[BlobReference]) -> None:
        """Stores new ones. Raises RuntimeError for a key that is referred to already."""

    async def find_by_key(self, key: str) -> BlobReference | None: ...

    async def find_referenced(self, keys: Sequence[str]) -> frozenset[str]:
        """Those of `keys` that are referred to."""

    async def find_unmeasured(self, *, limit: int, after: str = "") -> tuple[BlobReference, ...]:
        """Up to `limit` whose size is unknown and whose key follows `after`, in code point order of their keys."""

    async def set_facts(self, facts: BlobFacts) -> None:
        """Stores the size and SHA-256 of a file whose size is unknown; no-op for any other key."""

    async def delete_of(
        self,
        owner_kind: OwnerKind,
        owner_ids: Sequence[str],
        *,
        roles: Collection[BlobRole] = frozenset(BlobRole),
    ) -> tuple[BlobReference, ...]:
        """Deletes those of these owners, or only those in `roles`; which they were, in the order of their keys."""
