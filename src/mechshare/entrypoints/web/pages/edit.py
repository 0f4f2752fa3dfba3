"""Editing the texts, categories and attachments of a mechanism."""

from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import msgspec
from litestar import Request, Response, Router, get, post
from litestar.params import FromPath

from mechshare.domain.categories import names_in
from mechshare.domain.errors import DomainException, InvalidField, StaleVersion
from mechshare.domain.ids import AttachmentId
from mechshare.domain.mechanisms import Mechanism
from mechshare.domain.motion import period_in
from mechshare.domain.named_values import lines_of, values_in
from mechshare.domain.policy import require_editor
from mechshare.domain.reliability import Reliability, stated_reliability
from mechshare.domain.statements import StatementChanges
from mechshare.domain.trims import Trim, TrimChange
from mechshare.entrypoints.http.new_attachments import AttachmentForm, add_from_form
from mechshare.entrypoints.http.new_main_files import replace_from_form
from mechshare.entrypoints.http.protocol.auth import (
    actor_of,
    application_of,
    limits,
    note_draft_read,
    request_metadata_of,
    require_permissions,
)
from mechshare.entrypoints.http.protocol.identifiers import mechanism_id_in
from mechshare.entrypoints.http.representations.attachments import thumbnail_urls
from mechshare.entrypoints.http.representations.mechanisms import media_addresses
from mechshare.entrypoints.web.audience import audience_content
from mechshare.entrypoints.web.forms import FormFields, form_fields, see_other
from mechshare.entrypoints.web.languages import language_of
from mechshare.entrypoints.web.owned import failed_file
from mechshare.entrypoints.web.rendering import form_page, page
from mechshare.services.rate_limits import CostlyOperation

Req = Request[Any, Any, Any]
_MAX_FORM_BYTES = 512 * 1024
"""A description of 20,000 characters may have 12 bytes for each in a form."""


_MAX_DIGITS = 9


@dataclass(frozen=True, slots=True, kw_only=True)
class _Texts:
    """What the form changes. `parameters` are one a line."""

    title: str
    description: str
    categories: tuple[str, ...]
    reliability: Reliability | None
    parameters: str
    license: str
    original_offered: bool
    stated_period: str = ""
    trim_start: str = ""
    trim_end: str = ""

    @property
    def trim_change(self) -> TrimChange:
        """The part of the clip that the form states, in ms; all of it without numbers. Raises InvalidField."""
        start, end = _milliseconds(self.trim_start), _milliseconds(self.trim_end)
        is_whole = not start and end is None
        return TrimChange(None if is_whole else Trim(start_ms=start or 0, end_ms=end))

    @property
    def statement_changes(self) -> StatementChanges:
        """What the form states. Raises InvalidField."""
        return StatementChanges(
            title=self.title,
            description=self.description,
            categories=self.categories,
            reliability=self.reliability,
            parameters=values_in("parameters", self.parameters),
            license=self.license,
            original_offered=self.original_offered,
            stated_period=period_in(self.stated_period),
        )

    @property
    def digest(self) -> str:
        return sha256(msgspec.json.encode(self)).hexdigest()


@get("/m/{mechanism_id:str}/edit", guards=[require_permissions()])
async def show_edit(request: Req, mechanism_id: FromPath[str]) -> Response[str]:
    mechanism = await _editable(request, mechanism_id)
    texts = _texts_of(mechanism)
    return await page(request, "edit.html", **await _content(request, mechanism, texts))


@post("/m/{mechanism_id:str}/edit", guards=[require_permissions()], status_code=200)
async def edit(request: Req, mechanism_id: FromPath[str]) -> Response[Any]:
    """Saves the form, unless somebody else changed the same mechanism after the form was filled."""
    fields = await form_fields(request, _MAX_FORM_BYTES)
    mechanism = await _editable(request, mechanism_id)
    texts = _Texts(
        title=fields.text("title"),
        description=fields.text("description"),
        categories=tuple(name for text in fields.get("categories", ()) for name in names_in(text)),
        reliability=stated_reliability(fields.text("reliability_level"), fields.text("reliability_reason")),
        parameters=fields.text("parameters"),
        license=fields.text("license"),
        original_offered=fields.text("original_offered") == "true",
        stated_period=fields.text("stated_period_s"),
        trim_start=fields.text("trim_start"),
        trim_end=fields.text("trim_end"),
    )
    try:
        await _save(request, mechanism, texts, _expected_version(mechanism, fields))
    except DomainException as error:
        now = await _editable(request, mechanism_id)
        is_stale = isinstance(error, StaleVersion)
        content = await _content(request, now, texts, saved=_texts_of(now) if is_stale else None)
        return await form_page(request, "edit.html", error, **content)
    return see_other(f"/m/{mechanism.id}")


@post(
    "/m/{mechanism_id:str}/file",
    guards=[require_permissions()],
    before_request=limits(CostlyOperation.UPLOADS),
    request_max_body_size=None,
    status_code=200,
)
async def replace_main_file(request: Req, mechanism_id: FromPath[str]) -> Response[Any]:
    """Lets the file of the form take the place of the main file."""
    try:
        await replace_from_form(request, mechanism_id_in(mechanism_id), states_version=True)
    except DomainException as error:
        return await refused_part(request, mechanism_id, error)
    return see_other(f"/m/{mechanism_id}")


@post(
    "/m/{mechanism_id:str}/attachments",
    guards=[require_permissions()],
    before_request=limits(CostlyOperation.UPLOADS),
    request_max_body_size=None,
    status_code=200,
)
async def attach(request: Req, mechanism_id: FromPath[str]) -> Response[Any]:
    """Adds the file of the form."""
    try:
        await add_from_form(request, mechanism_id_in(mechanism_id), AttachmentForm())
    except DomainException as error:
        return await refused_part(request, mechanism_id, error)
    return _to_attachments(mechanism_id)


@post(
    "/m/{mechanism_id:str}/attachments/{attachment_id:str}", guards=[require_permissions()], status_code=200
)
async def change_attachment(
    request: Req, mechanism_id: FromPath[str], attachment_id: FromPath[str]
) -> Response[Any]:
    """Saves the caption, moves the attachment to another place, or removes it, as the field `do` says."""
    fields, attachments = await form_fields(request), application_of(request).attachments
    actor, id, attachment = actor_of(request), mechanism_id_in(mechanism_id), AttachmentId(attachment_id)
    try:
        if fields.text("do") == "remove":
            await attachments.remove(actor, id, attachment, request_metadata_of(request))
        else:
            await attachments.change(
                actor, id, attachment, caption=fields.text("caption"), position=_position(fields)
            )
    except DomainException as error:
        return await refused_part(request, mechanism_id, error)
    return _to_attachments(mechanism_id)


def _position(fields: FormFields) -> int | None:
    """Returns the place to which the form moves the attachment; None if it stays."""
    text = fields.text("do")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 4 else None


def _to_attachments(mechanism_id: str) -> Response[Any]:
    return see_other(f"/m/{mechanism_id}/edit#attachments")


async def refused_part(
    request: Req, mechanism_id: str, error: DomainException, **typed: Any
) -> Response[str]:
    """Returns the page with the message of `error`, and what was `typed` into another of its forms than that of the
    texts."""
    mechanism = await _editable(request, mechanism_id)
    content = await _content(request, mechanism, _texts_of(mechanism))
    return await form_page(request, "edit.html", error, **content, **typed)


def _expected_version(mechanism: Mechanism, fields: FormFields) -> int:
    """Returns the version to replace: the current one if its texts are those that the form was filled with.

    Processing and publishing also change the version, but not the texts, so the change of no person would be lost.
    """
    is_same = fields.text("digest") == _texts_of(mechanism).digest
    return mechanism.version if is_same else fields.version()


async def _save(request: Req, mechanism: Mechanism, texts: _Texts, version: int) -> None:
    await application_of(request).mechanisms.update_mechanism(
        actor_of(request),
        mechanism.id,
        versions=(version,),
        request_metadata=request_metadata_of(request),
        trim=texts.trim_change if _has_other_trim(texts, mechanism) else None,
        **texts.statement_changes,
    )


def _has_other_trim(texts: _Texts, mechanism: Mechanism) -> bool:
    """Whether the form states another part of the clip than the one that is shown: only that takes processing."""
    shown = _texts_of(mechanism)
    return (texts.trim_start, texts.trim_end) != (shown.trim_start, shown.trim_end)


def _milliseconds(text: str) -> int | None:
    """Returns the number in the field; None if it is empty. Raises InvalidField."""
    stripped = text.strip()
    if not stripped:
        return None
    if not stripped.isascii() or not stripped.isdigit() or len(stripped) > _MAX_DIGITS:
        raise InvalidField(
            "trim", en="must be whole numbers of ms.", ja="ミリ秒単位の整数で入力してください。"
        )
    return int(stripped)


async def _editable(request: Req, mechanism_id: str) -> Mechanism:
    """Returns the mechanism. Raises MechanismNotFound, UnauthorizedOperation."""
    actor = actor_of(request)
    application, id = application_of(request), mechanism_id_in(mechanism_id)
    mechanism = (await application.mechanisms.get_mechanism(actor, id)).mechanism
    await note_draft_read(request, actor, mechanism)
    return require_editor(actor, mechanism, await application.shares.access_of(actor, mechanism))


def _texts_of(mechanism: Mechanism) -> _Texts:
    trim = mechanism.original.trim if mechanism.original else None
    return _Texts(
        title=mechanism.title,
        description=mechanism.description,
        categories=mechanism.categories,
        reliability=mechanism.reliability,
        parameters=lines_of(mechanism.parameters),
        license=mechanism.license or "",
        original_offered=mechanism.original_offered,
        stated_period=_seconds_of(mechanism.stated_period),
        trim_start=str(trim.start_ms) if trim else "",
        trim_end=str(trim.end_ms) if trim and trim.end_ms is not None else "",
    )


def _seconds_of(period: float | None) -> str:
    """Returns the period as a person writes it: without an exponent and without zeros at the end."""
    return "" if period is None else f"{period:.6f}".rstrip("0").rstrip(".")


def _values(texts: _Texts) -> dict[str, Any]:
    stated = {}
    if texts.reliability:
        stated = {
            "reliability_level": texts.reliability.level,
            "reliability_reason": texts.reliability.reason,
        }
    return {
        "title": texts.title,
        "description": texts.description,
        "parameters": texts.parameters,
        "license": texts.license,
        "trim_start": texts.trim_start,
        "trim_end": texts.trim_end,
        "original_offered": "true" if texts.original_offered else "false",
        "stated_period_s": texts.stated_period,
        **stated,
    }


async def _content(
    request: Req, mechanism: Mechanism, texts: _Texts, saved: _Texts | None = None
) -> dict[str, Any]:
    """Returns what the form shows: `texts` to edit and, after a lost update, those that are `saved`."""
    application = application_of(request)
    attachments = await application.attachments.find_all(actor_of(request), mechanism.id)
    return {
        "mechanism": mechanism,
        "failed": failed_file(application, mechanism, language_of(request)),
        "values": _values(texts),
        "chosen": texts.categories,
        "saved": saved,
        "digest": _texts_of(mechanism).digest,
        "categories": await application.categories.find_all(),
        "may_add_categories": application.settings.categories == "authors",
        "attachments": attachments,
        "thumbnails": thumbnail_urls(mechanism, attachments, media_addresses(application)),
        "max_size": application.uploads.max_bytes,
        **await audience_content(request, mechanism),
    }


router = Router("/", route_handlers=[show_edit, edit, replace_main_file, attach, change_attachment])
