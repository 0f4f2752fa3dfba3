"""/mechanisms"""

from typing import Annotated, Any

import msgspec
from litestar import Request, Response, Router, delete, get, patch, post
from litestar.params import FromPath, QueryParameter
from msgspec import UNSET, Struct, UnsetType

from mechshare.domain.errors import MechanismNotFound
from mechshare.domain.ids import CategoryId, MechanismId, UserId, is_id
from mechshare.domain.mechanisms import AuthoredMechanism, MechanismSort
from mechshare.domain.pagination import Page, PageRequest
from mechshare.domain.policy import Viewer, sees_unpublished_of
from mechshare.entrypoints.http.middleware.response_cache import cached_response
from mechshare.entrypoints.http.protocol.auth import (
    actor_of,
    application_of,
    request_metadata_of,
    require_permissions,
    viewer_of,
)
from mechshare.entrypoints.http.protocol.openapi import HEARS_VERSION, NOT_MODIFIED, OPTIONAL_TOKEN, body_of
from mechshare.entrypoints.http.protocol.pagination import (
    Cursor,
    Limit,
    PageNumber,
    PageResponse,
    next_link,
    page_request,
    page_response,
)
from mechshare.entrypoints.http.protocol.request_body import decoded_body, refuse_body
from mechshare.entrypoints.http.protocol.responses import (
    answer,
    cached_entry,
    etag_of,
    expected_version,
    nothing,
)
from mechshare.entrypoints.http.public_reads.lists import find_page
from mechshare.entrypoints.http.representations.mechanisms import (
    MECHANISMS_PATH,
    MechanismResponse,
    mechanism_resource,
    mechanism_response,
)
from mechshare.entrypoints.http.routes.uploads import create_mechanism

Req = Request[Any, Any, Any]
Categories = Annotated[
    list[str] | None, QueryParameter(name="category", description="In any of these; may be repeated.")
]
ByUser = Annotated[str | None, QueryParameter(name="user_id")]


class MechanismChanges(Struct, forbid_unknown_fields=True):
    """What to change (RFC 7396): what is left out stays, null empties."""

    title: str | UnsetType = UNSET
    description: str | UnsetType | None = UNSET
    categories: list[str] | UnsetType | None = UNSET


class Withdrawal(Struct, forbid_unknown_fields=True):
    """`reason` is asked of moderators, for what is not theirs."""

    reason: str | None = None


@get("/", summary="List mechanisms", responses=NOT_MODIFIED, opt=OPTIONAL_TOKEN)
async def find_mechanisms(
    request: Req,
    page: PageNumber = None,
    limit: Limit = None,
    cursor: Cursor = None,
    category: Categories = None,
    user_id: ByUser = None,
    sort: Annotated[MechanismSort, QueryParameter(name="sort")] = MechanismSort.NEWEST,
) -> Response[PageResponse[MechanismResponse]]:
    """What is published, newest first; with one's own `user_id`, everything one has."""
    viewer = await viewer_of(request)
    wanted = page_request(page, limit, cursor, sort.value)
    return await list_response(request, viewer, wanted, sort, category or [], user_id)


@get("/{mechanism_id:str}", summary="Read a mechanism", responses=NOT_MODIFIED, opt=OPTIONAL_TOKEN)
async def get_mechanism(request: Req, mechanism_id: FromPath[str]) -> Response[MechanismResponse]:
    """What is published is read by everyone, the rest by its owner and by admins."""
    viewer = await viewer_of(
        request
    )  # what is published was answered before it came here (ResponseCacheMiddleware)
    if not is_id(mechanism_id):
        raise MechanismNotFound()
    mechanisms = application_of(request).mechanisms
    return mechanism_resource(request, await mechanisms.get_mechanism(viewer, MechanismId(mechanism_id)))


@patch(
    "/{mechanism_id:str}",
    guards=[require_permissions()],
    summary="Change a mechanism",
    opt=HEARS_VERSION,
    operation_class=body_of(MechanismChanges, example={"title": "四節リンク機構"}),
)
async def update_mechanism(request: Req, mechanism_id: FromPath[str]) -> Response[MechanismResponse]:
    """Needs If-Match."""
    changes = await decoded_body(request, MechanismChanges)
    version = expected_version(request)
    categories = None if changes.categories is UNSET else [CategoryId(c) for c in changes.categories or ()]
    item = await application_of(request).mechanisms.update_mechanism(
        actor_of(request),
        MechanismId(mechanism_id),
        title=None if changes.title is UNSET else changes.title,
        description=None if changes.description is UNSET else changes.description or "",
        categories=categories,
        version=version,
    )
    return mechanism_resource(request, item)


@delete(
    "/{mechanism_id:str}",
    guards=[require_permissions()],
    status_code=204,
    summary="Delete a mechanism",
    opt=HEARS_VERSION,
)
async def delete_mechanism(request: Req, mechanism_id: FromPath[str]) -> Response[None]:
    """Gone at once, with its files. Needs If-Match."""
    version = expected_version(request)
    await application_of(request).mechanisms.delete_mechanism(
        actor_of(request), MechanismId(mechanism_id), request_metadata_of(request), version
    )
    return nothing()


@post(
    "/{mechanism_id:str}/publish",
    guards=[require_permissions()],
    status_code=200,
    summary="Publish a mechanism",
)
async def publish_mechanism(request: Req, mechanism_id: FromPath[str]) -> Response[MechanismResponse]:
    """Seen by everyone from now on. Only what is ready can be published."""
    await refuse_body(request)
    mechanisms = application_of(request).mechanisms
    return mechanism_resource(request, await mechanisms.publish(actor_of(request), MechanismId(mechanism_id)))


@post(
    "/{mechanism_id:str}/withdraw",
    guards=[require_permissions()],
    status_code=200,
    summary="Withdraw a mechanism",
    operation_class=body_of(Withdrawal, required=False),
)
async def withdraw_mechanism(request: Req, mechanism_id: FromPath[str]) -> Response[MechanismResponse]:
    """Seen by its owner alone from now on. A moderator says why."""
    given = await decoded_body(request, Withdrawal, Withdrawal())
    item = await application_of(request).mechanisms.withdraw(
        actor_of(request), MechanismId(mechanism_id), request_metadata_of(request), reason=given.reason
    )
    return mechanism_resource(request, item)


async def list_response(
    request: Req,
    viewer: Viewer,
    wanted: PageRequest,
    sort: MechanismSort,
    categories: list[str],
    user_id: str | None,
) -> Response[Any]:
    """A page of mechanisms; a public one is kept encoded, since it is the same for every caller."""
    application = application_of(request)
    ids = [CategoryId(category) for category in categories]
    user = UserId(user_id) if user_id is not None else None
    # What was typed stands in quotes: nothing that is typed is the key of another question.
    narrowed = f"{sorted(ids)}|{user!r}"

    async def find(asked: PageRequest) -> Page[AuthoredMechanism]:
        return await application.mechanisms.find_all(viewer, asked, sort=sort, category_ids=ids, user_id=user)

    def told(page: Page[AuthoredMechanism]) -> tuple[bytes, str | None]:
        """The page's body, and the cursor of the next."""
        links = application.media.links()
        items = [mechanism_response(item, links) for item in page.items]
        answer = page_response(page, items, sort.value)
        return msgspec.json.encode(answer), answer.next

    async def load() -> bytes:
        body, cursor = told(await find_page(application.cache, narrowed, sort.value, wanted, find))
        return cached_entry(body, cursor=cursor)

    if sees_unpublished_of(viewer, user):
        body, cursor = told(await find(wanted))
        return answer(request, body, etag=etag_of(body), headers=next_link(request, cursor))
    key = f"{sort.value}|{wanted}|{narrowed}"
    return await cached_response(request, key, load, for_everyone=user is None)


router = Router(
    MECHANISMS_PATH,
    tags=["mechanisms"],
    route_handlers=[
        create_mechanism,
        find_mechanisms,
        get_mechanism,
        update_mechanism,
        delete_mechanism,
        publish_mechanism,
        withdraw_mechanism,
    ],
)
