"""A doorbell over PostgreSQL's LISTEN and NOTIFY, for workers on any number of hosts."""

import asyncio
from contextlib import aclosing
from datetime import timedelta
from typing import Any

import psycopg
import structlog
from psycopg.sql import SQL, Identifier
from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from mechshare.adapters.wake_up import Rings
from mechshare.domain.errors import DependencyUnavailable
from mechshare.domain.jobs import Listener

_TIMEOUT = 2
"""Seconds."""
_REST = 1.0
"""Seconds before the next attempt to connect."""
_CONNECTION: dict[str, Any] = {
    "application_name": "mechshare-doorbell",  # not `mechshare`, whose sessions `copy` takes for users of the data
    # A server that vanished without closing the connection is noticed within half a minute.
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 20_000,
}
_MAX_CHANNEL_BYTES = 63
"""PostgreSQL's limit for identifiers."""
_log = structlog.get_logger("mechshare.jobs")


class PostgresqlDoorbell:
    """Each process has one connection, which listens on `channel` and notifies the other processes. It is opened when
    it is first needed, and again one second after it is lost.

    Rings in quick succession are sent as one. While PostgreSQL is unavailable, rings are lost, and waiting processes
    continue after their timeout. A pooler between must not share connections between transactions (in PgBouncer:
    session pooling). Raises ValueError for an invalid URL or channel.

    `timeout` is the number of seconds for connecting, and for each statement.
    """

    def __init__(self, url: str, *, channel: str = "mechshare", timeout: int = _TIMEOUT) -> None:
        if not 0 < len(channel.encode()) <= _MAX_CHANNEL_BYTES:
            raise ValueError(f"a channel has 1 to {_MAX_CHANNEL_BYTES} bytes")
        self._timeout = timeout
        self._parameters = {"connect_timeout": timeout, **_connection_parameters(url)}
        self._channel = Identifier(channel)
        self._rings = Rings()
        self._to_send = asyncio.Event()
        self._checks: list[asyncio.Future[str]] = []
        self._session: asyncio.Task[None] | None = None
        self._problem: Exception | None = None
        self._is_closed = False

    async def ring(self) -> None:
        self._rings.add()
        self._send()

    async def wait(self, timeout: timedelta, listener: Listener = Listener.WORKERS) -> None:
        self._open()
        await self._rings.wait(timeout, listener)

    async def check(self) -> str:
        """Sends a ring and waits until the server has accepted it."""
        accepted: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._checks.append(accepted)
        self._send()
        try:
            async with asyncio.timeout(self._timeout + _REST):
                return await accepted
        except TimeoutError:
            raise DependencyUnavailable(dependency="doorbell") from self._problem

    async def close(self) -> None:
        """Sends what was rung, unless PostgreSQL is unavailable, and closes the connection."""
        self._is_closed = True
        session = self._session
        if session is None:
            return
        self._to_send.set()
        if self._problem is None:
            await asyncio.wait({session}, timeout=self._timeout)
        while not session.done():
            # The first cancellation may wait for a server that does not respond; the second one closes the socket.
            session.cancel()
            await asyncio.wait({session}, timeout=self._timeout)

    def _send(self) -> None:
        self._to_send.set()
        self._open()

    def _open(self) -> None:
        if self._session is None and not self._is_closed:
            self._session = asyncio.create_task(self._stay_connected())

    async def _stay_connected(self) -> None:
        while True:
            try:
                connection = await psycopg.AsyncConnection.connect(**self._parameters, autocommit=True)
                async with connection:
                    await self._use(connection)
                return
            except (psycopg.Error, OSError, TimeoutError) as problem:
                if self._problem is None:  # one warning for each outage
                    _log.warning("doorbell_unavailable", problem=str(problem))
                self._problem = problem
                if self._is_closed:
                    return
                await asyncio.sleep(_REST)

    async def _use(self, connection: psycopg.AsyncConnection[Any]) -> None:
        """Listens and sends until the doorbell is closed. Raises the errors of a lost connection."""
        await self._execute(connection, SQL("LISTEN {}").format(self._channel))
        if self._problem is not None:
            self._rings.add()  # a ring may have been lost meanwhile
            self._problem = None
        while True:
            await self._listen_until_there_is_something_to_send(connection)
            self._to_send.clear()
            await self._execute(connection, SQL("NOTIFY {}").format(self._channel))
            self._report(f"PostgreSQL {connection.info.server_version // 10_000}, LISTEN and NOTIFY")
            if self._is_closed:
                return

    async def _listen_until_there_is_something_to_send(
        self, connection: psycopg.AsyncConnection[Any]
    ) -> None:
        """A connection does either at a time."""
        listening = asyncio.create_task(self._listen(connection))
        sending = asyncio.create_task(self._to_send.wait())
        try:
            await asyncio.wait({listening, sending}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            listening.cancel()
            sending.cancel()
            results = await asyncio.gather(listening, sending, return_exceptions=True)
        for result in results:
            if isinstance(result, Exception):
                raise result

    async def _listen(self, connection: psycopg.AsyncConnection[Any]) -> None:
        own = connection.info.backend_pid
        async with aclosing(connection.notifies()) as notifications:
            async for notification in notifications:
                if notification.pid != own:
                    self._rings.add()

    async def _execute(self, connection: psycopg.AsyncConnection[Any], statement: Any) -> None:
        async with asyncio.timeout(self._timeout):
            await connection.execute(statement)

    def _report(self, result: str) -> None:
        """Ends the checks that are under way."""
        for check in self._checks:
            if not check.done():
                check.set_result(result)
        self._checks.clear()


def _connection_parameters(url: str) -> dict[str, Any]:
    """Returns the parameters that SQLAlchemy would use for this URL, so that one URL serves for both."""
    try:
        parsed = make_url(url)
    except ArgumentError as problem:
        raise ValueError("it is not a URL of a database") from problem
    query = {
        name: value if isinstance(value, str) else ",".join(value) for name, value in parsed.query.items()
    }
    return {**_CONNECTION, **parsed.translate_connect_args(username="user", database="dbname"), **query}
