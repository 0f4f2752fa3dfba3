"""Identifiers from the time and the machine's random numbers (UUID version 7)."""

import secrets

from uuid6 import uuid7


class Uuid7IdSource:
    def new_id(self) -> str:
        return str(uuid7())

    def new_secret(self) -> str:
        return secrets.token_urlsafe(32)
