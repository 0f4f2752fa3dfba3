"""The job ledger in SQL. Its times are the database's, so that machines whose clocks differ agree on leases."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from sqlalchemy import func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from mechshare.adapters.persistence.sql.dialects import Sqlite
from mechshare.adapters.persistence.sql.mechanisms import failure_from, failure_kept
from mechshare.adapters.persistence.sql.paging import paged
from mechshare.adapters.persistence.sql.tables import jobs
from mechshare.domain.ids import JobId
from mechshare.domain.jobs import Job, JobKind, JobState
from mechshare.domain.media import ProcessingFailure
from mechshare.domain.pages import Page, PageRequest, Position


class SqlJobLedger:
    def __init__(self, connection: AsyncConnection, dialect: Sqlite) -> None:
        self._connection = connection
        self._dialect = dialect

    async def add(self, job: Job) -> None:
        values = {
            "id": job.id,
            "kind": job.kind.value,
            "subject": job.subject,
            "state": job.state.value,
            "attempt": job.attempt,
            "fence": job.fence,
            "run_after": self._dialect.now(),
            "step": job.step,
            "progress": job.progress,
            "request_id": job.request_id,
            "created_at": job.created_at,
        }
        await self._connection.execute(insert(jobs).values(values))

    async def claim(self, lease: timedelta) -> Job | None:
        due = (
            select(jobs.c.id)
            .where(jobs.c.state == JobState.QUEUED.value, jobs.c.run_after <= self._dialect.now())
            .order_by(jobs.c.run_after, jobs.c.id)
            .limit(1)
            .with_for_update(skip_locked=True)
            .scalar_subquery()
        )
        claimed = (
            update(jobs)
            .where(jobs.c.id == due)
            .values(
                state=JobState.RUNNING.value,
                attempt=jobs.c.attempt + 1,
                fence=jobs.c.fence + 1,
                lease_until=self._dialect.now(lease),
                step="",
                progress=0.0,
            )
            .returning(*jobs.c)
        )
        row = (await self._connection.execute(claimed)).one_or_none()
        return _job(row) if row else None

    async def renew(self, id: JobId, fence: int, lease: timedelta, step: str, progress: float) -> bool:
        until = self._dialect.now(lease)
        return await self._change(id, fence, {"lease_until": until, "step": step, "progress": progress})

    async def finish(
        self, id: JobId, fence: int, state: JobState, failure: ProcessingFailure | None = None
    ) -> bool:
        values: dict[str, Any] = {
            "state": state.value,
            "failure": failure_kept(failure),
            "lease_until": None,
        }
        if state is JobState.DONE:
            values["progress"] = 1.0
        return await self._change(id, fence, {**values, "ended_at": self._dialect.now()})

    async def postpone(
        self, id: JobId, fence: int, delay: timedelta, failure: ProcessingFailure | None = None
    ) -> bool:
        values = {
            "state": JobState.QUEUED.value,
            "failure": failure_kept(failure),
            "lease_until": None,
            "run_after": self._dialect.now(delay),
        }
        return await self._change(id, fence, values)

    async def find_expired(self, limit: int) -> tuple[Job, ...]:
        expired = (
            select(jobs)
            .where(jobs.c.state == JobState.RUNNING.value, jobs.c.lease_until < self._dialect.now())
            .order_by(jobs.c.lease_until)
            .limit(limit)
        )
        return tuple(_job(row) for row in (await self._connection.execute(expired)).all())

    async def _change(self, id: JobId, fence: int, values: dict[str, Any]) -> bool:
        held = (jobs.c.id == id) & (jobs.c.fence == fence) & (jobs.c.state == JobState.RUNNING.value)
        changed = await self._connection.execute(update(jobs).where(held).values(values))
        return changed.rowcount == 1


class SqlJobRepository:
    def __init__(self, connection: AsyncConnection, dialect: Sqlite) -> None:
        self._connection = connection
        self._dialect = dialect

    async def find_by_id(self, id: JobId) -> Job | None:
        row = (await self._connection.execute(select(jobs).where(jobs.c.id == id))).one_or_none()
        return _job(row) if row else None

    async def find_latest(self, kind: JobKind, subject: str) -> Job | None:
        latest = (
            select(jobs)
            .where(jobs.c.subject == subject, jobs.c.kind == kind.value)
            .order_by(jobs.c.created_at.desc(), jobs.c.id.desc())
            .limit(1)
        )
        row = (await self._connection.execute(latest)).one_or_none()
        return _job(row) if row else None

    async def find_all(self, request: PageRequest, *, state: JobState | None = None) -> Page[Job]:
        wanted = [jobs.c.state == state.value] if state else []
        return await paged(
            self._connection,
            select(jobs).where(*wanted),
            request,
            key=jobs.c.created_at,
            id=jobs.c.id,
            descending=True,
            value=_job,
            position=lambda job: Position(key=job.created_at, id=job.id),
            counted=select(jobs.c.id).where(*wanted),
        )

    async def count_by_state(self) -> Mapping[tuple[JobKind, JobState], int]:
        counts = select(jobs.c.kind, jobs.c.state, func.count()).group_by(jobs.c.kind, jobs.c.state)
        rows = (await self._connection.execute(counts)).all()
        return {(JobKind(kind), JobState(state)): count for kind, state, count in rows}

    async def cancel(self, subject: str, kind: JobKind) -> int:
        under_way = (
            (jobs.c.subject == subject)
            & (jobs.c.kind == kind.value)
            & jobs.c.state.in_([JobState.QUEUED.value, JobState.RUNNING.value])
        )
        values = {
            "state": JobState.CANCELLED.value,
            "fence": jobs.c.fence + 1,
            "lease_until": None,
            "ended_at": self._dialect.now(),
        }
        return (await self._connection.execute(update(jobs).where(under_way).values(values))).rowcount


def _job(row: Any) -> Job:
    return Job(
        id=JobId(row.id),
        kind=JobKind(row.kind),
        subject=row.subject,
        state=JobState(row.state),
        attempt=row.attempt,
        fence=row.fence,
        run_after=row.run_after,
        lease_until=row.lease_until,
        step=row.step,
        progress=row.progress,
        failure=failure_from(row.failure),
        request_id=row.request_id,
        created_at=row.created_at,
        ended_at=row.ended_at,
    )
