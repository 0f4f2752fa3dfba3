"""Who may do what with a published mechanism, as a table: every route, visibility and kind of caller; and that public
responses show no trace of what is not public."""

import re
from typing import Any

import pytest

from mechshare.domain.users import Role
from mechshare.domain.visibility import Visibility
from mechshare.services.support.invalidation import PUBLIC_LISTS, mechanism_tag
from tests.http.conftest import API, Site
from tests.http.test_access_matrix import (
    BODIES,
    MATRIX,
    attachment_of_owner,
    claim_of_owner,
    comment_of_owner,
    source_of,
)

CALLERS = ("anonymous", "owner", "other", "moderator", "admin", "reader", "editor", "member")
"""`reader` and `editor` have a share of their own, `member` one of a group."""

# For each visibility, what each caller gets: `o` allowed, `x` refused, `-` the mechanism looks absent, `?` sign in.
SEEN = {"public": "oooooooo", "unlisted": "oooooooo", "internal": "-ooooooo", "private": "-o--oooo"}
SEEN_SIGNED_IN = {"public": "?ooooooo", "unlisted": "?ooooooo", "internal": "?ooooooo", "private": "?o--oooo"}
EDITED = {"public": "?oxxoxox", "unlisted": "?oxxoxox", "internal": "?oxxoxox", "private": "?o--oxox"}
MANAGED = {"public": "?oxxoxxx", "unlisted": "?oxxoxxx", "internal": "?oxxoxxx", "private": "?o--oxxx"}
WRITTEN = {"public": "?oxxxxxx", "unlisted": "?oxxxxxx", "internal": "?oxxxxxx", "private": "?o--xxxx"}
WITHDRAWN = {"public": "?oxooxxx", "unlisted": "?oxooxxx", "internal": "?oxooxxx", "private": "?o--oxxx"}
_M = "/api/v1/mechanisms/{mechanism_id}"
_MUTES = "/api/v1/users/me/notification-mutes/mechanisms/{mechanism_id}"
TABLE: dict[str, dict[str, str]] = {
    f"GET {_M}": SEEN,
    f"GET {_M}/reliability/history": SEEN,
    f"GET {_M}/evidence": SEEN,
    f"GET {_M}/claims": SEEN,
    f"GET {_M}/lineage": SEEN,
    f"GET {_M}/citation": SEEN,
    f"GET {_M}/linked-data": SEEN,
    f"GET {_M}/attachments": SEEN,
    f"GET {_M}/attachments/{{attachment_id}}/file": SEEN,
    f"GET {_M}/revisions": SEEN,
    f"GET {_M}/revisions/{{number}}/file": SEEN,
    f"GET {_M}/claims/{{claim_id}}/file": SEEN,
    f"GET {_M}/comments": SEEN,
    f"GET {_M}/comments/{{comment_id}}/replies": SEEN,
    f"GET {_M}/comments/{{comment_id}}/history": SEEN,
    f"GET {_M}/processing": SEEN,
    f"GET {_M}/similar": SEEN,
    f"GET {_M}/marks": SEEN,
    f"POST {_M}/views": SEEN,
    f"GET {_M}/stats": MANAGED,
    f"PUT {_M}/marks/{{kind}}": SEEN_SIGNED_IN,
    f"DELETE {_M}/marks/{{kind}}": SEEN_SIGNED_IN,
    f"GET {_M}/processing/events": SEEN,
    f"GET {_M}/original": SEEN,
    "GET /api/v1/media/{mechanism_id}/{name}": SEEN,
    f"POST {_M}/processing/ticket": SEEN_SIGNED_IN,
    f"POST {_M}/claims": SEEN_SIGNED_IN,
    f"POST {_M}/comments": SEEN_SIGNED_IN,
    f"PATCH {_M}/comments/{{comment_id}}": WRITTEN,
    f"DELETE {_M}/comments/{{comment_id}}": WITHDRAWN,
    f"PUT {_M}/comment-lock": WITHDRAWN,
    f"DELETE {_M}/comment-lock": WITHDRAWN,
    f"PUT {_MUTES}": SEEN_SIGNED_IN,
    f"DELETE {_MUTES}": SEEN_SIGNED_IN,
    f"POST {_M}/claims/{{claim_id}}/withdraw": WITHDRAWN,
    f"POST {_M}/claims/{{claim_id}}/reply": MANAGED,
    f"POST {_M}/lineage": EDITED,
    f"DELETE {_M}/lineage/{{kind}}/{{source_id}}": EDITED,
    f"POST {_M}/attachments": EDITED,
    f"POST {_M}/attachments/from-upload": EDITED,
    f"PATCH {_M}/attachments/{{attachment_id}}": EDITED,
    f"DELETE {_M}/attachments/{{attachment_id}}": EDITED,
    f"POST {_M}/revisions/{{number}}/restore": EDITED,
    f"POST {_M}/file": EDITED,
    f"POST {_M}/file/from-upload": EDITED,
    f"DELETE {_M}/revisions/{{number}}/file": MANAGED,
    f"PATCH {_M}": EDITED,
    f"POST {_M}/processing/retry": EDITED,
    f"PUT {_M}/thumbnail": EDITED,
    f"PUT {_M}/thumbnail/picture": EDITED,
    f"DELETE {_M}/thumbnail/picture": EDITED,
    f"PUT {_M}/visibility": MANAGED,
    f"GET {_M}/shares": MANAGED,
    f"PUT {_M}/shares/users/{{user_id}}": MANAGED,
    f"DELETE {_M}/shares/users/{{user_id}}": MANAGED,
    f"PUT {_M}/shares/groups/{{group_id}}": MANAGED,
    f"DELETE {_M}/shares/groups/{{group_id}}": MANAGED,
    f"POST {_M}/publish": MANAGED,
    f"POST {_M}/withdraw": WITHDRAWN,
    f"DELETE {_M}": MANAGED,
}
OF_DOCUMENTS = {f"GET {_M}/document", f"GET {_M}/pages/{{number}}"}
"""The mechanisms of this test are clips."""
ABSENT = {"MECHANISM_NOT_FOUND", "MEDIA_NOT_FOUND"}
CHANGING = {
    f"PUT {_M}/visibility",
    f"POST {_M}/withdraw",
    f"DELETE {_M}",
    f"DELETE {_M}/comments/{{comment_id}}",
    f"PUT {_M}/comment-lock",
    f"PUT {_M}/shares/users/{{user_id}}",
    f"DELETE {_M}/shares/groups/{{group_id}}",
}
"""After these, other callers see something else."""


def test_every_route_of_a_mechanism_has_a_cell_for_each_visibility_and_caller() -> None:
    of_mechanisms = {row for row in MATRIX if "{mechanism_id}" in row and "/collections/" not in row}
    assert set(TABLE) | OF_DOCUMENTS == of_mechanisms
    for row, cells in TABLE.items():
        assert list(cells) == ["public", "unlisted", "internal", "private"], row
        assert {len(cell) for cell in cells.values()} == {len(CALLERS)}, row


async def with_callers(site: Site) -> str:
    """Signs all callers up; returns the identifier of the group of `owner` and `member`."""
    for name in ("owner", "other", "reader", "editor", "member"):
        await site.sign_up(name)
    await site.sign_up("moderator", Role.MODERATOR)
    await site.sign_up("admin", Role.ADMIN)
    site.tokens["anonymous"] = {}
    made = await site.client.post(f"{API}/groups", headers=site.tokens["owner"], json={"name": "研究室"})
    group = str(made.json()["id"])
    url = f"{API}/groups/{group}/members/{site.ids['member']}"
    assert (await site.client.put(url, headers=site.tokens["owner"])).status_code == 200
    return group


async def shared(
    site: Site, group: str, visibility: str, title: str = "歯車", **fields: str
) -> dict[str, Any]:
    """Publishes a mechanism of `owner`, shared with `reader`, `editor` and the group."""
    owner = site.tokens["owner"]
    made = await site.published(owner, title, visibility=visibility, **fields)
    url = f"{API}/mechanisms/{made['id']}/shares"
    for recipient, access in (
        (f"users/{site.ids['reader']}", "read"),
        (f"users/{site.ids['editor']}", "edit"),
        (f"groups/{group}", "read"),
    ):
        put = await site.client.put(f"{url}/{recipient}", headers=owner, json={"access": access})
        assert put.status_code == 200, put.text
    await site.work()
    return made


async def path_of(site: Site, group: str, template: str, made: dict[str, Any]) -> str:
    name = made["file_url"].partition("?")[0].rpartition("/")[2]
    path = template.replace("{user_id}", site.ids["other"]).replace("{group_id}", group)
    path = path.replace("{mechanism_id}", made["id"]).replace("{name}", name).replace("{number}", "1")
    path = path.replace("marks/{kind}", "marks/like")
    if "{source_id}" in path:
        path = path.replace("{kind}/{source_id}", "part_of/" + await source_of(site, made["id"]))
    if "{attachment_id}" in path:
        path = path.replace("{attachment_id}", await attachment_of_owner(site, made["id"]))
    if "{comment_id}" in path:
        path = path.replace("{comment_id}", await comment_of_owner(site, made["id"]))
    if "{claim_id}" in path:
        path = path.replace("{claim_id}", await claim_of_owner(site, made["id"]))
    return path


def outcome_of(response: Any) -> str:
    if response.status_code in (401, 403):
        return "?" if response.status_code == 401 else "x"
    is_absent = response.status_code == 404 and (not response.content or response.json()["code"] in ABSENT)
    return "-" if is_absent else "o"


@pytest.mark.parametrize("visibility", [each.value for each in Visibility])
async def test_each_caller_may_do_what_the_table_says(site: Site, visibility: str) -> None:
    group = await with_callers(site)
    made = await shared(site, group, visibility)
    found = {}
    for row in TABLE:
        method, template = row.split(" ")
        body = BODIES.get(row)
        if row == f"POST {_M}/lineage":
            body = {"source": (await site.published(site.tokens["owner"]))["id"], "kind": "part_of"}
        cells = ""
        for caller in CALLERS:
            path = await path_of(site, group, template, made)
            response = await site.client.request(
                "HEAD" if template.endswith("/events") else method,
                path,
                headers={**site.tokens[caller], "If-Match": "*"},
                **({"json": body} if body else {}),
            )
            cells += outcome_of(response)
            if cells[-1] == "o" and row in CHANGING:  # the next caller would see what this one changed
                made = await shared(site, group, visibility)
        found[row] = cells
    assert found == {row: cells[visibility] for row, cells in TABLE.items()}


PUBLIC = (
    "mechanisms",
    "mechanisms?category=gears",
    "mechanisms?sort=title",
    "users/{owner}/mechanisms",
    "search/mechanisms?q=gear",
    "search/mechanisms?q=geur",
    "search/mechanisms?q=secret",
    "search/mechanisms?q=sacret",
    "search/mechanisms?category=gears",
    "search/suggest?q=g",
    "search/suggest?q=s",
    "categories",
    "mechanisms/{public}",
    "mechanisms/{public}/lineage",
    "mechanisms/{public}/similar",
    "mechanisms/{public}/marks",
    "mechanisms/{public}/comments",
    "mechanisms/{public}/evidence",
    "mechanisms/{hidden}",
    "mechanisms/{hidden}/marks",
    "mechanisms?sort=popular",
    "users/{owner}",
    "users/{owner}/collections",
    "collections/{collection}",
    "collections/{collection}/mechanisms",
    "media/{media}",
    "/feed.json",
    "/feed.json?q=gear",
    "/u/{owner}/feed.atom",
    "/c/{collection}/feed.json",
    "/oembed?url=http://mechshare.test/m/{hidden}",
    "/sitemap.xml",
)
PAGES = ("/", "/?q=gear", "/m/{public}", "/u/{owner}", "/c/{collection}")
OF_BYSTANDER = (
    "categories",
    "mechanisms",
    "search/mechanisms?q=gear",
    "users/me/feed",
    "users/me/notifications",
    "users/me/notifications/unread",
    "users/{owner}/collections",
    "collections/{collection}",
    "collections/{collection}/mechanisms",
)
"""What somebody reads who is signed in and follows the owner and the category."""
_ONCE = re.compile(rb'"request_id".*|nonce="[^"]*"|nonce-[\w-]+|<code>[\w-]+</code>')
"""What differs between two identical requests."""


async def public_responses(site: Site, ids: dict[str, str], visibility: str) -> dict[str, Any]:
    """Returns what everybody reads, fresh and as it is cached, and the responses to requests that know the ETag; and
    unless signed-in users see the mechanism, what one of them reads."""
    found: dict[str, Any] = {}
    for template in PUBLIC:
        path = template.format(**ids)
        path = path if path.startswith("/") else f"{API}/{path}"
        known: dict[str, str] = {}
        for attempt in range(3):
            read = await site.client.get(path, headers=known if attempt == 2 else {})
            known = {"If-None-Match": read.headers.get("etag", '"none"')}
            found[f"{template} {attempt}"] = shown_in(read)
    for template in PAGES:
        found[template] = shown_in(await site.client.get(template.format(**ids)))
    for template in () if visibility == "internal" else OF_BYSTANDER:
        read = await site.client.get(f"{API}/{template.format(**ids)}", headers=site.tokens["other"])
        found[f"other {template}"] = shown_in(read)
    return found


def shown_in(read: Any) -> tuple[int, bytes, str]:
    return read.status_code, _ONCE.sub(b"", read.content), read.headers.get("etag", "")


async def collected(site: Site, owner: dict[str, str], *ids: str, visibility: str = "public") -> str:
    """Returns a new collection of these mechanisms."""
    body = {"title": "all", "visibility": visibility}
    made = await site.client.post(f"{API}/collections", headers=owner, json=body)
    for id in ids:
        put = await site.client.put(f"{made.headers['location']}/mechanisms/{id}", headers=owner)
        assert put.status_code == 204
    return str(made.json()["id"])


async def talked_about(site: Site, made: dict[str, Any]) -> None:
    """Those who may see the mechanism like, watch, download, discuss and judge it."""
    url, reader = f"{API}/mechanisms/{made['id']}", site.tokens["reader"]
    for method, path, body in (
        ("PUT", "/marks/like", None),
        ("PUT", "/marks/bookmark", None),
        ("POST", "/views", None),
        ("GET", "/original", None),
        ("POST", "/comments", {"text": "@member secret gear"}),
        ("POST", "/claims", BODIES[f"POST {_M}/claims"]),
    ):
        sent = await site.client.request(
            method, url + path, headers=reader, **({"json": body} if body else {})
        )
        assert sent.status_code in (200, 201, 204, 403), sent.text


@pytest.mark.parametrize("visibility", ["private", "internal", "unlisted"])
async def test_no_public_response_changes_with_what_is_not_public(site: Site, visibility: str) -> None:
    group = await with_callers(site)
    owner = site.tokens["owner"]
    public = await site.published(owner, "gear train", categories="gears")
    hidden = await site.published(owner, "hidden", visibility="private")
    key = hidden["file_url"].partition("?")[0].partition("/media/")[2]
    collection = await collected(site, owner, public["id"], hidden["id"])
    ids = {"owner": site.ids["owner"], "public": public["id"], "hidden": hidden["id"], "media": key}
    ids["collection"] = collection
    for followed in (f"users/{site.ids['owner']}", "categories/gears"):
        await site.client.put(f"{API}/{followed}/follow", headers=site.tokens["other"])
    await public_responses(site, ids, visibility)  # these are views of the public one
    await site.application.statistics.refresh()
    await site.adapters.cache.invalidate(PUBLIC_LISTS, mechanism_tag(public["id"]))
    before = await public_responses(site, ids, visibility)

    async def same() -> None:
        assert await public_responses(site, ids, visibility) == before
        await site.work()
        await site.application.statistics.refresh()
        assert await public_responses(site, ids, visibility) == before

    made = await shared(site, group, visibility, "secret gear")
    await same()
    url = f"{API}/mechanisms/{made['id']}"
    editor = {**site.tokens["editor"], "If-Match": "*"}
    changes = {"title": "secret gears", "categories": ["gears"]}
    assert (await site.client.patch(url, headers=editor, json=changes)).status_code == 200
    await same()
    assert (
        await site.client.put(
            f"{API}/mechanisms/{public['id']}/shares/users/{site.ids['reader']}", headers=owner
        )
    ).status_code == 200
    await talked_about(site, made)
    entry = f"{API}/collections/{collection}/mechanisms/{made['id']}"
    put = await site.client.put(entry, headers=owner, json={"position": 0})
    assert put.status_code == 204
    await collected(site, owner, made["id"], visibility="private")
    await same()
    edge = {"source": public["id"], "kind": "part_of"}
    assert (await site.client.post(f"{url}/lineage", headers=editor, json=edge)).status_code == 201
    await same()
    member = f"{API}/groups/{group}/members/{site.ids['member']}"
    assert (await site.client.delete(member, headers=owner)).status_code == 204
    assert (await site.client.post(f"{url}/withdraw", headers=owner)).status_code == 200
    await same()
    assert (await site.client.delete(url, headers={**owner, "If-Match": "*"})).status_code == 204
    await same()


async def titles(site: Site, caller: str, path: str) -> list[str]:
    read = await site.client.get(f"{API}/{path}", headers=site.tokens[caller])
    assert read.headers["cache-control"].startswith("public" if caller == "anonymous" else "private")
    items = [item.get("mechanism", item) for item in read.json()["items"]]
    return sorted(item["title"] for item in items)


async def counted(site: Site, caller: str) -> int:
    """Returns how many mechanisms the category "gears" has for the caller."""
    read = await site.client.get(f"{API}/categories", headers=site.tokens[caller])
    assert read.headers["cache-control"].startswith("public" if caller == "anonymous" else "private")
    counts = {one["id"]: one["mechanism_count"] for one in read.json()["items"]}
    return int(counts["gears"])


FINDS = {
    "anonymous": ["public gear"],
    "other": ["internal gear", "public gear"],
    "reader": ["internal gear", "private gear", "public gear"],
    "member": ["internal gear", "private gear", "public gear"],
}


async def test_lists_searches_facets_and_suggestions_show_what_the_caller_may_see(site: Site) -> None:
    group = await with_callers(site)
    for visibility in Visibility:
        made = await shared(site, group, visibility.value, f"{visibility.value} gear")
        changing = {**site.tokens["owner"], "If-Match": "*"}
        url = f"{API}/mechanisms/{made['id']}"
        assert (
            await site.client.patch(url, headers=changing, json={"categories": ["gears"]})
        ).status_code == 200
    await site.work()
    for _ in range(2):  # callers in turn, so that what is cached for one would reach the next
        for caller, found in FINDS.items():
            assert await titles(site, caller, "mechanisms") == found, caller
            assert await titles(site, caller, "mechanisms?category=gears") == found, caller
            assert await titles(site, caller, f"users/{site.ids['owner']}/mechanisms") == found, caller
            assert await titles(site, caller, "search/mechanisms?q=gear") == found, caller
            search = await site.client.get(f"{API}/search/mechanisms?q=gear", headers=site.tokens[caller])
            assert search.json()["total"] == len(found)
            assert search.json()["facets"] == {"gears": len(found)}, caller
            suggested = await site.client.get(f"{API}/search/suggest?q=gear", headers=site.tokens[caller])
            assert sorted(suggested.json()["items"]) == found, caller
            assert await counted(site, caller) == len(found), caller
    everything = ["internal gear", "private gear", "public gear", "unlisted gear"]
    assert await titles(site, "owner", f"users/{site.ids['owner']}/mechanisms") == everything
    assert await titles(site, "owner", "mechanisms") == everything[:3]


@pytest.mark.parametrize("visibility", ["private", "internal"])
async def test_a_change_is_in_the_counts_of_the_next_request(site: Site, visibility: str) -> None:
    group = await with_callers(site)
    owner, admin = site.tokens["owner"], site.tokens["admin"]
    made = await site.ready(owner, visibility=visibility, categories="planetary-gears")
    url = f"{API}/mechanisms/{made['id']}"
    assert await counted(site, "member") == 0
    await site.client.put(f"{url}/shares/groups/{group}", headers=owner)
    for method, path, headers, seen in (
        ("POST", f"{url}/publish", owner, 1),
        ("PUT", f"{url}/visibility", owner, 0),
        ("PUT", f"{url}/visibility", owner, 1),
        ("POST", f"{url}/withdraw", admin, 0),
        ("POST", f"{url}/publish", admin, 1),
        ("DELETE", url, owner, 0),
    ):
        to = "unlisted" if seen == 0 else visibility
        body = {"visibility": to} if path.endswith("visibility") else {"reason": "x"}
        json = {} if method == "DELETE" or path.endswith("publish") else {"json": body}
        sent = await site.client.request(method, path, headers={**headers, "If-Match": "*"}, **json)
        assert sent.is_success, sent.text
        assert await counted(site, "member") == seen, (method, path)
        assert await counted(site, "anonymous") == 0


async def test_a_share_or_membership_that_ends_hides_the_mechanism_at_once(site: Site) -> None:
    group = await with_callers(site)
    made = await shared(site, group, "private", categories="gears")
    url, owner = f"{API}/mechanisms/{made['id']}", site.tokens["owner"]
    for caller, ending in (
        ("reader", f"{url}/shares/users/{site.ids['reader']}"),
        ("member", f"{API}/groups/{group}/members/{site.ids['member']}"),
    ):
        assert await titles(site, caller, "search/mechanisms?q=歯車") == ["歯車"]
        assert await counted(site, caller) == 1
        assert (await site.client.delete(ending, headers=owner)).status_code == 204
        for path in ("mechanisms", "search/mechanisms?q=歯車"):
            assert await titles(site, caller, path) == []
        assert await counted(site, caller) == 0
        assert (await site.client.get(url, headers=site.tokens[caller])).status_code == 404
        await site.work()


async def test_only_those_who_may_edit_a_draft_see_it(site: Site) -> None:
    await with_callers(site)
    made = await site.ready(site.tokens["owner"])
    url = f"{API}/mechanisms/{made['id']}"
    for caller, access, status in (("editor", "edit", 200), ("reader", "read", 404)):
        share = f"{url}/shares/users/{site.ids[caller]}"
        await site.client.put(share, headers=site.tokens["owner"], json={"access": access})
        assert (await site.client.get(url, headers=site.tokens[caller])).status_code == status
        assert await titles(site, caller, "mechanisms") == []


async def test_a_repeated_share_changes_nothing(site: Site) -> None:
    group = await with_callers(site)
    made = await shared(site, group, "private")
    url, owner = f"{API}/mechanisms/{made['id']}", site.tokens["owner"]
    before = (await site.client.get(url, headers=owner)).json()["version"]
    shares = (await site.client.get(f"{url}/shares", headers=owner)).json()
    assert [(one["username"], one["access"]) for one in shares["items"]] == [
        ("editor", "edit"),
        ("reader", "read"),
        ("", "read"),
    ]
    again = await site.client.put(f"{url}/shares/users/{site.ids['reader']}", headers=owner)
    assert (again.status_code, again.json()["access"]) == (200, "read")
    assert (await site.client.get(f"{url}/shares", headers=owner)).json() == shares
    assert (await site.client.get(url, headers=owner)).json()["version"] == before


async def test_what_cannot_be_shared_is_refused_with_a_reason(site: Site) -> None:
    group = await with_callers(site)
    made = await site.published(site.tokens["owner"])
    other = (await site.client.post(f"{API}/groups", headers=site.tokens["other"], json={"name": "x"})).json()
    absent = "01900000-0000-7000-8000-000000000000"
    for recipient, status, code in (
        (f"users/{site.ids['owner']}", 409, "SHARED_WITH_OWNER"),
        (f"users/{absent}", 404, "USER_NOT_FOUND"),
        (f"groups/{other['id']}", 404, "GROUP_NOT_FOUND"),
        (f"groups/{absent}", 404, "GROUP_NOT_FOUND"),
        ("users/\U0001f600", 404, "USER_NOT_FOUND"),
    ):
        url = f"{API}/mechanisms/{made['id']}/shares/{recipient}"
        refused = await site.client.put(url, headers=site.tokens["owner"])
        assert (refused.status_code, refused.json()["code"]) == (status, code), recipient
    url = f"{API}/mechanisms/{made['id']}/shares/groups/{group}"
    assert (await site.client.delete(url, headers=site.tokens["owner"])).json()["code"] == "SHARE_NOT_FOUND"


async def test_a_group_keeps_a_maintainer_and_members_may_leave(site: Site) -> None:
    group = await with_callers(site)
    members = f"{API}/groups/{group}/members"
    owner, member = site.tokens["owner"], site.tokens["member"]
    last = await site.client.delete(f"{members}/{site.ids['owner']}", headers=owner)
    assert (last.status_code, last.json()["code"]) == (409, "LAST_MAINTAINER")
    refused = await site.client.put(f"{members}/{site.ids['other']}", headers=member)
    assert refused.status_code == 403
    promoted = await site.client.put(
        f"{members}/{site.ids['member']}", headers=owner, json={"role": "maintainer"}
    )
    assert promoted.json()["role"] == "maintainer"
    assert (await site.client.delete(f"{members}/{site.ids['owner']}", headers=owner)).status_code == 204
    assert (await site.client.get(members, headers=owner)).status_code == 404
    left = (await site.client.get(members, headers=member)).json()["items"]
    assert [one["username"] for one in left] == ["member"]
    gone = await site.client.delete(f"{API}/groups/{group}", headers={**member, "If-Match": "*"})
    assert gone.status_code == 204
    assert (await site.client.get(f"{API}/groups", headers=member)).json() == {"items": []}
