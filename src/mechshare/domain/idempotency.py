"""Stored responses to requests with an Idempotency-Key, which repeated requests get again."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from mechshare.domain.errors import IdempotencyKeyReused

IDEMPOTENCY_LIFETIME = timedelta(hours=24)


@dataclass(frozen=True, slots=True, kw_only=True)
class IdempotencyRecord:
    """`scope` is the key's owner and operation, `fingerprint` a digest of the request, `response` the body."""

    scope: str
    key: str
    fingerprint: str
    response: bytes
    created_at: datetime

    def is_expired(self, now: datetime) -> bool:
        """Returns whether the key can be used again."""
        return self.created_at < now - IDEMPOTENCY_LIFETIME

    def response_to(self, fingerprint: str) -> bytes:
        """Returns the stored response for the same request. Raises IdempotencyKeyReused for a different one."""
        if fingerprint != self.fingerprint:
            raise IdempotencyKeyReused()
        return self.response
