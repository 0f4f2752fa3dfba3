"""Administration of categories."""

from typing import Any

from litestar import Request, Response, Router, get, post
from litestar.params import FromPath

from mechshare.domain.categories import Category, CategoryCount, in_tree_order
from mechshare.domain.errors import DomainException
from mechshare.domain.ids import CategoryId
from mechshare.domain.users import Permission
from mechshare.entrypoints.http.protocol.auth import actor_of, application_of, require_permissions
from mechshare.entrypoints.http.protocol.errors import status_of
from mechshare.entrypoints.web.forms import FormFields, Saved, form_fields, see_other
from mechshare.entrypoints.web.listing import find_categories
from mechshare.entrypoints.web.rendering import page, problem_of
from mechshare.services.categories import ParentChange

Req = Request[Any, Any, Any]
CATEGORY_MANAGERS = [require_permissions(Permission.MANAGE_CATEGORIES)]


@get("/admin/categories", guards=CATEGORY_MANAGERS)
async def show_categories(request: Req, saved: Saved = "") -> Response[str]:
    return await _list_page(request, saved=saved)


@post("/admin/categories", status_code=200, guards=CATEGORY_MANAGERS)
async def create_category(request: Req) -> Response[Any]:
    fields = await form_fields(request)
    try:
        await application_of(request).categories.create_category(
            actor_of(request),
            fields.text("id"),
            fields.text("name_en"),
            fields.text("name_ja"),
            parent_id=_parent(fields),
        )
    except DomainException as error:
        return await _list_page(request, error, fields)
    return see_other("/admin/categories?saved=created")


@get("/admin/categories/{category_id:str}", guards=CATEGORY_MANAGERS)
async def show_category(request: Req, category_id: FromPath[str]) -> Response[Any]:
    category = await _find(request, category_id)
    if category.id != category_id:  # merged
        return see_other(f"/admin/categories/{category.id}")
    return await _category_page(request, category)


@post("/admin/categories/{category_id:str}", status_code=200, guards=CATEGORY_MANAGERS)
async def rename_category(request: Req, category_id: FromPath[str]) -> Response[Any]:
    category, fields = await _find(request, category_id), await form_fields(request)
    try:
        await application_of(request).categories.update_category(
            actor_of(request),
            category.id,
            name_en=fields.text("name_en"),
            name_ja=fields.text("name_ja"),
            parent=ParentChange(_parent(fields)),
            versions=[fields.version()],
        )
    except DomainException as error:
        return await _category_page(request, await _find(request, category_id), error, fields)
    return see_other("/admin/categories?saved=renamed")


@post("/admin/categories/{category_id:str}/merge", status_code=200, guards=CATEGORY_MANAGERS)
async def merge_category(request: Req, category_id: FromPath[str]) -> Response[Any]:
    category, fields = await _find(request, category_id), await form_fields(request)
    try:
        await application_of(request).categories.merge_category(
            actor_of(request), category.id, CategoryId(fields.text("into")), [fields.version()]
        )
    except DomainException as error:
        return await _category_page(request, await _find(request, category_id), error)
    return see_other("/admin/categories?saved=merged")


@post("/admin/categories/{category_id:str}/delete", status_code=200, guards=CATEGORY_MANAGERS)
async def delete_category(request: Req, category_id: FromPath[str]) -> Response[Any]:
    category, fields = await _find(request, category_id), await form_fields(request)
    try:
        await application_of(request).categories.delete_category(
            actor_of(request), category.id, [fields.version()]
        )
    except DomainException as error:
        return await _category_page(request, await _find(request, category_id), error)
    return see_other("/admin/categories?saved=deleted")


async def _find(request: Req, category_id: str) -> Category:
    return await application_of(request).categories.get_category(CategoryId(category_id))


async def _list_page(
    request: Req, error: DomainException | None = None, fields: FormFields | None = None, saved: str = ""
) -> Response[str]:
    return await page(
        request,
        "admin_categories.html",
        status=status_of(error) if error else 200,
        categories=await _in_tree(request),
        values=_typed(fields),
        problem=problem_of(request, error) if error else None,
        saved=saved,
    )


async def _category_page(
    request: Req, category: Category, error: DomainException | None = None, fields: FormFields | None = None
) -> Response[str]:
    current = {
        "name_en": category.name_en,
        "name_ja": category.name_ja,
        "parent_id": category.parent_id or "",
    }
    return await page(
        request,
        "admin_category.html",
        status=status_of(error) if error else 200,
        category=category,
        categories=[one for one in await _in_tree(request) if one.category.id != category.id],
        values=_typed(fields) if fields else current,
        problem=problem_of(request, error) if error else None,
    )


def _typed(fields: FormFields | None) -> dict[str, str]:
    return {name: fields.text(name) if fields else "" for name in ("id", "name_en", "name_ja", "parent_id")}


def _parent(fields: FormFields) -> CategoryId | None:
    return CategoryId(fields.text("parent_id")) if fields.text("parent_id") else None


async def _in_tree(request: Req) -> list[CategoryCount]:
    """Returns the categories with their counts, each followed by those below it."""
    counts = (await find_categories(request, actor_of(request))).counts
    every = in_tree_order(await application_of(request).categories.find_all())
    return [CategoryCount(category=one, mechanism_count=counts.get(one.id, 0)) for one in every]


router = Router(
    "/",
    route_handlers=[
        show_categories,
        create_category,
        show_category,
        rename_category,
        merge_category,
        delete_category,
    ],
)
