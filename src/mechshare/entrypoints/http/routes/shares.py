"""/mechanisms/{id}/visibility and /mechanisms/{id}/shares"""

from datetime import datetime
from typing import Any

from litestar import Request, Response, Router, delete, get, put
from litestar.openapi.spec import Tag
from litestar.params import FromPath
from msgspec import Struct

from mechshare.domain.errors import Conflict, Forbidden, Invalid
from mechshare.domain.ids import GroupId, UserId
from mechshare.domain.shares import (
    Access,
    NamedShare,
    Recipient,
    RecipientKind,
    group_recipient,
    user_recipient,
)
from mechshare.domain.visibility import Visibility
from mechshare.entrypoints.http.protocol.auth import (
    actor_of,
    application_of,
    request_metadata_of,
    require_permissions,
)
from mechshare.entrypoints.http.protocol.entity_tags import expected_versions
from mechshare.entrypoints.http.protocol.identifiers import mechanism_id_in
from mechshare.entrypoints.http.protocol.openapi import ACCEPTS_IF_MATCH, NOT_MODIFIED, body_of, refuses
from mechshare.entrypoints.http.protocol.request_body import decoded_body
from mechshare.entrypoints.http.protocol.responses import no_content, resource
from mechshare.entrypoints.http.protocol.schema_names import published
from mechshare.entrypoints.http.representations.mechanisms import (
    MECHANISMS_PATH,
    MechanismResponse,
    mechanism_resource,
)

Req = Request[Any, Any, Any]
TAG = Tag("shares", "Who sees a mechanism, and with whom it is shared")


@published("ShareFields")
class ShareFields(Struct, forbid_unknown_fields=True):
    """`read`: to see the mechanism once it is published; `edit`: also to edit it, even before."""

    access: Access = Access.READ


@published("Share")
class ShareResponse(Struct):
    """`id` and `name` are those of the user or group; `username` is empty for a group."""

    kind: RecipientKind
    id: str
    name: str
    username: str
    access: Access
    shared_at: datetime


@published("Shares")
class SharesResponse(Struct):
    items: list[ShareResponse]


@published("VisibilityChange")
class VisibilityChange(Struct, forbid_unknown_fields=True):
    """`private`: the owner, and the users and groups it is shared with; `internal`: everybody signed in; `unlisted`:
    everybody who has the address; `public`: everybody."""

    visibility: Visibility


@put(
    "/visibility",
    guards=[require_permissions()],
    status_code=200,
    operation_id="changeVisibility",
    summary="Change who sees a mechanism",
    opt={**ACCEPTS_IF_MATCH, **refuses(Forbidden, Invalid)},
    operation_class=body_of(VisibilityChange, example={"visibility": "internal"}),
)
async def change_visibility(request: Req, mechanism_id: FromPath[str]) -> Response[MechanismResponse]:
    """Changes who sees a mechanism once it is published, at once if it is; for its owner and admins. Requires If-
    Match."""
    change = await decoded_body(request, VisibilityChange)
    item = await application_of(request).mechanisms.change_visibility(
        actor_of(request),
        mechanism_id_in(mechanism_id),
        change.visibility,
        versions=expected_versions(request),
    )
    return mechanism_resource(request, item)


@get(
    "/shares",
    guards=[require_permissions()],
    operation_id="listShares",
    summary="List with whom a mechanism is shared",
    responses=NOT_MODIFIED,
    opt=refuses(Forbidden),
)
async def find_shares(request: Req, mechanism_id: FromPath[str]) -> Response[SharesResponse]:
    """Returns the users and then the groups, each ordered by name; to the owner and admins."""
    shares = await application_of(request).shares.find_all(actor_of(request), mechanism_id_in(mechanism_id))
    return resource(request, SharesResponse([_share(one) for one in shares]))


@put(
    "/shares/users/{user_id:str}",
    guards=[require_permissions()],
    status_code=200,
    operation_id="shareWithUser",
    summary="Share a mechanism with a user",
    opt=refuses(Forbidden, Conflict, Invalid),
    operation_class=body_of(ShareFields, required=False, example={"access": "read"}),
)
async def share_with_user(
    request: Req, mechanism_id: FromPath[str], user_id: FromPath[str]
) -> Response[ShareResponse]:
    """Shares the mechanism, or changes what the share allows; for the owner and admins. A repetition changes
    nothing."""
    return await _put(request, mechanism_id, user_recipient(UserId(user_id)))


@put(
    "/shares/groups/{group_id:str}",
    guards=[require_permissions()],
    status_code=200,
    operation_id="shareWithGroup",
    summary="Share a mechanism with a group",
    opt=refuses(Forbidden, Conflict, Invalid),
    operation_class=body_of(ShareFields, required=False, example={"access": "edit"}),
)
async def share_with_group(
    request: Req, mechanism_id: FromPath[str], group_id: FromPath[str]
) -> Response[ShareResponse]:
    """Shares the mechanism with a group of the caller's, or changes what the share allows; for the owner and admins. A
    repetition changes nothing."""
    return await _put(request, mechanism_id, group_recipient(GroupId(group_id)))


@delete(
    "/shares/users/{user_id:str}",
    guards=[require_permissions()],
    status_code=204,
    operation_id="endShareWithUser",
    summary="End sharing with a user",
    opt=refuses(Forbidden),
)
async def end_share_with_user(
    request: Req, mechanism_id: FromPath[str], user_id: FromPath[str]
) -> Response[None]:
    """Ends the share at once; for the owner and admins."""
    return await _remove(request, mechanism_id, user_recipient(UserId(user_id)))


@delete(
    "/shares/groups/{group_id:str}",
    guards=[require_permissions()],
    status_code=204,
    operation_id="endShareWithGroup",
    summary="End sharing with a group",
    opt=refuses(Forbidden),
)
async def end_share_with_group(
    request: Req, mechanism_id: FromPath[str], group_id: FromPath[str]
) -> Response[None]:
    """Ends the share at once; for the owner and admins."""
    return await _remove(request, mechanism_id, group_recipient(GroupId(group_id)))


async def _put(request: Req, mechanism_id: str, recipient: Recipient) -> Response[ShareResponse]:
    fields = await decoded_body(request, ShareFields, ShareFields())
    share = await application_of(request).shares.put(
        actor_of(request),
        mechanism_id_in(mechanism_id),
        recipient,
        fields.access,
        request_metadata_of(request),
    )
    return resource(request, _share(share))


async def _remove(request: Req, mechanism_id: str, recipient: Recipient) -> Response[None]:
    await application_of(request).shares.remove(
        actor_of(request), mechanism_id_in(mechanism_id), recipient, request_metadata_of(request)
    )
    return no_content()


def _share(named: NamedShare) -> ShareResponse:
    share = named.share
    return ShareResponse(
        kind=share.recipient.kind,
        id=share.recipient.id,
        name=named.name,
        username=named.username,
        access=share.access,
        shared_at=share.shared_at,
    )


router = Router(
    MECHANISMS_PATH + "/{mechanism_id:str}",
    tags=[TAG.name],
    route_handlers=[
        change_visibility,
        find_shares,
        share_with_user,
        share_with_group,
        end_share_with_user,
        end_share_with_group,
    ],
)
