"""Following users and categories, and the page of what is new there."""

from typing import Any

from litestar import Request, Response, Router, get, post
from litestar.params import FromPath

from mechshare.domain.errors import UserNotFound
from mechshare.domain.ids import CategoryId, UserId, is_id
from mechshare.domain.mechanism_sorts import MechanismSort
from mechshare.entrypoints.http.protocol.auth import actor_of, application_of, require_permissions
from mechshare.entrypoints.http.protocol.pagination import Cursor, page_request
from mechshare.entrypoints.http.representations.mechanisms import media_addresses
from mechshare.entrypoints.web.cards import card
from mechshare.entrypoints.web.forms import form_fields, see_other
from mechshare.entrypoints.web.listing import find_categories
from mechshare.entrypoints.web.paging import next_query
from mechshare.entrypoints.web.rendering import page

Req = Request[Any, Any, Any]
_ORDER, _CONDITIONS = MechanismSort.RECENTLY_PUBLISHED.order, "feed"


@post("/u/{user_id:str}/follow", guards=[require_permissions()], status_code=200)
async def follow_user(request: Req, user_id: FromPath[str]) -> Response[Any]:
    """Follows the user, or no longer if the field `do` says so."""
    if not is_id(user_id):
        raise UserNotFound()
    fields, follows, id = await form_fields(request), application_of(request).follows, UserId(user_id)
    change = follows.unfollow_user if fields.text("do") == "remove" else follows.follow_user
    await change(actor_of(request), id)
    return see_other("/my/feed" if fields.text("next") == "feed" else f"/u/{id}")


@post("/my/feed/categories", guards=[require_permissions()], status_code=200)
async def follow_category(request: Req) -> Response[Any]:
    """Follows the category of the form, or no longer if the field `do` says so."""
    fields, follows = await form_fields(request), application_of(request).follows
    change = follows.unfollow_category if fields.text("do") == "remove" else follows.follow_category
    await change(actor_of(request), CategoryId(fields.text("category")))
    return see_other("/my/feed")


@get("/my/feed", guards=[require_permissions()])
async def show_feed(request: Req, cursor: Cursor = None) -> Response[str]:
    """Shows what is new of those whom and what the person follows."""
    application, actor = application_of(request), actor_of(request)
    followed = await application.follows.find(actor)
    found = await application.follows.find_feed(actor, page_request(None, None, cursor, _ORDER, _CONDITIONS))
    categories, addresses = await find_categories(request, actor), media_addresses(application)
    return await page(
        request,
        "feed.html",
        cards=[card(item, addresses) for item in found.items],
        more=next_query(found, order=_ORDER, conditions=_CONDITIONS),
        users=followed.users,
        followed={id: categories.names.get(id, id) for id in followed.category_ids},
        others={id: name for id, name in categories.names.items() if id not in followed.category_ids},
    )


router = Router("/", route_handlers=[follow_user, follow_category, show_feed])
