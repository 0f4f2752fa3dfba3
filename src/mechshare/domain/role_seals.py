"""Seals the roles that a shared cache stores: write access to the cache must not give anybody another role."""

from datetime import datetime, timedelta
from functools import lru_cache

from mechshare.domain.ids import SessionId, TokenId, UserId
from mechshare.domain.signing_keys import SigningKeys
from mechshare.domain.users import Role

Credential = SessionId | TokenId
"""What a caller is known by, beside the user."""
SEAL_LIFETIME = timedelta(seconds=60)
"""How long a sealed role is accepted: longer than a cache stores it, since the clocks of two machines may differ."""
_MAX_VERIFIED = 10_000
"""Seals that are remembered as verified: a signature costs more than the rest of a cached request."""


class BrokenSeal(Exception):
    """The sealed role is altered, expired, or that of another session or token."""


class RoleSeal:
    """Seals roles by a signature, which also covers the user, and the session or token."""

    def __init__(self, keys: SigningKeys) -> None:
        self._keys = keys
        self._is_signature = lru_cache(_MAX_VERIFIED)(keys.is_signature)

    def seal(self, role: Role | None, user_id: UserId, credential: Credential, now: datetime) -> bytes:
        """Returns the role of this caller as of `now`, sealed; None for a caller who must be refused."""
        content = f"{role.value if role else ''}.{int(now.timestamp())}"
        return f"{content}.{self._keys.sign(_signed(content, user_id, credential))}".encode()

    def open(self, sealed: bytes, user_id: UserId, credential: Credential, now: datetime) -> Role | None:
        """Returns the role of this caller; None for a caller who must be refused. Raises BrokenSeal."""
        content, _, signature = sealed.decode("latin-1").rpartition(".")
        if not self._is_signature(signature, _signed(content, user_id, credential)):
            raise BrokenSeal
        name, _, sealed_at = content.partition(".")
        if abs(now.timestamp() - int(sealed_at)) > SEAL_LIFETIME.total_seconds():
            raise BrokenSeal
        return Role(name) if name else None


def _signed(content: str, user_id: UserId, credential: Credential) -> str:
    return f"{user_id}\n{credential}\n{content}"
