"""Look-ups of host names, for which neither other work nor the end of the process waits."""

import asyncio
import socket
from concurrent.futures import Future
from contextlib import suppress
from threading import Thread
from typing import Any

_MAX_LOOK_UPS = 16
"""Look-ups at the same time; others wait."""


class LookUps:
    """Looks up names in threads of its own.

    A name server that does not respond holds a thread until long after every timeout, so these threads serve nothing
    else, and they are daemons: the interpreter would wait for others before it ends.
    """

    def __init__(self) -> None:
        self._free = asyncio.Semaphore(_MAX_LOOK_UPS)

    async def find(self, host: str, port: int) -> list[tuple[Any, ...]]:
        """Returns what `socket.getaddrinfo` returns. Raises OSError, UnicodeError.

        A cancelled look-up counts until its thread ends.
        """
        await self._free.acquire()
        loop = asyncio.get_running_loop()
        found: Future[list[tuple[Any, ...]]] = Future()
        found.set_running_or_notify_cancel()  # so that it can't be cancelled

        def look_up() -> None:
            try:
                found.set_result(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
            except Exception as problem:
                found.set_exception(problem)
            finally:
                with suppress(RuntimeError):  # the event loop may have ended meanwhile
                    loop.call_soon_threadsafe(self._free.release)

        Thread(target=look_up, name="webhook-look-up", daemon=True).start()
        return await asyncio.wrap_future(found)
