"""Mechanisms as everyone is told of them, read together."""

from collections.abc import Sequence

import msgspec

from mechshare.application import Application
from mechshare.domain.ids import MechanismId
from mechshare.entrypoints.http.protocol.responses import CACHED_FOR, cached_entry
from mechshare.entrypoints.http.representations.mechanisms import mechanism_response
from mechshare.ports.cache import Name
from mechshare.services.support.data_loader import DataLoader
from mechshare.services.support.invalidation import mechanism_tag


class PublicMechanisms:
    """Those that are asked for at a time are looked up, read and kept together."""

    def __init__(self, application: Application) -> None:
        self._application = application
        self._batches = DataLoader(self._find, most=application.database.reads_at_a_time)

    async def find(self, id: MechanismId) -> bytes:
        """The entry that the cache keeps of the answer; an empty one for a mechanism that is not public."""
        return await self._batches.join(id)

    async def _find(self, ids: Sequence[MechanismId]) -> Sequence[bytes]:
        named = {public_entry(id): id for id in ids}

        async def read(names: Sequence[Name]) -> list[bytes]:
            return await self._read([named[name] for name in names])

        return await self._application.cache.get_or_load_many(list(named), read, CACHED_FOR)

    async def _read(self, ids: Sequence[MechanismId]) -> list[bytes]:
        application = self._application
        links = application.media.links()
        entries: dict[MechanismId, bytes] = {}
        for item in await application.mechanisms.find_visible(None, ids):
            body = msgspec.json.encode(mechanism_response(item, links))
            entries[item.mechanism.id] = cached_entry(body, version=item.mechanism.version)
        return [entries.get(id, b"") for id in ids]


def public_entry(id: MechanismId) -> Name:
    """Where the cache holds what everyone is told of a mechanism."""
    return mechanism_tag(id), "public"
