"""/mechanisms/{id}/processing"""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Annotated, Any

import msgspec
from litestar import Request, Response, Router, get, post
from litestar.openapi.spec import Tag
from litestar.params import FromPath, QueryParameter
from litestar.response import ServerSentEvent, ServerSentEventMessage
from msgspec import Struct

from mechshare.domain.errors import Conflict, Forbidden, InvalidToken, MechanismNotFound, Stale, Unavailable
from mechshare.domain.ids import MechanismId
from mechshare.domain.policy import Viewer
from mechshare.domain.processing import ProcessingState
from mechshare.domain.sessions import SignedIn
from mechshare.domain.tickets import TICKET_LIFETIME, TicketPurpose
from mechshare.entrypoints.http.event_streams import HEARTBEAT, StreamTime
from mechshare.entrypoints.http.protocol.auth import (
    actor_of,
    application_of,
    caller_of,
    limits_of_user,
    request_metadata_of,
    require_permissions,
    viewer_of,
)
from mechshare.entrypoints.http.protocol.errors import preferred_language
from mechshare.entrypoints.http.protocol.openapi import NOT_MODIFIED, OPTIONAL_TOKEN, refuses
from mechshare.entrypoints.http.protocol.request_body import refuse_body
from mechshare.entrypoints.http.protocol.responses import resource
from mechshare.entrypoints.http.protocol.schema_names import published
from mechshare.entrypoints.http.representations.mechanisms import (
    MECHANISMS_PATH,
    ReasonResponse,
    processing_response,
    reason_response,
)
from mechshare.services.processing import ProcessingStatus
from mechshare.services.rate_limits import CostlyOperation
from mechshare.services.support.similar_motions import SimilarMechanism

Req = Request[Any, Any, Any]
TAG = Tag("processing", "From an uploaded file to what browsers can show")
EVENTS_PATH = "/processing/events"
"""Path of the event stream, relative to that of the mechanism."""


@published("ProcessingAttempt")
class AttemptResponse(Struct):
    """One attempt: the last step it reached (`step`), and why it failed; `reason` is null otherwise."""

    number: int
    started_at: datetime
    ended_at: datetime | None
    step: str
    reason: ReasonResponse | None


@published("AlikeMechanism")
class AlikeResponse(Struct):
    """A mechanism that moves alike; `likeness` is 0 to 1."""

    id: str
    title: str
    likeness: float


@published("ProcessingStatus")
class ProcessingStatusResponse(Struct):
    """`attempt` counts from 1 once processing starts; `progress` is 0..1 within `step`.

    `attempts` are oldest first; `alike` are listed mechanisms that move much as this one does, once it is ready, as a
    hint. `deletion_due_at` is when a file whose processing failed is due to be deleted; until then it can be processed
    again. Only callers who may edit the mechanism get these, others get empty lists and null. Events have no `alike`.
    """

    state: ProcessingState
    reason: ReasonResponse | None
    attempt: int
    step: str
    progress: float
    attempts: list[AttemptResponse]
    alike: list[AlikeResponse]
    deletion_due_at: datetime | None


@get(
    "/processing",
    operation_id="getProcessing",
    summary="Read the processing status",
    responses=NOT_MODIFIED,
    opt=OPTIONAL_TOKEN,
)
async def get_processing(request: Req, mechanism_id: FromPath[str]) -> Response[ProcessingStatusResponse]:
    """Returns the processing status. The final state is `ready`, or `failed` with a reason that says what to do."""
    viewer, id = await viewer_of(request), MechanismId(mechanism_id)
    application = application_of(request)
    status = await application.processing.get_status(viewer, id)
    await application.audit.record_draft_part_read(viewer, id, request_metadata_of(request))
    alike = await application.motions.find_alike(viewer, id) if _has_ended(status) else ()
    return resource(request, _status_response(status, _language(request), alike))


@post(
    "/processing/retry",
    guards=[require_permissions()],
    status_code=202,
    operation_id="retryProcessing",
    before_request=limits_of_user(CostlyOperation.RETRIES),
    summary="Retry a failed processing",
    opt=refuses(Forbidden, Conflict, Stale),
)
async def retry_processing(request: Req, mechanism_id: FromPath[str]) -> Response[ProcessingStatusResponse]:
    """Processes the file again; for its owner and admins. Only failed processing can be retried,
    and only while its file is stored."""
    await refuse_body(request)
    status = await application_of(request).processing.retry(actor_of(request), MechanismId(mechanism_id))
    return resource(request, _status_response(status, _language(request)), status=202)


@published("StreamTicket")
class StreamTicketResponse(Struct):
    """`events_url` is the address of the event stream with the ticket; it opens the stream for `expires_in` seconds."""

    ticket: str
    expires_in: int
    events_url: str


@post(
    "/processing/ticket",
    guards=[require_permissions()],
    status_code=201,
    operation_id="createStreamTicket",
    summary="Get a ticket for the event stream",
)
async def create_stream_ticket(request: Req, mechanism_id: FromPath[str]) -> Response[StreamTicketResponse]:
    """Returns a ticket with which a browser's EventSource, which sends no token, opens the event stream.

    It is valid for this mechanism and no other request. The stream ends when the session of the caller ends.
    """
    await refuse_body(request)
    application, caller, id = application_of(request), caller_of(request), MechanismId(mechanism_id)
    await application.processing.get_status(caller.actor, id)  # raises MechanismNotFound
    ticket = application.authentication.issue_ticket(caller, TicketPurpose.WATCH_PROCESSING, id)
    body = StreamTicketResponse(
        ticket=ticket,
        expires_in=int(TICKET_LIFETIME.total_seconds()),
        events_url=f"{application.settings.public_url}{MECHANISMS_PATH}/{id}{EVENTS_PATH}?ticket={ticket}",
    )
    return resource(request, body, status=201, cache="no-store")


Ticket = Annotated[str, QueryParameter(name="ticket", description="Instead of a token, for EventSource.")]


@get(
    EVENTS_PATH,
    operation_id="watchProcessing",
    summary="Watch the processing (server-sent events)",
    media_type="text/event-stream",
    opt=OPTIONAL_TOKEN,
)
async def watch_processing(request: Req, mechanism_id: FromPath[str], ticket: Ticket = "") -> ServerSentEvent:
    """Sends an event `processing` at each change.

    The stream ends when processing is ready or failed, when the caller loses access, after 10 minutes, or when the
    server stops.
    """
    id = MechanismId(mechanism_id)
    application = application_of(request)
    holder = await _holder(request, ticket, id) if ticket else None
    viewer = holder.actor if holder else await viewer_of(request)
    first = await application.processing_feed.first_status(
        viewer, id, lambda: application.processing.get_status(viewer, id)
    )
    await application.audit.record_draft_part_read(viewer, id, request_metadata_of(request))
    return ServerSentEvent(_events(request, id, holder, first))


async def _holder(request: Req, ticket: str, id: MechanismId) -> SignedIn:
    """Returns the caller to whom `ticket` was issued. Raises InvalidToken."""
    authentication = application_of(request).authentication
    return await authentication.admit(ticket, TicketPurpose.WATCH_PROCESSING, id)


async def _viewer_now(request: Req, holder: SignedIn | None) -> Viewer:
    """Returns the caller with the rights as of now. Raises InvalidToken if the session or the token has ended."""
    if holder is None:
        return await viewer_of(request)
    authentication = application_of(request).authentication
    return (await authentication.find_caller(holder.actor.id, holder.session_id)).actor


async def _events(
    request: Req, id: MechanismId, holder: SignedIn | None, status: ProcessingStatus | None
) -> AsyncIterator[ServerSentEventMessage]:
    """Yields the events, beginning with `status`; `holder` is the caller that came with a ticket."""
    feed, language = application_of(request).processing_feed, _language(request)
    sent: ProcessingStatus | None = None
    time = StreamTime(request)
    async with feed.watching(id):
        while True:
            if status is not None and status != sent:
                yield _event(status, language)
                sent = status
                time.restart_heartbeat()
            if time.is_over or _has_ended(sent):
                return
            if time.needs_heartbeat:
                yield HEARTBEAT
                time.restart_heartbeat()
            await feed.wait()
            try:
                status = await feed.status(await _viewer_now(request, holder), id)
            except (MechanismNotFound, InvalidToken):
                return  # deleted or withdrawn, or the token or the session has ended: end the stream
            except Unavailable:
                status = None  # access cannot be checked now: send nothing until it can


def _event(status: ProcessingStatus, language: str) -> ServerSentEventMessage:
    data = msgspec.json.encode(_status_response(status, language)).decode()
    return ServerSentEventMessage(data=data, event="processing")


def _has_ended(status: ProcessingStatus | None) -> bool:
    return status is not None and status.processing.state in (ProcessingState.READY, ProcessingState.FAILED)


def _language(request: Req) -> str:
    return preferred_language(request.headers.get("accept-language", ""))


def _status_response(
    status: ProcessingStatus, language: str, alike: Sequence[SimilarMechanism] = ()
) -> ProcessingStatusResponse:
    sent = processing_response(status.processing, language)
    return ProcessingStatusResponse(
        state=sent.state,
        reason=sent.reason,
        attempt=status.attempt,
        step=status.step,
        progress=round(status.progress, 3),
        attempts=[
            AttemptResponse(
                number=one.number,
                started_at=one.started_at,
                ended_at=one.ended_at,
                step=one.step,
                reason=reason_response(one.failure, language),
            )
            for one in status.history
        ],
        alike=[AlikeResponse(one.item.mechanism.id, one.item.mechanism.title, one.likeness) for one in alike],
        deletion_due_at=status.deletion_due_at,
    )


router = Router(
    MECHANISMS_PATH + "/{mechanism_id:str}",
    tags=[TAG.name],
    route_handlers=[get_processing, retry_processing, create_stream_ticket, watch_processing],
)
