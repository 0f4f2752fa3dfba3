"""/groups"""

from datetime import datetime
from typing import Annotated, Any

from litestar import Request, Response, Router, delete, get, patch, post, put
from litestar.openapi.spec import Tag
from litestar.params import FromPath
from msgspec import Struct

from mechshare.domain.errors import Conflict, Forbidden, Invalid
from mechshare.domain.groups import GroupRole, Member, OwnGroup
from mechshare.domain.ids import GroupId, UserId
from mechshare.domain.storage_quotas import MAX_QUOTA_BYTES, QuotaOverride
from mechshare.entrypoints.http.protocol.auth import (
    actor_of,
    application_of,
    request_metadata_of,
    require_permissions,
)
from mechshare.entrypoints.http.protocol.entity_tags import expected_versions
from mechshare.entrypoints.http.protocol.idempotency import idempotent_request
from mechshare.entrypoints.http.protocol.openapi import (
    ACCEPTS_IDEMPOTENCY_KEY,
    ACCEPTS_IF_MATCH,
    LOCATION,
    NOT_MODIFIED,
    body_of,
    documented,
    refuses,
)
from mechshare.entrypoints.http.protocol.request_body import decoded_body
from mechshare.entrypoints.http.protocol.responses import no_content, resource
from mechshare.entrypoints.http.protocol.schema_names import published

Req = Request[Any, Any, Any]
TAG = Tag("groups", "Users with whom mechanisms are shared together")
_PATH = "/api/v1/groups"


@published("GroupFields")
class GroupFields(Struct, forbid_unknown_fields=True):
    name: Annotated[str, documented(minLength=1, maxLength=80)]


@published("GroupQuota")
class GroupQuota(Struct, forbid_unknown_fields=True):
    """How much each member may store at least: 0 for no limit, null to leave it to their own quotas."""

    member_quota_bytes: Annotated[int, documented(minimum=0, maximum=MAX_QUOTA_BYTES)] | None


@published("MemberFields")
class MemberFields(Struct, forbid_unknown_fields=True):
    """Maintainers rename and delete the group, and decide who belongs to it."""

    role: GroupRole = GroupRole.MEMBER


@published("Group")
class GroupResponse(Struct):
    """`role` is that of the caller; null for an admin who does not belong to the group. `member_quota_bytes` is how
    much each member may store at least: 0 for no limit, null if the group decides nothing."""

    id: str
    name: str
    role: GroupRole | None
    member_quota_bytes: int | None
    created_at: datetime
    updated_at: datetime
    version: int


@published("Groups")
class GroupsResponse(Struct):
    items: list[GroupResponse]


@published("Member")
class MemberResponse(Struct):
    user_id: str
    username: str
    display_name: str
    role: GroupRole
    joined_at: datetime


@published("Members")
class MembersResponse(Struct):
    items: list[MemberResponse]


@get(
    "/",
    guards=[require_permissions()],
    operation_id="listGroups",
    summary="List your groups",
    responses=NOT_MODIFIED,
)
async def find_groups(request: Req) -> Response[GroupsResponse]:
    """Returns the groups to which the caller belongs, ordered by name."""
    groups = await application_of(request).groups.find_own(actor_of(request))
    return resource(request, GroupsResponse([_group(one) for one in groups]))


@post(
    "/",
    guards=[require_permissions()],
    status_code=201,
    operation_id="createGroup",
    summary="Create a group",
    opt={**ACCEPTS_IDEMPOTENCY_KEY, LOCATION: _PATH, **refuses(Conflict, Invalid)},
    operation_class=body_of(GroupFields, example={"name": "Gear laboratory"}),
)
async def create_group(request: Req) -> Response[GroupResponse]:
    """Creates a group whose first maintainer is the caller."""
    new = await decoded_body(request, GroupFields)
    idempotency = idempotent_request(request, new, _group)
    made = await application_of(request).groups.create(actor_of(request), new.name, idempotency)
    return _resource(request, made, 201)


@get(
    "/{group_id:str}",
    guards=[require_permissions()],
    operation_id="getGroup",
    summary="Read a group",
    responses=NOT_MODIFIED,
)
async def get_group(request: Req, group_id: FromPath[str]) -> Response[GroupResponse]:
    """Returns the group, to its members and admins."""
    groups = application_of(request).groups
    return _resource(request, await groups.get(actor_of(request), GroupId(group_id)))


@patch(
    "/{group_id:str}",
    guards=[require_permissions()],
    operation_id="updateGroup",
    summary="Rename a group",
    opt={**ACCEPTS_IF_MATCH, **refuses(Forbidden, Invalid)},
    operation_class=body_of(GroupFields, example={"name": "Cam laboratory"}),
)
async def update_group(request: Req, group_id: FromPath[str]) -> Response[GroupResponse]:
    """Renames the group; for its maintainers and admins. Requires If-Match."""
    changes = await decoded_body(request, GroupFields)
    renamed = await application_of(request).groups.rename(
        actor_of(request), GroupId(group_id), changes.name, expected_versions(request)
    )
    return _resource(request, renamed)


@put(
    "/{group_id:str}/quota",
    guards=[require_permissions("users:manage")],
    operation_id="setGroupQuota",
    summary="Set the storage quota of each member (admins)",
    opt={**ACCEPTS_IF_MATCH, **refuses(Invalid)},
    operation_class=body_of(GroupQuota, example={"member_quota_bytes": 20_000_000_000}),
)
async def set_quota(request: Req, group_id: FromPath[str]) -> Response[GroupResponse]:
    """Lets each member of the group store this much, unless their own quota is larger. Requires If-Match."""
    wanted = await decoded_body(request, GroupQuota)
    changed = await application_of(request).groups.set_member_quota(
        actor_of(request),
        GroupId(group_id),
        QuotaOverride(wanted.member_quota_bytes),
        request_metadata_of(request),
        expected_versions(request),
    )
    return _resource(request, changed)


@delete(
    "/{group_id:str}",
    guards=[require_permissions()],
    status_code=204,
    operation_id="deleteGroup",
    summary="Delete a group",
    opt={**ACCEPTS_IF_MATCH, **refuses(Forbidden)},
)
async def delete_group(request: Req, group_id: FromPath[str]) -> Response[None]:
    """Deletes the group and ends its shares; for its maintainers and admins. Requires If-Match."""
    versions = expected_versions(request)
    await application_of(request).groups.delete(
        actor_of(request), GroupId(group_id), request_metadata_of(request), versions
    )
    return no_content()


@get(
    "/{group_id:str}/members",
    guards=[require_permissions()],
    operation_id="listMembers",
    summary="List the members of a group",
    responses=NOT_MODIFIED,
)
async def find_members(request: Req, group_id: FromPath[str]) -> Response[MembersResponse]:
    """Returns the members, ordered by user name, to members and admins."""
    members = await application_of(request).groups.find_members(actor_of(request), GroupId(group_id))
    return resource(request, MembersResponse([_member(one) for one in members]))


@put(
    "/{group_id:str}/members/{user_id:str}",
    guards=[require_permissions()],
    status_code=200,
    operation_id="putMember",
    summary="Add a member to a group",
    opt=refuses(Forbidden, Conflict, Invalid),
    operation_class=body_of(MemberFields, required=False, example={"role": "member"}),
)
async def put_member(
    request: Req, group_id: FromPath[str], user_id: FromPath[str]
) -> Response[MemberResponse]:
    """Makes the user a member with this role; for maintainers and admins. A repetition changes nothing."""
    fields = await decoded_body(request, MemberFields, MemberFields())
    member = await application_of(request).groups.put_member(
        actor_of(request), GroupId(group_id), UserId(user_id), fields.role, request_metadata_of(request)
    )
    return resource(request, _member(member))


@delete(
    "/{group_id:str}/members/{user_id:str}",
    guards=[require_permissions()],
    status_code=204,
    operation_id="removeMember",
    summary="Remove a member from a group",
    opt=refuses(Forbidden, Conflict),
)
async def remove_member(request: Req, group_id: FromPath[str], user_id: FromPath[str]) -> Response[None]:
    """Removes the member; for maintainers and admins. Members may leave the group themselves."""
    await application_of(request).groups.remove_member(
        actor_of(request), GroupId(group_id), UserId(user_id), request_metadata_of(request)
    )
    return no_content()


def _resource(request: Req, own: OwnGroup, status: int = 200) -> Response[Any]:
    headers = {"Location": f"{_PATH}/{own.group.id}"} if status == 201 else None
    return resource(request, _group(own), version=own.group.version, status=status, headers=headers)


def _group(own: OwnGroup) -> GroupResponse:
    group = own.group
    return GroupResponse(
        id=group.id,
        name=group.name,
        role=own.role,
        member_quota_bytes=group.member_quota_bytes,
        created_at=group.created_at,
        updated_at=group.updated_at,
        version=group.version,
    )


def _member(member: Member) -> MemberResponse:
    return MemberResponse(
        user_id=member.membership.user_id,
        username=member.username,
        display_name=member.display_name,
        role=member.membership.role,
        joined_at=member.membership.joined_at,
    )


router = Router(
    _PATH,
    tags=[TAG.name],
    route_handlers=[
        find_groups,
        create_group,
        get_group,
        update_group,
        set_quota,
        delete_group,
        find_members,
        put_member,
        remove_member,
    ],
)
