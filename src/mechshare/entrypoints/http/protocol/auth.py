"""Authentication of requests: the guard of routes, and the caller as handlers see it."""

from typing import Any

from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler
from litestar.types import BeforeRequestHookHandler, Guard, Scope

from mechshare.application import Application
from mechshare.domain.addresses import limited_address
from mechshare.domain.audit import RequestMetadata
from mechshare.domain.errors import AuthenticationRequired, Forbidden, InvalidToken
from mechshare.domain.mechanisms import Mechanism
from mechshare.domain.personal_access_tokens import Caller, SessionRequired, TokenGrant, may_read
from mechshare.domain.policy import Viewer, require_permission
from mechshare.domain.sessions import SignedIn
from mechshare.domain.users import Actor, Permission
from mechshare.entrypoints.http.protocol.client_address import client_address_of
from mechshare.entrypoints.http.protocol.header_fields import user_agent_of
from mechshare.entrypoints.http.protocol.request_id import request_id_of
from mechshare.entrypoints.http.protocol.scopes import require_scope
from mechshare.services.authentication import AuthenticationService
from mechshare.services.rate_limits import CostlyOperation

Connection = ASGIConnection[Any, Any, Any, Any]


def application_of(connection: Connection) -> Application:
    application: Application = connection.app.state.application
    return application


def require_permissions(*permissions: str) -> Guard:
    """Returns a guard that requires a signed-in caller with all of `permissions`, which may be none.

    Raises AuthenticationRequired, InvalidToken, UnauthorizedOperation, InsufficientScope, SessionRequired.
    """
    required = tuple(Permission(permission) for permission in permissions)

    async def guard(connection: Connection, handler: BaseRouteHandler) -> None:
        signed_in = await _sign_in(connection)
        if signed_in is None:
            raise AuthenticationRequired()
        for permission in required:
            require_permission(signed_in.actor, permission)

    guard.permissions = required  # type: ignore[attr-defined]
    return guard


async def require_recent_sign_in(connection: Connection, handler: BaseRouteHandler) -> None:
    """The guard, after `require_permissions`, of what a stolen session must not do. Raises RecentSignInRequired."""
    await application_of(connection).sessions.require_recent_sign_in(caller_of(connection))


def limits(kind: CostlyOperation) -> BeforeRequestHookHandler:
    """Returns the `before_request` of a route with a rate limit of its own per address; it raises TooManyRequests."""

    async def count(request: Connection) -> None:
        await _count_address(request, kind)

    return count


def limits_of_user(kind: CostlyOperation) -> BeforeRequestHookHandler:
    """Returns the `before_request` of a guarded route whose rate limit holds per address and per user, who may have
    many addresses; it raises TooManyRequests."""

    async def count(request: Connection) -> None:
        await _count_address(request, kind)
        await application_of(request).rate_limits.count_operation(kind, f"user {actor_of(request).id}")

    return count


async def _count_address(request: Connection, kind: CostlyOperation) -> None:
    address = limited_address(client_address_of(request.scope))
    await application_of(request).rate_limits.count_operation(kind, address)


def caller_of(connection: Connection) -> SignedIn:
    """Returns the caller of a guarded route that accepts no personal access token. Raises SessionRequired."""
    caller: Caller = connection.scope["user"]
    if not isinstance(caller, SignedIn):
        raise SessionRequired()
    return caller


def actor_of(connection: Connection) -> Actor:
    """Returns the caller of a guarded route as an Actor, which policies take."""
    actor: Actor = connection.scope["user"].actor
    return actor


async def viewer_of(connection: Connection) -> Viewer:
    """Returns the caller of an open route; None without a token.

    Raises InvalidToken, InsufficientScope, SessionRequired.
    """
    signed_in = await _sign_in(connection)
    return signed_in.actor if signed_in else None


async def valid_viewer_of(connection: Connection) -> Viewer:
    """Returns the caller of a route that ignores tokens; None without a valid one."""
    try:
        return await viewer_of(connection)
    except InvalidToken:
        return None


async def reader_of(authentication: AuthenticationService, authorization: str) -> Viewer:
    """Returns the caller of a request that no route handles; None for an invalid token, and for one that must not read:
    the application refuses both. Raises Unavailable."""
    try:
        caller = await authentication.authenticate(bearer_token(authorization))
    except InvalidToken:
        return None
    return caller.actor if may_read(caller) else None


async def _sign_in(connection: Connection) -> Caller | None:
    """Returns the caller, whom it puts into the scope; the one place that lets a token into a route.

    Raises InvalidToken, and for a personal access token InsufficientScope and SessionRequired.
    """
    header = connection.headers.get("authorization")
    if header is None:
        return None
    caller = await application_of(connection).authentication.authenticate(bearer_token(header))
    connection.scope["user"] = caller
    if isinstance(caller, TokenGrant):
        require_scope(caller, str(connection.scope.get("method")), connection.scope["path_template"])
    return caller


def bearer_token(authorization: str) -> str:
    """Returns the token of the Authorization field (RFC 6750, 2.1). Raises InvalidToken."""
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise InvalidToken()
    return token.strip()


async def note_denial(error: Exception, scope: Scope) -> None:
    """Records in the audit log that a guard or service refused a known caller (Forbidden).

    Uses a transaction of its own, since that of the refused request is rolled back.
    """
    caller: Caller | None = scope.get("user")
    if caller is None or not isinstance(error, Forbidden):
        return
    connection: Connection = ASGIConnection(scope)
    attempted = f"{connection.scope.get('method', '')} {connection.scope['path']}"
    await application_of(connection).audit.record_denial(
        caller.actor, attempted, error, request_metadata_of(connection)
    )


async def note_draft_read(request: Connection, viewer: Viewer, mechanism: Mechanism) -> None:
    """Records in the audit log that an admin or moderator reads what only their rights let them see."""
    await application_of(request).audit.record_read(viewer, mechanism, request_metadata_of(request))


def request_metadata_of(connection: Connection) -> RequestMetadata:
    """Returns the address, user agent (at most 200 characters) and id of a request, for the audit log and sessions."""
    return RequestMetadata(
        address=client_address_of(connection.scope),
        user_agent=user_agent_of(connection.scope["headers"]),
        request_id=request_id_of(connection.scope),
    )
