"""Copies of answers, kept to be given again. Losing all of them changes the speed and nothing else."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from typing import Protocol

STALENESS = timedelta(seconds=1)
"""How long a process may go on giving what another process forgot."""


Name = tuple[str, str]
"""A group, and a key in it."""
Load = Callable[[Sequence[Name]], Awaitable[Sequence[bytes]]]
"""Gives the entries of these names, in their order."""


class Cache(Protocol):
    """Entries belong to a group (`mechanism:{id}`); forgetting a group drops its entries in every process.

    An entry is never older than the last `forget` of its group that had returned before the entry was asked for, in
    this process, or STALENESS before that in another one; nor older than its lifetime.
    """

    def held(self, group: str, key: str) -> bytes | None:
        """The entry `key` of `group` if this process holds it, told without waiting for anybody."""

    async def get_or_load(
        self, group: str, key: str, load: Callable[[], Awaitable[bytes]], lifetime: timedelta
    ) -> bytes:
        """The entry `key` of `group`, loaded if it is not there. Concurrent callers in a process share one load.

        What a load gives is not kept if its group was forgotten while it ran. If `load` raises, so does this, for
        all who waited, and nothing is kept.
        """

    async def get_or_load_many(
        self, names: Sequence[Name], load: Load, lifetime: timedelta
    ) -> Sequence[bytes]:
        """The entries of these distinct names, in their order. `load` is asked for those that are not there. All else
        is as above, but that a process may hold them for itself alone: they take little to load together.
        """

    async def forget(self, *groups: str) -> None:
        """Drops every entry of these groups, those being loaded included."""

    async def check(self) -> str:
        """One line on what answers. Raises Unavailable."""

    async def close(self) -> None:
        """Gives back what the adapter holds."""
