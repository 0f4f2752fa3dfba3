"""Counts the refused tokens of one process, which the audit log records as numbers."""

from collections import Counter

ACCESS_TOKEN = "access token"  # noqa: S105  a kind, not a secret
REFRESH_TOKEN = "refresh token"  # noqa: S105  a kind, not a secret


class RefusedTokens:
    """Bad, expired and revoked access tokens, and unknown refresh tokens, since they were recorded."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()

    def count(self, kind: str) -> None:
        self._counts[kind] += 1

    def counts(self) -> list[tuple[str, int]]:
        """Returns the kinds with their numbers above 0."""
        return [(kind, count) for kind, count in self._counts.items() if count > 0]

    def subtract(self, kind: str, count: int) -> None:
        self._counts[kind] -= count
