"""Every POST that creates something creates it once, if it is repeated with its Idempotency-Key."""

import asyncio
from base64 import b64encode
from collections.abc import AsyncIterator
from dataclasses import dataclass
from itertools import count
from typing import Any

import httpx
import pytest
import pytest_asyncio

from mechshare.domain.users import Role
from mechshare.services import attachments, collections, evidence, groups, lineage, reports
from tests.http.conftest import API, PASSWORD, Site, site_on
from tests.http.test_requests import ELSEWHERE
from tests.services.world import GIF

LIMITS = [
    (attachments, "MAX_ATTACHMENTS"),
    (collections, "MAX_COLLECTIONS"),
    (evidence, "MAX_CLAIMS_PER_USER"),
    (groups, "MAX_GROUPS"),
    (lineage, "MAX_SOURCES"),
    (reports, "MAX_OPEN_REPORTS"),
]
pytestmark = pytest.mark.asyncio(loop_scope="module")
_numbers = count()
TEXT = b"load,deflection\n12,0.3\n"

WITHOUT_KEY = {
    "POST /api/v1/auth/tokens": "the response has a secret, which nothing may store",
    "POST /api/v1/invitations": "the response has a secret, which nothing may store",
    "POST /api/v1/users/me/webhooks": "the response has a secret, which nothing may store",
    "POST /api/v1/mechanisms/{mechanism_id}/processing/ticket": "a ticket opens a stream for seconds",
    "POST /api/v1/uploads": "tus has no such key; an upload that nobody continues expires",
    "POST /api/v1/users/me/export": "an export replaces the one before",
    "POST /api/v1/users/me/webhooks/{webhook_id}/test": "a test creates nothing",
    "POST /api/v1/mechanisms/{mechanism_id}/processing/retry": "only failed processing is retried",
    "POST /api/v1/mechanisms/{mechanism_id}/file": "If-Match refuses the repetition",
    "POST /api/v1/mechanisms/{mechanism_id}/file/from-upload": "If-Match refuses the repetition",
}
"""The operations that answer 201 or 202 and accept no key, and why."""


@dataclass(frozen=True, kw_only=True)
class Creation:
    """A request that creates something, with the braced names of Scene in its texts.

    `name` and `content` are those of its file, `purpose` that of the upload which has the file, "-" for a form.
    `changed` are fields of another request, which has another file if there are none. `listed` is the path of the list
    that has the resource, if it is not `path`.
    """

    path: str
    fields: dict[str, Any]
    name: str = ""
    content: bytes = TEXT
    purpose: str = "-"
    changed: dict[str, Any]
    listed: str = ""
    status: int = 201

    @property
    def route(self) -> str:
        return f"POST {API}{self.path}".replace("{own}", "{mechanism_id}").replace(
            "{other}", "{mechanism_id}"
        )

    def __str__(self) -> str:
        kind = "json" if not self.name else "form" if self.purpose == "-" else "upload"
        return f"{self.path} {kind}"


CLAIM = {"kind": "supports", "text": "測定"}
OF_USER = "/users/{user}/mechanisms"
ATTACHED = "/mechanisms/{own}/attachments"
CREATIONS = [
    Creation(
        path="/auth/register",
        fields={"username": "{name}-2", "email": "{name}-2@example.com", "password": PASSWORD},
        changed={"display_name": "x"},
        listed="/users",
    ),
    Creation(path="/categories", fields={"id": "{name}", "name_en": "{name}"}, changed={"name_en": "x"}),
    Creation(path="/mechanisms", fields=ELSEWHERE, changed={"title": "x"}, listed=OF_USER),
    Creation(path="/mechanisms/from-url", fields=ELSEWHERE, changed={"title": "x"}, listed=OF_USER),
    Creation(
        path="/mechanisms",
        fields={"title": "歯車"},
        name="a.gif",
        content=GIF,
        changed={"title": "x"},
        listed=OF_USER,
        status=202,
    ),
    Creation(
        path="/mechanisms/from-upload",
        fields={"title": "歯車"},
        name="a.gif",
        content=GIF,
        purpose="",
        changed={"title": "x"},
        listed=OF_USER,
        status=202,
    ),
    Creation(path="/mechanisms/{other}/comments", fields={"text": "遊び"}, changed={"text": "x"}),
    Creation(path="/mechanisms/{other}/claims", fields=CLAIM, changed={"text": "x"}),
    Creation(path="/mechanisms/{other}/claims", fields=CLAIM, name="a.csv", changed={}),
    Creation(
        path="/mechanisms/{other}/claims",
        fields=CLAIM,
        name="a.csv",
        purpose="attachment",
        changed={"text": "x"},
    ),
    Creation(path=ATTACHED, fields={"caption": "表"}, name="a.csv", changed={"caption": "x"}),
    Creation(
        path=ATTACHED + "/from-upload",
        fields={"caption": "表"},
        name="a.csv",
        purpose="attachment",
        changed={"caption": "x"},
        listed=ATTACHED,
    ),
    Creation(
        path="/mechanisms/{own}/lineage",
        fields={"source": "{other}", "kind": "derived_from"},
        changed={"kind": "inspired_by"},
    ),
    Creation(
        path="/collections",
        fields={"title": "間欠運動"},
        changed={"title": "x"},
        listed="/users/me/collections",
    ),
    Creation(path="/groups", fields={"name": "研究室"}, changed={"name": "x"}),
    Creation(path="/reports", fields={"mechanism_id": "{other}", "reason": "転載"}, changed={"reason": "x"}),
    Creation(
        path="/search/by-motion",
        fields={},
        name="a.gif",
        content=GIF,
        changed={},
        listed="blobs",
        status=202,
    ),
]


@dataclass
class Scene:
    """An admin, whose name is `name`, a mechanism of theirs, and a published one of `author`."""

    site: Site
    name: str
    headers: dict[str, str]
    author: dict[str, str]
    own: str
    other: str

    def filled(self, text: str) -> str:
        return text.format(name=self.name, own=self.own, other=self.other, user=self.site.ids[self.name])

    async def body_of(self, creation: Creation) -> dict[str, Any]:
        """Returns the body, as arguments of the client. The file is uploaded before if it has to be."""
        texts = creation.fields.items()
        fields = {name: self.filled(text) if isinstance(text, str) else text for name, text in texts}
        if not creation.name:
            return {"json": fields}
        if creation.purpose == "-":
            return {"data": fields, "files": {"file": (creation.name, creation.content)}}
        return {"json": {**fields, "upload": await self._uploaded(creation)}}

    async def _uploaded(self, creation: Creation) -> str:
        """Returns the address of a complete upload."""
        texts = {"filename": creation.name, "purpose": creation.purpose}
        encoded = [f"{key} {b64encode(text.encode()).decode()}" for key, text in texts.items() if text]
        sent = {
            "Tus-Resumable": "1.0.0",
            "Upload-Length": str(len(creation.content)),
            "Upload-Metadata": ",".join(encoded),
            "Content-Type": "application/offset+octet-stream",
        }
        response = await self.site.client.post(
            f"{API}/uploads", headers={**self.headers, **sent}, content=creation.content
        )
        assert response.status_code == 201, response.text
        return str(response.headers["location"])

    async def post(self, creation: Creation, body: dict[str, Any], key: str = "k") -> httpx.Response:
        headers = {**self.headers, "Idempotency-Key": key}
        return await self.site.client.post(API + self.filled(creation.path), headers=headers, **body)

    async def count(self, creation: Creation) -> int:
        """Counts the resources, or all blobs of the site where no list has them."""
        if creation.listed == "blobs":
            return len([key async for key in self.site.adapters.blobs.list("")])
        path = API + self.filled(creation.listed or creation.path)
        found = (await self.site.client.get(path, headers=self.headers)).json()
        return int(found["total"] if "total" in found else len(found.get("items", found.get("sources"))))


def another(creation: Creation, body: dict[str, Any]) -> dict[str, Any]:
    """Returns the body of another request."""
    if not creation.changed:
        return {**body, "files": {"file": (creation.name, creation.content + bytes(1))}}
    kind = "json" if "json" in body else "data"
    return {**body, kind: {**body[kind], **creation.changed}}


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=["memory", "sqlite", "postgresql"])
async def site(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Site]:
    """Opens a site on each kind of database. All tests share it, each with users of its own."""
    async with site_on(request.param, tmp_path_factory.mktemp("site")) as opened:
        yield opened


@pytest_asyncio.fixture(loop_scope="module")
async def scene(site: Site) -> Scene:
    name, author = f"boss-{next(_numbers)}", await site.sign_up(f"author-{next(_numbers)}")
    headers = await site.sign_up(name, Role.ADMIN)
    own, other = await site.ready(headers), await site.published(author)
    return Scene(site, name, headers, author, own["id"], other["id"])


def keyed(operation: dict[str, Any]) -> bool:
    return any(one["name"] == "Idempotency-Key" for one in operation.get("parameters", ()))


async def test_every_operation_that_creates_something_accepts_a_key(site: Site) -> None:
    paths = (await site.client.get("/schema/openapi.json")).json()["paths"]
    posts = {f"POST {path}": item["post"] for path, item in paths.items() if "post" in item}
    creating = {name: one for name, one in posts.items() if {"201", "202"} & one["responses"].keys()}
    assert {name for name, one in creating.items() if not keyed(one)} == WITHOUT_KEY.keys()
    assert {name for name, one in posts.items() if keyed(one)} == {one.route for one in CREATIONS}


@pytest.mark.parametrize("creation", CREATIONS, ids=str)
async def test_a_repeated_request_creates_nothing_and_gets_the_first_response(
    scene: Scene, creation: Creation
) -> None:
    body, before = await scene.body_of(creation), await scene.count(creation)
    first, again = await scene.post(creation, body), await scene.post(creation, body)
    assert (first.status_code, again.status_code) == (creation.status,) * 2, first.text
    assert again.content == first.content
    for name in ("etag", "location"):
        assert again.headers.get(name) == first.headers.get(name)
    assert [one.headers.get("idempotent-replayed") for one in (first, again)] == [None, "true"]
    refused = await scene.post(creation, another(creation, body))
    assert (refused.status_code, refused.json()["code"]) == (409, "IDEMPOTENCY_KEY_REUSED")
    await scene.site.work()
    assert await scene.count(creation) == before + (creation.listed != "blobs")


@pytest.mark.parametrize("creation", CREATIONS, ids=str)
async def test_equal_requests_at_the_same_time_create_one_resource(scene: Scene, creation: Creation) -> None:
    body, before = await scene.body_of(creation), await scene.count(creation)
    responses = await asyncio.gather(*(scene.post(creation, body) for _ in range(3)))
    assert {one.status_code for one in responses} == {creation.status}, [one.text for one in responses]
    assert len({one.content for one in responses}) == 1
    assert await scene.count(creation) == before + 1


@pytest.mark.parametrize(
    "creation", [one for one in CREATIONS if "{other}" in one.path or one.path == "/reports"], ids=str
)
async def test_a_repeated_request_about_what_one_no_longer_sees_is_refused(
    scene: Scene, creation: Creation
) -> None:
    scene.headers = await scene.site.sign_up(f"mika-{next(_numbers)}")
    body = await scene.body_of(creation)
    assert (await scene.post(creation, body)).status_code == creation.status
    url = f"{API}/mechanisms/{scene.other}"
    await scene.site.client.post(f"{url}/withdraw", headers=scene.author, json={})
    assert (await scene.post(creation, body)).json()["code"] == "MECHANISM_NOT_FOUND"


@pytest.mark.parametrize("creation", CREATIONS, ids=str)
async def test_a_repeated_request_gets_its_response_although_a_limit_is_reached(
    scene: Scene, creation: Creation, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module, limit in LIMITS:
        monkeypatch.setattr(module, limit, 1)
    body = await scene.body_of(creation)
    first, again = await scene.post(creation, body), await scene.post(creation, body)
    assert (again.status_code, again.content) == (creation.status, first.content)


async def test_a_key_belongs_to_one_user_and_one_path(scene: Scene) -> None:
    mika = await scene.site.sign_up(f"mika-{next(_numbers)}")
    made = set()
    for headers, mechanism in ((mika, scene.other), (scene.headers, scene.other), (scene.headers, scene.own)):
        path, key = f"{API}/mechanisms/{mechanism}/comments", {"Idempotency-Key": "k"}
        response = await scene.site.client.post(path, headers={**headers, **key}, json={"text": "遊び"})
        made.add(response.json()["id"])
    assert len(made) == 3
