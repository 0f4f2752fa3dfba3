"""Optimistic concurrency: a change names the versions of the resource that it may replace."""

from collections.abc import Collection

from mechshare.domain.errors import StaleVersion


def require_version(current: int, expected: Collection[int] | None) -> None:
    """Raises StaleVersion unless `current` is among `expected`; None expects any version."""
    if expected is not None and current not in expected:
        raise StaleVersion()
