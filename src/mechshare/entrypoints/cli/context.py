"""Opens an application for the duration of one command."""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import wraps
from typing import Concatenate, ParamSpec, TypeVar

import click

from mechshare import settings
from mechshare.application import Application
from mechshare.bootstrap.application import build
from mechshare.domain.users import OPERATOR_ID, Actor, Role
from mechshare.entrypoints.logs import configure_logging
from mechshare.entrypoints.startup import prepare
from mechshare.entrypoints.worker.observer import LoggingObserver
from mechshare.settings import Settings

T = TypeVar("T")
P = ParamSpec("P")
OPERATOR = Actor(id=OPERATOR_ID, role=Role.ADMIN)
"""The actor of commands, with all permissions, since anyone who can run commands on the machine can do everything.
Nobody can sign in as this user."""


def pass_settings(command: Callable[Concatenate[Settings, P], T]) -> Callable[P, T]:
    """Passes the settings to `command`, and configures logs by them.

    They are read when the command runs: a wrong setting must not keep anybody from `--help` and `--version`.
    """

    @wraps(command)
    def with_settings(*args: P.args, **kwargs: P.kwargs) -> T:
        chosen = click.get_current_context().find_object(Settings)
        if chosen is None:
            chosen = settings.load(os.environ)
            configure_logging(chosen)
        return command(chosen, *args, **kwargs)

    return with_settings


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
