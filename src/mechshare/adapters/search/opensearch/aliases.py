"""The indices behind the alias: creates them when missing and replaces them atomically."""

import secrets
from typing import Any

from opensearchpy import TransportError

from mechshare.adapters.search.opensearch.client import OpenSearchServer
from mechshare.adapters.search.opensearch.mapping import FORMAT, INDEX

_COMPLETE: dict[str, Any] = {"_meta": {"format": FORMAT, "is_complete": True}}
SECONDS = 30.0
"""Timeout of requests that change the state of the whole cluster."""


class Indices:
    """The indices of one installation, each with a random name. Writes use aliases only, so no write creates an index.

    `current` is the alias of the searched index, `next` of the one that a rebuild fills; puts and removals go to both.
    Each is the write alias of at most one index: if two are created at the same time, the server rejects one.
    `every` is an alias of all of them, including those of killed processes. Every method raises Unavailable.
    """

    def __init__(self, server: OpenSearchServer) -> None:
        self._server = server
        self.current = server.alias
        self.next = f"{server.alias}-next"
        self.every = f"{server.alias}-every"

    async def make_current(self) -> None:
        """Creates the searched index if there is none; adds missing fields to one of an earlier format."""
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
        """Creates the index for a rebuild and returns its name. Aborts any other rebuild."""
        async with self._server.client() as client:
            orphaned = await self._indices_of(client, self.every) - await self._indices_of(
                client, self.current
            )
            for each in orphaned:
                await self._drop(client, each)
            name = self._fresh_name()
            await self._make(client, name, self.next, own_alias(name))
        return name

    async def replace_current(self, name: str) -> set[str]:
        """Makes the rebuilt index the searched one, atomically. Returns the names of the previous ones."""
        async with self._server.client() as client:
            await client.indices.refresh(index=name, request_timeout=SECONDS)
            await client.indices.put_mapping(index=name, body=_COMPLETE, request_timeout=SECONDS)
            former = await self._indices_of(client, self.current)
            actions: list[Any] = [{"remove": {"index": each, "alias": self.current}} for each in former]
            actions.append({"add": {"index": name, "alias": self.current, "is_write_index": True}})
            actions += [{"remove": {"index": name, "alias": each}} for each in (self.next, own_alias(name))]
            await client.indices.update_aliases(body={"actions": actions}, request_timeout=SECONDS)
        return former

    async def newest_format(self) -> int:
        """Returns the newest format of any index, also of one that a rebuild fills; 0 if there is none."""
        return max((meta.get("format", 0) for meta in await self._metas(self.every)), default=0)

    async def is_complete(self) -> bool:
        """Whether a rebuild of this or a newer FORMAT created the searched index. False if a write created it."""
        metas = await self._metas(self.current)
        return bool(metas) and all(
            meta.get("is_complete") and meta.get("format", 0) >= FORMAT for meta in metas
        )

    async def drop(self, name: str) -> None:
        async with self._server.client() as client:
            await self._drop(client, name)

    async def _metas(self, alias: str) -> list[dict[str, Any]]:
        """Returns the `_meta` of each index behind the alias; none if there is no such alias."""
        async with self._server.client() as client:
            response = await client.indices.get_mapping(index=alias, ignore=404, request_timeout=SECONDS)
        if "error" in response:
            return []
        return [each["mappings"].get("_meta", {}) for each in response.values()]

    def _fresh_name(self) -> str:
        return f"{self.current.lower()}-{secrets.token_hex(6)}"

    async def _make(self, client: Any, name: str, *aliases: str) -> None:
        written = {alias: {"is_write_index": True} for alias in aliases}
        body = {**INDEX, "aliases": {**written, self.every: {}}}
        await client.indices.create(index=name, body=body, request_timeout=SECONDS)

    async def _indices_of(self, client: Any, alias: str) -> set[str]:
        response = await client.indices.get_alias(name=alias, ignore=404, request_timeout=SECONDS)
        return set() if "error" in response else set(response)

    async def _drop(self, client: Any, name: str) -> None:
        await client.indices.delete(index=name, ignore_unavailable=True, request_timeout=SECONDS)


def own_alias(name: str) -> str:
    """Returns the alias that only the index `name` has, through which the rebuild that created it writes."""
    return f"{name}-rebuild"
