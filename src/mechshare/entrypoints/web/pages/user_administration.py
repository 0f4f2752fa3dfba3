"""Administration of accounts: role, suspension and storage quota."""

from typing import Annotated, Any

from litestar import Request, Response, Router, get, post
from litestar.params import FromPath, QueryParameter

from mechshare.domain.errors import DomainException, InvalidField, UserNotFound
from mechshare.domain.ids import UserId, is_id
from mechshare.domain.storage_quotas import QuotaOverride
from mechshare.domain.users import Permission, Role, User
from mechshare.entrypoints.http.protocol.auth import (
    actor_of,
    application_of,
    request_metadata_of,
    require_permissions,
    require_recent_sign_in,
)
from mechshare.entrypoints.http.protocol.errors import status_of
from mechshare.entrypoints.http.protocol.pagination import Cursor, page_request
from mechshare.entrypoints.web.forms import FormFields, Saved, form_fields, see_other
from mechshare.entrypoints.web.paging import next_query
from mechshare.entrypoints.web.quota_fields import quota_in, quota_text
from mechshare.entrypoints.web.rendering import page, problem_of

Req = Request[Any, Any, Any]
USER_MANAGERS = [require_permissions(Permission.MANAGE_USERS)]
_HIDES = {"hide": True, "show": False}
Name = Annotated[str, QueryParameter(name="name", max_length=300)]


@get("/admin/users", guards=USER_MANAGERS)
async def show_users(request: Req, name: Name = "", cursor: Cursor = None) -> Response[Any]:
    """Lists accounts, newest first; a user name or e-mail address leads to its account."""
    users, is_absent = application_of(request).users, False
    if name.strip():
        try:
            return see_other(f"/admin/users/{(await users.find_by_login(name)).id}")
        except UserNotFound:
            is_absent = True
    found = await users.find_all(
        actor_of(request), page_request(None, None, cursor), request_metadata_of(request)
    )
    return await page(
        request, "admin_users.html", found=found, more=next_query(found), name=name, is_absent=is_absent
    )


@get("/admin/users/{user_id:str}", guards=USER_MANAGERS)
async def show_user(request: Req, user_id: FromPath[str], saved: Saved = "") -> Response[str]:
    return await _user_page(request, await _find(request, user_id), saved=saved)


@post("/admin/users/{user_id:str}", status_code=200, guards=[*USER_MANAGERS, require_recent_sign_in])
async def change_user(request: Req, user_id: FromPath[str]) -> Response[Any]:
    """Changes what the form has a field for: `role`, `quota`, `suspended` (yes or no) and, with it, `mechanisms` (hide
    or show)."""
    user, fields = await _find(request, user_id), await form_fields(request)
    try:
        await application_of(request).users.change_account_status(
            actor_of(request),
            user.id,
            request_metadata_of(request),
            role=_role(fields),
            suspended=fields.text("suspended") == "yes" if "suspended" in fields else None,
            quota=_quota(fields),
            hides_mechanisms=_HIDES.get(fields.text("mechanisms")),
            versions=[fields.version()],
        )
    except DomainException as error:
        return await _user_page(request, await _find(request, user_id), error, fields)
    return see_other(f"/admin/users/{user.id}?saved=user")


async def _find(request: Req, user_id: str) -> User:
    if not is_id(user_id):
        raise UserNotFound()
    return await application_of(request).users.get_user(UserId(user_id))


async def _user_page(
    request: Req,
    user: User,
    error: DomainException | None = None,
    fields: FormFields | None = None,
    saved: str = "",
) -> Response[str]:
    own_quota = quota_text(user.quota_bytes)
    return await page(
        request,
        "admin_user.html",
        status=status_of(error) if error else 200,
        user=user,
        is_self=user.id == actor_of(request).id,
        roles=[role.value for role in Role],
        quota=await application_of(request).storage_quotas.get_quota(user.id),
        typed_quota=fields.text("quota") if fields and "quota" in fields else own_quota,
        problem=problem_of(request, error) if error else None,
        saved=saved,
    )


def _role(fields: FormFields) -> Role | None:
    """Returns the chosen role; None if the form has no such field. Raises InvalidField."""
    if "role" not in fields:
        return None
    try:
        return Role(fields.text("role"))
    except ValueError as problem:
        raise InvalidField(
            "role", en="Choose one of the roles.", ja="ロールを選択してください。"
        ) from problem


def _quota(fields: FormFields) -> QuotaOverride | None:
    """Returns the typed quota: empty for that of the role; None if the form has no such field. Raises InvalidField."""
    if "quota" not in fields:
        return None
    return quota_in(fields)


router = Router("/", route_handlers=[show_users, show_user, change_user])
