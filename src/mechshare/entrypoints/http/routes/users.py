"""/users"""

from typing import Annotated, Any

from litestar import Request, Response, Router, delete, get, patch
from litestar.openapi.spec import Tag
from litestar.params import FromPath
from msgspec import UNSET, Struct, UnsetType

from mechshare.domain.errors import Conflict, Invalid, UserNotFound
from mechshare.domain.ids import UserId, is_id
from mechshare.domain.storage_quotas import MAX_QUOTA_BYTES, QuotaOverride
from mechshare.domain.users import AccountDeletion, Profile, Role, User
from mechshare.entrypoints.http.protocol.auth import (
    actor_of,
    application_of,
    request_metadata_of,
    require_permissions,
    require_recent_sign_in,
)
from mechshare.entrypoints.http.protocol.entity_tags import expected_versions
from mechshare.entrypoints.http.protocol.openapi import (
    ACCEPTS_IF_MATCH,
    NOT_MODIFIED,
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
from mechshare.entrypoints.http.protocol.responses import PUBLIC, no_content, resource
from mechshare.entrypoints.http.protocol.schema_names import published
from mechshare.entrypoints.http.representations.users import (
    USERS_PATH,
    OwnAccountResponse,
    UserResponse,
    own_account_resource,
    user_resource,
    user_response,
)

Req = Request[Any, Any, Any]
TAG = Tag("users", "Accounts and profiles")


@published("ProfileUpdate")
class ProfileChanges(Struct, forbid_unknown_fields=True):
    """A merge patch (RFC 7396): omitted fields stay unchanged, null clears a field."""

    display_name: Annotated[str, documented(minLength=1, maxLength=50)] | UnsetType = UNSET
    bio: Annotated[str, documented(maxLength=2_000)] | UnsetType | None = UNSET


@published("AccountStatusUpdate")
class AccountStatusChanges(Struct, forbid_unknown_fields=True):
    """Changes that an admin makes to the account of another user; omitted fields stay unchanged.

    `quota_bytes` is 0 for no limit, null for the quota of the role. `hides_mechanisms`: true withdraws all public
    mechanisms of a suspended account, false publishes those again once the suspension is lifted.
    """

    role: Role | UnsetType = UNSET
    is_suspended: bool | UnsetType = UNSET
    hides_mechanisms: bool | UnsetType = UNSET
    quota_bytes: Annotated[int, documented(minimum=0, maximum=MAX_QUOTA_BYTES)] | UnsetType | None = UNSET


@get(
    "/me",
    guards=[require_permissions()],
    operation_id="getOwnAccount",
    summary="Read your account",
    responses=NOT_MODIFIED,
)
async def get_me(request: Req) -> Response[OwnAccountResponse]:
    """Returns the account of the caller, with e-mail address, role and storage quota."""
    return await _own_account(request, await application_of(request).users.get_user(actor_of(request).id))


@patch(
    "/me",
    guards=[require_permissions()],
    operation_id="updateProfile",
    summary="Update profile",
    opt={**ACCEPTS_IF_MATCH, **refuses(Invalid)},
    operation_class=body_of(ProfileChanges, example={"display_name": "佐倉"}),
)
async def update_me(request: Req) -> Response[OwnAccountResponse]:
    """Changes display name and bio (RFC 7396). Requires If-Match."""
    changes = await decoded_body(request, ProfileChanges)
    changed = await application_of(request).users.update_user(
        actor_of(request),
        display_name=None if changes.display_name is UNSET else changes.display_name,
        bio=None if changes.bio is UNSET else changes.bio or "",
        versions=expected_versions(request),
    )
    return await _own_account(request, changed)


@get(
    "/me/deletion",
    guards=[require_permissions()],
    operation_id="previewAccountDeletion",
    summary="See what deleting your account deletes",
    responses=NOT_MODIFIED,
)
async def preview_deletion(request: Req) -> Response[AccountDeletion]:
    """Returns how much a deletion of the caller's account would delete, and how many entries of the audit log would
    stay, without names and addresses. Deletes nothing."""
    return resource(request, await application_of(request).users.find_deletion(actor_of(request)))


@delete(
    "/me",
    status_code=204,
    guards=[require_permissions(), require_recent_sign_in],
    operation_id="deleteAccount",
    summary="Delete account",
    opt=ACCEPTS_IF_MATCH,
)
async def delete_me(request: Req) -> Response[None]:
    """Deletes the account of the caller and everything that belongs to it; `GET /users/me/deletion` says what that is.
    Requires If-Match and a recent sign-in."""
    versions = expected_versions(request)
    await application_of(request).users.delete_user(actor_of(request), request_metadata_of(request), versions)
    return no_content()


@get("/{user_id:str}", operation_id="getProfile", summary="Read a profile", responses=NOT_MODIFIED)
async def get_profile(request: Req, user_id: FromPath[str]) -> Response[Profile]:
    """Returns the public profile of a user."""
    if not is_id(user_id):
        raise UserNotFound()
    profile = await application_of(request).users.get_profile(UserId(user_id))
    return resource(request, profile, cache=PUBLIC)


@get(
    "/",
    guards=[require_permissions("users:manage")],
    operation_id="listUsers",
    summary="List accounts (admins)",
    responses=NOT_MODIFIED,
)
async def find_users(
    request: Req, page: PageNumber = None, limit: Limit = None, cursor: Cursor = None
) -> Response[PageResponse[UserResponse]]:
    """Returns all accounts, newest first."""
    requested = page_request(page, limit, cursor)
    found = await application_of(request).users.find_all(
        actor_of(request), requested, request_metadata_of(request)
    )
    listed = page_response(found, [user_response(user) for user in found.items])
    return list_resource(request, listed)


@patch(
    "/{user_id:str}",
    guards=[require_permissions("users:manage"), require_recent_sign_in],
    operation_id="updateAccountStatus",
    summary="Change role, suspension or quota (admins)",
    opt={**ACCEPTS_IF_MATCH, **refuses(Conflict, Invalid)},
    operation_class=body_of(AccountStatusChanges, example={"role": "moderator"}),
)
async def change_account_status(request: Req, user_id: FromPath[str]) -> Response[UserResponse]:
    """Changes role and storage quota of an account, or suspends or reactivates it. Requires If-Match and a recent
    sign-in."""
    changes = await decoded_body(request, AccountStatusChanges)
    changed = await application_of(request).users.change_account_status(
        actor_of(request),
        UserId(user_id),
        request_metadata_of(request),
        role=None if changes.role is UNSET else changes.role,
        suspended=None if changes.is_suspended is UNSET else changes.is_suspended,
        hides_mechanisms=None if changes.hides_mechanisms is UNSET else changes.hides_mechanisms,
        quota=None if changes.quota_bytes is UNSET else QuotaOverride(changes.quota_bytes),
        versions=expected_versions(request),
    )
    return user_resource(request, changed)


async def _own_account(request: Req, user: User) -> Response[OwnAccountResponse]:
    quota = await application_of(request).storage_quotas.get_quota(user.id)
    return own_account_resource(request, user, quota)


router = Router(
    USERS_PATH,
    tags=[TAG.name],
    route_handlers=[
        get_me,
        update_me,
        delete_me,
        preview_deletion,
        get_profile,
        find_users,
        change_account_status,
    ],
)
