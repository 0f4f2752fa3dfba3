"""Password hashing."""

from typing import Protocol


class PasswordHasher(Protocol):
    """Hashing is slow on purpose. Both coroutines raise Overloaded if too many calls already wait."""

    async def hash(self, password: str) -> str:
        """Returns a hash with a random salt and the parameters that `verify` needs."""

    async def verify(self, password: str, hash: str | None) -> bool:
        """Returns whether `hash` is of `password`. None (no such account) takes as long and returns False."""

    def needs_rehash(self, hash: str) -> bool:
        """Returns whether `hash` was made with weaker parameters than the current ones."""
