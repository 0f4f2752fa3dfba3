"""`python -m tests.chaos.doomed_refresh TOKEN`: refreshes TOKEN over HTTP in a server that kills itself (SIGKILL) when
the exchange is committed and before the first byte of the response."""

import asyncio
import os
import signal
import sys

import httpx
from litestar.types import Message, Receive, Scope, Send

from mechshare.bootstrap.application import build
from mechshare.entrypoints.http.app import build_app
from mechshare.entrypoints.worker.observer import LoggingObserver
from mechshare.settings import load
from tests.http.conftest import Running


async def refresh(token: str) -> None:
    app = build_app(build(load(os.environ), LoggingObserver()))
    await Running(app).up()

    async def doomed(scope: Scope, receive: Receive, send: Send) -> None:
        async def die(message: Message) -> None:
            os.kill(os.getpid(), signal.SIGKILL)

        await app(scope, receive, die)

    transport = httpx.ASGITransport(app=doomed)  # type: ignore[arg-type]
    async with httpx.AsyncClient(transport=transport, base_url="http://testserver") as client:
        await client.post("/api/v1/auth/refresh", json={"refresh_token": token})


if __name__ == "__main__":
    asyncio.run(refresh(sys.argv[1]))
