"""The job ledger in SQL. It uses the database's clock, so that machines with different clocks agree on leases."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Update,
    bindparam,
    delete,
    exists,
    func,
    insert,
    literal_column,
    select,
    tuple_,
    update,
)

from mechshare.adapters.persistence.sql.dialects.dialect import Now
from mechshare.adapters.persistence.sql.pagination import paged, paged_query
from mechshare.adapters.persistence.sql.records import record_of
from mechshare.adapters.persistence.sql.statements import Statements
from mechshare.adapters.persistence.sql.tables import job_attempts, jobs
from mechshare.domain.ids import JobId
from mechshare.domain.jobs import INDEXING, MAX_ATTEMPTS_LISTED, Attempt, Backlog, Job, JobKind, JobState
from mechshare.domain.media import ProcessingFailure
from mechshare.domain.pagination import Page, PageRequest, Position
from mechshare.ports.persistence.jobs import JobLedger, JobRepository, UndoneJobs

# `run_after` comes from the database's clock, not from the value.
JOB = record_of(Job, jobs, unwritten=("run_after",))
_ATTEMPT = record_of(Attempt, job_attempts, ignored=("job_id",))
_NOW = Now(literal_column("0"))
_AFTER_DELAY = Now(bindparam("microseconds", type_=BigInteger()))


def is_in(state: JobState) -> Any:
    """Compares the state with a literal: partial indexes don't match a parameter."""
    return jobs.c.state == literal_column(f"'{state.value}'")


def claiming(*order: Any, conditions: Sequence[Any], limit: Any = 1) -> Any:
    """Returns the statement that claims the first jobs in `order` that are queued and meet the conditions."""
    # PostgreSQL evaluates a common table expression once; a subquery could lock other rows at each evaluation.
    first = (
        select(jobs.c.id)
        .where(is_in(JobState.QUEUED), *conditions)
        .order_by(*order, jobs.c.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
        .cte("first")
    )
    return (
        update(jobs)
        .where(jobs.c.id.in_(select(first.c.id)))
        .values(
            state=JobState.RUNNING.value,
            attempt=jobs.c.attempt + 1,
            fence=jobs.c.fence + 1,
            started_at=_NOW,
            lease_until=_AFTER_DELAY,
            step="",
            progress=0.0,
        )
        .returning(*jobs.c)
    )


def ending(has_lease: ColumnElement[bool]) -> Update:
    """Returns the statement that ends the jobs for which `has_lease` holds, with the parameters `state` and
    `failure`."""
    return (
        update(jobs)
        .where(has_lease)
        .values(state=bindparam("state"), failure=bindparam("failure"), lease_until=None, ended_at=_NOW)
    )


_IS_DUE = jobs.c.run_after <= _NOW
_BEFORE = bindparam("created_before", type_=jobs.c.created_at.type)
_SERVED = jobs.alias("served")
_LAST_SERVED = (
    select(func.max(_SERVED.c.started_at))
    .where(
        _SERVED.c.owner == jobs.c.owner,
        _SERVED.c.owner != literal_column("''"),
        _SERVED.c.started_at <= _NOW,
    )
    .scalar_subquery()
)
"""When a job of the same owner was last claimed. NULL if none ever was, and for jobs without an owner. Claims in the
future, from before the clock was set back, don't count."""
_CLAIM_DUE = claiming(_LAST_SERVED.asc().nulls_first(), jobs.c.run_after, conditions=[_IS_DUE])
_HAS_DEADLINE = jobs.c.kind.not_in([literal_column(f"'{kind.value}'") for kind in INDEXING])
_CLAIM_OTHER_DUE = claiming(
    _LAST_SERVED.asc().nulls_first(), jobs.c.run_after, conditions=[_IS_DUE, _HAS_DEADLINE]
)
_OF_KIND = jobs.c.kind == bindparam("of_kind")
_CLAIM_OLDEST = claiming(jobs.c.created_at, conditions=[jobs.c.created_at < _BEFORE, _HAS_DEADLINE])
_INSERT = insert(jobs).values(run_after=_NOW)
_HAS_LEASE = (
    (jobs.c.id == bindparam("held_id")) & (jobs.c.fence == bindparam("held_fence")) & is_in(JobState.RUNNING)
)
_RENEW = (
    update(jobs)
    .where(_HAS_LEASE)
    .values(lease_until=_AFTER_DELAY, step=bindparam("step"), progress=bindparam("progress"))
)
_END = ending(_HAS_LEASE)
_END_DONE = _END.values(progress=1.0)
_POSTPONE = (
    update(jobs)
    .where(_HAS_LEASE)
    .values(
        state=JobState.QUEUED.value, failure=bindparam("failure"), lease_until=None, run_after=_AFTER_DELAY
    )
)
_INSERT_ATTEMPT = insert(job_attempts).from_select(
    ["job_id", "number", "started_at", "ended_at", "step", "failure"],
    select(
        jobs.c.id,
        jobs.c.attempt,
        # An older release may have claimed the job without storing when.
        func.coalesce(jobs.c.started_at, jobs.c.created_at),
        _NOW,
        jobs.c.step,
        jobs.c.failure,
    ).where(jobs.c.id == bindparam("held_id")),
)
_DELETE_ATTEMPTS = delete(job_attempts).where(
    job_attempts.c.job_id == bindparam("held_id"),
    job_attempts.c.number
    <= select(jobs.c.attempt).where(jobs.c.id == bindparam("held_id")).scalar_subquery()
    - MAX_ATTEMPTS_LISTED,
)
_MAKE_DUE = update(jobs).where(is_in(JobState.QUEUED), jobs.c.run_after > _AFTER_DELAY).values(run_after=_NOW)
_SHORTEN_LEASE = (
    update(jobs)
    .where(is_in(JobState.RUNNING), jobs.c.lease_until > _AFTER_DELAY)
    .values(lease_until=_AFTER_DELAY)
)
_IS_UNDONE = jobs.c.state != literal_column(f"'{JobState.DONE.value}'")
_REVIVE = (
    update(jobs)
    .where(
        _IS_UNDONE,
        _OF_KIND,
        jobs.c.state.in_([literal_column("'failed'"), literal_column("'cancelled'")]),
    )
    .values(state=JobState.QUEUED.value, run_after=_NOW, ended_at=None)
)
_UNDONE = select(jobs.c.subject).distinct().where(_IS_UNDONE, _OF_KIND).limit(bindparam("limit"))
_EXPIRED = (
    select(jobs)
    .where(is_in(JobState.RUNNING), jobs.c.lease_until < _NOW)
    .order_by(jobs.c.lease_until, jobs.c.id)
    .limit(bindparam("limit"))
)

_OF_SUBJECT = (jobs.c.subject == bindparam("of_subject")) & (jobs.c.kind == bindparam("of_kind"))
_BY_ID = select(jobs).where(jobs.c.id == bindparam("id"))
_LATEST = select(jobs).where(_OF_SUBJECT).order_by(jobs.c.created_at.desc(), jobs.c.id.desc()).limit(1)
_later = jobs.alias("later")
_LATEST_OF_EACH = select(jobs).where(
    jobs.c.subject.in_(bindparam("of_subjects", expanding=True)),
    jobs.c.kind == bindparam("of_kind"),
    ~exists().where(
        _later.c.subject == jobs.c.subject,
        _later.c.kind == jobs.c.kind,
        tuple_(_later.c.created_at, _later.c.id) > tuple_(jobs.c.created_at, jobs.c.id),
    ),
)
_IS_PENDING = jobs.c.state.in_([literal_column("'queued'"), literal_column("'running'")])
_SAME_PENDING = select(jobs.c.id).where(_OF_SUBJECT, _IS_PENDING).limit(1)
_BACKLOG = (
    select(jobs.c.kind, jobs.c.state, func.count(), func.min(jobs.c.created_at))
    .where(_IS_PENDING)
    .group_by(jobs.c.kind, jobs.c.state)
)
_ATTEMPTS = (
    select(*list(job_attempts.c)[1:])
    .where(job_attempts.c.job_id == bindparam("id"))
    .order_by(job_attempts.c.number)
)
_DELETE_ENDED = delete(jobs).where(
    jobs.c.id.in_(
        select(jobs.c.id)
        .where(
            jobs.c.state == bindparam("state"),
            jobs.c.ended_at.is_not(None),
            jobs.c.ended_at < bindparam("before", type_=jobs.c.ended_at.type),
        )
        .order_by(jobs.c.ended_at)
        .limit(bindparam("limit"))
    )
)
_CANCEL = (
    update(jobs)
    .where(
        jobs.c.subject.in_(bindparam("of_subjects", expanding=True)),
        jobs.c.kind == bindparam("of_kind"),
        is_in(JobState.QUEUED) | is_in(JobState.RUNNING),
    )
    .values(state=JobState.CANCELLED.value, fence=jobs.c.fence + 1, lease_until=None, ended_at=_NOW)
)
_NEWEST = paged_query(
    select(jobs), key=jobs.c.created_at, id=jobs.c.id, descending=True, counted=select(jobs.c.id)
)
_IN_STATE = jobs.c.state == bindparam("state")
_NEWEST_IN_STATE = paged_query(
    select(jobs).where(_IN_STATE),
    key=jobs.c.created_at,
    id=jobs.c.id,
    descending=True,
    counted=select(jobs.c.id).where(_IN_STATE),
)


class SqlJobLedger(JobLedger):
    def __init__(self, statements: Statements) -> None:
        self._statements = statements

    async def add(self, *new: Job, unless_pending: bool = False) -> None:
        new_jobs = [job for job in new if not (unless_pending and await self._is_pending(job))]
        if new_jobs:
            await self._statements.change(_INSERT, list(map(JOB.values, new_jobs)))

    async def claim(
        self,
        lease: timedelta,
        *,
        created_before: datetime | None = None,
        may_index: bool = True,
    ) -> Job | None:
        parameters = {"microseconds": microseconds(lease)}
        if created_before is not None:
            row = await self._statements.row(_CLAIM_OLDEST, {**parameters, "created_before": created_before})
        else:
            # Concurrent claims would all choose the owner that was least recently served before any of them.
            await self._statements.advisory_lock("claim in turn")
            row = await self._statements.row(_CLAIM_DUE if may_index else _CLAIM_OTHER_DUE, parameters)
        return JOB.value(row) if row else None

    async def renew(self, id: JobId, fence: int, lease: timedelta, step: str, progress: float) -> bool:
        parameters = {"microseconds": microseconds(lease), "step": step, "progress": progress}
        return await self._change(_RENEW, id, fence, parameters)

    async def finish(
        self, id: JobId, fence: int, state: JobState, failure: ProcessingFailure | None = None
    ) -> bool:
        end = _END_DONE if state is JobState.DONE else _END
        return await self._change(end, id, fence, {"state": state.value, "failure": failure})

    async def postpone(
        self, id: JobId, fence: int, delay: timedelta, failure: ProcessingFailure | None = None
    ) -> bool:
        parameters = {"microseconds": microseconds(delay), "failure": failure}
        if not await self._change(_POSTPONE, id, fence, parameters):
            return False
        await self._statements.change(_INSERT_ATTEMPT, {"held_id": id})
        await self._statements.change(_DELETE_ATTEMPTS, {"held_id": id})
        return True

    async def find_expired(self, limit: int) -> tuple[Job, ...]:
        return tuple(map(JOB.value, await self._statements.rows(_EXPIRED, {"limit": limit})))

    async def pull_back(self, *, due_within: timedelta, lease: timedelta) -> int:
        due = await self._statements.change(_MAKE_DUE, {"microseconds": microseconds(due_within)})
        return due + await self._statements.change(_SHORTEN_LEASE, {"microseconds": microseconds(lease)})

    async def _is_pending(self, job: Job) -> bool:
        """Whether another job of its kind and subject has not ended. None can be added before the transaction ends."""
        await self._statements.advisory_lock(f"{job.kind} {job.subject}")
        same = {"of_kind": job.kind.value, "of_subject": job.subject}
        return await self._statements.row(_SAME_PENDING, same) is not None

    async def _change(self, statement: Any, id: JobId, fence: int, values: dict[str, Any]) -> bool:
        lease = {"held_id": id, "held_fence": fence}
        return await self._statements.change(statement, values | lease) == 1


class SqlJobRepository(JobRepository):
    def __init__(self, statements: Statements) -> None:
        self._statements = statements

    async def find_by_id(self, id: JobId) -> Job | None:
        row = await self._statements.row(_BY_ID, {"id": id})
        return JOB.value(row) if row else None

    async def find_latest(self, kind: JobKind, *subjects: str) -> tuple[Job, ...]:
        if len(subjects) == 1:
            row = await self._statements.row(_LATEST, {"of_kind": kind.value, "of_subject": subjects[0]})
            return (JOB.value(row),) if row else ()
        chosen = {"of_kind": kind.value, "of_subjects": subjects}
        rows = await self._statements.rows(_LATEST_OF_EACH, chosen) if subjects else ()
        return tuple(map(JOB.value, rows))

    async def find_all(self, request: PageRequest, *, state: JobState | None = None) -> Page[Job]:
        return await paged(
            self._statements,
            _NEWEST_IN_STATE if state else _NEWEST,
            request,
            value=JOB.value,
            position=lambda job: Position(key=job.created_at, id=job.id),
            parameters={"state": state.value} if state else {},
        )

    async def find_attempts(self, id: JobId) -> tuple[Attempt, ...]:
        rows = await self._statements.rows(_ATTEMPTS, {"id": id})
        return tuple(map(_ATTEMPT.value, rows))

    async def find_backlog(self) -> Mapping[tuple[JobKind, JobState], Backlog]:
        rows = await self._statements.rows(_BACKLOG)
        return {
            (JobKind(kind), JobState(state)): Backlog(count=count, oldest=oldest)
            for kind, state, count, oldest in rows
        }

    async def delete_ended(self, before: datetime, *, state: JobState, limit: int) -> int:
        chosen = {"before": before, "state": state.value, "limit": limit}
        return await self._statements.change(_DELETE_ENDED, chosen)

    async def cancel(self, kind: JobKind, *subjects: str) -> int:
        return await self._statements.change(_CANCEL, {"of_kind": kind.value, "of_subjects": subjects})


class SqlUndoneJobs(UndoneJobs):
    def __init__(self, statements: Statements) -> None:
        self._statements = statements

    async def find_subjects(self, kind: JobKind, limit: int) -> tuple[str, ...]:
        rows = await self._statements.rows(_UNDONE, {"of_kind": kind.value, "limit": limit})
        return tuple(subject for (subject,) in rows)

    async def revive(self, kind: JobKind) -> int:
        return await self._statements.change(_REVIVE, {"of_kind": kind.value})


def microseconds(duration: timedelta) -> int:
    return duration // timedelta(microseconds=1)
