"""Answers kept in Redis, for all processes of all hosts."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from secrets import token_hex

from mechshare.adapters.redis_client import RedisClient
from mechshare.domain.errors import Unavailable

# A group is one hash: `*` holds its generation, which a random token names; every other field is an entry, behind
# the millisecond in which it ends, in thirteen digits. Forgetting deletes the hash. What is loaded is kept only if the
# generation that the load began under is still there; so are a flushed, an emptied and an evicted group safe.
_ASK = """
local entry = redis.call('HGET', KEYS[1], ARGV[1])
if entry then
  local now = redis.call('TIME')
  if tonumber(string.sub(entry, 1, 13)) > now[1] * 1000 + now[2] / 1000 then
    return {1, string.sub(entry, 14)}
  end
end
if redis.call('HSETNX', KEYS[1], '*', ARGV[2]) == 1 then
  redis.call('PEXPIRE', KEYS[1], ARGV[3])
end
return {0, redis.call('HGET', KEYS[1], '*')}
"""
_KEEP = """
if redis.call('HGET', KEYS[1], '*') ~= ARGV[2] then
  return 0
end
local now = redis.call('TIME')
local ends = math.floor(now[1] * 1000 + now[2] / 1000) + ARGV[4]
redis.call('HSET', KEYS[1], ARGV[1], string.format('%013.0f', ends) .. ARGV[3])
if redis.call('PTTL', KEYS[1]) < tonumber(ARGV[4]) then
  redis.call('PEXPIRE', KEYS[1], ARGV[4])
end
return 1
"""
_LOADING = 60_000
"""Milliseconds that a group without entries is kept: longer than any load takes."""
_TRY_AGAIN = 0.1
"""Seconds between tries to forget what could not be forgotten."""
_Name = tuple[str, str]


class RedisCache:
    """Loads without keeping while Redis does not answer.

    What is forgotten meanwhile is not asked for by this process any more until Redis could be told. Other processes may
    find it until then, which is some tenths of a second after Redis answers again; a process that dies before leaves it
    to the entry's lifetime.
    """

    def __init__(self, url: str) -> None:
        self._client = RedisClient(url)
        self._ask = self._client.redis.register_script(_ASK)
        self._keep_entry = self._client.redis.register_script(_KEEP)
        self._loads: dict[tuple[_Name, bytes], asyncio.Task[bytes]] = {}
        self._unforgotten: set[str] = set()
        self._telling: asyncio.Task[None] | None = None

    async def get_or_load(
        self, group: str, key: str, load: Callable[[], Awaitable[bytes]], lifetime: timedelta
    ) -> bytes:
        if group in self._unforgotten:
            return await load()
        try:
            async with self._client.asking():
                is_there, told = await self._ask([self._key(group)], [key, token_hex(8), _LOADING])
        except Unavailable:
            return await load()
        if is_there:
            return bytes(told)
        name = ((group, key), bytes(told))
        if name not in self._loads:
            task = asyncio.create_task(self._load(group, key, bytes(told), load, lifetime))
            self._loads[name] = task
            task.add_done_callback(lambda done: self._ended(name, done))
        # Shielded: whoever stops waiting must not stop the others.
        return await asyncio.shield(self._loads[name])

    async def forget(self, *groups: str) -> None:
        try:
            async with self._client.asking() as redis:
                await redis.unlink(*map(self._key, groups))
        except Unavailable:
            self._unforgotten.update(groups)
            if self._telling is None or self._telling.done():
                self._telling = asyncio.create_task(self._tell())

    async def check(self) -> str:
        return await self._client.check()

    async def close(self) -> None:
        tasks = [*self._loads.values(), *([self._telling] if self._telling else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._client.close()

    async def _load(
        self,
        group: str,
        key: str,
        generation: bytes,
        load: Callable[[], Awaitable[bytes]],
        lifetime: timedelta,
    ) -> bytes:
        loop = asyncio.get_running_loop()
        ends = loop.time() + lifetime.total_seconds()
        body = await load()
        # Counted from before the load: what it gives may be as old as that.
        left = int((ends - loop.time()) * 1000)
        if left > 0:
            try:
                async with self._client.asking():
                    await self._keep_entry([self._key(group)], [key, generation, body, left])
            except Unavailable:
                return body  # it is loaded again the next time
        return body

    async def _tell(self) -> None:
        while self._unforgotten:
            await asyncio.sleep(_TRY_AGAIN)
            groups = list(self._unforgotten)
            try:
                async with self._client.asking() as redis:
                    await redis.unlink(*map(self._key, groups))
            except Unavailable:
                continue
            self._unforgotten.difference_update(groups)

    def _ended(self, name: tuple[_Name, bytes], task: "asyncio.Task[bytes]") -> None:
        del self._loads[name]
        if not task.cancelled():
            task.exception()  # whoever still waits hears of it; nobody else has to

    def _key(self, group: str) -> str:
        return self._client.key(group)
