"""Administration: the overview, and the health of the installation."""

from typing import Any

from litestar import Request, Response, Router, get

from mechshare.domain.jobs import JobState
from mechshare.domain.pagination import PageRequest
from mechshare.domain.users import Permission
from mechshare.entrypoints.http.protocol.auth import actor_of, application_of, require_permissions
from mechshare.entrypoints.masking import masked
from mechshare.entrypoints.web.rendering import page
from mechshare.services.maintenance.doctor import DoctorReport
from mechshare.services.maintenance.health import readiness

Req = Request[Any, Any, Any]
OPERATORS = [require_permissions(Permission.OPERATE_INSTALLATION)]


@get("/admin", guards=[require_permissions(Permission.OPERATE_INSTALLATION, Permission.MANAGE_USERS)])
async def show_overview(request: Req) -> Response[str]:
    application, one = application_of(request), PageRequest(limit=1)
    return await page(
        request,
        "admin.html",
        users=await application.users.count_accounts(actor_of(request)),
        mechanisms=await application.mechanisms.find_all(None, one),
        failed=await application.jobs.find_all(one, JobState.FAILED),
        pending=sum(jobs.count for jobs in (await application.jobs.find_backlog()).values()),
        readiness=await _readiness(request),
    )


@get("/admin/health", guards=OPERATORS)
async def show_health(request: Req) -> Response[str]:
    """Shows what `mechshare doctor` examines of the dependencies. It writes, reads and deletes a small file."""
    doctor = application_of(request).doctor
    reports = [*await doctor.examine(), await doctor.examine_isolation()]
    return await page(
        request,
        "admin_health.html",
        reports=[_shown(report) for report in reports],
        readiness=await _readiness(request),
    )


async def _readiness(request: Req) -> str:
    checks = await application_of(request).health.check(uploads=True)
    return readiness(checks, is_stopping=request.app.state.shutdown.has_begun)[0]


def _shown(report: DoctorReport) -> dict[str, Any]:
    level = "good" if report.problem is None else "bad" if report.is_essential else "warn"
    return {
        "name": report.name,
        "level": level,
        "problem": report.problem.value if report.problem else "",
        "message": masked(report.message),
    }


router = Router("/", route_handlers=[show_overview, show_health])
