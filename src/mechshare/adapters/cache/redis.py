"""Answers kept in Redis, for all processes of all hosts, and those often asked for in each process."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from secrets import token_hex

from aiodataloader import DataLoader
from redis.exceptions import RedisError

from mechshare.adapters.cache.entries import Entries
from mechshare.adapters.cache.redis_news import News
from mechshare.adapters.redis_client import RedisClient
from mechshare.domain.errors import Unavailable

# A group is one hash: `*` holds its generation, which a random token names; every other field is an entry, behind
# the millisecond in which it ends, in thirteen digits. Forgetting deletes the hash. What is loaded is kept only if the
# generation that the load began under is still there; so are a flushed, an emptied and an evicted group safe.
# Each script does for many what many ask for at a time.
_ASK = """
local told = {}
local time = redis.call('TIME')
local now = time[1] * 1000 + time[2] / 1000
for i, group in ipairs(KEYS) do
  local entry = redis.call('HGET', group, ARGV[i + 2])
  local left = entry and tonumber(string.sub(entry, 1, 13)) - now or 0
  if left > 0 then
    told[i] = {math.ceil(left), string.sub(entry, 14)}
  else
    if redis.call('HSETNX', group, '*', ARGV[1]) == 1 then
      redis.call('PEXPIRE', group, ARGV[2])
    end
    told[i] = {0, redis.call('HGET', group, '*')}
  end
end
return told
"""
_KEEP = """
local time = redis.call('TIME')
local now = math.floor(time[1] * 1000 + time[2] / 1000)
for i, group in ipairs(KEYS) do
  local key, generation, body, left = unpack(ARGV, 4 * i - 3, 4 * i)
  if redis.call('HGET', group, '*') == generation then
    redis.call('HSET', group, key, string.format('%013.0f', now + left) .. body)
    if redis.call('PTTL', group) < tonumber(left) then
      redis.call('PEXPIRE', group, left)
    end
  end
end
"""
_LOADING = 60_000
"""Milliseconds that a group without entries is kept: longer than any load takes."""
_TRY_AGAIN = 0.1
"""Seconds between tries to forget what could not be forgotten."""
_MOST_AT_A_TIME = 100
_Name = tuple[str, str]


@dataclass(frozen=True, slots=True)
class _Told:
    """What Redis has: an entry and how long it is good, in seconds; or the generation under which to load it."""

    left: float
    content: bytes


@dataclass(frozen=True, slots=True)
class _Loaded:
    name: _Name
    generation: bytes
    body: bytes
    ends: float


class RedisCache:
    """What this process holds itself is good as long as it hears what others forget (`News`); at most `capacity` bytes.

    Loads without keeping while Redis does not answer. What is forgotten meanwhile is not asked for by this process any
    more until Redis could be told, ten times a second being tried. Another process that reaches Redis when this one
    does not may find it until then; a process that dies before leaves it to the job that forgets the group again.
    """

    def __init__(self, url: str, capacity: int = 64 * 1024 * 1024) -> None:
        self._client = RedisClient(url)
        self._ask_script = self._client.redis.register_script(_ASK)
        self._keep_script = self._client.redis.register_script(_KEEP)
        self._entries = Entries(capacity)
        self._news = News(self._client, self._entries)
        self._loads: dict[tuple[_Name, bytes], asyncio.Task[bytes]] = {}
        self._unforgotten: set[str] = set()
        self._telling: asyncio.Task[None] | None = None

    def held(self, group: str, key: str) -> bytes | None:
        return self._entries.find(group, key) if self._news.is_current else None

    async def get_or_load(
        self, group: str, key: str, load: Callable[[], Awaitable[bytes]], lifetime: timedelta
    ) -> bytes:
        found = self.held(group, key)
        if found is not None:
            return found
        if group in self._unforgotten:
            return await load()
        self._news.listen()
        generation = self._entries.generation(group)
        try:
            told = await self._asks.load((group, key))
        except Unavailable:
            return await load()
        if told.left:
            self._entries.keep(group, key, told.content, generation, time.monotonic() + told.left)
            return told.content
        name = ((group, key), told.content)
        if name not in self._loads:
            task = asyncio.create_task(self._load((group, key), generation, told.content, load, lifetime))
            self._loads[name] = task
            task.add_done_callback(lambda done: self._ended(name, done))
        # Shielded: whoever stops waiting must not stop the others.
        return await asyncio.shield(self._loads[name])

    async def forget(self, *groups: str) -> None:
        self._entries.forget(*groups)
        try:
            async with self._client.asking():
                await self._tell(groups)
        except Unavailable:
            self._unforgotten.update(groups)
            if self._telling is None or self._telling.done():
                self._telling = asyncio.create_task(self._tell_later())
        # Once more: what Redis still had may have been taken from there meanwhile.
        self._entries.forget(*groups)

    async def check(self) -> str:
        return await self._client.check()

    async def close(self) -> None:
        tasks = [*self._loads.values(), *([self._telling] if self._telling else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._news.close()
        await self._client.close()

    @cached_property
    def _asks(self) -> DataLoader[_Name, _Told]:
        return DataLoader(self._ask, cache=False, max_batch_size=_MOST_AT_A_TIME)

    @cached_property
    def _keeps(self) -> DataLoader[_Loaded, None]:
        return DataLoader(self._keep, cache=False, max_batch_size=_MOST_AT_A_TIME)

    async def _load(
        self, name: _Name, mine: int, theirs: bytes, load: Callable[[], Awaitable[bytes]], lifetime: timedelta
    ) -> bytes:
        """Loads under the generation that the group has in this process, and the one that it has in Redis."""
        # Counted from before the load: what it gives may be as old as that.
        ends = time.monotonic() + lifetime.total_seconds()
        body = await load()
        self._entries.keep(*name, body, mine, ends)
        self._keeps.load(_Loaded(name, theirs, body, ends))
        return body

    async def _ask(self, names: Sequence[_Name]) -> list[_Told]:
        groups, keys = zip(*names, strict=True)
        async with self._client.asking():
            told = await self._ask_script(
                list(map(self._client.key, groups)), [token_hex(8), _LOADING, *keys]
            )
        return [_Told(left / 1000, bytes(content)) for left, content in told]

    async def _keep(self, loaded: Sequence[_Loaded]) -> list[None]:
        now = time.monotonic()
        groups: list[str] = []
        values: list[str | bytes | int] = []
        for one in loaded:
            left = int((one.ends - now) * 1000)
            if left > 0:
                groups.append(self._client.key(one.name[0]))
                values += (one.name[1], one.generation, one.body, left)
        # What could not be kept is loaded again the next time.
        with suppress(Unavailable):
            if groups:
                async with self._client.asking():
                    await self._keep_script(groups, values)
        return [None] * len(loaded)

    async def _tell(self, groups: Sequence[str]) -> None:
        async with self._client.redis.pipeline() as both:
            both.unlink(*map(self._client.key, groups))
            both.publish(self._news.channel, "\n".join(groups))
            await both.execute()

    async def _tell_later(self) -> None:
        while self._unforgotten:
            await asyncio.sleep(_TRY_AGAIN)
            groups = list(self._unforgotten)
            # Not behind the circuit: nobody waits for this, and others may find it until it is done.
            with suppress(RedisError, OSError, TimeoutError):
                await self._tell(groups)
                self._entries.forget(*groups)
                self._unforgotten.difference_update(groups)

    def _ended(self, name: tuple[_Name, bytes], task: "asyncio.Task[bytes]") -> None:
        del self._loads[name]
        if not task.cancelled():
            task.exception()  # whoever still waits hears of it; nobody else has to
