"""Copies of what was read or encoded before. Losing all of them changes the speed and nothing else."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from typing import Protocol

STALENESS = timedelta(seconds=1)
"""How long a process may go on serving what another process invalidated."""


CacheKey = tuple[str, str]
"""A tag, and a key in it."""


class Uncacheable(bytes):
    """The result of a load that is served to those who wait for it now, and not stored."""


Load = Callable[[Sequence[CacheKey]], Awaitable[Sequence[bytes]]]
"""Gives the entries of these keys, in their order."""


class Cache(Protocol):
    """Entries belong to a tag (`mechanism:{id}`); invalidating a tag drops its entries in every process.

    After `invalidate(tag)` returns, this process never serves an entry of that tag that is older; another process may
    for STALENESS. No entry is served beyond its lifetime.
    """

    def cached(self, tag: str, key: str) -> bytes | None:
        """The entry `key` of `tag` if this process has it; never waits."""

    async def get_or_load(
        self, tag: str, key: str, load: Callable[[], Awaitable[bytes]], lifetime: timedelta
    ) -> bytes:
        """The entry `key` of `tag`, loaded if it is not there. Concurrent callers in a process share one load.

        The result of a load is not stored if it is Uncacheable, or if its tag was invalidated while it ran. If `load`
        raises, so does this, for all who wait, and nothing is stored.
        """

    async def get_or_load_many(
        self, keys: Sequence[CacheKey], load: Load, lifetime: timedelta
    ) -> Sequence[bytes]:
        """The entries of these distinct keys, in their order; `load` is called for those that are not there.

        All else is as above, but a process may store them for itself alone: they take little to load together.
        """

    async def invalidate(self, *tags: str) -> None:
        """Drops every entry of these tags, those being loaded included."""

    async def check(self) -> str:
        """One line on what answers. Raises Unavailable."""

    async def close(self) -> None:
        """Gives back what the adapter holds."""
