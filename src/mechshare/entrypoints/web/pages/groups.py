"""The pages of groups: the own ones, and one with its members."""

from typing import Any

from litestar import Request, Response, Router, get, post
from litestar.params import FromPath

from mechshare.domain.errors import DomainException, MalformedRequest, UserNotFound
from mechshare.domain.groups import GroupRole
from mechshare.domain.ids import GroupId, UserId
from mechshare.domain.users import Permission
from mechshare.entrypoints.http.protocol.auth import (
    actor_of,
    application_of,
    request_metadata_of,
    require_permissions,
)
from mechshare.entrypoints.http.protocol.errors import status_of
from mechshare.entrypoints.web.forms import FormFields, Saved, form_fields, see_other
from mechshare.entrypoints.web.quota_fields import quota_in, quota_text
from mechshare.entrypoints.web.rendering import page, problem_of

Req = Request[Any, Any, Any]


@get("/groups", guards=[require_permissions()])
async def show_groups(request: Req, saved: Saved = "") -> Response[str]:
    return await _groups(request, saved=saved)


@post("/groups", guards=[require_permissions()], status_code=200)
async def create_group(request: Req) -> Response[Any]:
    fields = await form_fields(request)
    try:
        own = await application_of(request).groups.create(actor_of(request), fields.text("name"))
    except DomainException as error:
        return await _groups(request, error, fields)
    return see_other(f"/groups/{own.group.id}")


@get("/groups/{group_id:str}", guards=[require_permissions()])
async def show_group(request: Req, group_id: FromPath[str], saved: Saved = "") -> Response[str]:
    return await _group(request, GroupId(group_id), saved=saved)


@post("/groups/{group_id:str}/rename", guards=[require_permissions()], status_code=200)
async def rename_group(request: Req, group_id: FromPath[str]) -> Response[Any]:
    fields, id = await form_fields(request), GroupId(group_id)
    try:
        await application_of(request).groups.rename(
            actor_of(request), id, fields.text("name"), (fields.version(),)
        )
    except DomainException as error:
        return await _group(request, id, error, fields)
    return see_other(f"/groups/{id}?saved=name")


@post("/groups/{group_id:str}/delete", guards=[require_permissions()], status_code=200)
async def delete_group(request: Req, group_id: FromPath[str]) -> Response[Any]:
    fields, id = await form_fields(request), GroupId(group_id)
    try:
        await application_of(request).groups.delete(
            actor_of(request), id, request_metadata_of(request), (fields.version(),)
        )
    except DomainException as error:
        return await _group(request, id, error)
    return see_other("/groups?saved=deleted")


@post("/groups/{group_id:str}/quota", guards=[require_permissions()], status_code=200)
async def set_quota(request: Req, group_id: FromPath[str]) -> Response[Any]:
    fields, id = await form_fields(request), GroupId(group_id)
    try:
        quota = quota_in(fields)
        await application_of(request).groups.set_member_quota(
            actor_of(request), id, quota, request_metadata_of(request), (fields.version(),)
        )
    except DomainException as error:
        return await _group(request, id, error, fields)
    return see_other(f"/groups/{id}?saved=quota")


@post("/groups/{group_id:str}/members", guards=[require_permissions()], status_code=200)
async def put_member(request: Req, group_id: FromPath[str]) -> Response[Any]:
    """Adds the user whose name the form has, or gives a member another role."""
    fields, id = await form_fields(request), GroupId(group_id)
    application, actor = application_of(request), actor_of(request)
    try:
        # Only who may read the group learns whether there is such a user.
        await application.groups.get(actor, id)
        user_id = await _user(request, fields)
        await application.groups.put_member(actor, id, user_id, _role(fields), request_metadata_of(request))
    except DomainException as error:
        return await _group(request, id, error, fields)
    return see_other(f"/groups/{id}?saved=member")


@post("/groups/{group_id:str}/members/{user_id:str}/remove", guards=[require_permissions()], status_code=200)
async def remove_member(request: Req, group_id: FromPath[str], user_id: FromPath[str]) -> Response[Any]:
    await form_fields(request)
    id, actor, member = GroupId(group_id), actor_of(request), UserId(user_id)
    try:
        await application_of(request).groups.remove_member(actor, id, member, request_metadata_of(request))
    except DomainException as error:
        return await _group(request, id, error)
    return see_other("/groups?saved=left" if member == actor.id else f"/groups/{id}?saved=removed")


async def _user(request: Req, fields: FormFields) -> UserId:
    """Returns the user whose name the form has. Raises UserNotFound."""
    name = fields.text("username")
    # The lookup also accepts e-mail addresses; an answer would reveal whose address it is.
    if "@" in name:
        raise UserNotFound()
    return (await application_of(request).users.find_by_login(name)).id


def _role(fields: FormFields) -> GroupRole:
    try:
        return GroupRole(fields.text("role"))
    except ValueError as problem:
        raise MalformedRequest(problem="the form has an unknown role. Reload the page.") from problem


async def _groups(
    request: Req, error: DomainException | None = None, fields: FormFields | None = None, saved: str = ""
) -> Response[str]:
    return await page(
        request,
        "groups.html",
        status=status_of(error) if error else 200,
        groups=await application_of(request).groups.find_own(actor_of(request)),
        values={"name": fields.text("name") if fields else ""},
        problem=problem_of(request, error) if error else None,
        saved=saved,
    )


async def _group(
    request: Req,
    id: GroupId,
    error: DomainException | None = None,
    fields: FormFields | None = None,
    saved: str = "",
) -> Response[str]:
    """Returns the page; after a refused form with its message and what was typed. Raises GroupNotFound."""
    actor, groups = actor_of(request), application_of(request).groups
    own = await groups.get(actor, id)
    return await page(
        request,
        "group.html",
        status=status_of(error) if error else 200,
        group=own.group,
        members=await groups.find_members(actor, id),
        own_id=actor.id,
        may_set_quota=actor.has_permission(Permission.MANAGE_USERS),
        quota_text=fields.text("quota")
        if fields and "quota" in fields
        else quota_text(own.group.member_quota_bytes),
        may_maintain=own.role is GroupRole.MAINTAINER or actor.has_permission(Permission.MANAGE_USERS),
        values={name: fields.text(name) for name in ("name", "username", "role")} if fields else {},
        problem=problem_of(request, error) if error else None,
        saved=saved,
    )


router = Router(
    "/",
    route_handlers=[
        show_groups,
        create_group,
        show_group,
        rename_group,
        set_quota,
        delete_group,
        put_member,
        remove_member,
    ],
)
