"""The job ledger in memory."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from mechshare.adapters.persistence.memory.tables import Access, add, paged
from mechshare.domain.ids import JobId
from mechshare.domain.jobs import MAX_ATTEMPTS_LISTED, Attempt, Backlog, Job, JobKind, JobState
from mechshare.domain.media import ProcessingFailure
from mechshare.domain.pagination import Page, PageRequest
from mechshare.ports.clock import Clock


class MemoryJobLedger:
    def __init__(self, access: Access, clock: Clock) -> None:
        self._access = access
        self._clock = clock

    async def add(self, *new: Job, unless_waiting: bool = False) -> None:
        jobs = self._access.write().jobs
        for job in new:
            same = (one for one in jobs.values() if (one.kind, one.subject) == (job.kind, job.subject))
            if not (unless_waiting and any(not one.state.has_ended for one in same)):
                add(jobs, job.id, replace(job, run_after=self._clock.now()))

    async def claim(
        self, lease: timedelta, *, created_before: datetime | None = None, kind: JobKind | None = None
    ) -> Job | None:
        jobs = self._access.write().jobs
        now = self._clock.now()
        queued = [job for job in jobs.values() if job.state is JobState.QUEUED and kind in (None, job.kind)]
        if created_before is None:
            due = [(job.run_after, job.id) for job in queued if job.run_after <= now]
        else:
            due = [(job.created_at, job.id) for job in queued if job.created_at < created_before]
        if not due:
            return None
        job = jobs[min(due)[1]]
        claimed = jobs[job.id] = replace(
            job,
            state=JobState.RUNNING,
            attempt=job.attempt + 1,
            fence=job.fence + 1,
            started_at=now,
            lease_until=now + lease,
            step="",
            progress=0.0,
        )
        return claimed

    async def renew(self, id: JobId, fence: int, lease: timedelta, step: str, progress: float) -> bool:
        until = self._clock.now() + lease
        return self._change(id, fence, lease_until=until, step=step, progress=progress)

    async def finish(
        self, id: JobId, fence: int, state: JobState, failure: ProcessingFailure | None = None
    ) -> bool:
        changes: dict[str, Any] = {"progress": 1.0} if state is JobState.DONE else {}
        return self._change(
            id, fence, state=state, failure=failure, lease_until=None, ended_at=self._clock.now(), **changes
        )

    async def postpone(
        self, id: JobId, fence: int, delay: timedelta, failure: ProcessingFailure | None = None
    ) -> bool:
        now = self._clock.now()
        tables = self._access.write()
        attempt = tables.jobs[id].last_attempt if id in tables.jobs else None
        is_lease_held = self._change(
            id, fence, state=JobState.QUEUED, failure=failure, lease_until=None, run_after=now + delay
        )
        if is_lease_held and attempt is not None:
            ended = (*tables.attempts.get(id, ()), replace(attempt, ended_at=now, failure=failure))
            tables.attempts[id] = ended[-MAX_ATTEMPTS_LISTED:]
        return is_lease_held

    async def find_expired(self, limit: int) -> tuple[Job, ...]:
        now = self._clock.now()
        expired = [
            (job.lease_until, job.id, job)
            for job in self._access.read().jobs.values()
            if job.state is JobState.RUNNING and job.lease_until is not None and job.lease_until < now
        ]
        return tuple(job for _, _, job in sorted(expired, key=lambda one: one[:2])[:limit])

    def _change(self, id: JobId, fence: int, **changes: Any) -> bool:
        jobs = self._access.write().jobs
        job = jobs.get(id)
        if job is None or job.fence != fence or job.state is not JobState.RUNNING:
            return False
        jobs[id] = replace(job, **changes)
        return True


class MemoryJobRepository:
    def __init__(self, access: Access, clock: Clock) -> None:
        self._access = access
        self._clock = clock

    async def find_by_id(self, id: JobId) -> Job | None:
        return self._access.read().jobs.get(id)

    async def find_latest(self, kind: JobKind, subject: str) -> Job | None:
        same = [
            job for job in self._access.read().jobs.values() if (job.kind, job.subject) == (kind, subject)
        ]
        return max(same, key=lambda job: (job.created_at, job.id), default=None)

    async def find_all(self, request: PageRequest, *, state: JobState | None = None) -> Page[Job]:
        wanted = (job for job in self._access.read().jobs.values() if state in (None, job.state))
        return paged(wanted, request, key=lambda job: (job.created_at, job.id), descending=True)

    async def find_attempts(self, id: JobId) -> tuple[Attempt, ...]:
        return self._access.read().attempts.get(id, ())

    async def find_backlog(self) -> Mapping[tuple[JobKind, JobState], Backlog]:
        created: dict[tuple[JobKind, JobState], list[datetime]] = {}
        for job in self._access.read().jobs.values():
            if not job.state.has_ended:
                created.setdefault((job.kind, job.state), []).append(job.created_at)
        return {which: Backlog(count=len(times), oldest=min(times)) for which, times in created.items()}

    async def delete_ended(self, before: datetime, *, state: JobState, limit: int) -> int:
        tables = self._access.write()
        ended = [
            job.id
            for job in tables.jobs.values()
            if job.state is state and job.ended_at is not None and job.ended_at < before
        ]
        for id in ended[:limit]:
            del tables.jobs[id]
            tables.attempts.pop(id, None)
        return len(ended[:limit])

    async def cancel(self, kind: JobKind, *subjects: str) -> int:
        jobs = self._access.write().jobs
        under_way = [
            job
            for job in jobs.values()
            if job.kind is kind and job.subject in subjects and not job.state.has_ended
        ]
        for job in under_way:
            jobs[job.id] = replace(
                job,
                state=JobState.CANCELLED,
                fence=job.fence + 1,
                lease_until=None,
                ended_at=self._clock.now(),
            )
        return len(under_way)
