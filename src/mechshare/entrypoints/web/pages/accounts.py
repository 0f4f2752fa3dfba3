"""Signing in and out, registering, and choosing a language."""

from typing import Annotated, Any

from litestar import Request, Response, Router, get, post
from litestar.datastructures import Cookie
from litestar.params import FromPath, QueryParameter

from mechshare.domain.errors import LANGUAGES, DomainException, RouteNotFound
from mechshare.domain.invitations import RegistrationMode
from mechshare.domain.users import User
from mechshare.entrypoints.http.protocol.auth import (
    application_of,
    caller_of,
    limits,
    request_metadata_of,
    require_permissions,
)
from mechshare.entrypoints.web.forms import form_fields, public_url_of, see_other, without_secrets
from mechshare.entrypoints.web.languages import language_cookie
from mechshare.entrypoints.web.paths import local_path
from mechshare.entrypoints.web.rendering import form_page, page
from mechshare.entrypoints.web.session_cookies import session_cookies, signed_out_cookies
from mechshare.services.rate_limits import CostlyOperation
from mechshare.services.users import Registration

Req = Request[Any, Any, Any]
Next = Annotated[str, QueryParameter(name="next")]
Invited = Annotated[str, QueryParameter(name="invitation", max_length=200)]
_MAX_FORM_BYTES = 8 * 1024


@get("/sign-in")
async def show_sign_in(request: Req, next_path: Next = "/") -> Response[str]:
    return await page(
        request, "sign_in.html", values={}, next=local_path(next_path), may_register=_may_register(request)
    )


@post("/sign-in", status_code=200)
async def sign_in(request: Req) -> Response[Any]:
    fields = await form_fields(request, _MAX_FORM_BYTES)
    next_path = local_path(fields.text("next"))
    try:
        return await _start_session(request, fields.text("username"), fields.text("password"), next_path)
    except DomainException as error:
        return await form_page(
            request,
            "sign_in.html",
            error,
            values=without_secrets(fields),
            next=next_path,
            may_register=_may_register(request),
        )


@get("/register")
async def show_registration(request: Req, next_path: Next = "/", invitation: Invited = "") -> Response[str]:
    """Shows the form, or why nobody can create an account here without an invitation."""
    application, mode = application_of(request), _mode(request)
    is_invited = bool(invitation) and await application.invitations.is_valid(invitation)
    return await page(
        request,
        "register.html",
        values={"invitation": invitation if is_invited else ""},
        next=local_path(next_path),
        mode=mode.value,
        is_admitted=is_invited or _may_register(request),
    )


@post("/register", status_code=200, before_request=limits(CostlyOperation.REGISTRATIONS))
async def register(request: Req) -> Response[Any]:
    """Creates the account and signs the person in, unless the account awaits approval."""
    fields = await form_fields(request, _MAX_FORM_BYTES)
    next_path = local_path(fields.text("next"))
    registration = Registration(
        username=fields.text("username"),
        email=fields.text("email"),
        password=fields.text("password"),
        display_name=fields.text("display_name"),
        invitation=fields.text("invitation"),
    )
    try:
        joined = await application_of(request).users.register(registration, request_metadata_of(request))
        if isinstance(joined, User) and joined.awaits_approval:
            return await page(request, "awaiting_approval.html")
        return await _start_session(request, registration.username, registration.password, next_path)
    except DomainException as error:
        return await form_page(
            request,
            "register.html",
            error,
            values=without_secrets(fields),
            next=next_path,
            mode=_mode(request).value,
            is_admitted=True,
        )


@post("/sign-out", status_code=200, guards=[require_permissions()])
async def sign_out(request: Req) -> Response[Any]:
    await form_fields(request)
    await application_of(request).sessions.logout(caller_of(request), request_metadata_of(request))
    return _with_cookies(see_other("/"), signed_out_cookies(public_url_of(request)))


@get("/language/{language:str}")
async def choose_language(request: Req, language: FromPath[str], next_path: Next = "/") -> Response[Any]:
    if language not in LANGUAGES:
        raise RouteNotFound()
    response = see_other(local_path(next_path))
    response.set_cookie(language_cookie(language, public_url_of(request)))
    return response


async def _start_session(request: Req, login: str, password: str, next_path: str) -> Response[Any]:
    tokens = await application_of(request).sessions.login(login, password, request_metadata_of(request))
    is_secure = request.scope["scheme"] == "https"
    cookies = session_cookies(tokens, public_url_of(request), is_secure=is_secure)
    return _with_cookies(see_other(next_path), cookies)


def _mode(request: Req) -> RegistrationMode:
    return RegistrationMode(application_of(request).settings.registration)


def _may_register(request: Req) -> bool:
    """Whether people without an invitation may create an account."""
    return _mode(request) in (RegistrationMode.OPEN, RegistrationMode.APPROVAL)


def _with_cookies(response: Response[Any], cookies: list[Cookie]) -> Response[Any]:
    response.cookies.extend(cookies)
    return response


router = Router(
    "/",
    route_handlers=[show_sign_in, sign_in, show_registration, register, sign_out, choose_language],
)
