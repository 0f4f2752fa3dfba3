"""A request waits once for a dependency that does not respond."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from mechshare.domain.errors import DependencyUnavailable
from tests.http.conftest import API

SOME_ID = "01900000-0000-7000-8000-0000000000ff"


class Absent:
    """A database that is unavailable while `away` is set, and counts the attempts to use it."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner
        self.is_away = False
        self.attempts = 0

    @asynccontextmanager
    async def read(self) -> AsyncIterator[Any]:
        self._refuse()
        async with self._inner.read() as tx:
            yield tx

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[Any]:
        self._refuse()
        async with self._inner.begin() as tx:
            yield tx

    def _refuse(self) -> None:
        if self.is_away:
            self.attempts += 1
            raise DependencyUnavailable(dependency="database")

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


@pytest.mark.parametrize("has_token", [False, True])
@pytest.mark.parametrize("path", [f"/mechanisms/{SOME_ID}", "/mechanisms", "/categories", "/users/me"])
async def test_a_request_tries_an_unavailable_database_once(
    open_site: Any, path: str, has_token: bool
) -> None:
    opened: list[Absent] = []

    def absent(inner: Any) -> Absent:
        opened.append(Absent(inner))
        return opened[0]

    site = await open_site(database=absent)
    headers = await site.sign_up("sakura") if has_token else {}
    opened[0].is_away = True

    response = await site.client.get(API + path, headers=headers)

    if path != "/users/me" or has_token:
        assert response.status_code == 503
        assert response.headers["retry-after"]
        assert opened[0].attempts == 1
