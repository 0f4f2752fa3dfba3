"""The rest of a refused body is dropped within bounds, so that the client receives the refusal."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from mechshare.entrypoints.http.middleware import unread_body
from mechshare.entrypoints.http.middleware.unread_body import (
    MAX_CONCURRENT,
    MAX_DISCARDED_BYTES,
    SPARE_PIECES,
    UnreadBodyMiddleware,
)

PIECE = 64 * 1024
Field = tuple[bytes, bytes]
CHUNKED = (b"transfer-encoding", b"chunked")
REFUSAL = [{"type": "http.response.start", "status": 401, "headers": []}, {"type": "http.response.body"}]


class Client:
    """Sends pieces of `size` bytes, `count` of them, and counts those that the server read before and after the
    response."""

    def __init__(self, count: float, size: int = PIECE, headers: Sequence[Field] = (CHUNKED,)) -> None:
        self.scope: Any = {"type": "http", "method": "POST", "headers": list(headers)}
        self.responses: list[Any] = []
        self.read_after = 0
        self._count, self._size = count, size

    async def receive(self) -> Any:
        self._count -= 1
        self.read_after += bool(self.responses)
        return {"type": "http.request", "body": bytes(self._size), "more_body": self._count > 0}

    async def send(self, message: Any) -> None:
        self.responses.append(message)


async def refuse(scope: Any, receive: Any, send: Any) -> None:
    for message in REFUSAL:
        await send(message)


async def read_all(scope: Any, receive: Any, send: Any) -> None:
    while (await receive())["more_body"]:
        continue
    await refuse(scope, receive, send)


async def sent_to(app: Any, client: Client) -> int:
    """Returns the number of pieces that were read after the response."""
    await asyncio.wait_for(UnreadBodyMiddleware(app, app)(client.scope, client.receive, client.send), 60)
    assert client.responses == REFUSAL
    return client.read_after


@pytest.mark.parametrize(
    ("client", "pieces"),
    [
        (Client(10), 10),
        (Client(float("inf")), MAX_DISCARDED_BYTES // PIECE),
        (Client(float("inf"), size=1), SPARE_PIECES + 1),
        (Client(10, headers=[CHUNKED, (b"expect", b"100-continue")]), 0),
        (Client(10, headers=[(b"content-length", b"%d" % (3 * PIECE))]), 3),
        (Client(10, headers=[]), 0),
        (Client(10, headers=[(b"content-length", b"0")]), 0),
    ],
    ids=[
        "to its end",
        "as many bytes as allowed",
        "as many small pieces as allowed",
        "nothing was sent",
        "to its stated length",
        "there is none",
        "it is empty",
    ],
)
async def test_the_rest_is_read_after_the_response(client: Client, pieces: int) -> None:
    assert await sent_to(refuse, client) == pieces


async def test_nothing_is_read_beyond_the_end_of_a_body() -> None:
    assert await sent_to(read_all, Client(3)) == 0


async def test_a_client_that_sends_nothing_is_left_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unread_body, "MAX_DISCARDING_SECONDS", 0.01)
    client = Client(1)
    client.receive = asyncio.Event().wait  # type: ignore[method-assign]
    assert await sent_to(refuse, client) == 0


async def test_the_number_of_bodies_dropped_at_a_time_is_bounded() -> None:
    middleware, never = UnreadBodyMiddleware(refuse, refuse), asyncio.Event()
    silent = [Client(1) for _ in range(MAX_CONCURRENT)]
    waiting = [
        asyncio.ensure_future(middleware(client.scope, never.wait, client.send))  # type: ignore[arg-type]
        for client in silent
    ]
    await asyncio.sleep(0)
    further = Client(5)
    await middleware(further.scope, further.receive, further.send)
    for task in waiting:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    assert all(client.responses == REFUSAL for client in [*silent, further])
    assert further.read_after == 0
