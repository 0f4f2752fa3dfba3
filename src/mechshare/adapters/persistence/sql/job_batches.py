"""Batches of jobs in SQL."""

from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import BigInteger, and_, bindparam

from mechshare.adapters.persistence.sql.dialects.dialect import IsAmong, Now
from mechshare.adapters.persistence.sql.jobs import JOB, claiming, ending, is_in, microseconds
from mechshare.adapters.persistence.sql.statements import Statements
from mechshare.adapters.persistence.sql.tables import jobs
from mechshare.adapters.persistence.sql.types import IdList
from mechshare.domain.ids import JobId
from mechshare.domain.jobs import Job, JobKind, JobState
from mechshare.ports.persistence.job_batches import JobBatches

_CLAIM = claiming(
    jobs.c.run_after,
    conditions=[
        jobs.c.run_after <= Now(bindparam("since", type_=BigInteger())),
        jobs.c.kind == bindparam("of_kind"),
    ],
    limit=bindparam("limit"),
)
_HAS_LEASE = and_(
    IsAmong(jobs.c.id, bindparam("ids", type_=IdList())),
    jobs.c.fence == bindparam("held_fence"),
    is_in(JobState.RUNNING),
)
_END_DONE = ending(_HAS_LEASE).values(progress=1.0).returning(jobs.c.id)


class SqlJobBatches(JobBatches):
    def __init__(self, statements: Statements) -> None:
        self._statements = statements

    async def claim(
        self, kind: JobKind, lease: timedelta, *, limit: int, due_for: timedelta = timedelta(0)
    ) -> tuple[Job, ...]:
        parameters = {
            "of_kind": kind.value,
            "microseconds": microseconds(lease),
            "since": -microseconds(due_for),
            "limit": limit,
        }
        rows = await self._statements.rows(_CLAIM, parameters)
        return tuple(sorted(map(JOB.value, rows), key=lambda job: (job.run_after, job.id)))

    async def finish(self, leases: Sequence[tuple[JobId, int]]) -> frozenset[JobId]:
        ended: set[JobId] = set()
        for fence in {fence for _, fence in leases}:
            ids = [id for id, held in leases if held == fence]
            parameters = {"ids": ids, "held_fence": fence, "state": JobState.DONE.value, "failure": None}
            rows = await self._statements.rows(_END_DONE, parameters)
            ended.update(id for (id,) in rows)
        return frozenset(ended)
