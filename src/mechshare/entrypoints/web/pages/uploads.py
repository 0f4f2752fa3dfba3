"""Uploading files."""

from typing import Annotated, Any, Literal

from litestar import Request, Response, Router, get, post
from litestar.params import QueryParameter

from mechshare.domain.accepted_files import MAGIC_NUMBERS, UnsupportedFile
from mechshare.domain.categories import names_in
from mechshare.domain.errors import DomainException, FileTooLarge
from mechshare.entrypoints.http.new_mechanisms import ClipForm, create_from_form
from mechshare.entrypoints.http.protocol.auth import actor_of, application_of, limits, require_permissions
from mechshare.entrypoints.web.forms import see_other
from mechshare.entrypoints.web.languages import language_of
from mechshare.entrypoints.web.rendering import form_page, page
from mechshare.services.rate_limits import CostlyOperation
from mechshare.services.support.idempotency import ReplayedResponse

Req = Request[Any, Any, Any]


@get("/upload", guards=[require_permissions("mechanisms:create")])
async def show_upload(
    request: Req, form: Annotated[Literal["many", "plain"], QueryParameter(name="form")] = "many"
) -> Response[str]:
    content = await _content(request)
    return await page(request, "upload.html", values={}, chosen=(), is_plain=form == "plain", **content)


@post(
    "/upload",
    guards=[require_permissions("mechanisms:create")],
    before_request=limits(CostlyOperation.UPLOADS),
    request_max_body_size=None,
    status_code=200,
)
async def upload(request: Req) -> Response[Any]:
    """Accepts the plain form, which works without scripts, and leads to the new mechanism."""
    form = ClipForm()
    try:
        created = await create_from_form(request, form)
    except ReplayedResponse:
        return see_other("/my")
    except DomainException as error:
        return await _refused(request, form, error)
    return see_other(f"/m/{created.mechanism.id}")


async def _refused(request: Req, form: ClipForm, error: DomainException) -> Response[str]:
    return await form_page(
        request,
        "upload.html",
        error,
        values=dict(form.fields),
        chosen=[each for name, text in form.fields if name == "categories" for each in names_in(text)],
        is_plain=True,
        **await _content(request),
    )


async def _content(request: Req) -> dict[str, Any]:
    application, language = application_of(request), language_of(request)
    return {
        "quota": await application.storage_quotas.get_quota(actor_of(request).id),
        "max_bytes": application.uploads.max_bytes,
        "too_large": FileTooLarge(limit=application.uploads.max_bytes).message_in(language),
        "unsupported": UnsupportedFile().message_in(language),
        "magic_numbers": [(offset, magic.hex()) for offset, magic in MAGIC_NUMBERS],
        "categories": await application.categories.find_all(),
        "may_add_categories": application.settings.categories == "authors",
    }


router = Router("/", route_handlers=[show_upload, upload])
