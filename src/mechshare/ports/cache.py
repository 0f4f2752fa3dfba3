"""The cache of loaded and encoded data. Losing its entries affects only speed."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from typing import Protocol

STALENESS = timedelta(seconds=1)
"""How long another process may serve an entry after its invalidation."""


CacheKey = tuple[str, str]
"""A tag, and a key within it."""


class Uncacheable(bytes):
    """The result of a load that is returned to the current callers and not stored."""


Load = Callable[[Sequence[CacheKey]], Awaitable[Sequence[bytes]]]
"""Returns the entries of these keys, in their order."""


class Cache(Protocol):
    """Entries belong to a tag (`mechanism:{id}`); invalidating a tag drops its entries in every process.

    After `invalidate(tag)` returns, this process never serves an older entry of that tag; another process may for
    STALENESS. No entry is served beyond its lifetime.
    """

    def cached(self, tag: str, key: str) -> bytes | None:
        """Returns the entry `key` of `tag` if this process has it, without waiting; else None."""

    async def get_or_load(
        self, tag: str, key: str, load: Callable[[], Awaitable[bytes]], lifetime: timedelta
    ) -> bytes:
        """Returns the entry `key` of `tag`, calling `load` on a miss. Concurrent callers in a process share one load.

        The result is not stored if it is Uncacheable, or if its tag was invalidated during the load. If `load` raises,
        every waiting caller gets the exception and nothing is stored.
        """

    async def get_or_load_many(
        self, keys: Sequence[CacheKey], load: Load, lifetime: timedelta
    ) -> Sequence[bytes]:
        """Returns the entries of these distinct keys, in their order; calls `load` for the missing ones.

        Otherwise as `get_or_load`, but a process may store these entries only locally: they are cheap to load together.
        """

    async def invalidate(self, *tags: str) -> None:
        """Drops every entry of these tags, including those being loaded."""

    async def check(self) -> str:
        """Returns one line about the server. Raises Unavailable."""

    async def close(self) -> None:
        """Releases the adapter's resources."""
