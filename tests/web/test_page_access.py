"""Who may open which page: every route of the pages, for people of every role."""

from typing import Any

import pytest

from mechshare.domain.errors import LANGUAGES
from mechshare.domain.ids import UserId
from mechshare.domain.users import Actor, Permission, Role
from tests.http.conftest import Site
from tests.web.visitors import Visitor, visitor

PEOPLE = ("guest", *Role)
PUBLIC_FORMS = {"/sign-in", "/register"}
"""The forms for people who are signed out."""
GUARDED = {
    "/settings": set(),
    "/groups": set(),
    "/my": set(),
    "/upload": {Permission.CREATE_MECHANISMS},
    "/moderation": {Permission.WITHDRAW_ANY_MECHANISM},
    "/reports": set(),
    "/admin/audit": {Permission.READ_AUDIT_LOG},
    "/admin": {Permission.OPERATE_INSTALLATION, Permission.MANAGE_USERS},
    "/admin/users": {Permission.MANAGE_USERS},
    "/admin/registrations": {Permission.MANAGE_USERS},
    "/admin/invitations": {Permission.MANAGE_USERS},
    "/admin/categories": {Permission.MANAGE_CATEGORIES},
    "/admin/jobs": {Permission.OPERATE_INSTALLATION},
    "/admin/health": {Permission.OPERATE_INSTALLATION},
}
"""The permissions that all pages at and below these paths require; the longest path decides."""
ABSENT = "01900000-0000-7000-8000-000000000000"


def page_routes(site: Site) -> list[tuple[str, str, Any]]:
    """Every route that is not of the API, as method, path and handler."""
    api = ("/api/", "/health", "/.well-known/", "/schema", "/static")
    return [
        (method, route.path_format, handler)
        for route in site.litestar.routes
        if not route.path_format.startswith(api)
        for handler in getattr(route, "route_handlers", ())
        for method in handler.http_methods
        if method in ("GET", "POST")
    ]


def required(handler: Any) -> set[Permission] | None:
    """The permissions that the guards of a route require; None without a guard."""
    guards = handler.resolve_guards()
    return {one for guard in guards for one in getattr(guard, "permissions", ())} if guards else None


def place_of(path: str) -> str | None:
    """The longest path of GUARDED at or above `path`."""
    above = [place for place in GUARDED if path == place or path.startswith(place + "/")]
    return max(above, key=len, default=None)


async def test_all_pages_below_a_guarded_path_require_its_permissions(site: Site) -> None:
    for method, path, handler in page_routes(site):
        if place := place_of(path):
            assert required(handler) == GUARDED[place], f"{method} {path}"


async def test_every_form_has_a_guard_or_is_for_people_who_are_signed_out(site: Site) -> None:
    for method, path, handler in page_routes(site):
        if method == "POST":
            assert (required(handler) is None) == (path in PUBLIC_FORMS), path


def may(role: Role, permissions: set[Permission]) -> bool:
    actor = Actor(id=UserId(ABSENT), role=role)
    return all(actor.has_permission(one) for one in permissions)


async def person(site: Site, name: str) -> Visitor:
    return Visitor(site) if name == "guest" else await visitor(site, name, Role(name))


@pytest.mark.parametrize("name", PEOPLE)
async def test_every_page_opens_for_those_who_may_and_refuses_all_others(site: Site, name: str) -> None:
    browser = await person(site, name)
    for method, template, handler in page_routes(site):
        path = template.replace("{language}", "en").replace("{category_id}", "gears")
        path = path.replace("{mechanism_id}", ABSENT).replace("{user_id}", ABSENT)
        path = (
            path.replace("{claim_id}", ABSENT)
            .replace("{attachment_id}", ABSENT)
            .replace("{number}", "1")
            .replace("{group_id}", ABSENT)
            .replace("{collection_id}", ABSENT)
            .replace("{job_id}", ABSENT)
            .replace("{search_id}", ABSENT)
            .replace("{session_id}", ABSENT)
        )
        permissions = required(handler)
        is_refused = permissions is not None and (name == "guest" or not may(Role(name), permissions))
        if method == "POST" and not is_refused:
            continue  # what forms do is the matter of other tests
        page = await (browser.open(path) if method == "GET" else browser.submit(path))
        if not is_refused:
            assert page.status_code in (200, 204, 303, 400, 404), path
            assert not page.headers.get("location", "").startswith("/sign-in"), path
        elif name != "guest":
            assert page.status_code == 403, path
            assert "You may not do this" in page.text
        elif method == "GET":
            assert page.headers["location"] == f"/sign-in?next={path}", path
        else:
            assert page.status_code == 401, path


async def test_addresses_for_robots_are_valid_and_name_public_mechanisms_only(site: Site) -> None:
    await site.sign_up("mika")
    draft = await site.ready(site.tokens["mika"])
    public = await site.published(site.tokens["mika"])
    sitemap = await site.client.get("/sitemap.xml")
    assert sitemap.headers["content-type"].startswith("application/xml")
    assert f"<loc>http://mechshare.test/m/{public['id']}</loc>" in sitemap.text
    assert draft["id"] not in sitemap.text
    robots = (await site.client.get("/robots.txt")).text
    assert "Sitemap: http://mechshare.test/sitemap.xml" in robots
    assert "Disallow: /admin" in robots


async def test_robots_and_sitemap_know_the_path_of_the_site(open_site: Any) -> None:
    site = await open_site(public_url="https://example.com/clips")
    assert "Disallow: /clips/admin" in (await site.client.get("/robots.txt")).text
    assert "<loc>https://example.com/clips/about</loc>" in (await site.client.get("/sitemap.xml")).text


async def test_help_is_there_in_both_languages(site: Site) -> None:
    for language in LANGUAGES:
        browser = Visitor(site, language)
        for path in ("/about", "/help/keyboard", "/help/api"):
            page = await browser.open(path)
            assert (page.status_code, page.headers["content-language"]) == (200, language)
        assert "http://mechshare.test/api/v1/auth/login" in page.text
