"""Responses to requests that take effect once."""

from datetime import datetime
from typing import Protocol

from mechshare.domain.idempotency import IdempotencyRecord


class IdempotencyRepository(Protocol):
    async def find(self, scope: str, key: str) -> IdempotencyRecord | None: ...

    async def add(self, record: IdempotencyRecord) -> None:
        """Raises IdempotencyKeyReused for a scope and key in use."""

    async def delete_expired(self, scope: str, key: str, *, older: datetime) -> bool:
        """Deletes this one if it is older than that; whether it was."""

    async def delete_older(self, than: datetime, *, limit: int) -> int:
        """Deletes up to `limit` that are older than that; how many there were."""
