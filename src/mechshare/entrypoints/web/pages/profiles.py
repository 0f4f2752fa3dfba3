"""The public page of a user."""

from typing import Any

from litestar import Request, Response, Router, get
from litestar.params import FromPath

from mechshare.application import Application
from mechshare.domain.collections import MAX_COLLECTIONS
from mechshare.domain.errors import UserNotFound
from mechshare.domain.ids import UserId, is_id
from mechshare.domain.mechanism_filters import MechanismFilter
from mechshare.domain.mechanism_sorts import MechanismSort
from mechshare.domain.pagination import PageRequest
from mechshare.domain.policy import sees_unpublished_of
from mechshare.domain.users import Actor
from mechshare.entrypoints.http.protocol.auth import application_of, viewer_of
from mechshare.entrypoints.http.protocol.pagination import Cursor, page_request
from mechshare.entrypoints.http.representations.mechanisms import media_addresses
from mechshare.entrypoints.web.cards import card
from mechshare.entrypoints.web.feeds import feeds_in
from mechshare.entrypoints.web.paging import next_query
from mechshare.entrypoints.web.rendering import page

Req = Request[Any, Any, Any]


async def _is_followed(application: Application, viewer: Actor, user_id: UserId) -> bool:
    return any(user.id == user_id for user in (await application.follows.find(viewer)).users)


@get("/u/{user_id:str}")
async def show_profile(request: Req, user_id: FromPath[str], cursor: Cursor = None) -> Response[str]:
    """Shows the published mechanisms of the user that the caller may see: to the user and admins the public ones, since
    other pages show them the rest."""
    if not is_id(user_id):
        raise UserNotFound()
    application, viewer = application_of(request), await viewer_of(request)
    profile = await application.users.get_profile(UserId(user_id))
    sort, filter = MechanismSort.RECENTLY_PUBLISHED, MechanismFilter(user_id=profile.id)
    requested = page_request(None, None, cursor, sort.order, filter.conditions)
    reader = None if sees_unpublished_of(viewer, profile.id) else viewer
    found = await application.mechanisms.find_all(reader, requested, filter, sort=sort)
    addresses, everything = media_addresses(application), PageRequest(limit=MAX_COLLECTIONS)
    return await page(
        request,
        "profile.html",
        profile=profile,
        feeds=feeds_in(request, f"/u/{profile.id}/"),
        is_own=viewer is not None and viewer.id == profile.id,
        is_followed=viewer is not None and await _is_followed(application, viewer, profile.id),
        collections=(await application.collections.find_of_user(viewer, profile.id, everything)).items,
        found=found,
        cards=[card(item, addresses) for item in found.items],
        more=next_query(found, (), sort.order, filter.conditions),
    )


router = Router("/", route_handlers=[show_profile])
