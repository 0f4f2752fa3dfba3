"""Idempotency records."""

from datetime import datetime
from typing import Protocol

from mechshare.domain.idempotency import IdempotencyRecord


class IdempotencyRepository(Protocol):
    async def find(self, scope: str, key: str) -> IdempotencyRecord | None: ...

    async def add(self, record: IdempotencyRecord) -> None:
        """Stores the record. Raises IdempotencyKeyReused if its scope and key exist."""

    async def delete_expired(self, scope: str, key: str, *, older: datetime) -> bool:
        """Deletes this record if it was created before `older`; returns whether it was deleted."""

    async def delete_older(self, than: datetime, *, limit: int) -> int:
        """Deletes up to `limit` records created before `than`; returns how many."""
