"""The job ledger in memory."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from mechshare.adapters.persistence.memory.access import Access
from mechshare.adapters.persistence.memory.pagination import paged
from mechshare.adapters.persistence.memory.tables import JOB_ATTEMPTS, JOBS, JobAttempt
from mechshare.domain.ids import JobId
from mechshare.domain.jobs import INDEXING, MAX_ATTEMPTS_LISTED, Attempt, Backlog, Job, JobKind, JobState
from mechshare.domain.media import ProcessingFailure
from mechshare.domain.pagination import Page, PageRequest
from mechshare.ports.persistence.jobs import JobLedger, JobRepository, UndoneJobs


class MemoryJobLedger(JobLedger):
    def __init__(self, access: Access) -> None:
        self._access = access

    async def add(self, *new: Job, unless_pending: bool = False) -> None:
        jobs = self._access.write(JOBS)
        for job in new:
            same = (one for one in jobs if (one.kind, one.subject) == (job.kind, job.subject))
            if not (unless_pending and any(not one.state.has_ended for one in same)):
                jobs.insert(replace(job, run_after=self._access.now()))

    async def claim(
        self,
        lease: timedelta,
        *,
        created_before: datetime | None = None,
        may_index: bool = True,
    ) -> Job | None:
        queued = [job for job in self._access.write(JOBS) if job.state is JobState.QUEUED]
        if created_before is not None:
            due: list[tuple[Any, ...]] = [
                (job.created_at, job.id)
                for job in queued
                if job.created_at < created_before and job.kind not in INDEXING
            ]
        else:
            due = self._due_in_turn([job for job in queued if may_index or job.kind not in INDEXING])
        return claimed(self._access, min(due)[-1], lease) if due else None

    def _due_in_turn(self, queued: Sequence[Job]) -> list[tuple[Any, ...]]:
        """Returns (last claim of the owner, run_after, id) of each due job; the smallest is the next to claim.

        Jobs without an owner, and jobs of owners whose jobs were never claimed, come first.
        """
        served: dict[str, datetime] = {}
        now, never = self._access.now(), datetime.min.replace(tzinfo=UTC)
        for job in self._access.read(JOBS):
            if job.owner and job.started_at and job.started_at <= now:
                served[job.owner] = max(job.started_at, served.get(job.owner, job.started_at))
        return [
            (served.get(job.owner, never), job.run_after, job.id) for job in queued if job.run_after <= now
        ]

    async def renew(self, id: JobId, fence: int, lease: timedelta, step: str, progress: float) -> bool:
        until = self._access.now() + lease
        return self._change(id, fence, lease_until=until, step=step, progress=progress)

    async def finish(
        self, id: JobId, fence: int, state: JobState, failure: ProcessingFailure | None = None
    ) -> bool:
        changes: dict[str, Any] = {"progress": 1.0} if state is JobState.DONE else {}
        return self._change(
            id, fence, state=state, failure=failure, lease_until=None, ended_at=self._access.now(), **changes
        )

    async def postpone(
        self, id: JobId, fence: int, delay: timedelta, failure: ProcessingFailure | None = None
    ) -> bool:
        job = self._access.write(JOBS).find(id)
        ended = job.last_attempt if job else None
        now = self._access.now()
        is_lease_held = self._change(
            id, fence, state=JobState.QUEUED, failure=failure, lease_until=None, run_after=now + delay
        )
        if is_lease_held and ended is not None:
            self._add_attempt(id, replace(ended, ended_at=now, failure=failure))
        return is_lease_held

    async def find_expired(self, limit: int) -> tuple[Job, ...]:
        now = self._access.now()
        expired = [
            (job.lease_until, job.id, job)
            for job in self._access.read(JOBS)
            if job.state is JobState.RUNNING and job.lease_until is not None and job.lease_until < now
        ]
        return tuple(job for _, _, job in sorted(expired, key=lambda one: one[:2])[:limit])

    async def pull_back(self, *, due_within: timedelta, lease: timedelta) -> int:
        jobs, now = self._access.write(JOBS), self._access.now()
        early = [job for job in jobs if job.state is JobState.QUEUED and job.run_after > now + due_within]
        leased = [
            job
            for job in jobs
            if job.state is JobState.RUNNING and job.lease_until is not None and job.lease_until > now + lease
        ]
        for job in early:
            jobs.put(replace(job, run_after=now))
        for job in leased:
            jobs.put(replace(job, lease_until=now + lease))
        return len(early) + len(leased)

    def _change(self, id: JobId, fence: int, **changes: Any) -> bool:
        jobs = self._access.write(JOBS)
        job = jobs.find(id)
        if job is None or job.fence != fence or job.state is not JobState.RUNNING:
            return False
        jobs.put(replace(job, **changes))
        return True

    def _add_attempt(self, id: JobId, ended: Attempt) -> None:
        attempts = self._access.write(JOB_ATTEMPTS)
        attempts.insert(JobAttempt(id, ended.number, ended))
        own = [one for one in attempts if one.job_id == id]
        for outdated in own[:-MAX_ATTEMPTS_LISTED]:
            attempts.delete(id, outdated.number)


class MemoryJobRepository(JobRepository):
    def __init__(self, access: Access) -> None:
        self._access = access

    async def find_by_id(self, id: JobId) -> Job | None:
        return self._access.read(JOBS).find(id)

    async def find_latest(self, kind: JobKind, *subjects: str) -> tuple[Job, ...]:
        chosen = [job for job in self._access.read(JOBS) if job.kind == kind and job.subject in subjects]
        chosen.sort(key=lambda job: (job.created_at, job.id))
        return tuple({job.subject: job for job in chosen}.values())

    async def find_all(self, request: PageRequest, *, state: JobState | None = None) -> Page[Job]:
        selected = (job for job in self._access.read(JOBS) if state in (None, job.state))
        return paged(selected, request, key=lambda job: (job.created_at, job.id), descending=True)

    async def find_attempts(self, id: JobId) -> tuple[Attempt, ...]:
        return tuple(one.attempt for one in self._access.read(JOB_ATTEMPTS) if one.job_id == id)

    async def find_backlog(self) -> Mapping[tuple[JobKind, JobState], Backlog]:
        created: dict[tuple[JobKind, JobState], list[datetime]] = {}
        for job in self._access.read(JOBS):
            if not job.state.has_ended:
                created.setdefault((job.kind, job.state), []).append(job.created_at)
        return {which: Backlog(count=len(times), oldest=min(times)) for which, times in created.items()}

    async def delete_ended(self, before: datetime, *, state: JobState, limit: int) -> int:
        jobs = self._access.write(JOBS)
        ended = [
            job.id
            for job in jobs
            if job.state is state and job.ended_at is not None and job.ended_at < before
        ]
        for id in ended[:limit]:
            jobs.delete(id)
        return len(ended[:limit])

    async def cancel(self, kind: JobKind, *subjects: str) -> int:
        jobs = self._access.write(JOBS)
        under_way = [
            job for job in jobs if job.kind is kind and job.subject in subjects and not job.state.has_ended
        ]
        for job in under_way:
            jobs.put(
                replace(
                    job,
                    state=JobState.CANCELLED,
                    fence=job.fence + 1,
                    lease_until=None,
                    ended_at=self._access.now(),
                )
            )
        return len(under_way)


class MemoryUndoneJobs(UndoneJobs):
    def __init__(self, access: Access) -> None:
        self._access = access

    async def find_subjects(self, kind: JobKind, limit: int) -> tuple[str, ...]:
        undone = (
            job.subject
            for job in self._access.read(JOBS)
            if job.kind is kind and job.state is not JobState.DONE
        )
        return tuple(dict.fromkeys(undone))[:limit]

    async def revive(self, kind: JobKind) -> int:
        jobs, now = self._access.write(JOBS), self._access.now()
        ended = [
            job for job in jobs if job.kind is kind and job.state in (JobState.FAILED, JobState.CANCELLED)
        ]
        for job in ended:
            jobs.put(replace(job, state=JobState.QUEUED, run_after=now, ended_at=None))
        return len(ended)


def claimed(access: Access, id: JobId, lease: timedelta) -> Job:
    """Stores the job as claimed, and returns it."""
    jobs, now = access.write(JOBS), access.now()
    job = jobs.get(id)
    running = replace(
        job,
        state=JobState.RUNNING,
        attempt=job.attempt + 1,
        fence=job.fence + 1,
        started_at=now,
        lease_until=now + lease,
        step="",
        progress=0.0,
    )
    jobs.put(running)
    return running
