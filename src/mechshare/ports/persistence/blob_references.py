"""References to the stored files of the installation."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Protocol

from mechshare.domain.blobs import BlobFacts, BlobReference, BlobRole, Damage, OwnerKind


class BlobReferenceRepository(Protocol):
    """References to the stored files of the installation, by key. At most 1,000 keys or owners per call."""

    async def add(self, references: Sequence[BlobReference]) -> None:
        """Stores new references. Raises RuntimeError for a key that already has one."""

    async def find_by_key(self, key: str) -> BlobReference | None: ...

    async def find_referenced(self, keys: Sequence[str]) -> frozenset[str]:
        """Returns those of `keys` that have a reference."""

    async def find_unmeasured(self, *, limit: int, after: str = "") -> tuple[BlobReference, ...]:
        """Returns up to `limit` references of unknown size whose key follows `after`, in code point order of their
        keys."""

    async def set_facts(self, facts: BlobFacts) -> None:
        """Stores the size and SHA-256 of a file whose size is unknown; no-op for any other key."""

    async def find_page(self, *, limit: int, after: str = "") -> tuple[BlobReference, ...]:
        """Returns up to `limit` references whose key follows `after`, in code point order of their keys."""

    async def delete_of(
        self,
        owner_kind: OwnerKind,
        owner_ids: Sequence[str],
        *,
        roles: Collection[BlobRole] = frozenset(BlobRole),
    ) -> tuple[BlobReference, ...]:
        """Deletes the references of these owners, or only those in `roles`; returns the deleted ones, ordered by
        key."""


class BlobVerifications(Protocol):
    """When each stored file was compared with its digest, and what that found."""

    async def find_unverified(self, before: datetime, *, limit: int) -> tuple[BlobReference, ...]:
        """Returns up to `limit` references that were last verified before `before`, first those never verified, then
        the longest ago."""

    async def find_damaged(self, *, limit: int) -> tuple[BlobReference, ...]:
        """Returns up to `limit` references with damage, in code point order of their keys."""

    async def set_verified(self, key: str, at: datetime, damage: Damage | None) -> None:
        """Stores the result of a verification; no-op if there is no such reference."""
