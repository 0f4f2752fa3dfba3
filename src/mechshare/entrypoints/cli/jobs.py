"""`mechshare jobs`"""

import click
from rich.console import Console
from rich.table import Table

from mechshare.application import Application
from mechshare.domain.ids import JobId
from mechshare.domain.jobs import Attempt, Job, JobState
from mechshare.domain.pagination import MAX_LIMIT, PageRequest
from mechshare.entrypoints.cli.context import run
from mechshare.settings import Settings


@click.group()
def jobs() -> None:
    """List, show, retry and cancel jobs."""


@jobs.command("list")
@click.option(
    "--state", type=click.Choice([state.value for state in JobState]), help="Only jobs in this state."
)
@click.option(
    "--limit", type=click.IntRange(1, MAX_LIMIT), default=20, show_default=True, help="Jobs to list."
)
@click.pass_obj
def list_jobs(chosen: Settings, state: str | None, limit: int) -> None:
    """List jobs, the newest first."""
    wanted = JobState(state) if state else None

    async def command(application: Application) -> tuple[Job, ...]:
        return (await application.jobs.find_all(PageRequest(limit=limit), wanted)).items

    table = Table("job", "kind", "state", "attempt", "subject", "why")
    for job in run(chosen, command):
        reason = job.failure.code.value if job.failure else ""
        table.add_row(job.id, job.kind.value, job.state.value, str(job.attempt), job.subject, reason)
    Console().print(table)


@jobs.command()
@click.argument("job_id")
@click.pass_obj
def show(chosen: Settings, job_id: str) -> None:
    """Show one job and every attempt at it."""

    async def command(application: Application) -> tuple[Job, tuple[Attempt, ...]]:
        id = JobId(job_id)
        return await application.jobs.get_job(id), await application.jobs.find_history(id)

    job, attempts = run(chosen, command)
    facts = Table(show_header=False)
    for name in Job.__slots__:
        facts.add_row(name, _text(getattr(job, name)))
    if job.failure:
        facts.add_row("what to do", job.failure.message("en"))
    history = Table("attempt", "started", "ended", "came to", "why it ended", "detail")
    for one in attempts:
        reason, detail = (one.failure.code.value, one.failure.detail) if one.failure else ("", "")
        history.add_row(str(one.number), str(one.started_at), _text(one.ended_at), one.step, reason, detail)
    Console().print(facts, *([history] if attempts else []))


@jobs.command()
@click.argument("job_ids", nargs=-1, required=True, metavar="JOB_ID...")
@click.pass_obj
def retry(chosen: Settings, job_ids: tuple[str, ...]) -> None:
    """Run failed or cancelled jobs again."""

    async def command(application: Application) -> list[JobId]:
        return [await application.jobs.retry(JobId(id)) for id in job_ids]

    for again in run(chosen, command):
        click.echo(f"it will be tried again, as {again}")


@jobs.command()
@click.argument("job_id")
@click.pass_obj
def cancel(chosen: Settings, job_id: str) -> None:
    """Cancel a job that has not ended."""
    run(chosen, lambda application: application.jobs.cancel(JobId(job_id)))
    click.echo("cancelled")


def _text(value: object) -> str:
    return "" if value is None else str(value)
