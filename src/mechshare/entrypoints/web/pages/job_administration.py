"""Administration of jobs: what waits, what failed and why, another try."""

from typing import Annotated, Any

from litestar import Request, Response, Router, get, post
from litestar.params import FromPath, QueryParameter

from mechshare.domain.errors import DomainException
from mechshare.domain.ids import JobId
from mechshare.domain.jobs import Attempt, Job, JobState
from mechshare.domain.media import ProcessingFailure
from mechshare.domain.users import Permission
from mechshare.entrypoints.http.protocol.auth import application_of, require_permissions
from mechshare.entrypoints.http.protocol.errors import status_of
from mechshare.entrypoints.http.protocol.pagination import Cursor, page_request
from mechshare.entrypoints.masking import masked
from mechshare.entrypoints.web.forms import Saved, form_fields, see_other
from mechshare.entrypoints.web.languages import language_of
from mechshare.entrypoints.web.paging import next_query
from mechshare.entrypoints.web.rendering import page, problem_of

Req = Request[Any, Any, Any]
OPERATORS = [require_permissions(Permission.OPERATE_INSTALLATION)]
State = Annotated[JobState | None, QueryParameter(name="state")]
_RETRYABLE = (JobState.FAILED, JobState.CANCELLED)


@get("/admin/jobs", guards=OPERATORS)
async def show_jobs(request: Req, chosen: State = None, cursor: Cursor = None) -> Response[str]:
    conditions = chosen.value if chosen else ""
    requested = page_request(None, None, cursor, conditions=conditions)
    found = await application_of(request).jobs.find_all(requested, chosen)
    filters = [("state", chosen.value)] if chosen else []
    return await page(
        request,
        "admin_jobs.html",
        jobs=[_shown(job, language_of(request)) for job in found.items],
        total=found,
        states=[one.value for one in JobState],
        chosen=conditions,
        more=next_query(found, filters, conditions=conditions),
    )


@get("/admin/jobs/{job_id:str}", guards=OPERATORS)
async def show_job(request: Req, job_id: FromPath[str], saved: Saved = "") -> Response[str]:
    return await _job_page(request, JobId(job_id), saved=saved)


@post("/admin/jobs/{job_id:str}/retry", status_code=200, guards=OPERATORS)
async def retry_job(request: Req, job_id: FromPath[str]) -> Response[Any]:
    """Leads to the new job, which does the work of the old one."""
    await form_fields(request)
    try:
        again = await application_of(request).jobs.retry(JobId(job_id))
    except DomainException as error:
        return await _job_page(request, JobId(job_id), error)
    return see_other(f"/admin/jobs/{again}?saved=retried")


@post("/admin/jobs/{job_id:str}/cancel", status_code=200, guards=OPERATORS)
async def cancel_job(request: Req, job_id: FromPath[str]) -> Response[Any]:
    await form_fields(request)
    try:
        await application_of(request).jobs.cancel(JobId(job_id))
    except DomainException as error:
        return await _job_page(request, JobId(job_id), error)
    return see_other(f"/admin/jobs/{job_id}?saved=cancelled")


async def _job_page(
    request: Req, job_id: JobId, error: DomainException | None = None, saved: str = ""
) -> Response[str]:
    """Returns the page of a job with every attempt at it. Raises JobNotFound."""
    jobs, language = application_of(request).jobs, language_of(request)
    job = await jobs.get_job(job_id)
    attempts = await jobs.find_history(job_id)
    return await page(
        request,
        "admin_job.html",
        status=status_of(error) if error else 200,
        shown=_shown(job, language),
        attempts=[_attempt(one, language) for one in attempts],
        can_retry=job.state in _RETRYABLE,
        can_cancel=not job.state.has_ended,
        problem=problem_of(request, error) if error else None,
        saved=saved,
    )


def _shown(job: Job, language: str) -> dict[str, Any]:
    return {"job": job, **_failure(job.failure, language)}


def _attempt(attempt: Attempt, language: str) -> dict[str, Any]:
    return {"attempt": attempt, **_failure(attempt.failure, language)}


def _failure(failure: ProcessingFailure | None, language: str) -> dict[str, str]:
    """Returns why it failed, in words, and the detail for operators; empty if it did not."""
    if failure is None:
        return {"reason": "", "detail": ""}
    return {"reason": failure.message(language), "detail": masked(failure.detail)}


router = Router("/", route_handlers=[show_jobs, show_job, retry_job, cancel_job])
