"""What only PostgreSQL does: outages, crashes, and concurrent writers."""

import asyncio
import signal
import time
from collections.abc import AsyncIterator

import psycopg
import pytest
from servers.running import Server

from mechshare.adapters.persistence.sql.database import SqlDatabase
from mechshare.domain.errors import DependencyUnavailable
from mechshare.domain.overload import Busy
from mechshare.testing.persistence.values import a_mechanism, a_user, save_user
from tests.servers import SERVER_TIMEOUT, client_url, own_server

RECOVERED_WITHIN = 240


@pytest.fixture(scope="module")
def server() -> AsyncIterator[Server]:
    with own_server("postgresql") as started:
        yield started


@pytest.fixture
async def database(server: Server) -> AsyncIterator[SqlDatabase]:
    """A busy machine holds back both sides, which is no outage."""
    opened = SqlDatabase(client_url("postgresql", server), timeout=SERVER_TIMEOUT)
    await opened.migrate()
    yield opened
    await opened.close()


@pytest.fixture
async def impatient(server: Server, database: SqlDatabase) -> AsyncIterator[SqlDatabase]:
    """The same database with the timeouts of a server."""
    opened = SqlDatabase(client_url("postgresql", server))
    await asyncio.wait_for(until_it_responds(opened), RECOVERED_WITHIN)
    yield opened
    await opened.close()


async def until_it_responds(database: SqlDatabase) -> None:
    while True:
        try:
            await database.check()
        except DependencyUnavailable:
            await asyncio.sleep(0.2)
        else:
            return


@pytest.mark.parametrize("kind", ["read", "begin"])
async def test_an_outage_raises_dependency_unavailable_and_recovery_is_automatic(
    server: Server, database: SqlDatabase, impatient: SqlDatabase, kind: str
) -> None:
    user = await save_user(database)

    async def use() -> None:
        async with getattr(impatient, kind)() as tx:
            await tx.users.find_by_id(user.id)

    await use()
    server.signal(signal.SIGSTOP)
    try:
        for _ in range(3):
            with pytest.raises(DependencyUnavailable):
                await asyncio.wait_for(use(), 30)
    finally:
        server.signal(signal.SIGCONT)
    await asyncio.wait_for(until_it_responds(impatient), RECOVERED_WITHIN)
    await use()


async def test_a_response_that_waits_for_a_suspended_process_is_read(
    database: SqlDatabase, impatient: SqlDatabase
) -> None:
    user = await save_user(database)
    async with impatient.begin() as tx:
        reading = asyncio.create_task(tx.users.find_by_id(user.id))
        await asyncio.sleep(0)  # sends the statement
        time.sleep(3)  # noqa: ASYNC251  longer than the timeouts of the statement and of this process
        assert await reading == user
        assert await tx.users.find_by_id(user.id) == user  # over the same connection


async def test_a_thousand_rows_are_found_in_a_table_without_statistics(
    database: SqlDatabase, impatient: SqlDatabase
) -> None:
    """Without statistics PostgreSQL scans the whole table, and must not compare each row with all identifiers."""
    user = await save_user(database)
    made = [a_mechanism(user) for _ in range(20_000)]
    async with database.begin() as tx:
        for first in range(0, len(made), 1_000):
            await tx.mechanisms.add(made[first : first + 1_000])

    some = [one.id for one in made[::20]]
    async with impatient.begin() as tx:
        await tx.mechanism_bulk.renew(some)
        assert len(await tx.mechanism_bulk.delete(some)) == len(some)


async def test_many_rows_may_take_longer_than_the_timeout_of_a_statement(
    server: Server, database: SqlDatabase
) -> None:
    user = await save_user(database)
    with psycopg.connect(client_url("postgresql", server), autocommit=True) as connection:
        connection.execute(
            "CREATE FUNCTION pause() RETURNS trigger LANGUAGE plpgsql"
            " AS 'BEGIN PERFORM pg_sleep(0.01); RETURN NEW; END'"
        )
        connection.execute(
            "CREATE TRIGGER slow BEFORE INSERT ON mechanisms FOR EACH ROW EXECUTE FUNCTION pause()"
        )
        try:
            made = [a_mechanism(user) for _ in range(300)]
            async with database.begin() as tx:
                await tx.mechanisms.add(made)
        finally:
            connection.execute("DROP FUNCTION pause CASCADE")
    async with database.read() as tx:
        assert len(await tx.mechanisms.find_authored([one.id for one in made])) == len(made)


async def test_committed_rows_survive_a_killed_server(server: Server, database: SqlDatabase) -> None:
    users = [await save_user(database) for _ in range(5)]
    unfinished = a_user()

    async def killed_before_the_end() -> None:
        async with database.begin() as tx:
            await tx.users.save(unfinished)
            server.kill()

    with pytest.raises(DependencyUnavailable):
        await killed_before_the_end()
    server.start()
    await asyncio.wait_for(until_it_responds(database), RECOVERED_WITHIN)
    async with database.read() as tx:
        assert [await tx.users.find_by_id(user.id) for user in users] == users
        assert await tx.users.find_by_id(unfinished.id) is None


async def test_writers_of_different_rows_do_not_wait_for_each_other(database: SqlDatabase) -> None:
    one, other = await save_user(database), await save_user(database)
    async with database.begin() as tx:
        await tx.users.find_by_id(one.id)
        async with database.begin() as second:
            await second.users.find_by_id(other.id)


async def test_a_writer_waits_for_a_row_as_long_as_its_timeout_allows(database: SqlDatabase) -> None:
    user = await save_user(database)

    async def write() -> None:
        async with database.begin() as other:
            await other.users.find_by_id(user.id)

    async with database.begin() as tx:
        await tx.users.find_by_id(user.id)
        writing = asyncio.create_task(write())
        await asyncio.wait({writing}, timeout=2)  # longer than that of a server waits
    await asyncio.wait_for(writing, 60)


async def test_a_lock_on_one_row_is_no_outage_for_others(
    database: SqlDatabase, impatient: SqlDatabase
) -> None:
    """More writers than connections wait for the row, for longer than the circuit breaker tolerates failures."""
    locked, other = await save_user(database), await save_user(database)

    async def write() -> None:
        async with impatient.begin() as waiting:
            await waiting.users.find_by_id(locked.id)

    async with database.begin() as tx:
        await tx.users.find_by_id(locked.id)
        began = time.monotonic()
        results = await asyncio.wait_for(
            asyncio.gather(*(write() for _ in range(20)), return_exceptions=True), 60
        )
        async with impatient.read() as reading:
            assert await reading.users.find_by_id(other.id) == other
            assert await reading.users.find_by_id(locked.id) == locked
        print(f"20 writers that waited for a row were refused within {time.monotonic() - began:.1f} s")

    assert {type(result) for result in results} == {Busy}
    async with database.begin() as tx:
        assert await tx.users.find_by_id(locked.id) == locked
