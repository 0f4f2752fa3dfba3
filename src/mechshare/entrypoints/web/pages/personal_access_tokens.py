"""The page on which users create and revoke their personal access tokens."""

from typing import Any

from litestar import Request, Response, Router, get, post
from litestar.params import FromPath

from mechshare.domain.errors import DomainException, MalformedRequest
from mechshare.domain.ids import TokenId
from mechshare.domain.personal_access_tokens import DEFAULT_LIFETIME_DAYS, Scope
from mechshare.domain.users import Role
from mechshare.entrypoints.http.protocol.auth import (
    actor_of,
    application_of,
    request_metadata_of,
    require_permissions,
    require_recent_sign_in,
)
from mechshare.entrypoints.http.protocol.errors import status_of
from mechshare.entrypoints.web.forms import FormFields, Saved, form_fields, see_other
from mechshare.entrypoints.web.rendering import page, problem_of
from mechshare.services.personal_access_tokens import NewToken

Req = Request[Any, Any, Any]
_LIFETIMES = (7, 30, DEFAULT_LIFETIME_DAYS, 366)
"""Days after which a token may expire, for the choice in the form."""


@get("/settings/tokens", guards=[require_permissions()])
async def show_tokens(request: Req, saved: Saved = "") -> Response[str]:
    return await _tokens(request, saved=saved)


@post("/settings/tokens", status_code=200, guards=[require_permissions(), require_recent_sign_in])
async def create_token(request: Req) -> Response[Any]:
    """Creates a token and shows it in the response itself, since no other page may contain it."""
    fields = await form_fields(request)
    try:
        new = _new_token(fields)
        _, text = await application_of(request).personal_access_tokens.create(
            actor_of(request).id, new, request_metadata_of(request)
        )
    except DomainException as error:
        return await _tokens(request, error, fields)
    return await _tokens(request, created=text)


@post("/settings/tokens/{token_id:str}/revoke", status_code=200, guards=[require_permissions()])
async def revoke_token(request: Req, token_id: FromPath[str]) -> Response[Any]:
    await form_fields(request)
    tokens = application_of(request).personal_access_tokens
    await tokens.revoke(actor_of(request).id, TokenId(token_id), request_metadata_of(request))
    return see_other("/settings/tokens?saved=revoked")


def _new_token(fields: FormFields) -> NewToken:
    """Returns the token that the form describes. Raises MalformedRequest."""
    try:
        scopes, days = [Scope(name) for name in fields.get("scopes", [])], int(fields.text("expires_in_days"))
    except ValueError as problem:
        raise MalformedRequest(
            problem="the form has an unknown scope or lifetime. Reload the page."
        ) from problem
    return NewToken(name=fields.text("name"), scopes=scopes, expires_in_days=days)


async def _tokens(
    request: Req,
    error: DomainException | None = None,
    fields: FormFields | None = None,
    *,
    saved: str = "",
    created: str = "",
) -> Response[str]:
    """Returns the page; after a refused form with its message and what was typed."""
    application, actor = application_of(request), actor_of(request)
    return await page(
        request,
        "tokens.html",
        status=status_of(error) if error else 200,
        tokens=await application.personal_access_tokens.find_of_user(actor.id),
        scopes=[
            scope for scope in Scope if scope is not Scope.ADMIN or actor.role not in (Role.USER, Role.READER)
        ],
        lifetimes=_LIFETIMES,
        values={
            "name": fields.text("name") if fields else "",
            "scopes": fields.get("scopes", []) if fields else [Scope.READ],
            "days": fields.text("expires_in_days") if fields else str(DEFAULT_LIFETIME_DAYS),
        },
        created=created,
        problem=problem_of(request, error) if error else None,
        saved=saved,
    )


router = Router("/", route_handlers=[show_tokens, create_token, revoke_token])
