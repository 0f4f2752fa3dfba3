"""`mechshare jobs`"""

import click
from rich.console import Console
from rich.table import Table

from mechshare.application import Application
from mechshare.domain.ids import JobId, MechanismId
from mechshare.domain.jobs import Job, JobKind, JobState
from mechshare.domain.pages import LARGEST_LIMIT, PageRequest
from mechshare.entrypoints.cli.opening import OPERATOR, run
from mechshare.settings import Settings


@click.group()
def jobs() -> None:
    """Work that was promised: list, show, retry, cancel."""


@jobs.command("list")
@click.option("--state", type=click.Choice([state.value for state in JobState]), help="Only these.")
@click.option("--limit", type=click.IntRange(1, LARGEST_LIMIT), default=20, show_default=True)
@click.pass_obj
def list_jobs(chosen: Settings, state: str | None, limit: int) -> None:
    """List jobs, the newest first."""
    wanted = JobState(state) if state else None

    async def command(application: Application) -> tuple[Job, ...]:
        return (await application.jobs.find_all(PageRequest(limit=limit), wanted)).items

    table = Table("job", "kind", "state", "attempt", "subject", "why")
    for job in run(chosen, command):
        why = job.failure.code.value if job.failure else ""
        table.add_row(job.id, job.kind.value, job.state.value, str(job.attempt), job.subject, why)
    Console().print(table)


@jobs.command()
@click.argument("job_id")
@click.pass_obj
def show(chosen: Settings, job_id: str) -> None:
    """Show everything that is known of one job."""
    job = run(chosen, lambda application: application.jobs.get_job(JobId(job_id)))
    table = Table(show_header=False)
    for name in Job.__slots__:
        table.add_row(name, _told(getattr(job, name)))
    if job.failure:
        table.add_row("what to do", job.failure.message("en"))
    Console().print(table)


@jobs.command()
@click.argument("job_id")
@click.pass_obj
def retry(chosen: Settings, job_id: str) -> None:
    """Process the clip of a failed job again."""

    async def command(application: Application) -> None:
        job = await application.jobs.get_job(JobId(job_id))
        if job.kind is not JobKind.PROCESS_MECHANISM_FILE:
            raise click.ClickException(f"a job '{job.kind}' is not retried: run 'mechshare reindex' instead")
        await application.processing.retry(OPERATOR, MechanismId(job.subject))

    run(chosen, command)
    click.echo("it will be tried again")


@jobs.command()
@click.argument("job_id")
@click.pass_obj
def cancel(chosen: Settings, job_id: str) -> None:
    """End a job that nobody wants any more."""
    run(chosen, lambda application: application.jobs.cancel(JobId(job_id)))
    click.echo("cancelled")


def _told(value: object) -> str:
    return "" if value is None else str(value)
