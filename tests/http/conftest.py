"""The HTTP API in one process, over adapters in memory."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from litestar import Litestar

from mechshare.adapters.media.stub import StubMediaProcessor
from mechshare.adapters.passwords.fast import FastPasswordHasher
from mechshare.adapters.rate_limits.memory import MemoryRateLimiter
from mechshare.application import Application
from mechshare.bootstrap.adapters import Adapters, choose_adapters
from mechshare.bootstrap.application import build
from mechshare.domain.users import Role, User
from mechshare.entrypoints.http.app import build_app, build_routes
from mechshare.entrypoints.worker.observer import LoggingObserver
from mechshare.ports.clock import Clock
from mechshare.ports.disks import Disks
from mechshare.services.users import Registration
from mechshare.settings import Settings
from tests.servers import postgresql_database
from tests.services.world import GIF

PASSWORD = "four-bar linkage"
API = "/api/v1"
_IDLE: dict[str, list[Litestar]] = {}
"""Routes by public URL, which no site uses at present: building them takes longer than most tests."""


def memory_settings(data: Path, **changes: Any) -> Settings:
    plain: dict[str, Any] = {
        "data": data,
        "database_url": "memory:",
        "blobs_url": "memory:",
        "search_url": "memory:",
        "jobs_url": "memory:",
        "job_slots": 0,
        "requests_per_minute": 0,
    }
    return Settings(**{**plain, **changes})


def quick_adapters(settings: Settings, clock: Clock | None = None) -> Adapters:
    """Returns the adapters that `settings` choose, with instant processing of clips and hashing of passwords.

    All requests count in one window of each limit, however long the test takes.
    """
    chosen = choose_adapters(
        settings, clock=clock, media=StubMediaProcessor(), passwords=FastPasswordHasher()
    )
    return replace(chosen, limiter=MemoryRateLimiter(now=lambda: 0.0))


@dataclass
class Site:
    """A server and its users. `tokens` has the headers of each user who was signed up."""

    application: Application
    adapters: Adapters
    litestar: Litestar
    client: httpx.AsyncClient
    tokens: dict[str, dict[str, str]]
    ids: dict[str, str]
    app: Any

    async def sign_up(self, name: str, role: Role = Role.USER) -> dict[str, str]:
        """Registers `name` and returns the headers that sign requests in."""
        joining = {"username": name, "email": f"{name}@example.com", "password": PASSWORD}
        if role is Role.ADMIN:
            await self.application.users.create_admin(Registration(**joining))
        else:
            assert (await self.client.post(f"{API}/auth/register", json=joining)).status_code == 201
        if role in (Role.MODERATOR, Role.READER):
            await self.give_role(name, role)
        response = await self.client.post(f"{API}/auth/login", json={"username": name, "password": PASSWORD})
        headers = {"Authorization": f"Bearer {response.json()['access_token']}"}
        self.tokens[name] = headers
        self.ids[name] = (await self.client.get(f"{API}/users/me", headers=headers)).json()["id"]
        return headers

    async def give_role(self, name: str, role: Role) -> None:
        async with self.adapters.database.begin() as tx:
            user = await tx.users.find_by_login(name)
            assert isinstance(user, User)
            await tx.users.save(user.with_role(role, self.adapters.clock.now()))

    async def share(self, headers: dict[str, str], title: str = "歯車", **fields: str) -> dict[str, Any]:
        """Uploads a mechanism, whose clip is not yet processed."""
        response = await self.client.post(
            f"{API}/mechanisms",
            headers=headers,
            data={"title": title, **fields},
            files={"file": ("clip.gif", GIF, "image/gif")},
        )
        assert response.status_code == 202, response.text
        made: dict[str, Any] = response.json()
        return made

    async def work(self) -> None:
        """Runs all due jobs."""
        while await self.application.runner.run_one() is not None:
            continue

    async def ready(self, headers: dict[str, str], title: str = "歯車", **fields: str) -> dict[str, Any]:
        made = await self.share(headers, title, **fields)
        await self.work()
        response = await self.client.get(f"{API}/mechanisms/{made['id']}", headers=headers)
        found: dict[str, Any] = response.json()
        assert found["processing"]["state"] == "ready"
        return found

    async def published(self, headers: dict[str, str], title: str = "歯車", **fields: str) -> dict[str, Any]:
        made = await self.ready(headers, title, **fields)
        response = await self.client.post(f"{API}/mechanisms/{made['id']}/publish", headers=headers)
        assert response.status_code == 200, response.text
        await self.work()
        published: dict[str, Any] = response.json()
        return published


class Running:
    """Runs the server's startup and shutdown in one task, as the framework requires."""

    def __init__(self, app: Any) -> None:
        while not isinstance(app, Litestar):
            app = app._app
        self.litestar = app
        self._up, self._down = asyncio.Event(), asyncio.Event()
        self._task = asyncio.create_task(self._run())

    async def _run(self) -> None:
        async with self.litestar.lifespan():
            self._up.set()
            await self._down.wait()

    async def up(self) -> None:
        waiting = asyncio.create_task(self._up.wait())
        await asyncio.wait({waiting, self._task}, return_when=asyncio.FIRST_COMPLETED)
        if self._task.done():
            self._task.result()

    async def down(self) -> None:
        self._down.set()
        await self._task


@asynccontextmanager
async def running_site(
    data: Path,
    clock: Clock | None = None,
    database: Callable[[Any], Any] | None = None,
    disks: Disks | None = None,
    **changes: Any,
) -> AsyncIterator[Site]:
    """Opens a site; a clock, disks, a wrapper of the database and settings may be given."""
    settings = memory_settings(data, **changes)
    adapters = quick_adapters(settings, clock=clock)
    if database is not None:
        adapters = replace(adapters, database=database(adapters.database))
    if disks is not None:
        adapters = replace(adapters, disks=disks)
    application = build(settings, LoggingObserver(), adapters)
    with reused_routes(settings.public_url) as routes:
        app = build_app(application, routes=routes)
        running = Running(app)
        await running.up()
        transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://mechshare.test") as client:
            yield Site(application, adapters, running.litestar, client, {}, {}, app)
        await running.down()


@asynccontextmanager
async def site_on(database: str, folder: Path) -> AsyncIterator[Site]:
    """Opens a site on a new database: `memory`, `sqlite` or `postgresql`."""
    async with AsyncExitStack() as resources:
        match database:
            case "memory":
                url = "memory:"
            case "sqlite":
                url = f"sqlite:///{folder / 'rows.db'}"
            case _:
                url = await resources.enter_async_context(postgresql_database())
        yield await resources.enter_async_context(running_site(folder / "data", database_url=url))


@contextmanager
def reused_routes(public_url: str = "") -> Iterator[Litestar]:
    """Yields routes that no other application uses meanwhile."""
    idle = _IDLE.setdefault(public_url, [])
    routes = idle.pop() if idle else build_routes(public_url)
    yield routes
    idle.append(routes)


@pytest.fixture
async def open_site(tmp_path: Path) -> AsyncIterator[Any]:
    """Opens sites with the options of `running_site`, which end with the test."""
    async with AsyncExitStack() as sites:

        async def opening(**options: Any) -> Site:
            return await sites.enter_async_context(running_site(tmp_path / "data", **options))

        yield opening


@pytest.fixture
async def site(open_site: Any) -> Site:
    opened: Site = await open_site()
    return opened
