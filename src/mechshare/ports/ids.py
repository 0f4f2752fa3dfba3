"""Where identifiers and secrets come from, so that the core itself needs no randomness."""

from typing import Protocol


class IdSource(Protocol):
    def new_id(self) -> str:
        """A UUIDv7 (RFC 9562), 36 lower-case characters; each call gives another one, and later ones sort later."""

    def new_secret(self) -> str:
        """At least 256 bits of randomness as URL-safe text; nobody can guess one."""
