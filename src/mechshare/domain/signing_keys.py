"""The keys under which this installation signs links, tickets, cached roles and refresh tokens."""

import hmac
from dataclasses import dataclass, field
from hashlib import sha256

MIN_KEY_BYTES = 32


@dataclass(frozen=True, slots=True)
class SigningKeys:
    """Signs with the first key by HMAC-SHA-256 (RFC 2104) and verifies with each of them, so that keys can be rotated.

    Raises ValueError without a key, and for a key of less than MIN_KEY_BYTES.
    """

    keys: tuple[bytes, ...] = field(repr=False)

    def __post_init__(self) -> None:
        if not self.keys or min(map(len, self.keys)) < MIN_KEY_BYTES:
            raise ValueError(f"every key that signs must be at least {MIN_KEY_BYTES} bytes long")

    def sign(self, content: str) -> str:
        """Returns the signature under the first key: 64 hexadecimal digits."""
        return _signature(self.keys[0], content)

    def sign_by_each(self, content: str) -> tuple[str, ...]:
        """Returns the signature under each key, that of the first key first."""
        return tuple(_signature(key, content) for key in self.keys)

    def is_signature(self, signature: str, content: str) -> bool:
        """Whether `signature` is that of `content` under one of the keys; compares in constant time."""
        if not signature.isascii():
            return False
        return any(hmac.compare_digest(expected, signature) for expected in self.sign_by_each(content))


def _signature(key: bytes, content: str) -> str:
    return hmac.digest(key, content.encode("utf-8", "surrogatepass"), sha256).hex()
