"""Several processes over one database, as the server's workers are."""

import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from mechshare.adapters.persistence.sql.database import SqlDatabase
from mechshare.testing.persistence.values import enqueue, save_user
from tests.servers import SERVER_TIMEOUT, postgresql_database

PROCESSES = 4
JOBS = 100
CHANGES = 15

CLAIM = """
import asyncio, sys
from datetime import timedelta
from mechshare.adapters.persistence.sql.database import SqlDatabase

async def main():
    database = SqlDatabase(sys.argv[1], timeout=60)
    while True:
        async with database.begin() as tx:
            job = await tx.ledger.claim(timedelta(minutes=5))
        if job is None:
            break
        print(job.id, flush=True)
    await database.close()

asyncio.run(main())
"""

COUNT = """
import asyncio, sys
from dataclasses import replace
from mechshare.adapters.persistence.sql.database import SqlDatabase
from mechshare.domain.overload import Busy

async def count(database, id):
    async with database.begin() as tx:
        user = await tx.users.find_by_id(id)
        await tx.users.save(replace(user, bio=str(int(user.bio or 0) + 1)))

async def main():
    database, left = SqlDatabase(sys.argv[1], timeout=60), int(sys.argv[3])
    while left:
        try:
            await count(database, sys.argv[2])
        except Busy:  # a busy machine lets some wait too long for the row; clients send those again
            continue
        left -= 1
    await database.close()

asyncio.run(main())
"""

MIGRATE = """
import asyncio, sys
from mechshare.adapters.persistence.sql.database import SqlDatabase

async def main():
    database = SqlDatabase(sys.argv[1], timeout=60)
    await database.migrate()
    print(await database.check())
    await database.close()

asyncio.run(main())
"""


def run_side_by_side(program: str, *arguments: str) -> list[str]:
    """Returns what each of PROCESSES processes printed, and asserts that all succeeded."""
    command = [sys.executable, "-c", program, *arguments]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(PROCESSES)]
    printed = [process.communicate(timeout=120)[0] for process in running]
    assert [process.returncode for process in running] == [0] * PROCESSES
    return printed


@pytest.fixture(params=["sqlite", "postgresql"])
async def url(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[str]:
    """The URL of a database without a schema."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'new' / 'x.db'}?timeout=60"
        return
    async with postgresql_database(migrated=False) as made:
        yield made


async def test_no_job_is_claimed_twice(url: str) -> None:
    database = SqlDatabase(url, timeout=SERVER_TIMEOUT)
    await database.migrate()
    jobs = await enqueue(database, JOBS)
    claimed = Counter("".join(run_side_by_side(CLAIM, url)).split())
    await database.close()
    assert claimed == Counter({job.id: 1 for job in jobs})


async def test_no_update_is_lost(url: str) -> None:
    database = SqlDatabase(url, timeout=SERVER_TIMEOUT)
    await database.migrate()
    user = await save_user(database)
    run_side_by_side(COUNT, url, user.id, str(CHANGES))
    async with database.read() as tx:
        found = await tx.users.find_by_id(user.id)
    await database.close()
    total = PROCESSES * CHANGES
    assert found == replace(user, bio=str(total), version=1 + total)


async def test_concurrent_migrations_all_succeed(url: str) -> None:
    assert len(set(run_side_by_side(MIGRATE, url))) == 1
