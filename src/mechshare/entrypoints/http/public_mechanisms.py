"""Mechanisms as everyone is told of them, read together."""

from collections.abc import Sequence
from functools import cached_property

import msgspec
from aiodataloader import DataLoader

from mechshare.application import Application
from mechshare.domain.ids import MechanismId
from mechshare.entrypoints.http.answers import etag_of, kept_entry
from mechshare.entrypoints.http.mechanism_answers import mechanism_answer

MOST_AT_A_TIME = 100


class PublicMechanisms:
    """Those that are asked for at a time are read by one statement."""

    def __init__(self, application: Application) -> None:
        self._application = application

    async def find(self, id: MechanismId) -> bytes:
        """What is kept of the answer; nothing for one that is not public."""
        return await self._reads.load(id)

    @cached_property
    def _reads(self) -> DataLoader[MechanismId, bytes]:
        return DataLoader(self._read, cache=False, max_batch_size=MOST_AT_A_TIME)

    async def _read(self, ids: Sequence[MechanismId]) -> list[bytes]:
        application = self._application
        now = application.clock.now()
        entries: dict[MechanismId, bytes] = {}
        for item in await application.mechanisms.find_visible(None, ids):
            body = msgspec.json.encode(mechanism_answer(item, application.links, now))
            entries[item.mechanism.id] = kept_entry(body, etag_of(body, item.mechanism.version))
        return [entries.get(id, b"") for id in ids]
