"""Reports to the moderators: the form, what became of one's reports, and the queue."""

from typing import Annotated, Any

from litestar import Request, Response, Router, get, post
from litestar.params import FromPath, QueryParameter

from mechshare.domain.comments import AuthoredComment, CommentId, CommentNotFound
from mechshare.domain.errors import DomainException, MechanismNotFound, UserNotFound
from mechshare.domain.ids import MechanismId, ReportId, UserId, is_id
from mechshare.domain.reports import Decision, Report, ReportNotFound
from mechshare.domain.users import Permission
from mechshare.entrypoints.http.protocol.auth import (
    actor_of,
    application_of,
    request_metadata_of,
    require_permissions,
)
from mechshare.entrypoints.http.protocol.errors import status_of
from mechshare.entrypoints.http.protocol.identifiers import comment_id_in, mechanism_id_in
from mechshare.entrypoints.http.protocol.pagination import Cursor, page_request
from mechshare.entrypoints.web.forms import FormFields, Saved, form_fields, see_other
from mechshare.entrypoints.web.paging import next_query
from mechshare.entrypoints.web.rendering import form_page, page, problem_of

Req = Request[Any, Any, Any]
MODERATORS = [require_permissions(Permission.WITHDRAW_ANY_MECHANISM)]
Mechanism = Annotated[str, QueryParameter(name="mechanism", max_length=100)]
Comment = Annotated[str, QueryParameter(name="comment", max_length=100)]
User = Annotated[str, QueryParameter(name="user", max_length=100)]


@get("/reports", guards=[require_permissions()])
async def show_reports(request: Req, saved: Saved = "") -> Response[str]:
    """Shows what the person reported, and what was decided about them."""
    reports, actor = application_of(request).reports, actor_of(request)
    return await page(
        request,
        "reports.html",
        made=[await _shown(request, one) for one in await reports.find_made(actor)],
        decisions=[await _shown(request, one) for one in await reports.find_decisions_about(actor)],
        saved=saved,
    )


@get("/reports/new", guards=[require_permissions()])
async def show_form(
    request: Req, mechanism: Mechanism = "", comment: Comment = "", user: User = ""
) -> Response[str]:
    subject = await _subject(request, mechanism, comment, user)
    return await page(request, "report.html", subject=subject, reason="")


@post("/reports/new", status_code=200, guards=[require_permissions()])
async def report(request: Req) -> Response[Any]:
    fields = await form_fields(request)
    subject = await _subject(request, *(fields.text(name) for name in ("mechanism", "comment", "user")))
    reports, reason = application_of(request).reports, fields.text("reason")
    actor, metadata = actor_of(request), request_metadata_of(request)
    try:
        if subject["mechanism_id"]:
            await reports.report_mechanism(actor, MechanismId(subject["mechanism_id"]), reason, metadata)
        elif subject["comment_id"]:
            await reports.report_comment(actor, CommentId(subject["comment_id"]), reason, metadata)
        else:
            await reports.report_user(actor, UserId(subject["user_id"]), reason, metadata)
    except DomainException as error:
        return await form_page(request, "report.html", error, subject=subject, reason=reason)
    return see_other("/reports?saved=reported")


@get("/moderation/reports", guards=MODERATORS)
async def show_queue(request: Req, saved: Saved = "", cursor: Cursor = None) -> Response[str]:
    return await _queue(request, saved=saved, cursor=cursor)


@post("/moderation/reports/{report_id:str}", status_code=200, guards=MODERATORS)
async def decide(request: Req, report_id: FromPath[str]) -> Response[Any]:
    fields = await form_fields(request)
    try:
        await application_of(request).reports.decide(
            actor_of(request),
            ReportId(report_id),
            _decision(fields),
            fields.text("reason"),
            request_metadata_of(request),
        )
    except DomainException as error:
        return await _queue(request, error, report_id=report_id)
    return see_other("/moderation/reports?saved=decided")


def _decision(fields: FormFields) -> Decision:
    """Returns the button that was pressed. Raises ReportNotFound for a form that this page does not have."""
    try:
        return Decision(fields.text("decision"))
    except ValueError as problem:
        raise ReportNotFound() from problem


async def _queue(
    request: Req,
    error: DomainException | None = None,
    *,
    report_id: str = "",
    saved: str = "",
    cursor: str | None = None,
) -> Response[str]:
    found = await application_of(request).reports.find_undecided(
        actor_of(request), page_request(None, None, cursor)
    )
    return await page(
        request,
        "moderation_reports.html",
        status=status_of(error) if error else 200,
        reports=[await _shown(request, one) for one in found.items],
        more=next_query(found),
        problem=problem_of(request, error) if error else None,
        refused=report_id,
        saved=saved,
    )


async def _subject(request: Req, mechanism_id: str, comment_id: str, user_id: str) -> dict[str, str]:
    """Returns what is reported, its name, and the text of a comment. Raises MechanismNotFound, CommentNotFound,
    UserNotFound."""
    application = application_of(request)
    none = {"mechanism_id": "", "comment_id": "", "user_id": "", "text": ""}
    if mechanism_id:
        found = await application.mechanisms.get_mechanism(actor_of(request), mechanism_id_in(mechanism_id))
        return none | {"mechanism_id": found.mechanism.id, "name": found.mechanism.title}
    if comment_id:
        written = await application.comments.get_comment(actor_of(request), comment_id_in(comment_id))
        name = written.author.display_name if written.author else ""
        return none | {"comment_id": written.comment.id, "name": name, "text": written.comment.text}
    if not is_id(user_id):
        raise UserNotFound()
    profile = await application.users.get_profile(UserId(user_id))
    return none | {"user_id": profile.id, "name": profile.display_name}


async def _shown(request: Req, report: Report) -> dict[str, Any]:
    """Returns the report with the names of what and whom it is about, as far as the person may see them."""
    application = application_of(request)
    return {
        "report": report,
        "title": await _title(request, report.mechanism_id) if report.mechanism_id else "",
        "comment": await _comment(request, report.comment_id) if report.comment_id else None,
        "user": await application.users.get_profile(report.user_id),
        "reporter": await application.users.get_profile(report.reporter_id),
    }


async def _title(request: Req, id: MechanismId) -> str:
    """Returns the title of the mechanism; nothing if the person may not see it."""
    try:
        return (await application_of(request).mechanisms.get_mechanism(actor_of(request), id)).mechanism.title
    except MechanismNotFound:
        return ""  # withdrawn: what is left is the report


async def _comment(request: Req, id: CommentId) -> AuthoredComment | None:
    """Returns the comment; None if it is deleted or the person may not see it."""
    try:
        return await application_of(request).comments.get_comment(actor_of(request), id)
    except CommentNotFound:
        return None


router = Router("/", route_handlers=[show_reports, show_form, report, show_queue, decide])
