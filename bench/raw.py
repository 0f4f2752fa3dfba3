"""What the database allows: a bare ASGI application over its driver, with JSON that the database makes, and no more.

No framework, no object, no cache, no sign-in, no check of what is sent: it tells what a server could at most make of
the same rows through the same driver. It answers with the facts that mechshare answers with.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol
from urllib.parse import parse_qsl

_Receive = Callable[[], Awaitable[dict[str, Any]]]
_Send = Callable[[dict[str, Any]], Awaitable[None]]


class RawDatabase(Protocol):
    """Each answer is JSON; None where there is nothing. `user` is whose mechanisms are created and published."""

    async def open(self) -> None: ...

    async def find(self, id: str) -> bytes | None: ...

    async def list(self, asked: Mapping[str, Any]) -> bytes | None:
        """`page`, `limit`, `offset`; `category` where it is narrowed; `after_time` and `after_id` where it goes on."""
        ...

    async def create(self, user: str, body: bytes) -> bytes | None: ...

    async def publish(self, user: str, id: str) -> bytes | None: ...

    async def close(self) -> None: ...


class Raw:
    """GET and POST below /api/v1/mechanisms, for `user`; 404 for all else."""

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
