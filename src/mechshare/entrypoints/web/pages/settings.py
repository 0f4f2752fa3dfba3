"""What users change about their own account: profile, password, sessions, and leaving."""

from typing import Any

from litestar import Request, Response, Router, get, post
from litestar.params import FromPath

from mechshare.domain.account_exports import AccountExport, AccountExportNotFound
from mechshare.domain.errors import DomainException, InvalidCredentials, InvalidField
from mechshare.domain.ids import SessionId
from mechshare.domain.sessions import Session
from mechshare.domain.users import AccountDeletion, normal_login
from mechshare.entrypoints.http.protocol.auth import (
    actor_of,
    application_of,
    caller_of,
    request_metadata_of,
    require_permissions,
    require_recent_sign_in,
)
from mechshare.entrypoints.http.protocol.errors import status_of
from mechshare.entrypoints.http.representations.account_exports import served_export
from mechshare.entrypoints.web.devices import browser_of, system_of
from mechshare.entrypoints.web.forms import FormFields, Saved, form_fields, public_url_of, see_other
from mechshare.entrypoints.web.rendering import form_page, page, problem_of
from mechshare.entrypoints.web.session_cookies import signed_out_cookies

Req = Request[Any, Any, Any]
RECENTLY = [require_permissions(), require_recent_sign_in]
_PASSWORD_FIELDS = {"password": "new_password"}
"""What the form calls the fields that the domain names."""


@get("/settings", guards=[require_permissions()])
async def show_settings(request: Req, saved: Saved = "") -> Response[str]:
    return await _settings(request, saved=saved)


@post("/settings/profile", status_code=200, guards=[require_permissions()])
async def save_profile(request: Req) -> Response[Any]:
    fields = await form_fields(request)
    try:
        await application_of(request).users.update_user(
            actor_of(request),
            display_name=fields.text("display_name"),
            bio=fields.text("bio"),
            versions=[fields.version()],
        )
    except DomainException as error:
        return await _settings(request, error, fields)
    return see_other("/settings?saved=profile")


@post("/settings/password", status_code=200, guards=RECENTLY)
async def change_password(request: Req) -> Response[Any]:
    """Changes the password and ends all other sessions."""
    fields = await form_fields(request)
    try:
        await application_of(request).sessions.change_password(
            caller_of(request),
            fields.text("old_password"),
            fields.text("new_password"),
            request_metadata_of(request),
        )
    except InvalidCredentials:
        return await _settings(request, _wrong_password())
    except DomainException as error:
        return await _settings(request, error)
    return see_other("/settings?saved=password")


@post("/settings/sessions/{session_id:str}/end", status_code=200, guards=[require_permissions()])
async def end_session(request: Req, session_id: FromPath[str]) -> Response[Any]:
    await form_fields(request)
    await application_of(request).sessions.revoke(
        caller_of(request), SessionId(session_id), request_metadata_of(request)
    )
    return see_other("/settings?saved=session")


@post("/settings/end-other-sessions", status_code=200, guards=[require_permissions()])
async def end_other_sessions(request: Req) -> Response[Any]:
    await form_fields(request)
    await application_of(request).sessions.revoke_others(caller_of(request), request_metadata_of(request))
    return see_other("/settings?saved=sessions")


@post("/settings/export", status_code=200, guards=RECENTLY)
async def request_export(request: Req) -> Response[Any]:
    await form_fields(request)
    exports = application_of(request).account_exports
    await exports.request(actor_of(request), request_metadata_of(request))
    return see_other("/settings?saved=export")


@get("/settings/export.zip", guards=[require_permissions()])
async def download_export(request: Req) -> Response[Any]:
    return await served_export(request)


@get("/settings/delete-account", guards=RECENTLY)
async def confirm_deletion(request: Req) -> Response[str]:
    return await page(request, "delete_account.html", deleted=await _find_deletion(request))


@post("/settings/delete-account", status_code=200, guards=RECENTLY)
async def delete_account(request: Req) -> Response[Any]:
    """Deletes the account if its user name was typed, and signs the browser out."""
    fields = await form_fields(request)
    users, actor = application_of(request).users, actor_of(request)
    user = await users.get_user(actor.id)
    if normal_login(fields.text("username")) != user.username:
        return await form_page(
            request,
            "delete_account.html",
            _wrong_name(user.username),
            deleted=await _find_deletion(request),
        )
    await users.delete_user(actor, request_metadata_of(request))
    response = see_other("/")
    response.cookies.extend(signed_out_cookies(public_url_of(request)))
    return response


async def _settings(
    request: Req, error: DomainException | None = None, fields: FormFields | None = None, saved: str = ""
) -> Response[str]:
    """Returns the page; after a refused form with its message and, except for passwords, what was typed."""
    application, caller = application_of(request), caller_of(request)
    user = await application.users.get_user(caller.actor.id)
    problem = problem_of(request, error) if error else None
    if problem:
        problem["field"] = _PASSWORD_FIELDS.get(problem["field"], problem["field"])
    sessions = await application.sessions.find_sessions(caller)
    return await page(
        request,
        "settings.html",
        status=status_of(error) if error else 200,
        user=user,
        quota=await application.storage_quotas.get_quota(user.id),
        sessions=[_shown(session, caller.session_id) for session in sessions],
        export=await _find_export(request),
        values={
            "display_name": fields.text("display_name") if fields else user.display_name,
            "bio": fields.text("bio") if fields else user.bio,
        },
        problem=problem,
        saved=saved,
    )


async def _find_deletion(request: Req) -> AccountDeletion:
    return await application_of(request).users.find_deletion(actor_of(request))


async def _find_export(request: Req) -> AccountExport | None:
    try:
        return await application_of(request).account_exports.find(actor_of(request))
    except AccountExportNotFound:
        return None


def _shown(session: Session, current: SessionId) -> dict[str, Any]:
    return {
        "session": session,
        "is_current": session.id == current,
        "browser": browser_of(session.user_agent),
        "system": system_of(session.user_agent),
    }


def _wrong_password() -> InvalidField:
    return InvalidField(
        "old_password", en="This is not your current password.", ja="現在のパスワードと一致しません。"
    )


def _wrong_name(username: str) -> InvalidField:
    return InvalidField(
        "username",
        en=f"Type your user name, {username}, to confirm.",
        ja=f"確認のため、ユーザー名（{username}）を入力してください。",
    )


router = Router(
    "/",
    route_handlers=[
        show_settings,
        save_profile,
        change_password,
        end_session,
        end_other_sessions,
        request_export,
        download_export,
        confirm_deletion,
        delete_account,
    ],
)
