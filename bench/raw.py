"""The raw database: a bare ASGI application over its driver that sends JSON made by the database.

It has no framework, objects, cache, sign-in or input checks, so it shows the most that a server could reach with the
same rows and driver. Its responses have the same facts as mechshare's.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol
from urllib.parse import parse_qsl

_Receive = Callable[[], Awaitable[dict[str, Any]]]
_Send = Callable[[dict[str, Any]], Awaitable[None]]


class RawDatabase(Protocol):
    """Each method returns JSON, or None if nothing is found. `user` owns the mechanisms that are created and
    published."""

    async def open(self) -> None: ...

    async def find(self, id: str) -> bytes | None: ...

    async def list(self, parameters: Mapping[str, Any]) -> bytes | None:
        """Returns a page. `parameters` has `page`, `limit`, `offset`; `category` to filter; `after_time` and
        `after_id` to continue."""
        ...

    async def create(self, user: str, body: bytes) -> bytes | None: ...

    async def publish(self, user: str, id: str) -> bytes | None: ...

    async def close(self) -> None: ...


class Raw:
    """GET and POST below /api/v1/mechanisms, for `user`; everything else is 404."""

    def __init__(self, database: RawDatabase, user: str) -> None:
        self._database = database
        self._user = user

    async def __call__(self, scope: dict[str, Any], receive: _Receive, send: _Send) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
            return
        found = await self._found(scope, await _body(receive) if scope["method"] == "POST" else b"")
        status, body = (404, b"{}") if found is None else (200, found)
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def _found(self, scope: dict[str, Any], body: bytes) -> bytes | None:
        id, _, verb = scope["path"].removeprefix("/api/v1/mechanisms").lstrip("/").partition("/")
        if scope["method"] == "POST" and verb == "publish":
            return await self._database.publish(self._user, id)
        if scope["method"] == "POST":
            return await self._database.create(self._user, body)
        if id:
            return await self._database.find(id)
        return await self._database.list(_list(dict(parse_qsl(scope["query_string"].decode()))))

    async def _live(self, receive: _Receive, send: _Send) -> None:
        await receive()
        await self._database.open()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self._database.close()
        await send({"type": "lifespan.shutdown.complete"})


def _list(query: dict[str, str]) -> dict[str, Any]:
    page, limit = int(query.get("page", 1)), int(query.get("limit", 20))
    return {**query, "page": page, "limit": limit, "offset": limit * (page - 1)}


async def _body(receive: _Receive) -> bytes:
    body = b""
    while (message := await receive()).get("more_body"):
        body += message["body"]
    return body + bytes(message["body"])
