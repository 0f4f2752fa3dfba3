"""People who open pages in a browser, for tests."""

import re
from dataclasses import dataclass, field
from typing import Any

import httpx

from mechshare.domain.users import Role
from tests.http.conftest import PASSWORD, Site

_ORIGIN = {"Origin": "http://mechshare.test", "Accept": "text/html"}


@dataclass
class Visitor:
    """A browser with cookies of its own, in the language `language`."""

    site: Site
    language: str = "en"
    browser: httpx.AsyncClient = field(init=False)

    def __post_init__(self) -> None:
        headers = {**_ORIGIN, "Accept-Language": self.language, "User-Agent": "Firefox/120.0 (Windows)"}
        transport = httpx.ASGITransport(app=self.site.app, raise_app_exceptions=False)
        self.browser = httpx.AsyncClient(
            transport=transport, base_url="http://mechshare.test", headers=headers
        )

    async def open(self, path: str) -> httpx.Response:
        return await self.browser.get(path)

    async def submit(self, path: str, **fields: Any) -> httpx.Response:
        """Submits a form; a redirect is returned, not followed."""
        return await self.browser.post(path, data=fields)

    async def sign_in(self, name: str, password: str = PASSWORD) -> "Visitor":
        response = await self.submit("/sign-in", username=name, password=password)
        assert response.status_code == 303, response.text
        return self


async def visitor(site: Site, name: str, role: Role = Role.USER, language: str = "en") -> Visitor:
    """Returns the browser of a new user, signed in."""
    await site.sign_up(name, role)
    return await Visitor(site, language).sign_in(name)


def version_in(page: httpx.Response) -> str:
    """Returns the version that the forms of the page carry."""
    found = re.search(r'name="version" value="(\d+)"', page.text)
    assert found, page.text
    return found[1]


def error_at(page: httpx.Response, field_name: str) -> str:
    """Returns the message at the field of a refused form."""
    found = re.search(rf'id="{field_name}-notes">\s*<p class="error">(.*?)</p>', page.text)
    assert found, page.text
    return found[1]
