"""Answers that were given to requests carrying an Idempotency-Key, kept so that the same request gets them again."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from mechshare.domain.errors import IdempotencyKeyReused

IDEMPOTENCY_LIFETIME = timedelta(hours=24)


@dataclass(frozen=True, slots=True, kw_only=True)
class IdempotencyRecord:
    """`scope` is whose key it is and for which operation; `fingerprint` digests the request; `response` is the body."""

    scope: str
    key: str
    fingerprint: str
    response: bytes
    created_at: datetime

    def response_to(self, fingerprint: str) -> bytes:
        """The first answer, for the same request. Raises IdempotencyKeyReused for another one."""
        if fingerprint != self.fingerprint:
            raise IdempotencyKeyReused()
        return self.response
