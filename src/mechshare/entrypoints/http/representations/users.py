"""Representations of users."""

from datetime import datetime
from typing import Any

import msgspec
from litestar import Request, Response
from msgspec import Struct

from mechshare.domain.storage_quotas import StorageQuota
from mechshare.domain.users import Role, User
from mechshare.entrypoints.http.protocol.responses import resource
from mechshare.entrypoints.http.protocol.schema_names import published

USERS_PATH = "/api/v1/users"


@published("User")
class UserResponse(Struct):
    """An account, as its owner and admins see it.

    `quota_bytes` is a storage quota of its own: 0 for no limit, null for the quota of its role.
    """

    id: str
    username: str
    email: str
    display_name: str
    bio: str
    role: Role
    is_suspended: bool
    awaits_approval: bool
    quota_bytes: int | None
    created_at: datetime
    updated_at: datetime
    version: int


@published("StorageQuota")
class QuotaResponse(Struct):
    """`bytes_used` counts stored files and uploads under way; `bytes_limit` is null if there is no limit."""

    bytes_used: int
    bytes_limit: int | None


@published("OwnAccount")
class OwnAccountResponse(UserResponse):
    """The account of the caller."""

    quota: QuotaResponse


def user_response(user: User) -> UserResponse:
    return UserResponse(
        id=user.id,
        username=user.username,
        email=user.email,
        display_name=user.display_name,
        bio=user.bio,
        role=user.role,
        is_suspended=user.is_suspended,
        awaits_approval=user.awaits_approval,
        quota_bytes=user.quota_bytes,
        created_at=user.created_at,
        updated_at=user.updated_at,
        version=user.version,
    )


def own_account_resource(
    request: Request[Any, Any, Any], user: User, quota: StorageQuota
) -> Response[OwnAccountResponse]:
    of_quota = QuotaResponse(bytes_used=quota.bytes_used, bytes_limit=quota.bytes_limit)
    account = OwnAccountResponse(**msgspec.structs.asdict(user_response(user)), quota=of_quota)
    return resource(request, account, version=user.version)


def user_resource(request: Request[Any, Any, Any], user: User, status: int = 200) -> Response[Any]:
    headers = {"Location": f"{USERS_PATH}/{user.id}"} if status == 201 else {}
    return resource(request, user_response(user), version=user.version, status=status, headers=headers)
