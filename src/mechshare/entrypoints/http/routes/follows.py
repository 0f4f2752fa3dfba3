"""/users/{id}/follow, /categories/{id}/follow, /users/me/follows and /users/me/feed"""

from typing import Any

from litestar import Request, Response, Router, delete, get, put
from litestar.openapi.spec import Tag
from litestar.params import FromPath
from msgspec import Struct

from mechshare.domain.errors import Conflict, UserNotFound
from mechshare.domain.ids import CategoryId, UserId, is_id
from mechshare.domain.mechanism_sorts import MechanismSort
from mechshare.domain.mechanisms import Author
from mechshare.entrypoints.http.protocol.auth import actor_of, application_of, require_permissions
from mechshare.entrypoints.http.protocol.openapi import NOT_MODIFIED, refuses
from mechshare.entrypoints.http.protocol.pagination import (
    Cursor,
    Limit,
    PageNumber,
    PageResponse,
    list_resource,
    page_request,
    page_response,
)
from mechshare.entrypoints.http.protocol.request_body import refuse_body
from mechshare.entrypoints.http.protocol.responses import no_content, resource
from mechshare.entrypoints.http.protocol.schema_names import published
from mechshare.entrypoints.http.representations.categories import CATEGORIES_PATH
from mechshare.entrypoints.http.representations.mechanisms import (
    MechanismResponse,
    mechanism_response,
    media_addresses,
)
from mechshare.entrypoints.http.representations.users import USERS_PATH

Req = Request[Any, Any, Any]
TAG = Tag("follows", "Users and categories that somebody follows")
_USER, _CATEGORY = USERS_PATH + "/{user_id:str}/follow", CATEGORIES_PATH + "/{category_id:str}/follow"


@published("Follows")
class FollowsResponse(Struct):
    """Users by user name, and the ids of categories."""

    users: list[Author]
    categories: list[str]


@put(
    _USER,
    guards=[require_permissions()],
    status_code=204,
    operation_id="followUser",
    summary="Follow a user",
    opt=refuses(Conflict),
)
async def follow_user(request: Req, user_id: FromPath[str]) -> Response[None]:
    """Adds what the user publishes to the caller's feed; a repetition changes nothing. At most 1,000 users."""
    await refuse_body(request)
    await application_of(request).follows.follow_user(actor_of(request), _user_id(user_id))
    return no_content()


@delete(
    _USER,
    guards=[require_permissions()],
    status_code=204,
    operation_id="unfollowUser",
    summary="Stop following a user",
)
async def unfollow_user(request: Req, user_id: FromPath[str]) -> Response[None]:
    """A repetition changes nothing."""
    await application_of(request).follows.unfollow_user(actor_of(request), _user_id(user_id))
    return no_content()


@put(
    _CATEGORY,
    guards=[require_permissions()],
    status_code=204,
    operation_id="followCategory",
    summary="Follow a category",
    opt=refuses(Conflict),
)
async def follow_category(request: Req, category_id: FromPath[str]) -> Response[None]:
    """Adds what is published in the category to the caller's feed; a repetition changes nothing. At most 1,000
    categories."""
    await refuse_body(request)
    await application_of(request).follows.follow_category(actor_of(request), CategoryId(category_id))
    return no_content()


@delete(
    _CATEGORY,
    guards=[require_permissions()],
    status_code=204,
    operation_id="unfollowCategory",
    summary="Stop following a category",
)
async def unfollow_category(request: Req, category_id: FromPath[str]) -> Response[None]:
    """A repetition changes nothing."""
    await application_of(request).follows.unfollow_category(actor_of(request), CategoryId(category_id))
    return no_content()


@get(
    USERS_PATH + "/me/follows",
    guards=[require_permissions()],
    operation_id="listFollows",
    summary="List whom and what one follows",
    responses=NOT_MODIFIED,
)
async def find_follows(request: Req) -> Response[FollowsResponse]:
    """Returns whom and which categories the caller follows; nobody else reads this."""
    found = await application_of(request).follows.find(actor_of(request))
    return resource(request, FollowsResponse(users=list(found.users), categories=list(found.category_ids)))


@get(
    USERS_PATH + "/me/feed",
    guards=[require_permissions()],
    operation_id="listFeed",
    summary="List what is new of those one follows",
    responses=NOT_MODIFIED,
)
async def find_feed(
    request: Req, page: PageNumber = None, limit: Limit = None, cursor: Cursor = None
) -> Response[PageResponse[MechanismResponse]]:
    """Returns the mechanisms of the users and in the categories that the caller follows, as far as lists show them to
    the caller, what was published last first."""
    application = application_of(request)
    order = MechanismSort.RECENTLY_PUBLISHED.order
    requested = page_request(page, limit, cursor, order, "feed")
    found = await application.follows.find_feed(actor_of(request), requested)
    addresses = media_addresses(application)
    items = [mechanism_response(item, addresses) for item in found.items]
    return list_resource(request, page_response(found, items, order, "feed"))


def _user_id(text: str) -> UserId:
    if not is_id(text):
        raise UserNotFound()
    return UserId(text)


router = Router(
    "/",
    tags=[TAG.name],
    route_handlers=[follow_user, unfollow_user, follow_category, unfollow_category, find_follows, find_feed],
)
