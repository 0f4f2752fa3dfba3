"""Consecutive identifiers for tests, the same in every run."""

from hashlib import sha256
from itertools import count


class SequenceIdSource:
    def __init__(self) -> None:
        self._numbers = count(1)

    def new_id(self) -> str:
        number = next(self._numbers)
        return f"01900000-0000-7000-8000-{number:012x}"

    def new_secret(self) -> str:
        return sha256(f"secret {next(self._numbers)}".encode()).hexdigest()
