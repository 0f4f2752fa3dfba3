"""Seals the roles that a shared cache stores: write access to the cache must not give anybody another role."""

import hmac
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256

from mechshare.domain.ids import SessionId, UserId
from mechshare.domain.users import Role

SEAL_LIFETIME = timedelta(seconds=60)
"""How long a sealed role is accepted: longer than a cache stores it, since the clocks of two machines may differ."""


class BrokenSeal(Exception):
    """The sealed role is altered, expired, or that of another session."""


@dataclass(frozen=True, slots=True)
class RoleSeal:
    """Seals roles with HMAC-SHA-256 (RFC 2104) under a secret of at least 32 bytes."""

    secret: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if len(self.secret) < 32:
            raise ValueError("the secret for sealing roles must be at least 32 bytes long")

    def seal(self, role: Role | None, user_id: UserId, session_id: SessionId, now: datetime) -> bytes:
        """Returns the role in this session as of `now`, sealed; None for a caller who must be refused."""
        content = f"{role.value if role else ''}.{int(now.timestamp())}"
        return f"{content}.{self._signature(content, user_id, session_id)}".encode()

    def open(self, sealed: bytes, user_id: UserId, session_id: SessionId, now: datetime) -> Role | None:
        """Returns the role in this session; None for a caller who must be refused. Raises BrokenSeal."""
        content, _, signature = sealed.decode("latin-1").rpartition(".")
        expected = self._signature(content, user_id, session_id)
        if not (signature.isascii() and hmac.compare_digest(expected, signature)):
            raise BrokenSeal
        name, _, sealed_at = content.partition(".")
        if abs(now.timestamp() - int(sealed_at)) > SEAL_LIFETIME.total_seconds():
            raise BrokenSeal
        return Role(name) if name else None

    def _signature(self, content: str, user_id: UserId, session_id: SessionId) -> str:
        signed = f"{user_id}\n{session_id}\n{content}".encode("utf-8", "surrogatepass")
        return hmac.digest(self.secret, signed, sha256).hex()
