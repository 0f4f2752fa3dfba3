"""/reports"""

from datetime import datetime
from typing import Annotated, Any

from litestar import Request, Response, Router, get, post
from litestar.openapi.spec import Tag
from litestar.params import FromPath
from msgspec import Struct

from mechshare.domain.errors import Conflict, Forbidden, Invalid, InvalidField, NotFound
from mechshare.domain.ids import ReportId, UserId
from mechshare.domain.reports import MAX_DECISION_LENGTH, MAX_REASON_LENGTH, Decision, Report
from mechshare.entrypoints.http.protocol.auth import (
    actor_of,
    application_of,
    request_metadata_of,
    require_permissions,
)
from mechshare.entrypoints.http.protocol.idempotency import idempotent_request
from mechshare.entrypoints.http.protocol.identifiers import comment_id_in, mechanism_id_in
from mechshare.entrypoints.http.protocol.openapi import (
    ACCEPTS_IDEMPOTENCY_KEY,
    NOT_MODIFIED,
    body_of,
    documented,
    refuses,
)
from mechshare.entrypoints.http.protocol.pagination import (
    Cursor,
    Limit,
    PageNumber,
    PageResponse,
    list_resource,
    page_request,
    page_response,
)
from mechshare.entrypoints.http.protocol.request_body import decoded_body
from mechshare.entrypoints.http.protocol.responses import resource
from mechshare.entrypoints.http.protocol.schema_names import published

Req = Request[Any, Any, Any]
TAG = Tag("reports", "Reports of mechanisms, comments and users to the moderators")
MODERATORS = [require_permissions("mechanisms:withdraw_any")]


@published("NewReport")
class NewReport(Struct, forbid_unknown_fields=True):
    """What is reported: a mechanism, a comment or a user."""

    reason: Annotated[str, documented(minLength=1, maxLength=MAX_REASON_LENGTH)]
    mechanism_id: str = ""
    comment_id: str = ""
    user_id: str = ""


@published("NewDecision")
class NewDecision(Struct, forbid_unknown_fields=True):
    """`dismiss`; `withdraw` the mechanism; `delete` the comment; `block` the user from posting; `hide`: block, and
    withdraw all public mechanisms of the user. Both sides read the reason."""

    decision: Decision
    reason: Annotated[str, documented(minLength=1, maxLength=MAX_DECISION_LENGTH)]


@published("DecisionAboutYou")
class DecisionResponse(Struct):
    """What a moderator decided about the caller, a mechanism (`mechanism_id`) or a comment (`comment_id`, on that
    mechanism) of theirs."""

    id: str
    mechanism_id: str | None
    comment_id: str | None
    decision: Decision | None
    decision_reason: str
    decided_at: datetime | None


@published("Report")
class ReportResponse(DecisionResponse):
    """`user_id` is the reported user, the owner of the reported mechanism or the author of the reported comment.
    `decision` is null until there is one."""

    user_id: str
    reporter_id: str
    reason: str
    created_at: datetime


@published("ReportList")
class ReportsResponse(Struct):
    items: list[ReportResponse]


@published("DecisionList")
class DecisionsResponse(Struct):
    items: list[DecisionResponse]


@post(
    "/",
    status_code=201,
    guards=[require_permissions()],
    operation_id="report",
    summary="Report a mechanism, a comment or a user",
    opt={**ACCEPTS_IDEMPOTENCY_KEY, **refuses(Invalid, Conflict, NotFound, Forbidden)},
    operation_class=body_of(
        NewReport,
        example={"mechanism_id": "01900000-0000-7000-8000-000000000000", "reason": "無断転載です。"},
    ),
)
async def report(request: Req) -> Response[ReportResponse]:
    """Tells the moderators what is wrong. You read their decision at `GET /reports`."""
    body = await decoded_body(request, NewReport)
    if sum(map(bool, (body.mechanism_id, body.comment_id, body.user_id))) != 1:
        raise InvalidField(
            "mechanism_id",
            en="name one of mechanism_id, comment_id and user_id.",
            ja="mechanism_id、comment_id、user_id のどれか一つを指定してください。",
        )
    reports, actor = application_of(request).reports, actor_of(request)
    said = (body.reason, request_metadata_of(request), idempotent_request(request, body, _report))
    if body.mechanism_id:
        made = await reports.report_mechanism(actor, mechanism_id_in(body.mechanism_id), *said)
    elif body.comment_id:
        made = await reports.report_comment(actor, comment_id_in(body.comment_id), *said)
    else:
        made = await reports.report_user(actor, UserId(body.user_id), *said)
    return resource(request, _report(made), status=201)


@get(
    "/",
    guards=[require_permissions()],
    operation_id="listReports",
    summary="List your reports",
    responses=NOT_MODIFIED,
)
async def find_reports(request: Req) -> Response[ReportsResponse]:
    """Returns the newest 100 reports that the caller made, with what was decided."""
    found = await application_of(request).reports.find_made(actor_of(request))
    return resource(request, ReportsResponse([_report(one) for one in found]))


@get(
    "/about-me",
    guards=[require_permissions()],
    operation_id="listDecisionsAboutYou",
    summary="List decisions about you",
    responses=NOT_MODIFIED,
)
async def find_decisions(request: Req) -> Response[DecisionsResponse]:
    """Returns the newest 100 decisions of moderators about the caller and the caller's mechanisms and comments. Who
    reported, and what they wrote, stays between them and the moderators."""
    found = await application_of(request).reports.find_decisions_about(actor_of(request))
    return resource(request, DecisionsResponse([DecisionResponse(**_decision(one)) for one in found]))


@get(
    "/queue",
    guards=MODERATORS,
    operation_id="listUndecidedReports",
    summary="List undecided reports (moderators)",
    responses=NOT_MODIFIED,
)
async def find_queue(
    request: Req, page: PageNumber = None, limit: Limit = None, cursor: Cursor = None
) -> Response[PageResponse[ReportResponse]]:
    """Returns the reports without a decision, oldest first."""
    reports = application_of(request).reports
    found = await reports.find_undecided(actor_of(request), page_request(page, limit, cursor))
    listed = page_response(found, [_report(one) for one in found.items])
    return list_resource(request, listed)


@post(
    "/{report_id:str}/decide",
    status_code=200,
    guards=MODERATORS,
    operation_id="decideReport",
    summary="Decide about a report (moderators)",
    opt=refuses(Invalid, Conflict),
    operation_class=body_of(NewDecision, example={"decision": "withdraw", "reason": "無断転載のため。"}),
)
async def decide(request: Req, report_id: FromPath[str]) -> Response[ReportResponse]:
    """Decides, does what the decision says, and shows the decision to the reporter and the owner."""
    body = await decoded_body(request, NewDecision)
    decided = await application_of(request).reports.decide(
        actor_of(request), ReportId(report_id), body.decision, body.reason, request_metadata_of(request)
    )
    return resource(request, _report(decided))


def _report(report: Report) -> ReportResponse:
    return ReportResponse(
        **_decision(report),
        user_id=report.user_id,
        reporter_id=report.reporter_id,
        reason=report.reason,
        created_at=report.created_at,
    )


def _decision(report: Report) -> dict[str, Any]:
    return {
        "id": report.id,
        "mechanism_id": report.mechanism_id,
        "comment_id": report.comment_id,
        "decision": report.decision,
        "decision_reason": report.decision_reason,
        "decided_at": report.decided_at,
    }


router = Router(
    "/api/v1/reports",
    tags=[TAG.name],
    route_handlers=[report, find_reports, find_decisions, find_queue, decide],
)
