"""Turning passwords into something that may be stored."""

from typing import Protocol


class PasswordHasher(Protocol):
    """Hashing takes long on purpose. Both coroutines raise Overloaded where too many already wait for their turn."""

    async def hash(self, password: str) -> str:
        """A salted hash, with all that is needed to check it; another one each time."""

    async def verify(self, password: str, hash: str | None) -> bool:
        """Whether `password` is the one that was hashed. None (no such account) takes as long and gives False."""

    def needs_rehash(self, hash: str) -> bool:
        """Whether `hash` was made with weaker settings than today's."""
