"""Collections: one's own, and one with its mechanisms."""

from typing import Any

from litestar import Request, Response, Router, get, post
from litestar.params import FromPath

from mechshare.domain.collections import CollectionId
from mechshare.domain.errors import DomainException, MalformedRequest
from mechshare.domain.ids import MechanismId
from mechshare.domain.pagination import KeyType, SortOrder
from mechshare.domain.visibility import Visibility
from mechshare.entrypoints.http.protocol.auth import (
    actor_of,
    application_of,
    require_permissions,
    viewer_of,
)
from mechshare.entrypoints.http.protocol.errors import status_of
from mechshare.entrypoints.http.protocol.identifiers import mechanism_id_in
from mechshare.entrypoints.http.protocol.pagination import Cursor, page_request
from mechshare.entrypoints.http.representations.mechanisms import media_addresses
from mechshare.entrypoints.web.cards import card
from mechshare.entrypoints.web.feeds import feeds_in
from mechshare.entrypoints.web.forms import FormFields, Saved, form_fields, next_page, page_path, see_other
from mechshare.entrypoints.web.paging import next_query
from mechshare.entrypoints.web.rendering import page, problem_of

Req = Request[Any, Any, Any]
_IN_ORDER = SortOrder(name="place", column="position", key_type=KeyType.NUMBER, is_descending=False)
_OWN = "collections"


@get("/my/collections", guards=[require_permissions()])
async def show_collections(request: Req, cursor: Cursor = None, saved: Saved = "") -> Response[str]:
    return await _own(request, cursor, saved=saved)


@post("/my/collections", guards=[require_permissions()], status_code=200)
async def create_collection(request: Req) -> Response[Any]:
    """Creates a collection; with the field `mechanism`, with this mechanism in it."""
    fields, actor, collections = (
        await form_fields(request),
        actor_of(request),
        application_of(request).collections,
    )
    try:
        made = await collections.create(actor, fields.text("title"), _visibility(fields))
        if mechanism := fields.text("mechanism"):
            await collections.put(actor, made.collection.id, MechanismId(mechanism))
    except DomainException as error:
        return await _own(request, None, error, fields)
    return see_other(f"/c/{made.collection.id}")


@get("/c/{collection_id:str}")
async def show_collection(
    request: Req, collection_id: FromPath[str], cursor: Cursor = None, saved: Saved = ""
) -> Response[str]:
    return await _one(request, CollectionId(collection_id), cursor, saved=saved)


@post("/c/{collection_id:str}", guards=[require_permissions()], status_code=200)
async def change_collection(request: Req, collection_id: FromPath[str]) -> Response[Any]:
    """Changes title and visibility, or deletes the collection if the field `do` says so."""
    fields, id, collections = (
        await form_fields(request),
        CollectionId(collection_id),
        application_of(request).collections,
    )
    try:
        if fields.text("do") == "delete":
            await collections.delete(actor_of(request), id, (fields.version(),))
            return see_other("/my/collections?saved=deleted")
        await collections.change(
            actor_of(request),
            id,
            (fields.version(),),
            title=fields.text("title"),
            visibility=_visibility(fields),
        )
    except DomainException as error:
        return await _one(request, id, None, error, fields)
    return see_other(f"/c/{id}?saved=changed")


@post("/c/{collection_id:str}/mechanisms/{mechanism_id:str}", guards=[require_permissions()], status_code=200)
async def change_entry(
    request: Req, collection_id: FromPath[str], mechanism_id: FromPath[str]
) -> Response[Any]:
    """Puts the mechanism at `position`, takes it out, or makes it the cover, as the field `do` says. Leads back to it
    in the order, on the page in the field `next`."""
    fields, id, known = await form_fields(request), CollectionId(collection_id), mechanism_id_in(mechanism_id)
    actor, collections = actor_of(request), application_of(request).collections
    try:
        match fields.text("do"):
            case "remove":
                await collections.remove(actor, id, known)
            case "cover":
                await collections.change(actor, id, cover_id=known)
            case _:
                await collections.put(actor, id, known, _position(fields))
    except DomainException as error:
        return await _one(request, id, None, error)
    place = "order-title" if fields.text("do") == "remove" else f"entry-{known}"
    return see_other(f"{next_page(fields, f'/c/{id}')}#{place}")


@post("/m/{mechanism_id:str}/collections", guards=[require_permissions()], status_code=200)
async def add_to_collection(request: Req, mechanism_id: FromPath[str]) -> Response[Any]:
    """Puts the mechanism into the collection that the form names."""
    fields, known = await form_fields(request), mechanism_id_in(mechanism_id)
    id = CollectionId(fields.text("collection"))
    await application_of(request).collections.put(actor_of(request), id, known)
    return see_other(f"/m/{known}")


async def _own(
    request: Req,
    cursor: str | None,
    error: DomainException | None = None,
    fields: FormFields | None = None,
    saved: str = "",
) -> Response[str]:
    actor, application = actor_of(request), application_of(request)
    requested = page_request(None, None, cursor, conditions=_OWN)
    found = await application.collections.find_of_user(actor, actor.id, requested)
    addresses = media_addresses(application)
    return await page(
        request,
        "collections.html",
        status=status_of(error) if error else 200,
        collections=[
            (one.collection, card(one.cover, addresses) if one.cover else None) for one in found.items
        ],
        more=next_query(found, conditions=_OWN),
        values={name: fields.text(name) for name in ("title", "visibility")} if fields else {},
        visibilities=list(Visibility),
        problem=problem_of(request, error) if error else None,
        saved=saved,
    )


async def _one(
    request: Req,
    id: CollectionId,
    cursor: str | None,
    error: DomainException | None = None,
    fields: FormFields | None = None,
    saved: str = "",
) -> Response[str]:
    """Returns the page; after a refused form with its message and what was typed. Raises CollectionNotFound."""
    viewer, application = await viewer_of(request), application_of(request)
    collection = (await application.collections.get(viewer, id)).collection
    requested = page_request(None, None, cursor, _IN_ORDER, id)
    found = await application.collections.find_mechanisms(viewer, id, requested)
    addresses = media_addresses(application)
    return await page(
        request,
        "collection.html",
        status=status_of(error) if error else 200,
        collection=collection,
        feeds=feeds_in(request, f"/c/{id}/") if collection.visibility is Visibility.PUBLIC else {},
        owner=await application.users.get_user(collection.user_id),
        is_own=viewer is not None and viewer.id == collection.user_id,
        here=page_path(f"/c/{id}", cursor),
        cards=[card(item, addresses) for item in found.items],
        total=found.total,
        first_place=int(requested.after.key) + 1 if requested.after else 0,  # type: ignore[arg-type]
        more=next_query(found, order=_IN_ORDER, conditions=id),
        values={name: fields.text(name) for name in ("title", "visibility")} if fields else {},
        visibilities=list(Visibility),
        problem=problem_of(request, error) if error else None,
        saved=saved,
    )


def _visibility(fields: FormFields) -> Visibility:
    try:
        return Visibility(fields.text("visibility") or "private")
    except ValueError as problem:
        raise MalformedRequest(problem="the form has an unknown visibility. Reload the page.") from problem


def _position(fields: FormFields) -> int | None:
    text = fields.text("position")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 6 else None


router = Router(
    "/",
    route_handlers=[
        show_collections,
        create_collection,
        show_collection,
        change_collection,
        change_entry,
        add_to_collection,
    ],
)
