"""What has to be told when something changed."""

from mechshare.domain.ids import MechanismId, UserId
from mechshare.ports.cache import Cache
from mechshare.ports.doorbell import Doorbell


def mechanism_tag(id: MechanismId) -> str:
    """The cache group of everything that is told of one mechanism."""
    return f"mechanism:{id}"


def access_tag(id: UserId) -> str:
    """The cache group of what a user's access tokens are good for."""
    return f"access:{id}"


PUBLIC_LISTS = "mechanisms"
"""The cache group of every list of mechanisms, of searches and suggestions, and of the counts by category."""


class Changes:
    """Tells caches and workers, after a commit. A crash before it is made good by the job that the commit wrote."""

    def __init__(self, cache: Cache, doorbell: Doorbell) -> None:
        self._cache = cache
        self._doorbell = doorbell

    async def mechanisms_changed(self, *ids: MechanismId) -> None:
        await self._cache.invalidate(PUBLIC_LISTS, *map(mechanism_tag, ids))
        await self._doorbell.ring()

    async def mechanisms_created(self) -> None:
        """None of them is public yet; so nothing that is kept speaks of them."""
        await self._doorbell.ring()

    async def access_changed(self, user_id: UserId) -> None:
        await self._cache.invalidate(access_tag(user_id))
