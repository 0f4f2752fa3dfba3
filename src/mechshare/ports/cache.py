"""The cache of loaded and encoded data. Losing its entries affects only speed."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from typing import Protocol

STALENESS = timedelta(seconds=1)
"""How long another process may serve an entry after its invalidation, and every process an entry after a refresh of its
tag."""


CacheKey = tuple[str, str]
"""A tag, and a key within it."""


class Uncacheable(bytes):
    """The result of a load that is returned to the current callers and not stored."""


class ShortLived(bytes):
    """The result of a load that a process stores for STALENESS after the load began, and nothing else does."""


Load = Callable[[Sequence[CacheKey]], Awaitable[Sequence[bytes]]]
"""Returns the entries of these keys, in their order."""


class Cache(Protocol):
    """Entries belong to a tag (`mechanism:{id}`); invalidating a tag drops its entries in every process.

    A tag with a slash, `lists/gears`, is a part of the tag before it: invalidating or refreshing `lists` includes it.

    After `invalidate(tag)` returns, this process never serves an older entry of that tag; another process may for
    STALENESS. After `refresh(tag)` returns, every process may serve an older entry for STALENESS after its load began,
    except to a caller that wants it `fresh`: so frequent changes cost at most one load per entry and STALENESS. No
    entry is served beyond its lifetime.
    """

    max_age: timedelta | None
    """The age in which every entry ends, whatever its lifetime, since not all invalidations reach this process; None
    where they do."""

    def cached(self, tag: str, key: str, *, fresh: bool = False) -> bytes | None:
        """Returns the entry `key` of `tag` if this process has it, without waiting; else None."""

    async def get_or_load(
        self,
        tag: str,
        key: str,
        load: Callable[[], Awaitable[bytes]],
        lifetime: timedelta,
        *,
        fresh: bool = False,
    ) -> bytes:
        """Returns the entry `key` of `tag`, calling `load` on a miss. Concurrent callers in a process share one load.

        The result is not stored if it is Uncacheable or if its tag was invalidated during the load; one that is
        ShortLived is stored for STALENESS at most. If `load` raises, every waiting caller gets the exception and
        nothing is stored. A `load` that reads other entries wants them `fresh`, since its result may live longer than
        they.
        """

    async def get_or_load_many(
        self, keys: Sequence[CacheKey], load: Load, lifetime: timedelta, *, fresh: bool = False
    ) -> Sequence[bytes]:
        """Returns the entries of these distinct keys, in their order; calls `load` for the missing ones.

        Otherwise as `get_or_load`, but a process may store these entries only locally: they are cheap to load together.
        """

    async def invalidate(self, *tags: str) -> None:
        """Drops every entry of these tags, including those being loaded."""

    async def refresh(self, *tags: str) -> None:
        """Marks every entry of these tags as outdated: it is served for at most STALENESS after its load began."""

    async def check(self) -> str:
        """Returns one line about the server. Raises Unavailable."""

    async def close(self) -> None:
        """Releases the adapter's resources."""
