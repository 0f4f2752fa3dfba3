"""/categories"""

from datetime import datetime
from typing import Annotated, Any

from litestar import Request, Response, Router, delete, get, patch, post
from litestar.openapi.datastructures import ResponseSpec
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
from mechshare.entrypoints.http.protocol.request_body import decoded_body
from mechshare.entrypoints.http.protocol.responses import (
    PUBLIC,
    no_content,
    public_response,
    resource,
)
from mechshare.entrypoints.http.protocol.schema_names import published
from mechshare.entrypoints.http.public_reads.keys import CategoriesKey
from mechshare.entrypoints.http.public_reads.reads import public_reads_of, read_categories
from mechshare.entrypoints.http.representations.categories import CATEGORIES_PATH, CategoriesResponse
from mechshare.services.categories import ParentChange

Req = Request[Any, Any, Any]
TAG = Tag("categories", "Kinematic families and fields of physics")
_MERGED = {
    308: ResponseSpec(None, generate_examples=False, description="Merged into the category at Location")
}


Slug = Annotated[str, documented(minLength=2, maxLength=40)]
CategoryName = Annotated[str, documented(minLength=1, maxLength=80)]


@published("NewCategory")
class NewCategory(Struct, forbid_unknown_fields=True):
    """`id` is a slug: a-z and 0-9, in words joined by hyphens. One of the names is enough: without the other, both
    languages show it. `parent_id` is a category at the top of the tree."""

    id: Slug
    name_en: CategoryName | None = None
    name_ja: CategoryName | None = None
    parent_id: Slug | None = None


@published("CategoryUpdate")
class CategoryChanges(Struct, forbid_unknown_fields=True):
    """A merge patch (RFC 7396): omitted fields stay unchanged; a `parent_id` of null puts the category at the top."""

    name_en: CategoryName | UnsetType = UNSET
    name_ja: CategoryName | UnsetType = UNSET
    parent_id: Slug | UnsetType | None = UNSET

    @property
    def parent(self) -> ParentChange | None:
        """The other parent that the patch states; None if it states none."""
        if self.parent_id is UNSET:
            return None
        return ParentChange(None if self.parent_id is None else CategoryId(self.parent_id))


@published("CategoryMerge")
class Merge(Struct, forbid_unknown_fields=True):
    """`into` is the category that gets the mechanisms."""

    into: Slug


@published("Category")
class CategoryResponse(Struct):
    id: str
    name_en: str
    name_ja: str
    parent_id: str | None
    created_at: datetime
    updated_at: datetime
    version: int


@get(
    "/", operation_id="listCategories", summary="List categories", responses=NOT_MODIFIED, opt=OPTIONAL_TOKEN
)
async def find_categories(request: Req) -> Response[CategoriesResponse]:
    """Returns all categories, each with the number of mechanisms that lists show the caller in it and below it."""
    viewer, reads = await valid_viewer_of(request), public_reads_of(request)
    if viewer is not None:
        return resource(request, await read_categories(reads, application_of(request), viewer))
    return public_response(request, await reads.categories(None), CategoriesKey())


@get(
    "/{category_id:str}",
    operation_id="getCategory",
    summary="Read a category",
    responses={**NOT_MODIFIED, **_MERGED},
)
async def get_category(request: Req, category_id: FromPath[str]) -> Response[CategoryResponse]:
    """Returns the category with this slug. The slug of a category that was merged redirects to the other one."""
    category = await application_of(request).categories.get_category(CategoryId(category_id))
    if category.id != category_id:
        return _redirect_to(category)
    return _resource(request, category, cache=PUBLIC)


@post(
    "/",
    guards=[require_permissions("categories:manage")],
    operation_id="createCategory",
    summary="Add a category (admins)",
    opt={**ACCEPTS_IDEMPOTENCY_KEY, LOCATION: CATEGORIES_PATH, **refuses(Invalid)},
    operation_class=body_of(
        NewCategory, example={"id": "cam-followers", "name_en": "Cam followers", "name_ja": "カム従動節"}
    ),
)
async def create_category(request: Req) -> Response[CategoryResponse]:
    """Creates a category. Its `id` is a unique slug that never changes."""
    new = await decoded_body(request, NewCategory)
    created = await application_of(request).categories.create_category(
        actor_of(request),
        new.id,
        new.name_en,
        new.name_ja,
        idempotent_request(request, new, _response),
        request_metadata_of(request),
        parent_id=None if new.parent_id is None else CategoryId(new.parent_id),
    )
    return _resource(request, created, status=201)


@patch(
    "/{category_id:str}",
    guards=[require_permissions("categories:manage")],
    operation_id="updateCategory",
    summary="Rename or move a category (admins)",
    opt={**ACCEPTS_IF_MATCH, **refuses(Invalid)},
    operation_class=body_of(CategoryChanges, example={"name_en": "Cams"}),
)
async def update_category(request: Req, category_id: FromPath[str]) -> Response[CategoryResponse]:
    """Changes the names of the category or its place in the tree, which has two levels; the slug stays. Requires
    If-Match."""
    changes = await decoded_body(request, CategoryChanges)
    changed = await application_of(request).categories.update_category(
        actor_of(request),
        CategoryId(category_id),
        name_en=None if changes.name_en is UNSET else changes.name_en,
        name_ja=None if changes.name_ja is UNSET else changes.name_ja,
        parent=changes.parent,
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


@post(
    "/{category_id:str}/merge",
    status_code=200,
    guards=[require_permissions("categories:manage")],
    operation_id="mergeCategory",
    summary="Merge a category into another (admins)",
    opt={**ACCEPTS_IF_MATCH, **refuses(Invalid)},
    operation_class=body_of(Merge, example={"into": "cams"}),
)
async def merge_category(request: Req, category_id: FromPath[str]) -> Response[CategoryResponse]:
    """Moves all mechanisms of the category and the categories below it to another one, deletes it and returns the
    other. The slug and the names of the merged category lead to the other one from then on. Requires If-Match."""
    merge = await decoded_body(request, Merge)
    target = await application_of(request).categories.merge_category(
        actor_of(request),
        CategoryId(category_id),
        CategoryId(merge.into),
        expected_versions(request),
        request_metadata_of(request),
    )
    return _resource(request, target)


def _redirect_to(category: Category) -> Response[Any]:
    return Response(b"", status_code=308, headers={"Location": f"{CATEGORIES_PATH}/{category.id}"})


def _response(category: Category) -> CategoryResponse:
    return CategoryResponse(
        id=category.id,
        name_en=category.name_en,
        name_ja=category.name_ja,
        parent_id=category.parent_id,
        created_at=category.created_at,
        updated_at=category.updated_at,
        version=category.version,
    )


def _resource(request: Req, category: Category, *, status: int = 200, cache: str = PUBLIC) -> Response[Any]:
    headers = {"Location": f"{CATEGORIES_PATH}/{category.id}"} if status == 201 else {}
    return resource(
        request,
        _response(category),
        version=category.version,
        cache=cache,
        status=status,
        headers=headers,
    )


router = Router(
    CATEGORIES_PATH,
    tags=[TAG.name],
    route_handlers=[
        find_categories,
        get_category,
        create_category,
        update_category,
        delete_category,
        merge_category,
    ],
)
