"""What three kinds of installation are for, each on real processes: public, of a company, on a laptop."""

import asyncio
import re
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import httpx
import pytest
from click.testing import CliRunner

from mechshare import settings
from mechshare.entrypoints.cli.main import cli
from tests.deployments import deployed
from tests.http.conftest import API, PASSWORD
from tests.retries import Retrying
from tests.served import served
from tests.stills import quarters

MAX_WAIT_SECONDS = 300
PAGE = {"Accept": "text/html"}


@dataclass
class Installation:
    """A server of its own, and the settings that it was started with."""

    url: str
    environ: dict[str, str]

    def browser(self, **headers: str) -> httpx.Client:
        """Returns a client without a session."""
        return httpx.Client(
            base_url=self.url,
            headers={"Origin": self.url, **headers},
            transport=Retrying(),
            trust_env=False,
            timeout=120,
        )

    @contextmanager
    def signed_in(self, name: str) -> Iterator[httpx.Client]:
        with self.browser() as client:
            body = {"username": name, "password": PASSWORD}
            token = client.post(f"{API}/auth/login", json=body).raise_for_status().json()["access_token"]
            client.headers["Authorization"] = f"Bearer {token}"
            yield client

    def register(self, name: str, **fields: str) -> httpx.Response:
        body = {"username": name, "email": f"{len(name)}@{id(name)}.example", "password": PASSWORD, **fields}
        with self.browser() as client:
            return client.post(f"{API}/auth/register", json=body)

    async def command(self, *arguments: str, typed: str = "") -> str:
        """Runs a command of the operator beside the server, and returns what it prints."""
        invoke = partial(CliRunner().invoke, cli, arguments, input=typed, catch_exceptions=False)
        result = await asyncio.to_thread(invoke, obj=settings.load(self.environ))
        assert result.exit_code == 0, result.output
        return result.output


@asynccontextmanager
async def installed(deployment: str, folder: Path, **chosen: str) -> AsyncIterator[Installation]:
    async with deployed(deployment, folder / "data") as environ:
        environ |= {f"MECHSHARE_{name.upper()}": value for name, value in chosen.items()}
        with served(folder, **environ) as url:
            installation = Installation(url, environ | {"MECHSHARE_OPERATIONS_ADDRESS": "off"})
            admin = ("users", "create-admin", "boss", "boss@a.example", "--password-stdin")
            await installation.command(*admin, typed=PASSWORD)
            yield installation


def until(found: Callable[[], Any]) -> Any:
    """Returns what `found` finds at last: jobs run in the background."""
    deadline = time.monotonic() + MAX_WAIT_SECONDS
    while not (result := found()):
        assert time.monotonic() < deadline, "the background work has not ended"
        time.sleep(0.1)
    return result


def shared(client: httpx.Client, title: str, visibility: str, categories: str) -> dict[str, Any]:
    """Uploads and publishes a picture."""
    content = BytesIO()
    quarters().save(content, "PNG")
    fields = {"title": title, "visibility": visibility, "categories": categories}
    files = {"file": ("picture.png", content.getvalue())}
    sent = client.post(f"{API}/mechanisms", data=fields, files=files)
    assert sent.status_code == 202, sent.text
    url = f"{API}/mechanisms/{sent.json()['id']}"
    until(lambda: client.get(f"{url}/processing").json()["state"] == "ready")
    return dict(client.post(f"{url}/publish").raise_for_status().json())


def titles(client: httpx.Client, path: str) -> list[str]:
    items = client.get(f"{API}/{path}").raise_for_status().json()["items"]
    return sorted(one.get("mechanism", one)["title"] for one in items)


def counts(client: httpx.Client) -> dict[str, int]:
    items = client.get(f"{API}/categories").raise_for_status().json()["items"]
    return {one["name_ja"]: one["mechanism_count"] for one in items if one["mechanism_count"]}


def left_with_zip(client: httpx.Client, made: dict[str, Any]) -> None:
    """The user takes everything along and deletes the account."""
    client.post(f"{API}/users/me/export").raise_for_status()
    until(lambda: client.get(f"{API}/users/me/export").json()["file_url"])
    taken = client.get(f"{API}/users/me/export/file", follow_redirects=True).raise_for_status()
    with ZipFile(BytesIO(taken.content)) as archive:
        assert any(made["id"] in name for name in archive.namelist())
    gone = client.delete(f"{API}/users/me", headers={"If-Match": "*"})
    assert gone.status_code == 204, gone.text
    assert client.get(f"{API}/users/me").status_code == 401


@pytest.mark.parametrize("deployment", ["embedded", "distributed"])
async def test_a_public_installation_is_read_and_joined_by_everybody(deployment: str, tmp_path: Path) -> None:
    async with installed(deployment, tmp_path) as here:
        with here.browser(**PAGE) as newcomer:
            joined = newcomer.post(
                "/register", data={"username": "mika", "email": "m@a.example", "password": PASSWORD}
            )
            assert joined.status_code == 303, joined.text
        assert here.register("山田太郎").status_code == 201
        with here.signed_in("mika") as mika, here.signed_in("山田太郎") as taro, here.browser() as stranger:
            made = shared(mika, "crank", "private", "機械")
            _shares_with_a_group(mika, taro, made, stranger)
            seen_by = f"{API}/mechanisms/{made['id']}/visibility"
            mika.put(seen_by, json={"visibility": "public"}, headers={"If-Match": "*"}).raise_for_status()
            until(lambda: titles(stranger, "search/mechanisms?q=crank") == ["crank"])
            shown = (
                "/",
                f"/m/{made['id']}",
                "/feed.json",
                "/sitemap.xml",
                made["thumbnail_url"].split("?")[0],
            )
            for path in shown:
                assert stranger.get(path, follow_redirects=True).status_code == 200, path
            assert "crank" in stranger.get("/").text
            until(lambda: counts(stranger) == {"機械": 1})
            _reported_and_withdrawn(here, taro, mika, made)
            assert stranger.get(f"{API}/mechanisms/{made['id']}").status_code == 404
            assert (titles(stranger, "mechanisms"), counts(stranger)) == ([], {})
            left_with_zip(mika, made)


def _shares_with_a_group(
    mika: httpx.Client, taro: httpx.Client, made: dict[str, Any], stranger: httpx.Client
) -> None:
    group = mika.post(f"{API}/groups", json={"name": "研究室"}).raise_for_status().json()["id"]
    me = taro.get(f"{API}/users/me").json()["id"]
    mika.put(f"{API}/groups/{group}/members/{me}").raise_for_status()
    assert titles(taro, "mechanisms") == []
    mika.put(f"{API}/mechanisms/{made['id']}/shares/groups/{group}").raise_for_status()
    assert (titles(taro, "mechanisms"), counts(taro)) == (["crank"], {"機械": 1})
    assert (titles(stranger, "mechanisms"), counts(stranger)) == ([], {})


def _reported_and_withdrawn(
    here: Installation, reporter: httpx.Client, owner: httpx.Client, made: dict[str, Any]
) -> None:
    report = {"mechanism_id": made["id"], "reason": "a copy"}
    sent = reporter.post(f"{API}/reports", json=report).raise_for_status().json()
    with here.signed_in("boss") as boss:
        decision = {"decision": "withdraw", "reason": "belongs to another"}
        boss.post(f"{API}/reports/{sent['id']}/decide", json=decision).raise_for_status()
    for side, path in ((reporter, "reports"), (owner, "reports/about-me")):
        (read,) = side.get(f"{API}/{path}").json()["items"]
        assert (read["decision"], read["decision_reason"]) == ("withdraw", "belongs to another")


@pytest.mark.parametrize("deployment", ["embedded", "distributed"])
async def test_a_company_invites_its_people_and_shows_strangers_nothing(
    deployment: str, tmp_path: Path
) -> None:
    async with installed(deployment, tmp_path, anonymous="none", registration="invitation") as here:
        assert here.register("mika").status_code == 403
        with here.signed_in("boss") as boss:
            invited = boss.post(f"{API}/invitations", json={"max_uses": 2}).raise_for_status().json()
        for name in ("mika", "taro.yamada"):
            assert here.register(name, invitation=invited["invitation"]).status_code == 201
        assert here.register("yt", invitation=invited["invitation"]).status_code == 403
        with here.signed_in("mika") as mika, here.signed_in("taro.yamada") as taro:
            made = shared(mika, "secret crank", "internal", "極秘機構")
            shared(mika, "private crank", "private", "極秘機構")
            assert (titles(taro, "mechanisms"), counts(taro)) == (["secret crank"], {"極秘機構": 1})
            until(lambda: titles(taro, "search/mechanisms?q=crank") == ["secret crank"])
            token = {"name": "script", "scopes": ["read"]}
            made_token = taro.post(f"{API}/auth/tokens", json=token).raise_for_status().json()["token"]
            with here.browser(Authorization=f"Bearer {made_token}") as script:
                assert titles(script, "mechanisms") == ["secret crank"]
                assert script.post(f"{API}/mechanisms", data={"title": "x"}).status_code == 403
            _shows_nothing(here, mika, made)
            left_with_zip(mika, made)
            assert titles(taro, "mechanisms") == []


def _shows_nothing(here: Installation, owner: httpx.Client, made: dict[str, Any]) -> None:
    """Neither words nor files nor numbers reach somebody who is not signed in, at any of these addresses."""
    user = owner.get(f"{API}/users/me").json()["id"]
    of_api = (
        f"mechanisms/{made['id']}",
        "mechanisms",
        "categories",
        f"users/{user}",
        f"users/{user}/mechanisms",
    )
    searches = ("search/mechanisms?q=crank", "search/suggest?q=s")
    pages = ("/", "/?q=crank", f"/m/{made['id']}", f"/u/{user}", f"/embed/{made['id']}", "/about", "/absent")
    files = (
        "/sitemap.xml",
        "/feed.atom",
        "/feed.json",
        f"/u/{user}/feed.json",
        f"/oembed?url={here.url}/m/{made['id']}",
    )
    media = (made["thumbnail_url"], made["file_url"])
    with here.browser() as stranger:
        for path in (*(f"{API}/{path}" for path in (*of_api, *searches)), *files, *media):
            refused = stranger.get(path, headers={"If-None-Match": "*"})
            assert refused.status_code == 401, path
            _is_silent(refused)
        for path in pages:
            led = stranger.get(path, headers=PAGE)
            assert (led.status_code, led.headers["location"].partition("?")[0]) == (303, "/sign-in"), path
            _is_silent(led)
        for path in ("/sign-in", "/register", "/robots.txt"):
            _is_silent(stranger.get(path, headers=PAGE).raise_for_status())
        assert "Disallow: /\n" in stranger.get("/robots.txt").text


def _is_silent(response: httpx.Response) -> None:
    assert not re.search(r"secret|crank|mika|taro|極秘|WEBP", response.text), response.url


async def test_a_laptop_serves_its_one_user(tmp_path: Path) -> None:
    async with installed("embedded", tmp_path, registration="closed") as here:
        assert here.register("mika").status_code == 403
        with here.signed_in("boss") as boss:
            made = shared(boss, "crank", "public", "力学,Springs")
            assert sorted(counts(boss)) == ["ばね機構", "力学"]
            until(lambda: titles(boss, "search/mechanisms?q=crank") == ["crank"])
        with here.browser(**PAGE) as browser:
            signing_in = {"username": "boss", "password": PASSWORD}
            assert browser.post("/sign-in", data=signing_in).status_code == 303
            assert "crank" in browser.get("/my").text
        archive = tmp_path / "boss.zip"
        await here.command("users", "export", "boss", str(archive))
        with ZipFile(archive) as taken:
            assert any(made["id"] in name for name in taken.namelist())
