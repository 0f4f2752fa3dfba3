"""Mechanisms as everyone is told of them, read together."""

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

import msgspec

from mechshare.application import Application
from mechshare.domain.ids import MechanismId
from mechshare.entrypoints.http.answers import CACHED_FOR, etag_of, kept_entry
from mechshare.entrypoints.http.mechanism_answers import mechanism_answer
from mechshare.ports.cache import Name
from mechshare.services.changes import mechanism_group

MOST_AT_A_TIME = 100
MOST_BATCHES = 2
"""As many as are worth while: one is worked on here while the database works on the other."""


_Wanted = dict[MechanismId, list["asyncio.Future[bytes]"]]


class PublicMechanisms:
    """Those that are asked for at a time are looked up, read and kept together.

    While MOST_BATCHES are under way, the next waits and grows: the busier the server, the less each costs.
    """

    def __init__(self, application: Application) -> None:
        self._application = application
        self._wanted: _Wanted = {}
        self._batches: set[asyncio.Task[None]] = set()

    async def find(self, id: MechanismId) -> bytes:
        """The entry that the cache keeps of the answer; an empty one for a mechanism that is not public."""
        loop = asyncio.get_running_loop()
        if not self._wanted and len(self._batches) < MOST_BATCHES:
            loop.call_soon(self._set_off)
        future: asyncio.Future[bytes] = loop.create_future()
        self._wanted.setdefault(id, []).append(future)
        return await future

    def _set_off(self) -> None:
        wanted = dict(islice(self._wanted.items(), MOST_AT_A_TIME))
        for id in wanted:
            del self._wanted[id]
        batch = asyncio.create_task(self._answer(wanted))
        self._batches.add(batch)
        batch.add_done_callback(self._came_back)

    def _came_back(self, batch: "asyncio.Task[None]") -> None:
        self._batches.discard(batch)
        if self._wanted:
            self._set_off()

    async def _answer(self, wanted: _Wanted) -> None:
        try:
            entries = await self._find(list(wanted))
        except Exception as problem:  # which each of them has to answer for itself
            for future in _waiting(wanted.values()):
                future.set_exception(problem)
            return
        for futures, entry in zip(wanted.values(), entries, strict=True):
            for future in _waiting([futures]):
                future.set_result(entry)

    async def _find(self, ids: Sequence[MechanismId]) -> Sequence[bytes]:
        named = {public_entry(id): id for id in ids}

        async def read(names: Sequence[Name]) -> list[bytes]:
            return await self._read([named[name] for name in names])

        return await self._application.cache.get_or_load_many(list(named), read, CACHED_FOR)

    async def _read(self, ids: Sequence[MechanismId]) -> list[bytes]:
        application = self._application
        now = application.clock.now()
        entries: dict[MechanismId, bytes] = {}
        for item in await application.mechanisms.find_visible(None, ids):
            body = msgspec.json.encode(mechanism_answer(item, application.links, now))
            entries[item.mechanism.id] = kept_entry(body, etag_of(body, item.mechanism.version))
        return [entries.get(id, b"") for id in ids]


def public_entry(id: MechanismId) -> Name:
    """Where the cache holds what everyone is told of a mechanism."""
    return mechanism_group(id), "public"


def _waiting(futures: Iterable[list["asyncio.Future[bytes]"]]) -> Iterator["asyncio.Future[bytes]"]:
    """Without those of callers who have gone."""
    return (future for of_one in futures for future in of_one if not future.done())
