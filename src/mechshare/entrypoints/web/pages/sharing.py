"""The forms of the edit page that decide who sees a mechanism."""

from enum import StrEnum
from typing import Any, TypeVar

from litestar import Request, Response, Router, post
from litestar.params import FromPath

from mechshare.domain.errors import DomainException, InvalidField, MalformedRequest, UserNotFound
from mechshare.domain.ids import GroupId, MechanismId
from mechshare.domain.shares import Access, Recipient, RecipientKind, group_recipient, user_recipient
from mechshare.domain.visibility import Visibility
from mechshare.entrypoints.http.protocol.auth import (
    actor_of,
    application_of,
    request_metadata_of,
    require_permissions,
)
from mechshare.entrypoints.http.protocol.identifiers import mechanism_id_in
from mechshare.entrypoints.web.forms import FormFields, form_fields, see_other
from mechshare.entrypoints.web.pages.edit import refused_part

Req = Request[Any, Any, Any]
E = TypeVar("E", bound=StrEnum)


@post("/m/{mechanism_id:str}/visibility", guards=[require_permissions()], status_code=200)
async def change_visibility(request: Req, mechanism_id: FromPath[str]) -> Response[Any]:
    """Saves who sees the mechanism once it is published."""
    fields, id = await form_fields(request), mechanism_id_in(mechanism_id)
    visibility = _chosen(Visibility, fields.text("visibility"))
    await application_of(request).mechanisms.change_visibility(actor_of(request), id, visibility)
    return _to_audience(id)


@post("/m/{mechanism_id:str}/shares", guards=[require_permissions()], status_code=200)
async def share(request: Req, mechanism_id: FromPath[str]) -> Response[Any]:
    """Shares the mechanism with the user whose name, or the group whose identifier, the form has."""
    fields, id = await form_fields(request), mechanism_id_in(mechanism_id)
    access = _chosen(Access, fields.text("access"))
    try:
        recipient = await _recipient(request, fields)
        await application_of(request).shares.put(
            actor_of(request), id, recipient, access, request_metadata_of(request)
        )
    except DomainException as error:
        return await refused_part(request, mechanism_id, error, share=_typed(fields))
    return _to_audience(id)


@post("/m/{mechanism_id:str}/shares/end", guards=[require_permissions()], status_code=200)
async def end_share(request: Req, mechanism_id: FromPath[str]) -> Response[Any]:
    """Ends the share with the recipient that the form names."""
    fields, id = await form_fields(request), mechanism_id_in(mechanism_id)
    recipient = Recipient(kind=_chosen(RecipientKind, fields.text("kind")), id=fields.text("id"))
    try:
        await application_of(request).shares.remove(
            actor_of(request), id, recipient, request_metadata_of(request)
        )
    except DomainException as error:
        return await refused_part(request, mechanism_id, error)
    return _to_audience(id)


async def _recipient(request: Req, fields: FormFields) -> Recipient:
    """Returns the group that the form names, or else the user. Raises InvalidField."""
    if fields.text("group"):
        return group_recipient(GroupId(fields.text("group")))
    try:
        user = await application_of(request).users.find_by_login(fields.text("username"))
    except UserNotFound as absent:
        raise _unknown_user() from absent
    # The lookup also accepts e-mail addresses; an answer would reveal whose address it is.
    if "@" in fields.text("username"):
        raise _unknown_user()
    return user_recipient(user.id)


def _unknown_user() -> InvalidField:
    return InvalidField(
        "username",
        en="No user has this name. Type the user name, not the e-mail address.",
        ja="このユーザー名のユーザーはいません。メールアドレスではなく、ユーザー名を入力してください。",
    )


def _typed(fields: FormFields) -> dict[str, str]:
    return {name: fields.text(name) for name in ("username", "group", "access")}


def _chosen(kind: type[E], text: str) -> E:
    """Returns what a choice of the form stands for. Raises MalformedRequest."""
    try:
        return kind(text)
    except ValueError as problem:
        raise MalformedRequest(problem="the form has an unknown choice. Reload the page.") from problem


def _to_audience(id: MechanismId) -> Response[Any]:
    return see_other(f"/m/{id}/edit#audience")


router = Router("/", route_handlers=[change_visibility, share, end_share])
