"""All databases return the same results for the same sequence of steps."""

import asyncio
import tempfile
import unicodedata
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from mechshare.adapters.clock.frozen import FrozenClock
from mechshare.adapters.persistence.memory.database import MemoryDatabase
from mechshare.adapters.persistence.sql.database import SqlDatabase
from mechshare.domain.categories import Category
from mechshare.domain.errors import DomainException, Unavailable
from mechshare.domain.ids import CategoryId, MechanismId, UserId
from mechshare.domain.mechanism_filters import MechanismFilter
from mechshare.domain.mechanism_sorts import MechanismSort
from mechshare.domain.mechanisms import Mechanism
from mechshare.domain.pagination import PageRequest
from mechshare.domain.processing import READY
from mechshare.domain.statements import clean_title
from mechshare.domain.users import User
from mechshare.domain.visibility import EVERYTHING, PUBLIC_SCOPE, ListScope
from mechshare.ports.persistence.database import UnitOfWork
from tests.servers import SERVER_TIMEOUT, address, postgresql_database, sqlite_database

NOW = datetime(2026, 1, 1, tzinfo=UTC)
TITLES = ["歯車", unicodedata.normalize("NFD", "ギア"), "ギア", "a", "B", "é", "🦾 arm"]
CATEGORIES = ["gears", "cams"]
Step = Callable[[UnitOfWork], Awaitable[Any]]
_ATTEMPTS = 10


def id_of(number: int) -> str:
    return f"01900000-0000-7000-8000-{number:012x}"


class Side:
    """One database with the results of the last steps on it."""

    def __init__(self, database: Any) -> None:
        self.database = database

    async def write(self, step: Step, fail: bool) -> Any:
        """Repeats a step that a database did not answer in time: a server beside many tests may stall for seconds."""
        for _ in range(_ATTEMPTS):
            done = await self.attempt(step, fail)
            if not (isinstance(done, type) and issubclass(done, Unavailable)):
                break
        return done

    async def attempt(self, step: Step, fail: bool) -> Any:
        try:
            async with self.database.begin() as tx:
                done = await step(tx)
                if fail:
                    raise LookupError
        except DomainException as refusal:
            return type(refusal)
        except LookupError:
            return "undone"
        return done


class Databases(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.stack = AsyncExitStack()
        self.sides = tuple(map(Side, self.loop.run_until_complete(self.open())))
        self.made = 0

    async def open(self) -> list[Any]:
        return [MemoryDatabase(FrozenClock()), await self.open_sqlite()]

    async def open_sqlite(self) -> SqlDatabase:
        folder = self.stack.enter_context(tempfile.TemporaryDirectory())
        sqlite = SqlDatabase(await sqlite_database(Path(folder) / "x.db"))
        self.stack.push_async_callback(sqlite.close)
        return sqlite

    def teardown(self) -> None:
        self.loop.run_until_complete(self.stack.aclose())
        self.loop.close()

    def all(self, step: Step, fail: bool = False) -> Any:
        first, *others = (self.loop.run_until_complete(side.write(step, fail)) for side in self.sides)
        assert others == [first] * len(others)
        return first

    @initialize()
    def begin(self) -> None:
        async def step(tx: UnitOfWork) -> None:
            for number, name in enumerate(("sakura", "kaede")):
                user = User(
                    id=UserId(id_of(number)),
                    username=name,
                    email=f"{name}@example.com",
                    display_name=name,
                    created_at=NOW,
                    updated_at=NOW,
                )
                await tx.users.save(user)
            for name in CATEGORIES:
                await tx.categories.save(
                    Category(id=CategoryId(name), name_en=name, name_ja=name, created_at=NOW, updated_at=NOW)
                )

        self.all(step)

    @rule(
        owner=st.integers(0, 1),
        title=st.sampled_from(TITLES),
        seconds=st.integers(0, 2),
        categories=st.lists(st.sampled_from([*CATEGORIES, "no-such"]), unique=True),
        published=st.booleans(),
        fail=st.booleans(),
    )
    def create(
        self, owner: int, title: str, seconds: int, categories: list[str], published: bool, fail: bool
    ) -> None:
        self.made += 1
        at = NOW + timedelta(seconds=seconds)
        mechanism = Mechanism(
            id=MechanismId(id_of(100 + self.made)),
            title=clean_title(title),
            description="",
            user_id=UserId(id_of(owner)),
            created_at=at,
            updated_at=at,
            is_published=published,
            categories=tuple(map(CategoryId, categories)),
            processing=READY,
        )
        self.all(lambda tx: tx.mechanisms.save(mechanism), fail)

    @rule(
        number=st.integers(1, 8),
        version=st.integers(0, 3),
        title=st.sampled_from(TITLES),
        published=st.booleans(),
        fail=st.booleans(),
    )
    def change(self, number: int, version: int, title: str, published: bool, fail: bool) -> None:
        async def step(tx: UnitOfWork) -> Any:
            found = await tx.mechanisms.find_by_id(MechanismId(id_of(100 + number)))
            if found is None or version == 0:
                return found
            return await tx.mechanisms.save(
                replace(found, title=clean_title(title), is_published=published, version=version)
            )

        self.all(step, fail)

    @rule(number=st.integers(1, 8), version=st.integers(1, 3), fail=st.booleans())
    def delete(self, number: int, version: int, fail: bool) -> None:
        self.all(lambda tx: tx.mechanisms.delete(MechanismId(id_of(100 + number)), version), fail)

    @rule(
        name=st.sampled_from(["sakura", "kaede", "momiji"]),
        owner=st.integers(0, 2),
        version=st.integers(0, 2),
    )
    def rename(self, name: str, owner: int, version: int) -> None:
        user = User(
            id=UserId(id_of(owner)),
            username=name,
            email=f"{name}@example.com",
            display_name=name,
            created_at=NOW,
            updated_at=NOW,
            version=version,
        )
        if version > 0 or owner == 2:
            self.all(lambda tx: tx.users.save(user))

    @rule(category=st.sampled_from(CATEGORIES))
    def delete_category(self, category: str) -> None:
        self.all(lambda tx: tx.categories.delete(CategoryId(category)))

    @rule(
        sort=st.sampled_from(MechanismSort),
        limit=st.integers(1, 3),
        categories=st.lists(st.sampled_from(CATEGORIES), unique=True),
        owner=st.sampled_from([None, 0, 1]),
        scope=st.sampled_from([PUBLIC_SCOPE, EVERYTHING]),
    )
    def walk(
        self, sort: MechanismSort, limit: int, categories: list[str], owner: int | None, scope: ListScope
    ) -> None:
        async def step(tx: UnitOfWork) -> Any:
            pages = []
            request: PageRequest | None = PageRequest(limit=limit)
            while request is not None:
                page = await tx.mechanisms.find_all(
                    request,
                    MechanismFilter(
                        category_ids=tuple(CategoryId(one) for one in categories),
                        user_id=None if owner is None else UserId(id_of(owner)),
                    ),
                    sort=sort,
                    scope=scope,
                )
                pages.append(page)
                request = PageRequest(limit=limit, after=page.next) if page.next else None
            return pages

        self.all(step)

    @invariant()
    def counts_agree(self) -> None:
        self.all(lambda tx: tx.categories.find_counts())


LIVES = settings(max_examples=5 * settings.get_profile("costly").max_examples, stateful_step_count=25)
Databases.TestCase.settings = LIVES
TestDatabases = Databases.TestCase


class DatabasesWithServer(Databases):
    async def open(self) -> list[Any]:
        postgresql = SqlDatabase(
            await self.stack.enter_async_context(postgresql_database()), timeout=SERVER_TIMEOUT
        )
        self.stack.push_async_callback(postgresql.close)
        return [*await super().open(), postgresql]


DatabasesWithServer.TestCase.settings = LIVES


class TestDatabasesWithServer(DatabasesWithServer.TestCase):
    def setUp(self) -> None:
        address("POSTGRESQL_URL")
