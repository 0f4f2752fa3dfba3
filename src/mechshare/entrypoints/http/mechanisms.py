"""/mechanisms"""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Annotated, Any

import msgspec
from litestar import Request, Response, Router, delete, get, patch, post
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import FromPath, QueryParameter
from msgspec import UNSET, Struct, UnsetType

from mechshare.application import Application
from mechshare.domain.errors import (
    DomainException,
    MalformedRequest,
    MechanismNotFound,
    Unavailable,
    UnsupportedContentType,
)
from mechshare.domain.ids import CategoryId, MechanismId, UserId, is_id
from mechshare.domain.mechanisms import AuthoredMechanism, MechanismSort, OriginalFile
from mechshare.domain.pages import PageRequest
from mechshare.domain.policy import Viewer, sees_unpublished_of
from mechshare.entrypoints.http.answers import (
    PRIVATE,
    PUBLIC,
    answer,
    etag_of,
    expected_version,
    nothing,
)
from mechshare.entrypoints.http.auth import (
    actor_of,
    application_of,
    origin_of,
    require_permissions,
    viewer_of,
)
from mechshare.entrypoints.http.bodies import decoded, decoded_body, short_body
from mechshare.entrypoints.http.forms import Form, read_form
from mechshare.entrypoints.http.mechanism_answers import MechanismAnswer, mechanism_answer
from mechshare.entrypoints.http.once import REPLAYED, once_of, replayed
from mechshare.entrypoints.http.paging import (
    Cursor,
    Limit,
    ListAnswer,
    PageNumber,
    list_answer,
    next_link,
    page_request,
)
from mechshare.entrypoints.http.schema import NOT_MODIFIED, body_of, form_of
from mechshare.entrypoints.metrics import UPLOADED_BYTES
from mechshare.services.changes import LISTS, mechanism_group
from mechshare.services.mechanisms import Draft, ExternalMedia
from mechshare.services.receipts import Replay

MECHANISMS_PATH = "/api/v1/mechanisms"
CACHED_FOR = timedelta(hours=1)
"""How long an encoded answer is kept at most; every change of what it tells drops it at once."""

Req = Request[Any, Any, Any]
Categories = Annotated[
    list[str] | None, QueryParameter(name="category", description="In any of these; may be repeated.")
]
ByUser = Annotated[str | None, QueryParameter(name="user_id")]


class NewMechanism(Struct, forbid_unknown_fields=True):
    """A clip that is hosted elsewhere; https only, and never fetched. `duration` in seconds."""

    title: str
    file_url: str
    thumbnail_url: str
    duration: float
    description: str = ""
    categories: list[str] = []


class NewUpload(Struct, forbid_unknown_fields=True):
    """The text fields of a form that brings its clip along as `file`."""

    title: str
    description: str = ""
    categories: list[str] = []


class MechanismChanges(Struct, forbid_unknown_fields=True):
    """What to change (RFC 7396): what is left out stays, null empties."""

    title: str | UnsetType = UNSET
    description: str | UnsetType | None = UNSET
    categories: list[str] | UnsetType | None = UNSET


class Withdrawal(Struct, forbid_unknown_fields=True):
    """`reason` is asked of moderators, for what is not theirs."""

    reason: str | None = None


@post(
    "/",
    guards=[require_permissions("mechanisms:create")],
    operation_class=form_of(
        NewUpload,
        NewMechanism,
        example={
            "title": "四節リンク機構 (crank-rocker)",
            "description": "The crank turns, the rocker swings.",
            "categories": ["four-bar"],
            "file_url": "https://media.example/four-bar.mp4",
            "thumbnail_url": "https://media.example/four-bar.webp",
            "duration": 2.4,
        },
    ),
    request_max_body_size=None,
    status_code=202,
    responses={201: ResponseSpec(MechanismAnswer, description="There is nothing to process")},
    summary="Share a mechanism",
)
async def create_mechanism(request: Req) -> Response[MechanismAnswer]:
    """A form with the clip as `file` (GIF, APNG, WebP, MP4, WebM or MOV), or JSON for a clip hosted elsewhere.

    202 while the clip is still to be processed, 201 when there is nothing to process.
    """
    content_type, _ = request.content_type
    if content_type == "multipart/form-data":
        return await _create_from_form(request)
    if content_type == "application/json":
        return await _create_from_json(request)
    accepted = "multipart/form-data or application/json"
    raise UnsupportedContentType(content_type=content_type, accepted=accepted)


@get("/", summary="List mechanisms", responses=NOT_MODIFIED)
async def find_mechanisms(
    request: Req,
    page: PageNumber = None,
    limit: Limit = None,
    cursor: Cursor = None,
    category: Categories = None,
    user_id: ByUser = None,
    sort: Annotated[MechanismSort, QueryParameter(name="sort")] = MechanismSort.NEWEST,
) -> Response[ListAnswer[MechanismAnswer]]:
    """What is published, newest first; with one's own `user_id`, everything one has."""
    viewer = await viewer_of(request)
    wanted = page_request(page, limit, cursor, sort.value)
    return await answer_list(request, viewer, wanted, sort, category or [], user_id)


@get("/{mechanism_id:str}", summary="Read a mechanism", responses=NOT_MODIFIED)
async def get_mechanism(request: Req, mechanism_id: FromPath[str]) -> Response[MechanismAnswer]:
    """What is published is read by everyone, the rest by its owner and by admins."""
    viewer = await viewer_of(request)
    id = MechanismId(mechanism_id)
    if not is_id(mechanism_id):
        raise MechanismNotFound()
    application = application_of(request)

    async def load() -> bytes:
        return await _public_entry(application, id)

    entry = await application.cache.get_or_load(mechanism_group(id), "public", load, CACHED_FOR)
    if entry:
        etag, _, body = entry.partition(b"\n")
        return answer(request, body, etag=etag.decode(), cache=PUBLIC)
    return mechanism_resource(request, await application.mechanisms.get_mechanism(viewer, id))


@patch(
    "/{mechanism_id:str}",
    guards=[require_permissions()],
    summary="Change a mechanism",
    operation_class=body_of(MechanismChanges, example={"title": "四節リンク機構"}),
)
async def update_mechanism(request: Req, mechanism_id: FromPath[str]) -> Response[MechanismAnswer]:
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


@delete("/{mechanism_id:str}", guards=[require_permissions()], status_code=204, summary="Delete a mechanism")
async def delete_mechanism(request: Req, mechanism_id: FromPath[str]) -> Response[None]:
    """Gone at once, with its files. Needs If-Match."""
    version = expected_version(request)
    await application_of(request).mechanisms.delete_mechanism(
        actor_of(request), MechanismId(mechanism_id), origin_of(request), version
    )
    return nothing()


@post(
    "/{mechanism_id:str}/publish",
    guards=[require_permissions()],
    status_code=200,
    summary="Publish a mechanism",
)
async def publish_mechanism(request: Req, mechanism_id: FromPath[str]) -> Response[MechanismAnswer]:
    """Seen by everyone from now on. Only what is ready can be published."""
    mechanisms = application_of(request).mechanisms
    return mechanism_resource(request, await mechanisms.publish(actor_of(request), MechanismId(mechanism_id)))


@post(
    "/{mechanism_id:str}/withdraw",
    guards=[require_permissions()],
    status_code=200,
    summary="Withdraw a mechanism",
    operation_class=body_of(Withdrawal, required=False),
)
async def withdraw_mechanism(request: Req, mechanism_id: FromPath[str]) -> Response[MechanismAnswer]:
    """Seen by its owner alone from now on. A moderator says why."""
    body = await short_body(request)
    reason = decoded(body, Withdrawal).reason if body else None
    item = await application_of(request).mechanisms.withdraw(
        actor_of(request), MechanismId(mechanism_id), origin_of(request), reason=reason
    )
    return mechanism_resource(request, item)


def mechanism_resource(request: Req, item: AuthoredMechanism, status: int = 200) -> Response[Any]:
    """One mechanism as an answer to somebody who may see it."""
    application = application_of(request)
    body = msgspec.json.encode(mechanism_answer(item, application.links, application.clock.now()))
    version = item.mechanism.version
    headers = {"Location": f"{MECHANISMS_PATH}/{item.mechanism.id}"} if status != 200 else {}
    return answer(request, body, etag=etag_of(body, version), status=status, headers=headers)


async def answer_list(
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

    async def load() -> bytes:
        page = await application.mechanisms.find_all(
            viewer, wanted, sort=sort, category_ids=ids, user_id=user
        )
        now = application.clock.now()
        items = [mechanism_answer(item, application.links, now) for item in page.items]
        return msgspec.json.encode(list_answer(page, items, sort.value))

    if sees_unpublished_of(viewer, user):
        body, cache = await load(), PRIVATE
    else:
        key = f"{sort.value}|{wanted}|{sorted(ids)}|{user}"
        body, cache = await application.cache.get_or_load(LISTS, key, load, CACHED_FOR), PUBLIC
    cursor = msgspec.json.decode(body, type=_OnlyNext).next
    return answer(request, body, etag=etag_of(body), cache=cache, headers=next_link(request, cursor))


class _OnlyNext(Struct):
    next: str | None


async def _public_entry(application: Application, id: MechanismId) -> bytes:
    """The ETag and body that everyone gets of a published mechanism; nothing for one that is not public."""
    try:
        item = await application.mechanisms.get_mechanism(None, id)
    except MechanismNotFound:
        return b""
    body = msgspec.json.encode(mechanism_answer(item, application.links, application.clock.now()))
    return etag_of(body, item.mechanism.version).encode() + b"\n" + body


async def _create_from_json(request: Req) -> Response[Any]:
    body = await short_body(request)
    new = decoded(body, NewMechanism)
    media = ExternalMedia(file_url=new.file_url, thumbnail_url=new.thumbnail_url, duration=new.duration)
    return await _create(request, _draft(new, media), body)


async def _create_from_form(request: Req) -> Response[Any]:
    application = application_of(request)
    actor = actor_of(request)
    form: Form[OriginalFile] = Form()

    async def receive(content: AsyncIterator[bytes], name: str) -> OriginalFile:
        return await application.uploads.receive(actor, content, name)

    try:
        await read_form(request, "file", receive, form)
        new = decoded(msgspec.json.encode(_grouped(form.fields)), NewUpload)
        if form.file is None:
            raise MalformedRequest(problem="see details.", details=[("file", "is missing: send the clip.")])
        answered = await _create(
            request, _draft(new, form.file), msgspec.json.encode([new, form.file.sha256])
        )
    except Unavailable:
        raise  # whether the mechanism was kept is not known, so its file must stay
    except DomainException:
        if form.file is not None:
            await application.uploads.discard(form.file)
        raise
    if REPLAYED in answered.headers:
        await application.uploads.discard(form.file)
    UPLOADED_BYTES.inc(form.file.size)
    return answered


async def _create(request: Req, draft: Draft, fingerprint: bytes) -> Response[Any]:
    application = application_of(request)
    actor = actor_of(request)

    def render(item: AuthoredMechanism) -> bytes:
        return msgspec.json.encode(mechanism_answer(item, application.links, application.clock.now()))

    created = await application.mechanisms.create_mechanism(
        actor, draft, origin_of(request), once_of(request, actor.id, fingerprint, render)
    )
    status = 202 if isinstance(draft.media, OriginalFile) else 201
    if isinstance(created, Replay):
        return replayed(request, created, status)
    return mechanism_resource(request, created, status)


def _draft(new: NewMechanism | NewUpload, media: OriginalFile | ExternalMedia) -> Draft:
    categories = [CategoryId(category) for category in new.categories]
    return Draft(title=new.title, description=new.description, categories=categories, media=media)


def _grouped(fields: list[tuple[str, str]]) -> dict[str, Any]:
    """The text fields of a form as one object; `categories` may be repeated, or one field with commas."""
    grouped: dict[str, Any] = {}
    for name, text in fields:
        if name == "categories":
            grouped.setdefault(name, []).extend(part.strip() for part in text.split(",") if part.strip())
        elif name in grouped:
            raise MalformedRequest(problem="see details.", details=[(name, "was sent twice.")])
        else:
            grouped[name] = text
    return grouped


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
