"""Opens an application for the duration of one command."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TypeVar

from mechshare.application import Application
from mechshare.bootstrap.application import build
from mechshare.domain.ids import UserId
from mechshare.domain.users import Actor, Role
from mechshare.entrypoints.startup import prepare
from mechshare.entrypoints.worker.observer import LoggingObserver
from mechshare.settings import Settings

T = TypeVar("T")
OPERATOR = Actor(id=UserId("00000000-0000-0000-0000-000000000000"), role=Role.ADMIN)
"""The actor of commands, with all permissions, since anyone who can run commands on the machine can do everything.
Nobody can sign in as this user."""


def run(chosen: Settings, command: Callable[[Application], Awaitable[T]]) -> T:
    """Builds and migrates the application, runs `command` with it, and returns the result."""

    async def opened() -> T:
        async with open_application(chosen) as application:
            await prepare(application)
            return await command(application)

    return asyncio.run(opened())


@asynccontextmanager
async def open_application(chosen: Settings) -> AsyncIterator[Application]:
    application = build(chosen, LoggingObserver())
    try:
        yield application
    finally:
        await application.close()
