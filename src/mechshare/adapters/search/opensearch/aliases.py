"""The indices behind the alias: made when there is none, and replaced without a gap."""

import secrets
from typing import Any

from opensearchpy import TransportError

from mechshare.adapters.search.opensearch.client import OpenSearchServer
from mechshare.adapters.search.opensearch.mapping import FORMAT, INDEX

_COMPLETE: dict[str, Any] = {"_meta": {"format": FORMAT, "is_complete": True}}
SECONDS = 30.0
"""For what all nodes of the server have to agree on."""


class Indices:
    """Each has a random name, and is written to through aliases alone, so that no write ever makes an index.

    `current` is the one that is searched, `next` the one that a rebuild fills; what is put or removed goes to both.
    As aliases for writing they can each stand for one index: of two made at the same time the server refuses one.
    `every` stands for all of them, also for those that a killed process left. Every method raises Unavailable.
    """

    def __init__(self, server: OpenSearchServer) -> None:
        self._server = server
        self.current = server.alias
        self.next = f"{server.alias}-next"
        self.every = f"{server.alias}-every"

    async def make_current(self) -> None:
        """Makes the index that is searched unless there is one; to one of a former format, adds the fields it lacks."""
        async with self._server.client() as client:
            if await client.indices.exists_alias(name=self.current, request_timeout=SECONDS):
                fields = {"properties": INDEX["mappings"]["properties"]}
                await client.indices.put_mapping(index=self.current, body=fields, request_timeout=SECONDS)
                return
            try:
                await self._make(client, self._fresh_name(), self.current)
            except TransportError:
                if not await client.indices.exists_alias(name=self.current, request_timeout=SECONDS):
                    raise

    async def make_next(self) -> str:
        """Makes the index for a rebuild; its name. Ends any other rebuild."""
        async with self._server.client() as client:
            superfluous = await self._behind(client, self.every) - await self._behind(client, self.current)
            for each in superfluous:
                await self._drop(client, each)
            name = self._fresh_name()
            await self._make(client, name, self.next, own_alias(name))
        return name

    async def replace_current(self, name: str) -> set[str]:
        """Has the rebuilt index searched, from one moment to the next; the names of those that were until then."""
        async with self._server.client() as client:
            await client.indices.refresh(index=name, request_timeout=SECONDS)
            await client.indices.put_mapping(index=name, body=_COMPLETE, request_timeout=SECONDS)
            former = await self._behind(client, self.current)
            actions: list[Any] = [{"remove": {"index": each, "alias": self.current}} for each in former]
            actions.append({"add": {"index": name, "alias": self.current, "is_write_index": True}})
            actions += [{"remove": {"index": name, "alias": each}} for each in (self.next, own_alias(name))]
            await client.indices.update_aliases(body={"actions": actions}, request_timeout=SECONDS)
        return former

    async def is_complete(self) -> bool:
        """Whether the index that is searched took over from a rebuild; not so one that the first write made,
        or another format of mechshare's."""
        async with self._server.client() as client:
            response = await client.indices.get_mapping(
                index=self.current, ignore=404, request_timeout=SECONDS
            )
        if "error" in response:
            return False
        return all(each["mappings"].get("_meta") == _COMPLETE["_meta"] for each in response.values())

    async def drop(self, name: str) -> None:
        async with self._server.client() as client:
            await self._drop(client, name)

    def _fresh_name(self) -> str:
        return f"{self.current.lower()}-{secrets.token_hex(6)}"

    async def _make(self, client: Any, name: str, *aliases: str) -> None:
        written = {alias: {"is_write_index": True} for alias in aliases}
        body = {**INDEX, "aliases": {**written, self.every: {}}}
        await client.indices.create(index=name, body=body, request_timeout=SECONDS)

    async def _behind(self, client: Any, alias: str) -> set[str]:
        response = await client.indices.get_alias(name=alias, ignore=404, request_timeout=SECONDS)
        return set() if "error" in response else set(response)

    async def _drop(self, client: Any, name: str) -> None:
        await client.indices.delete(index=name, ignore_unavailable=True, request_timeout=SECONDS)


def own_alias(name: str) -> str:
    """By which the rebuild that made the index writes to it, and to no other."""
    return f"{name}-rebuild"
