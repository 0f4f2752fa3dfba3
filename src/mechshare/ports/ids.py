"""The source of identifiers and secrets, so that the core itself needs no randomness."""

from typing import Protocol


class IdSource(Protocol):
    def new_id(self) -> str:
        """Returns a new UUIDv7 (RFC 9562), 36 lower-case characters; later ones sort later."""

    def new_secret(self) -> str:
        """Returns an unguessable URL-safe text with at least 256 bits of randomness."""
