"""/auth"""

from datetime import datetime
from typing import Annotated, Any

from litestar import Request, Response, Router, delete, get, post
from litestar.openapi.spec import Tag
from litestar.params import FromPath
from msgspec import Struct

from mechshare.domain.errors import Forbidden, Invalid, TooMany, Unauthenticated
from mechshare.domain.ids import SessionId
from mechshare.domain.sessions import Session, Tokens
from mechshare.domain.user_names import MAX_USERNAME_LENGTH, MIN_USERNAME_LENGTH
from mechshare.entrypoints.http.protocol.auth import (
    application_of,
    caller_of,
    limits,
    request_metadata_of,
    require_permissions,
    require_recent_sign_in,
)
from mechshare.entrypoints.http.protocol.idempotency import idempotent_request
from mechshare.entrypoints.http.protocol.openapi import (
    ACCEPTS_IDEMPOTENCY_KEY,
    LOCATION,
    NOT_MODIFIED,
    body_of,
    documented,
    refuses,
)
from mechshare.entrypoints.http.protocol.request_body import decoded_body, refuse_body
from mechshare.entrypoints.http.protocol.responses import no_content, resource
from mechshare.entrypoints.http.protocol.schema_names import published
from mechshare.entrypoints.http.representations.users import (
    USERS_PATH,
    UserResponse,
    user_resource,
    user_response,
)
from mechshare.services.rate_limits import CostlyOperation
from mechshare.services.users import Registration

Req = Request[Any, Any, Any]
TAG = Tag("auth", "Registering, signing in and staying signed in")
MAX_AUTH_BODY_BYTES = 8 * 1024
"""Enough for every valid name, address and password with any escaping; small because no token is required."""


Password = Annotated[str, documented(format="password", minLength=8, maxLength=200)]


@published("Registration")
class NewUser(Struct, forbid_unknown_fields=True):
    """`display_name` defaults to the user name. `invitation` is the secret of an invitation link."""

    username: Annotated[str, documented(minLength=MIN_USERNAME_LENGTH, maxLength=MAX_USERNAME_LENGTH)]
    email: Annotated[str, documented(format="email", minLength=3, maxLength=254)]
    password: Password
    display_name: Annotated[str, documented(maxLength=50)] = ""
    invitation: Annotated[str, documented(maxLength=200)] = ""


@published("Credentials")
class Credentials(Struct, forbid_unknown_fields=True):
    """`username` is the user name or the e-mail address."""

    username: str
    password: str


@published("RefreshToken")
class Refresh(Struct, forbid_unknown_fields=True):
    refresh_token: str


@published("PasswordChange")
class NewPassword(Struct, forbid_unknown_fields=True):
    old_password: str
    new_password: Password


@published("TokenPair")
class TokenPairResponse(Struct):
    """`expires_in` is the rest of the access token's lifetime in seconds; the refresh token replaces the one before."""

    access_token: str
    refresh_token: str
    expires_in: int
    session_id: str
    token_type: str = "Bearer"  # noqa: S105  a name, not a secret


@published("Session")
class SessionResponse(Struct):
    id: str
    created_at: datetime
    last_used_at: datetime
    expires_at: datetime
    user_agent: str
    address: str
    is_current: bool


@published("SessionList")
class SessionsResponse(Struct):
    items: list[SessionResponse]


@post(
    "/register",
    operation_id="register",
    before_request=limits(CostlyOperation.REGISTRATIONS),
    summary="Register",
    opt={"open": True, **ACCEPTS_IDEMPOTENCY_KEY, LOCATION: USERS_PATH, **refuses(Forbidden, Invalid)},
    operation_class=body_of(
        NewUser,
        example={"username": "sakura", "email": "sakura@example.com", "password": "four-bar linkage"},
    ),
)
async def register(request: Req) -> Response[UserResponse]:
    """Creates an account. The user name and the e-mail address must not be in use.

    The installation may need an invitation or an approval (`awaits_approval`), or admit nobody.
    """
    new = await decoded_body(request, NewUser, max_bytes=MAX_AUTH_BODY_BYTES)
    # The fingerprint excludes the password: a stored fingerprint must not help to guess it.
    fingerprint = f"{new.username}\n{new.email}\n{new.display_name}".encode()
    idempotency = idempotent_request(request, fingerprint, user_response, caller="")
    registration = Registration(
        username=new.username,
        email=new.email,
        password=new.password,
        display_name=new.display_name,
        invitation=new.invitation,
    )
    joined = await application_of(request).users.register(
        registration, request_metadata_of(request), idempotency
    )
    return user_resource(request, joined, status=201)


@post(
    "/login",
    status_code=200,
    operation_id="login",
    summary="Sign in",
    opt={"open": True, **refuses(Unauthenticated, Forbidden, Invalid)},
    operation_class=body_of(Credentials, example={"username": "sakura", "password": "four-bar linkage"}),
)
async def login(request: Req) -> Response[TokenPairResponse]:
    """Starts a session with user name or e-mail address, and password."""
    body = await decoded_body(request, Credentials, max_bytes=MAX_AUTH_BODY_BYTES)
    sessions = application_of(request).sessions
    return _tokens(request, await sessions.login(body.username, body.password, request_metadata_of(request)))


@post(
    "/refresh",
    status_code=200,
    operation_id="refreshTokens",
    summary="Refresh the tokens",
    opt={"open": True, **refuses(Unauthenticated)},
    operation_class=body_of(Refresh, example={"refresh_token": "the refresh_token of the last response"}),
)
async def refresh(request: Req) -> Response[TokenPairResponse]:
    """Exchanges a refresh token for the next pair of tokens.

    A token that was replaced less than 30 s ago gets the same pair again; a later use ends its session.
    """
    body = await decoded_body(request, Refresh, max_bytes=MAX_AUTH_BODY_BYTES)
    sessions = application_of(request).sessions
    return _tokens(request, await sessions.refresh(body.refresh_token, request_metadata_of(request)))


@post(
    "/logout",
    status_code=204,
    guards=[require_permissions()],
    operation_id="logout",
    summary="Sign out",
)
async def logout(request: Req) -> Response[None]:
    """Ends the session of the request."""
    await refuse_body(request)
    await application_of(request).sessions.logout(caller_of(request), request_metadata_of(request))
    return no_content()


@get(
    "/sessions",
    guards=[require_permissions()],
    operation_id="listSessions",
    summary="List your sessions",
    responses=NOT_MODIFIED,
)
async def find_sessions(request: Req) -> Response[SessionsResponse]:
    """Returns the active sessions of the caller, including the current one."""
    caller = caller_of(request)
    found = await application_of(request).sessions.find_sessions(caller)
    return resource(request, SessionsResponse([_session(one, caller.session_id) for one in found]))


@delete(
    "/sessions/{session_id:str}",
    status_code=204,
    guards=[require_permissions()],
    operation_id="revokeSession",
    summary="Revoke a session",
)
async def revoke_session(request: Req, session_id: FromPath[str]) -> Response[None]:
    """Ends one session of the caller; its tokens are refused from then on."""
    sessions = application_of(request).sessions
    await sessions.revoke(caller_of(request), SessionId(session_id), request_metadata_of(request))
    return no_content()


@post(
    "/password",
    status_code=204,
    guards=[require_permissions(), require_recent_sign_in],
    operation_id="changePassword",
    summary="Change your password",
    opt=refuses(Invalid, TooMany),
    operation_class=body_of(
        NewPassword,
        example={"old_password": "four-bar linkage", "new_password": "slider-crank linkage"},
    ),
)
async def change_password(request: Req) -> Response[None]:
    """Changes the password and ends every other session."""
    body = await decoded_body(request, NewPassword, max_bytes=MAX_AUTH_BODY_BYTES)
    sessions = application_of(request).sessions
    await sessions.change_password(
        caller_of(request), body.old_password, body.new_password, request_metadata_of(request)
    )
    return no_content()


def _tokens(request: Req, tokens: Tokens) -> Response[Any]:
    body = TokenPairResponse(
        access_token=tokens.access_token,
        refresh_token=tokens.refresh_token,
        expires_in=tokens.expires_in,
        session_id=tokens.session_id,
    )
    return resource(request, body, cache="no-store")


def _session(session: Session, current: SessionId) -> SessionResponse:
    return SessionResponse(
        id=session.id,
        created_at=session.created_at,
        last_used_at=session.last_used_at,
        expires_at=session.expires_at,
        user_agent=session.user_agent,
        address=session.address,
        is_current=session.id == current,
    )


router = Router(
    "/api/v1/auth",
    tags=[TAG.name],
    route_handlers=[register, login, refresh, logout, find_sessions, revoke_session, change_password],
)
