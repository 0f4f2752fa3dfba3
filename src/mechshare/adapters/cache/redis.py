"""Answers kept in Redis, for all processes of all hosts, and those often asked for in each process."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from secrets import token_hex

import msgspec
from redis.exceptions import RedisError

from mechshare.adapters.cache.entries import Entries
from mechshare.adapters.cache.invalidation_listener import InvalidationListener
from mechshare.adapters.cache.local_loads import LocalLoads
from mechshare.adapters.cache.single_flight import SingleFlight
from mechshare.adapters.redis_client import RedisClient
from mechshare.domain.errors import Unavailable
from mechshare.ports.cache import Load, Name

# A group is one hash: `*` holds its generation, which a random token names; every other field is an entry, behind
# the millisecond in which it ends, in thirteen digits. Forgetting deletes the hash. What is loaded is kept only if the
# generation that the load began under is still there; so are a flushed, an emptied and an evicted group safe.
_ASK = """
local time = redis.call('TIME')
local now = time[1] * 1000 + time[2] / 1000
local found = redis.call('HMGET', KEYS[1], ARGV[1], '*')
local entry, generation = found[1], found[2]
local left = entry and tonumber(string.sub(entry, 1, 13)) - now or 0
if left > 0 then
  return {math.ceil(left), string.sub(entry, 14)}
end
if not generation then
  generation = ARGV[2]
  redis.call('HSET', KEYS[1], '*', generation)
  redis.call('PEXPIRE', KEYS[1], ARGV[3])
end
return {0, generation}
"""
# For many entries at a time, whose names come packed, which costs least.
_KEEP = """
local time = redis.call('TIME')
local now = math.floor(time[1] * 1000 + time[2] / 1000)
for i, name in ipairs(cmsgpack.unpack(ARGV[1])) do
  local group, key, generation, left = name[1], name[2], name[3], name[4]
  if left > 0 and redis.call('HGET', group, '*') == generation then
    redis.call('HSET', group, key, string.format('%013.0f', now + left) .. ARGV[i + 1])
    if redis.call('PTTL', group) < left then
      redis.call('PEXPIRE', group, left)
    end
  end
end
"""
_EMPTY = 60_000
"""Milliseconds for which a group without entries has a generation: longer than any load takes."""
_KEEP_AFTER = 0.005
"""Seconds for which what was loaded waits for more to be kept with it."""
_MAX_ENTRY_BYTES = 500
"""Entries that are kept by one script, during which Redis answers nobody else."""
_MAX_GENERATIONS = 10_000
"""Groups whose generations in Redis this process remembers."""
_TRY_AGAIN = 0.1
"""Seconds between tries to forget what could not be forgotten."""


@dataclass(frozen=True, slots=True)
class _Absent:
    """What is to be loaded, under the generations of its group in this process (`mine`) and in Redis (`theirs`)."""

    name: Name
    mine: int
    theirs: str


@dataclass(frozen=True, slots=True)
class _Loaded:
    """What Redis is to keep until `ends`, by `time.monotonic()`."""

    name: Name
    theirs: str
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
        self._news = InvalidationListener(self._client, self._entries)
        self._generations: dict[str, str] = {}
        self._loads: SingleFlight[tuple[Name, str]] = SingleFlight()
        self._own_loads = LocalLoads(self._entries)
        self._unkept: list[_Loaded] = []
        self._keeping: asyncio.Task[None] | None = None
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
        await self._news.listen()
        told = await self._ask((group, key))
        if isinstance(told, bytes):
            return told
        # What was loaded here meanwhile may not yet be there.
        found = self.held(group, key)
        if found is not None:
            return found
        if told is None:
            return await load()

        async def load_it(_: Sequence[int]) -> Sequence[bytes]:
            return (await self._load(told, load, lifetime),)

        (loaded,) = await self._loads.join([(told.name, told.theirs)], load_it)
        return loaded

    async def get_or_load_many(
        self, names: Sequence[Name], load: Load, lifetime: timedelta
    ) -> Sequence[bytes]:
        """Held by this process alone: Redis takes longer to be asked than the database to tell of them together."""
        await self._news.listen()
        if not self._news.is_current:
            # A load that is under way may have begun before what was not heard.
            return await load(names)
        return await self._own_loads.get_or_load(names, load, lifetime)

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
        await self._loads.close()
        await self._own_loads.close()
        for task in filter(None, (self._keeping, self._telling)):
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        await self._news.close()
        await self._client.close()

    async def _ask(self, name: Name) -> bytes | _Absent | None:
        """What Redis has. None if it can't be asked: then nobody is to keep what is loaded."""
        group, key = name
        if group in self._unforgotten:
            return None
        mine, token = self._entries.generation(group), token_hex(8)
        try:
            async with self._client.asking():
                left, content = await self._ask_script((self._client.key(group),), (key, token, _EMPTY))
        except Unavailable:
            return None
        if left:
            self._entries.keep(group, key, content, mine, time.monotonic() + left / 1000)
            return bytes(content)
        theirs = content.decode()
        self._notice(group, theirs)
        return _Absent(name, mine, theirs)

    def _notice(self, group: str, generation: str) -> None:
        """Drops what this process holds of a group that others forgot, though it did not hear of that yet: what is
        loaded from now on may be made from it, and will be good for longer."""
        if self._generations.get(group, generation) != generation:
            self._entries.forget(group)
        if len(self._generations) == _MAX_GENERATIONS:
            self._generations.clear()
        self._generations[group] = generation

    async def _load(
        self, absent: _Absent, load: Callable[[], Awaitable[bytes]], lifetime: timedelta
    ) -> bytes:
        # Counted from before the load: what it gives may be as old as that.
        ends = time.monotonic() + lifetime.total_seconds()
        body = await load()
        self._entries.keep(*absent.name, body, absent.mine, ends)
        self._unkept.append(_Loaded(absent.name, absent.theirs, body, ends))
        if self._keeping is None or self._keeping.done():
            self._keeping = asyncio.create_task(self._keep())
        return body

    async def _keep(self) -> None:
        """Nobody waits for Redis to have what this process holds; so a moment's loads are kept together."""
        while self._unkept:
            await asyncio.sleep(_KEEP_AFTER)
            loaded, self._unkept = self._unkept[:_MAX_ENTRY_BYTES], self._unkept[_MAX_ENTRY_BYTES:]
            now = time.monotonic()
            names = [
                (self._client.key(one.name[0]), one.name[1], one.theirs, int((one.ends - now) * 1000))
                for one in loaded
            ]
            with suppress(Unavailable):  # it is loaded again the next time
                async with self._client.asking():
                    bodies = [one.body for one in loaded]
                    await self._keep_script((), (msgspec.msgpack.encode(names), *bodies))

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
