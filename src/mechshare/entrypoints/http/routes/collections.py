"""/collections, /users/{id}/collections and /users/me/collections"""

from datetime import datetime
from functools import partial
from typing import Annotated, Any

from litestar import Request, Response, Router, delete, get, patch, post, put
from litestar.openapi.spec import Tag
from litestar.params import FromPath
from msgspec import UNSET, Struct, UnsetType

from mechshare.domain.collections import CollectionId, CoveredCollection
from mechshare.domain.errors import Conflict, Forbidden, Invalid, NotFound, UserNotFound
from mechshare.domain.ids import MechanismId, UserId, is_id
from mechshare.domain.pagination import KeyType, Page, SortOrder
from mechshare.domain.visibility import Visibility
from mechshare.entrypoints.http.protocol.auth import (
    actor_of,
    application_of,
    require_permissions,
    viewer_of,
)
from mechshare.entrypoints.http.protocol.entity_tags import expected_versions
from mechshare.entrypoints.http.protocol.idempotency import idempotent_request
from mechshare.entrypoints.http.protocol.openapi import (
    ACCEPTS_IDEMPOTENCY_KEY,
    ACCEPTS_IF_MATCH,
    LOCATION,
    NOT_MODIFIED,
    OPTIONAL_TOKEN,
    body_of,
    documented,
    refuses,
)
from mechshare.entrypoints.http.protocol.pagination import (
    Cursor,
    Limit,
    PageNumber,
    PageResponse,
    list_resource,
    page_request,
    page_response,
)
from mechshare.entrypoints.http.protocol.request_body import decoded_body
from mechshare.entrypoints.http.protocol.responses import no_content, resource
from mechshare.entrypoints.http.protocol.schema_names import published
from mechshare.entrypoints.http.representations.mechanisms import (
    MechanismResponse,
    mechanism_response,
    media_addresses,
)
from mechshare.entrypoints.http.representations.users import USERS_PATH

Req = Request[Any, Any, Any]
TAG = Tag("collections", "Mechanisms put together by users")
_PATH = "/api/v1/collections"
_IN_ORDER = SortOrder(name="place", column="position", key_type=KeyType.NUMBER, is_descending=False)
Title = Annotated[str, documented(minLength=1, maxLength=200)]


@published("NewCollection")
class NewCollection(Struct, forbid_unknown_fields=True):
    title: Title
    visibility: Visibility = Visibility.PRIVATE


@published("CollectionUpdate")
class CollectionChanges(Struct, forbid_unknown_fields=True):
    """A merge patch (RFC 7396): omitted fields stay unchanged. `cover_id` is a mechanism in the collection; null
    for the first one."""

    title: Title | UnsetType = UNSET
    visibility: Visibility | UnsetType = UNSET
    cover_id: str | UnsetType | None = UNSET


@published("CollectionPlace")
class Place(Struct, forbid_unknown_fields=True):
    """`position` counts from 0; without it, the mechanism comes last, or stays where it is."""

    position: Annotated[int, documented(minimum=0)] | None = None


@published("Collection")
class CollectionResponse(Struct):
    """`cover_url` is the thumbnail of the chosen mechanism, or else of the first one; null if the caller may not see
    it."""

    id: str
    user_id: str
    title: str
    visibility: Visibility
    cover_url: str | None
    created_at: datetime
    updated_at: datetime
    version: int


@post(
    "/",
    guards=[require_permissions()],
    status_code=201,
    operation_id="createCollection",
    summary="Create a collection",
    opt={**ACCEPTS_IDEMPOTENCY_KEY, LOCATION: _PATH, **refuses(Conflict, Forbidden, Invalid)},
    operation_class=body_of(NewCollection, example={"title": "間欠運動", "visibility": "public"}),
)
async def create_collection(request: Req) -> Response[CollectionResponse]:
    """Creates an empty collection, which is private unless `visibility` says otherwise."""
    new = await decoded_body(request, NewCollection)
    idempotency = idempotent_request(request, new, partial(_response, request))
    made = await application_of(request).collections.create(
        actor_of(request), new.title, new.visibility, idempotency
    )
    return _resource(request, made, 201)


@get(
    "/{collection_id:str}",
    operation_id="getCollection",
    summary="Read a collection",
    responses=NOT_MODIFIED,
    opt=OPTIONAL_TOKEN,
)
async def get_collection(request: Req, collection_id: FromPath[str]) -> Response[CollectionResponse]:
    """Returns the collection to the audience of its visibility, as with mechanisms."""
    collections = application_of(request).collections
    return _resource(request, await collections.get(await viewer_of(request), CollectionId(collection_id)))


@get(
    "/{collection_id:str}/mechanisms",
    operation_id="listMechanismsOfCollection",
    summary="List the mechanisms in a collection",
    responses=NOT_MODIFIED,
    opt=OPTIONAL_TOKEN,
)
async def find_mechanisms_in(
    request: Req,
    collection_id: FromPath[str],
    page: PageNumber = None,
    limit: Limit = None,
    cursor: Cursor = None,
) -> Response[PageResponse[MechanismResponse]]:
    """Returns what the caller may see in the collection, in its order. The rest is absent, and is not counted."""
    viewer, application = await viewer_of(request), application_of(request)
    requested = page_request(page, limit, cursor, _IN_ORDER, collection_id)
    found = await application.collections.find_mechanisms(viewer, CollectionId(collection_id), requested)
    addresses = media_addresses(application)
    items = [mechanism_response(item, addresses) for item in found.items]
    return list_resource(request, page_response(found, items, _IN_ORDER, collection_id))


@patch(
    "/{collection_id:str}",
    guards=[require_permissions()],
    operation_id="updateCollection",
    summary="Update a collection",
    opt={**ACCEPTS_IF_MATCH, **refuses(Forbidden, Invalid)},
    operation_class=body_of(CollectionChanges, example={"visibility": "public"}),
)
async def update_collection(request: Req, collection_id: FromPath[str]) -> Response[CollectionResponse]:
    """Changes title, visibility and cover; for its owner and admins. Requires If-Match."""
    changes = await decoded_body(request, CollectionChanges)
    changed = await application_of(request).collections.change(
        actor_of(request),
        CollectionId(collection_id),
        expected_versions(request),
        title=None if changes.title is UNSET else changes.title,
        visibility=None if changes.visibility is UNSET else changes.visibility,
        cover_id=MechanismId(changes.cover_id) if isinstance(changes.cover_id, str) else None,
        resets_cover=changes.cover_id is None,
    )
    return _resource(request, changed)


@delete(
    "/{collection_id:str}",
    guards=[require_permissions()],
    status_code=204,
    operation_id="deleteCollection",
    summary="Delete a collection",
    opt={**ACCEPTS_IF_MATCH, **refuses(Forbidden)},
)
async def delete_collection(request: Req, collection_id: FromPath[str]) -> Response[None]:
    """Deletes the collection, not its mechanisms; for its owner and admins. Requires If-Match."""
    versions = expected_versions(request)
    await application_of(request).collections.delete(actor_of(request), CollectionId(collection_id), versions)
    return no_content()


@put(
    "/{collection_id:str}/mechanisms/{mechanism_id:str}",
    guards=[require_permissions()],
    status_code=204,
    operation_id="putMechanismIntoCollection",
    summary="Put a mechanism into a collection",
    opt=refuses(Conflict, Forbidden, Invalid),
    operation_class=body_of(Place, required=False, example={"position": 0}),
)
async def put_mechanism(
    request: Req, collection_id: FromPath[str], mechanism_id: FromPath[str]
) -> Response[None]:
    """Puts the mechanism at the end or at `position`, or moves it there; a repetition changes nothing. For the owner of
    the collection and admins, who may see the mechanism. At most 500 are in one collection."""
    place = await decoded_body(request, Place, Place())
    await application_of(request).collections.put(
        actor_of(request), CollectionId(collection_id), MechanismId(mechanism_id), place.position
    )
    return no_content()


@delete(
    "/{collection_id:str}/mechanisms/{mechanism_id:str}",
    guards=[require_permissions()],
    status_code=204,
    operation_id="removeMechanismFromCollection",
    summary="Take a mechanism out of a collection",
    opt=refuses(Forbidden),
)
async def remove_mechanism(
    request: Req, collection_id: FromPath[str], mechanism_id: FromPath[str]
) -> Response[None]:
    """Takes the mechanism out; a repetition changes nothing. For the owner of the collection and admins."""
    await application_of(request).collections.remove(
        actor_of(request), CollectionId(collection_id), MechanismId(mechanism_id)
    )
    return no_content()


@get(
    USERS_PATH + "/{user_id:str}/collections",
    operation_id="listCollectionsOfUser",
    summary="List a user's collections",
    responses=NOT_MODIFIED,
    opt={**OPTIONAL_TOKEN, **refuses(NotFound)},
)
async def find_collections_of(
    request: Req,
    user_id: FromPath[str],
    page: PageNumber = None,
    limit: Limit = None,
    cursor: Cursor = None,
) -> Response[PageResponse[CollectionResponse]]:
    """Returns the public collections of the user, newest first; to signed-in callers also internal ones, and to the
    user all."""
    if not is_id(user_id):
        raise UserNotFound()
    viewer, application = await viewer_of(request), application_of(request)
    await application.users.get_profile(UserId(user_id))
    requested = page_request(page, limit, cursor, conditions=user_id)
    found = await application.collections.find_of_user(viewer, UserId(user_id), requested)
    return _list(request, found, user_id)


@get(
    USERS_PATH + "/me/collections",
    guards=[require_permissions()],
    operation_id="listCollections",
    summary="List one's collections",
    responses=NOT_MODIFIED,
)
async def find_own_collections(
    request: Req, page: PageNumber = None, limit: Limit = None, cursor: Cursor = None
) -> Response[PageResponse[CollectionResponse]]:
    """Returns all collections of the caller, newest first."""
    actor = actor_of(request)
    requested = page_request(page, limit, cursor, conditions=actor.id)
    found = await application_of(request).collections.find_of_user(actor, actor.id, requested)
    return _list(request, found, actor.id)


def _list(request: Req, found: Page[CoveredCollection], conditions: str) -> Response[Any]:
    items = [_response(request, one) for one in found.items]
    return list_resource(request, page_response(found, items, conditions=conditions))


def _resource(request: Req, covered: CoveredCollection, status: int = 200) -> Response[Any]:
    collection = covered.collection
    headers = {"Location": f"{_PATH}/{collection.id}"} if status == 201 else None
    return resource(
        request, _response(request, covered), version=collection.version, status=status, headers=headers
    )


def _response(request: Req, covered: CoveredCollection) -> CollectionResponse:
    collection, cover = covered.collection, covered.cover
    shown = mechanism_response(cover, media_addresses(application_of(request))) if cover else None
    return CollectionResponse(
        id=collection.id,
        user_id=collection.user_id,
        title=collection.title,
        visibility=collection.visibility,
        cover_url=shown.thumbnail_url if shown else None,
        created_at=collection.created_at,
        updated_at=collection.updated_at,
        version=collection.version,
    )


router = Router(
    _PATH,
    tags=[TAG.name],
    route_handlers=[
        create_collection,
        get_collection,
        find_mechanisms_in,
        update_collection,
        delete_collection,
        put_mechanism,
        remove_mechanism,
    ],
)
of_users_router = Router("/", tags=[TAG.name], route_handlers=[find_collections_of, find_own_collections])
