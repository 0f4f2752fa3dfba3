"""Logs and counts the outcomes of attempts at jobs and of verifications of files, and deletions of failed files."""

import structlog

from mechshare.domain.blobs import BlobReference, Damage
from mechshare.domain.jobs import Job, JobKind, JobState
from mechshare.domain.media import ProcessingFailure
from mechshare.entrypoints.metrics import FAILED_ORIGINALS_DELETED, FILES_VERIFIED, JOB_ATTEMPTS

_log = structlog.get_logger("mechshare.jobs")


class LoggingObserver:
    def attempt_ended(self, job: Job, state: JobState, failure: ProcessingFailure | None) -> None:
        outcome = "retried" if state is JobState.QUEUED else state.value
        JOB_ATTEMPTS.labels(job.kind.value, outcome).inc()
        facts = _facts(job)
        if failure is not None:
            _log.warning("job_" + outcome, failure=failure.code.value, detail=failure.detail, **facts)
        elif job.kind is JobKind.PROCESS_MECHANISM_FILE:
            _log.info("job_" + outcome, **facts)
        else:
            _log.debug("job_" + outcome, **facts)  # one for each change: too many for the level info

    def attempt_crashed(self, job: Job, error: Exception) -> None:
        _log.error("job_crashed", exc_info=error, **_facts(job))

    def attempt_lost(self, job: Job) -> None:
        JOB_ATTEMPTS.labels(job.kind.value, "lost").inc()
        _log.warning("job_lost", **_facts(job))

    def file_verified(self, reference: BlobReference, damage: Damage | None) -> None:
        FILES_VERIFIED.labels(damage.value if damage else "intact").inc()
        if damage is not None:
            _log.error(
                "file_damaged",
                key=reference.key,
                mechanism_id=reference.owner_id,
                role=reference.role.value,
                damage=damage.value,
            )

    def failed_original_deleted(self, reference: BlobReference) -> None:
        FAILED_ORIGINALS_DELETED.inc()
        _log.info("failed_original_deleted", key=reference.key, mechanism_id=reference.owner_id)


def _facts(job: Job) -> dict[str, str | int]:
    return {
        "kind": job.kind.value,
        "job_id": job.id,
        "subject": job.subject,
        "attempt": job.attempt,
        "request_id": job.request_id,
    }
