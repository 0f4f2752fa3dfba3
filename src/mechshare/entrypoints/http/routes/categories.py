"""/categories"""

from datetime import datetime
from typing import Annotated, Any

import msgspec
from litestar import Request, Response, Router, delete, get, patch, post
from litestar.openapi.spec import Tag
from litestar.params import FromPath
from msgspec import UNSET, Struct, UnsetType

from mechshare.domain.categories import Category
from mechshare.domain.errors import Conflict, Invalid
from mechshare.domain.ids import CategoryId
from mechshare.entrypoints.http.protocol.auth import (
    actor_of,
    application_of,
    request_metadata_of,
    require_permissions,
    valid_viewer_of,
)
from mechshare.entrypoints.http.protocol.entity_tags import etag_of, expected_versions
from mechshare.entrypoints.http.protocol.idempotency import idempotent_request, replayed
from mechshare.entrypoints.http.protocol.openapi import (
    ACCEPTS_IDEMPOTENCY_KEY,
    ACCEPTS_IF_MATCH,
    NOT_MODIFIED,
    body_of,
    documented,
    refuses,
)
from mechshare.entrypoints.http.protocol.request_body import decoded_body
from mechshare.entrypoints.http.protocol.responses import PUBLIC, json_response, no_content, public_response
from mechshare.entrypoints.http.protocol.schema_names import published
from mechshare.entrypoints.http.public_reads.keys import CATEGORIES_KEY
from mechshare.entrypoints.http.public_reads.reads import public_reads_of
from mechshare.entrypoints.http.representations.categories import CategoriesResponse
from mechshare.services.support.idempotency import ReplayedResponse

Req = Request[Any, Any, Any]
TAG = Tag("categories", "Kinematic families and fields of physics")
_PATH = "/api/v1/categories"


Slug = Annotated[str, documented(minLength=2, maxLength=40)]
CategoryName = Annotated[str, documented(minLength=1, maxLength=80)]


@published("NewCategory")
class NewCategory(Struct, forbid_unknown_fields=True):
    """`id` is a slug: a-z and 0-9, in words joined by hyphens."""

    id: Slug
    name_en: CategoryName
    name_ja: CategoryName


@published("CategoryUpdate")
class CategoryChanges(Struct, forbid_unknown_fields=True):
    """A merge patch (RFC 7396): omitted fields stay unchanged."""

    name_en: CategoryName | UnsetType = UNSET
    name_ja: CategoryName | UnsetType = UNSET


@published("Category")
class CategoryResponse(Struct):
    id: str
    name_en: str
    name_ja: str
    created_at: datetime
    updated_at: datetime
    version: int


@get("/", operation_id="listCategories", summary="List categories", responses=NOT_MODIFIED)
async def find_categories(request: Req) -> Response[CategoriesResponse]:
    """Returns all categories, each with its number of published mechanisms."""
    categories = await public_reads_of(request).categories(await valid_viewer_of(request))
    return public_response(request, categories, CATEGORIES_KEY)


@get("/{category_id:str}", operation_id="getCategory", summary="Read a category", responses=NOT_MODIFIED)
async def get_category(request: Req, category_id: FromPath[str]) -> Response[CategoryResponse]:
    """Returns the category with this slug."""
    category = await application_of(request).categories.get_category(CategoryId(category_id))
    return _resource(request, category, cache=PUBLIC)


@post(
    "/",
    guards=[require_permissions("categories:manage")],
    operation_id="createCategory",
    summary="Add a category (admins)",
    opt={**ACCEPTS_IDEMPOTENCY_KEY, **refuses(Invalid)},
    operation_class=body_of(
        NewCategory, example={"id": "cam-followers", "name_en": "Cam followers", "name_ja": "カム従動節"}
    ),
)
async def create_category(request: Req) -> Response[CategoryResponse]:
    """Creates a category. Its `id` is a unique slug that never changes."""
    new = await decoded_body(request, NewCategory)
    actor = actor_of(request)
    idempotency = idempotent_request(request, actor.id, msgspec.json.encode(new), _encoded)
    created = await application_of(request).categories.create_category(
        actor, new.id, new.name_en, new.name_ja, idempotency, request_metadata_of(request)
    )
    if isinstance(created, ReplayedResponse):
        return replayed(request, created, 201, _PATH)
    return _resource(request, created, status=201)


@patch(
    "/{category_id:str}",
    guards=[require_permissions("categories:manage")],
    operation_id="updateCategory",
    summary="Rename a category (admins)",
    opt={**ACCEPTS_IF_MATCH, **refuses(Invalid)},
    operation_class=body_of(CategoryChanges, example={"name_en": "Cams"}),
)
async def update_category(request: Req, category_id: FromPath[str]) -> Response[CategoryResponse]:
    """Changes the names of the category; the slug stays. Requires If-Match."""
    changes = await decoded_body(request, CategoryChanges)
    changed = await application_of(request).categories.update_category(
        actor_of(request),
        CategoryId(category_id),
        name_en=None if changes.name_en is UNSET else changes.name_en,
        name_ja=None if changes.name_ja is UNSET else changes.name_ja,
        versions=expected_versions(request),
        request_metadata=request_metadata_of(request),
    )
    return _resource(request, changed)


@delete(
    "/{category_id:str}",
    status_code=204,
    guards=[require_permissions("categories:manage")],
    operation_id="deleteCategory",
    summary="Delete an empty category (admins)",
    opt={**ACCEPTS_IF_MATCH, **refuses(Conflict)},
)
async def delete_category(request: Req, category_id: FromPath[str]) -> Response[None]:
    """Deletes the category; refused while it contains a mechanism. Requires If-Match."""
    versions = expected_versions(request)
    await application_of(request).categories.delete_category(
        actor_of(request), CategoryId(category_id), versions, request_metadata_of(request)
    )
    return no_content()


def _encoded(category: Category) -> bytes:
    return msgspec.json.encode(
        CategoryResponse(
            id=category.id,
            name_en=category.name_en,
            name_ja=category.name_ja,
            created_at=category.created_at,
            updated_at=category.updated_at,
            version=category.version,
        )
    )


def _resource(request: Req, category: Category, *, status: int = 200, cache: str = PUBLIC) -> Response[Any]:
    body = _encoded(category)
    headers = {"Location": f"{_PATH}/{category.id}"} if status == 201 else {}
    return json_response(
        request,
        body,
        etag=etag_of(body, category.version),
        cache=cache,
        status=status,
        headers=headers,
    )


router = Router(
    _PATH,
    tags=[TAG.name],
    route_handlers=[find_categories, get_category, create_category, update_category, delete_category],
)
