"""Who has lately opened what, in Redis, for all processes of all machines."""

import secrets
from collections.abc import Sequence
from datetime import datetime
from hashlib import blake2b

from mechshare.adapters.redis_client import TIMEOUT, RedisClient
from mechshare.domain.errors import Unavailable
from mechshare.domain.statistics import COUNTED_ONCE_IN
from mechshare.ports.recent_views import RecentViews, View

_SECONDS = int(COUNTED_ONCE_IN.total_seconds())
_DAY_SECONDS = 24 * 3600
_KEY_BYTES = 32
_DIGEST_BYTES = 16
# The clocks of two machines differ, so an admission may seem to lie ahead.
_ADMIT = """
local admitted = {}
for i, key in ipairs(KEYS) do
  local at = redis.call('GET', key)
  if at and math.abs(ARGV[1] - at) < tonumber(ARGV[2]) then
    admitted[i] = 0
  else
    redis.call('SET', key, ARGV[1], 'EX', ARGV[2])
    admitted[i] = 1
  end
end
return admitted
"""


class RedisRecentViews:
    """One key for each hash of viewer and subject, which expires after COUNTED_ONCE_IN.

    The key of the hashes is a value in Redis with the name of the day. It expires a day after the first view, and from
    then on no hash can be compared with an address. While Redis is unavailable, `fallback` admits, for the processes of
    one machine only.
    """

    def __init__(self, url: str, fallback: RecentViews, *, timeout: float = TIMEOUT) -> None:
        """`timeout` is the number of seconds after which Redis counts as unavailable."""
        self._client = RedisClient(url, timeout=timeout)
        self._script = self._client.redis.register_script(_ADMIT)
        self._fallback = fallback

    async def admit(self, views: Sequence[View], now: datetime) -> Sequence[bool]:
        if not views:
            return []
        try:
            async with self._client.guard():
                key = await self._key_of_day(now)
                names = [self._name(key, view) for view in views]
                admitted = await self._script(keys=names, args=[int(now.timestamp()), _SECONDS])
        except Unavailable:
            return await self._fallback.admit(views, now)
        return [bool(one) for one in admitted]

    async def close(self) -> None:
        await self._client.close()
        await self._fallback.close()

    async def _key_of_day(self, now: datetime) -> bytes:
        """Returns the key that the first caller of the day has drawn."""
        name = self._client.key(f"recent-views:key:{now.date().isoformat()}")
        drawn = secrets.token_bytes(_KEY_BYTES)
        found = await self._client.redis.set(name, drawn, nx=True, get=True, ex=_DAY_SECONDS)
        return bytes(found) if found else drawn

    def _name(self, key: bytes, view: View) -> str:
        text = f"{view.subject}\0{view.viewer}".encode("utf-8", "surrogatepass")
        return self._client.key(
            "recent-views:" + blake2b(text, digest_size=_DIGEST_BYTES, key=key).hexdigest()
        )
