"""/auth/tokens"""

from datetime import datetime
from typing import Annotated, Any

from litestar import Request, Response, Router, delete, get, post
from litestar.openapi.spec import Tag
from litestar.params import FromPath
from msgspec import Struct

from mechshare.domain.errors import Conflict, Invalid
from mechshare.domain.ids import TokenId
from mechshare.domain.personal_access_tokens import (
    DEFAULT_LIFETIME_DAYS,
    MAX_LIFETIME_DAYS,
    MAX_NAME_LENGTH,
    PersonalAccessToken,
    Scope,
)
from mechshare.entrypoints.http.protocol.auth import (
    actor_of,
    application_of,
    request_metadata_of,
    require_permissions,
    require_recent_sign_in,
)
from mechshare.entrypoints.http.protocol.openapi import NOT_MODIFIED, body_of, documented, refuses
from mechshare.entrypoints.http.protocol.request_body import decoded_body
from mechshare.entrypoints.http.protocol.responses import no_content, resource
from mechshare.entrypoints.http.protocol.schema_names import published
from mechshare.services.personal_access_tokens import NewToken

Req = Request[Any, Any, Any]
TAG = Tag("tokens", "Personal access tokens, by which programs call the API in your name")


@published("NewPersonalAccessToken")
class NewTokenBody(Struct, forbid_unknown_fields=True):
    """`scopes`: read; write (change, publish and delete); upload (send files, create mechanisms); admin (use the
    permissions of a moderator or admin)."""

    name: Annotated[str, documented(minLength=1, maxLength=MAX_NAME_LENGTH)]
    scopes: Annotated[list[Scope], documented(minItems=1)]
    expires_in_days: Annotated[int, documented(minimum=1, maximum=MAX_LIFETIME_DAYS)] = DEFAULT_LIFETIME_DAYS


@published("PersonalAccessToken")
class TokenResponse(Struct):
    """`last_used_at` is exact to a minute or two; null if no program used the token."""

    id: str
    name: str
    scopes: list[Scope]
    created_at: datetime
    expires_at: datetime
    last_used_at: datetime | None


@published("CreatedPersonalAccessToken")
class CreatedTokenResponse(TokenResponse):
    """`token` is the token itself, which no other response contains."""

    token: str


@published("PersonalAccessTokenList")
class TokensResponse(Struct):
    items: list[TokenResponse]


@get(
    "/",
    guards=[require_permissions()],
    operation_id="listPersonalAccessTokens",
    summary="List your personal access tokens",
    responses=NOT_MODIFIED,
)
async def find_tokens(request: Req) -> Response[TokensResponse]:
    """Returns the tokens of the caller, newest first; expired ones for a month after their expiry."""
    found = await application_of(request).personal_access_tokens.find_of_user(actor_of(request).id)
    return resource(request, TokensResponse([TokenResponse(**_fields(token)) for token in found]))


@post(
    "/",
    status_code=201,
    guards=[require_permissions(), require_recent_sign_in],
    operation_id="createPersonalAccessToken",
    summary="Create a personal access token",
    opt=refuses(Invalid, Conflict),
    operation_class=body_of(
        NewTokenBody, example={"name": "test bench", "scopes": ["read", "upload"], "expires_in_days": 30}
    ),
)
async def create_token(request: Req) -> Response[CreatedTokenResponse]:
    """Creates a token and returns it once: store it safely. Requires a recent sign-in.

    Programs send it as `Authorization: Bearer`.
    """
    body = await decoded_body(request, NewTokenBody)
    token, text = await application_of(request).personal_access_tokens.create(
        actor_of(request).id,
        NewToken(name=body.name, scopes=body.scopes, expires_in_days=body.expires_in_days),
        request_metadata_of(request),
    )
    created = CreatedTokenResponse(**_fields(token), token=text)
    return resource(request, created, status=201, cache="no-store")


@delete(
    "/{token_id:str}",
    status_code=204,
    guards=[require_permissions()],
    operation_id="revokePersonalAccessToken",
    summary="Revoke a personal access token",
)
async def revoke_token(request: Req, token_id: FromPath[str]) -> Response[None]:
    """Ends a token of the caller at once."""
    tokens = application_of(request).personal_access_tokens
    await tokens.revoke(actor_of(request).id, TokenId(token_id), request_metadata_of(request))
    return no_content()


def _fields(token: PersonalAccessToken) -> dict[str, Any]:
    return {
        "id": token.id,
        "name": token.name,
        "scopes": list(token.scopes),
        "created_at": token.created_at,
        "expires_at": token.expires_at,
        "last_used_at": token.last_used_at,
    }


router = Router(
    "/api/v1/auth/tokens", tags=[TAG.name], route_handlers=[find_tokens, create_token, revoke_token]
)
