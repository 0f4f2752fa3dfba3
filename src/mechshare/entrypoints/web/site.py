"""All pages, and the files that they load."""

from typing import Any

from litestar import Request, Response, Router, get
from litestar.params import FromPath

from mechshare.entrypoints.web.pages import (
    about,
    accounts,
    administration,
    audit_administration,
    category_administration,
    collections,
    comments,
    compare,
    edit,
    embed,
    evidence,
    feeds,
    follows,
    groups,
    home,
    job_administration,
    lineage,
    marks,
    moderation,
    motion_searches,
    my_mechanisms,
    notifications,
    personal_access_tokens,
    profiles,
    registration_administration,
    reports,
    revisions,
    settings,
    sharing,
    statistics,
    uploads,
    user_administration,
    watch,
    webhooks,
)
from mechshare.entrypoints.web.rendering import STATIC

Req = Request[Any, Any, Any]


@get("/static/{name:str}")
async def get_static_file(request: Req, name: FromPath[str]) -> Response[bytes]:
    return STATIC.respond(request, name)


site_router = Router(
    "/",
    route_handlers=[
        home.router,
        watch.router,
        lineage.router,
        collections.router,
        follows.router,
        statistics.router,
        marks.router,
        comments.router,
        revisions.router,
        evidence.router,
        compare.router,
        embed.router,
        feeds.router,
        motion_searches.router,
        uploads.router,
        edit.router,
        sharing.router,
        groups.router,
        my_mechanisms.router,
        notifications.router,
        accounts.router,
        profiles.router,
        settings.router,
        personal_access_tokens.router,
        webhooks.router,
        reports.router,
        moderation.router,
        administration.router,
        user_administration.router,
        registration_administration.router,
        category_administration.router,
        job_administration.router,
        audit_administration.router,
        about.router,
        get_static_file,
    ],
    include_in_schema=False,
)
