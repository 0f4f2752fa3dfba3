"""`mechshare jobs`"""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from mechshare.domain.audit import RequestMetadata
from mechshare.domain.errors import JobNotCancellable, JobNotFound, NothingToRetry
from mechshare.domain.ids import JobId
from mechshare.domain.jobs import JobKind
from mechshare.domain.pagination import PageRequest
from mechshare.domain.statements import Statement
from mechshare.domain.users import Actor, User
from mechshare.entrypoints.cli.context import open_application
from mechshare.services.support.drafts import Draft
from mechshare.services.users import Registration
from mechshare.settings import Settings
from tests.cli.conftest import Run


@pytest.fixture
def waiting(chosen: Settings, clips: Path) -> JobId:
    """Uploads a clip without a running worker; returns the job that processes it."""

    async def content() -> AsyncIterator[bytes]:
        yield (clips / "歯車.gif").read_bytes()

    async def share() -> JobId:
        async with open_application(chosen) as application:
            await application.installation.migrate()
            joining = Registration(username="sakura", email="s@example.com", password="four-bar linkage")
            user = await application.users.register(joining, RequestMetadata())
            assert isinstance(user, User)
            actor = Actor(id=user.id, role=user.role)
            file = await application.uploads.receive(actor, content(), "歯車.gif")
            draft = Draft(statement=Statement(title="歯車"), media=file)
            await application.mechanisms.create_mechanism(actor, draft)
            jobs = (await application.jobs.find_all(PageRequest())).items
            (job,) = (job for job in jobs if job.kind is JobKind.PROCESS_MECHANISM_FILE)
            return job.id

    return asyncio.run(share())


def test_a_queued_job_is_listed_and_shown(run: Run, waiting: JobId) -> None:
    assert "queued" in run("jobs", "list", "--state", "queued").output
    assert "process_mechanism_file" in run("jobs", "show", waiting).output


def test_a_cancelled_job_can_be_retried_once(run: Run, waiting: JobId) -> None:
    run("jobs", "cancel", waiting)
    assert "cancelled" in run("jobs", "show", waiting).output
    assert "tried again" in run("jobs", "retry", waiting).output
    with pytest.raises(NothingToRetry):
        run("jobs", "retry", waiting)


def test_a_job_that_ended_is_not_cancelled(run: Run, waiting: JobId) -> None:
    run("jobs", "cancel", waiting)
    with pytest.raises(JobNotCancellable):
        run("jobs", "cancel", waiting)


def test_an_unknown_job_is_reported(run: Run) -> None:
    with pytest.raises(JobNotFound):
        run("jobs", "show", "01900000-0000-7000-8000-000000000000")
