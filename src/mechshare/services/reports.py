"""Reports to the moderators: anybody reports, moderators decide, both sides read the decision."""

from mechshare.domain.audit import RequestMetadata
from mechshare.domain.comment_events import CommentDeletedByModerator
from mechshare.domain.comments import CommentId, CommentNotFound
from mechshare.domain.errors import UserNotFound
from mechshare.domain.events import AccountStatusChanged, MechanismsWithdrawn
from mechshare.domain.ids import MechanismId, ReportId, UserId
from mechshare.domain.pagination import Page, PageRequest
from mechshare.domain.policy import require_permission
from mechshare.domain.report_events import ReportJudged, ReportMade
from mechshare.domain.reports import (
    MAX_LISTED,
    MAX_OPEN_REPORTS,
    AlreadyReported,
    Decision,
    NotModeratable,
    OwnReport,
    Report,
    ReportNotFound,
    TooManyReports,
    clean_reason,
)
from mechshare.domain.users import Actor, Permission, Role
from mechshare.ports.clock import Clock
from mechshare.ports.ids import IdSource
from mechshare.services.support.access import find_visible
from mechshare.services.support.comments import delete_comment, find_visible_comment
from mechshare.services.support.hidden_mechanisms import hide_mechanisms
from mechshare.services.support.idempotency import IdempotentRequest, run_once
from mechshare.services.transactions import Transaction, Transactions


class ReportService:
    def __init__(self, transactions: Transactions, clock: Clock, ids: IdSource) -> None:
        self._transactions = transactions
        self._clock = clock
        self._ids = ids

    async def report_mechanism(
        self,
        actor: Actor,
        mechanism_id: MechanismId,
        reason: str,
        request_metadata: RequestMetadata,
        idempotency: IdempotentRequest[Report] | None = None,
    ) -> Report:
        """Reports a mechanism that the actor sees. Raises MechanismNotFound, and as `report_user` does."""
        async with self._transactions.begin() as tx:
            mechanism = await find_visible(tx, actor, mechanism_id)
            made = self._new(actor, mechanism.user_id, reason, mechanism_id=mechanism.id)
            return await self._add(tx, made, request_metadata, idempotency)

    async def report_comment(
        self,
        actor: Actor,
        comment_id: CommentId,
        reason: str,
        request_metadata: RequestMetadata,
        idempotency: IdempotentRequest[Report] | None = None,
    ) -> Report:
        """Reports a comment on a mechanism that the actor sees. Raises CommentNotFound, and as `report_user` does."""
        async with self._transactions.begin() as tx:
            comment = await find_visible_comment(tx, actor, comment_id)
            if comment.user_id is None:
                raise CommentNotFound()
            made = self._new(
                actor, comment.user_id, reason, mechanism_id=comment.mechanism_id, comment_id=comment.id
            )
            return await self._add(tx, made, request_metadata, idempotency)

    async def report_user(
        self,
        actor: Actor,
        user_id: UserId,
        reason: str,
        request_metadata: RequestMetadata,
        idempotency: IdempotentRequest[Report] | None = None,
    ) -> Report:
        """Reports a user. Raises UserNotFound, OwnReport, InvalidField, AlreadyReported, TooManyReports, and as
        `run_once` does."""
        async with self._transactions.begin() as tx:
            user = await tx.users.find_by_id(user_id)
            if user is None or user.awaits_approval:
                raise UserNotFound()
            made = self._new(actor, user.id, reason)
            return await self._add(tx, made, request_metadata, idempotency)

    async def find_made(self, actor: Actor) -> tuple[Report, ...]:
        """Returns the newest reports that the actor made, with what was decided."""
        async with self._transactions.read() as tx:
            return await tx.reports.find_of_reporter(actor.id, limit=MAX_LISTED)

    async def find_decisions_about(self, actor: Actor) -> tuple[Report, ...]:
        """Returns the newest decisions about the actor and the actor's mechanisms.

        Show neither who reported nor what they wrote: that is between them and the moderators.
        """
        async with self._transactions.read() as tx:
            return await tx.reports.find_decided_about(actor.id, limit=MAX_LISTED)

    async def find_undecided(self, actor: Actor, request: PageRequest) -> Page[Report]:
        """Returns a page of the queue, oldest first, for moderators. Raises UnauthorizedOperation."""
        require_permission(actor, Permission.WITHDRAW_ANY_MECHANISM)
        async with self._transactions.read() as tx:
            return await tx.reports.find_undecided(request)

    async def decide(
        self,
        actor: Actor,
        report_id: ReportId,
        decision: Decision,
        reason: str,
        request_metadata: RequestMetadata,
    ) -> Report:
        """Decides about a report, and does what the decision says in the same transaction, for moderators.

        Raises UnauthorizedOperation, ReportNotFound, ReportDecided, OwnReport, InvalidField, NotModeratable.
        """
        require_permission(actor, Permission.WITHDRAW_ANY_MECHANISM)
        async with self._transactions.begin() as tx:
            report = await tx.reports.find_by_id(report_id)
            if report is None:
                raise ReportNotFound()
            decided = report.decided(decision, reason, actor.id, self._clock.now())
            await self._carry_out(tx, actor, decided, request_metadata)
            await tx.reports.decide(decided)
            await tx.record(ReportJudged(decided, request_metadata))
        return decided

    def _new(
        self,
        actor: Actor,
        user_id: UserId,
        reason: str,
        *,
        mechanism_id: MechanismId | None = None,
        comment_id: CommentId | None = None,
    ) -> Report:
        return Report(
            id=ReportId(self._ids.new_id()),
            mechanism_id=mechanism_id,
            comment_id=comment_id,
            user_id=user_id,
            reporter_id=actor.id,
            reason=clean_reason(reason),
            created_at=self._clock.now(),
        )

    async def _add(
        self,
        tx: Transaction,
        report: Report,
        request_metadata: RequestMetadata,
        idempotency: IdempotentRequest[Report] | None,
    ) -> Report:
        if report.user_id == report.reporter_id:
            raise OwnReport()

        async def add() -> Report:
            await _require_room(tx, report)
            await tx.reports.add(report)
            await tx.record(ReportMade(report, request_metadata))
            return report

        return await run_once(tx, self._clock, idempotency, add)

    async def _carry_out(
        self, tx: Transaction, actor: Actor, report: Report, request_metadata: RequestMetadata
    ) -> None:
        reason, now = report.decision_reason, self._clock.now()
        if report.decision is Decision.WITHDRAW and report.mechanism_id is not None:
            withdrawn = await tx.mechanism_bulk.withdraw([report.mechanism_id], reason, now)
            await tx.record(MechanismsWithdrawn(withdrawn, actor.id, reason, request_metadata))
        if report.decision is Decision.DELETE and report.comment_id is not None:
            await self._delete_comment(tx, actor, report.comment_id, request_metadata)
        if report.decision in (Decision.BLOCK, Decision.HIDE):
            await self._block(tx, actor, report.user_id, request_metadata)
        if report.decision is Decision.HIDE:
            await hide_mechanisms(
                tx, report.user_id, actor.id, now, request_metadata, hides=True, reason=reason
            )

    async def _delete_comment(
        self, tx: Transaction, actor: Actor, id: CommentId, request_metadata: RequestMetadata
    ) -> None:
        """Deletes the comment; no-op if it is gone."""
        comment = await tx.comments.find_by_id(id)
        if comment is None or comment.is_deleted:
            return
        await delete_comment(tx, comment, self._clock.now())
        await tx.record(CommentDeletedByModerator(comment, actor.id, request_metadata))

    async def _block(
        self, tx: Transaction, actor: Actor, user_id: UserId, request_metadata: RequestMetadata
    ) -> None:
        """Takes the right to post from a plain user. Raises NotModeratable, UserNotFound."""
        user = await tx.users.find_by_id(user_id)
        if user is None:
            raise UserNotFound()
        if user.role not in (Role.USER, Role.READER):
            raise NotModeratable()
        if user.role is Role.USER:
            blocked = await tx.users.save(user.with_role(Role.READER, self._clock.now()))
            await tx.record(AccountStatusChanged(user, blocked, actor.id, request_metadata))


async def _require_room(tx: Transaction, report: Report) -> None:
    """Raises AlreadyReported, TooManyReports."""
    open_reports = await tx.reports.find_undecided_of(report.reporter_id)
    if any(one.subject == report.subject for one in open_reports):
        raise AlreadyReported()
    if len(open_reports) >= MAX_OPEN_REPORTS:
        raise TooManyReports(limit=MAX_OPEN_REPORTS)
