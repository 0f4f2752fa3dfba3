"""An application in the main process of a server, which has no event loop of its own."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from threading import Thread
from typing import TypeVar

from mechshare.application import Application
from mechshare.bootstrap.application import build
from mechshare.domain.errors import DependencyUnavailable
from mechshare.entrypoints.worker.observer import LoggingObserver
from mechshare.settings import Settings

T = TypeVar("T")
CALL_TIMEOUT = 10.0
"""Seconds; every dependency has a shorter timeout of its own."""
_CLOSE_TIMEOUT = 5.0


class ApplicationCalls:
    """Calls `application`, which lives on `loop`, from other threads."""

    def __init__(self, application: Application, loop: asyncio.AbstractEventLoop) -> None:
        self._application = application
        self._loop = loop

    def call(self, use: Callable[[Application], Awaitable[T]]) -> T:
        """Runs `use(application)` on the application's loop and returns its result.

        Raises what `use` raises, and Unavailable after CALL_TIMEOUT seconds.
        """

        async def used() -> T:
            return await use(self._application)

        future: Future[T] = asyncio.run_coroutine_threadsafe(used(), self._loop)
        try:
            return future.result(CALL_TIMEOUT)
        except TimeoutError as problem:
            future.cancel()
            raise DependencyUnavailable(dependency="application") from problem


@contextmanager
def application_thread(chosen: Settings) -> Iterator[ApplicationCalls]:
    """Builds an application on an event loop in a thread of its own; closes both at the end."""
    loop = asyncio.new_event_loop()
    thread = Thread(target=loop.run_forever, name="operations", daemon=True)
    thread.start()
    try:
        application = asyncio.run_coroutine_threadsafe(_built(chosen), loop).result()
        try:
            yield ApplicationCalls(application, loop)
        finally:
            _close(application, loop)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(_CLOSE_TIMEOUT)
        if not thread.is_alive():
            loop.close()


async def _built(chosen: Settings) -> Application:
    return build(chosen, LoggingObserver())


def _close(application: Application, loop: asyncio.AbstractEventLoop) -> None:
    async def closed() -> None:
        await application.close()

    asyncio.run_coroutine_threadsafe(closed(), loop).result(_CLOSE_TIMEOUT)
