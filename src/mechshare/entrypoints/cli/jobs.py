"""`mechshare jobs`"""

import click

from mechshare.application import Application
from mechshare.domain.ids import JobId
from mechshare.domain.jobs import Attempt, Job, JobState
from mechshare.domain.media import ProcessingFailure
from mechshare.domain.pagination import MAX_LIMIT, PageRequest
from mechshare.entrypoints.cli.context import pass_settings, run
from mechshare.entrypoints.cli.output import json_option, print_json, print_table
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
@json_option
@pass_settings
def list_jobs(chosen: Settings, state: str | None, limit: int, as_json: bool) -> None:
    """List jobs, the newest first."""
    wanted = JobState(state) if state else None

    async def command(application: Application) -> tuple[Job, ...]:
        return (await application.jobs.find_all(PageRequest(limit=limit), wanted)).items

    found = run(chosen, command)
    if as_json:
        print_json(found)
        return
    print_table(
        ("job", "kind", "state", "attempt", "subject", "why"),
        [
            (job.id, job.kind.value, job.state.value, str(job.attempt), job.subject, _reason(job.failure))
            for job in found
        ],
    )


@jobs.command()
@click.argument("job_id")
@json_option
@pass_settings
def show(chosen: Settings, job_id: str, as_json: bool) -> None:
    """Show one job and every attempt at it."""

    async def command(application: Application) -> tuple[Job, tuple[Attempt, ...]]:
        id = JobId(job_id)
        return await application.jobs.get_job(id), await application.jobs.find_history(id)

    job, attempts = run(chosen, command)
    if as_json:
        print_json({"job": job, "attempts": attempts})
        return
    print_table(("field", "value"), _facts(job))
    if attempts:
        click.echo()
        print_table(
            ("attempt", "started", "ended", "step", "why it ended", "detail"),
            [
                (
                    str(one.number),
                    str(one.started_at),
                    _text(one.ended_at),
                    one.step,
                    _reason(one.failure),
                    one.failure.detail if one.failure else "",
                )
                for one in attempts
            ],
        )


def _facts(job: Job) -> list[tuple[str, str]]:
    facts = [(name, _text(getattr(job, name))) for name in Job.__slots__ if name != "failure"]
    if job.failure:
        facts += [("failure", f"{job.failure.code.value} {job.failure.detail}".rstrip())]
        facts += [("what to do", job.failure.message("en"))]
    return facts


@jobs.command()
@click.argument("job_ids", nargs=-1, required=True, metavar="JOB_ID...")
@pass_settings
def retry(chosen: Settings, job_ids: tuple[str, ...]) -> None:
    """Run failed or cancelled jobs again."""

    async def command(application: Application) -> list[JobId]:
        return [await application.jobs.retry(JobId(id)) for id in job_ids]

    for again in run(chosen, command):
        click.echo(f"it will be tried again, as {again}")


@jobs.command()
@click.argument("job_id")
@pass_settings
def cancel(chosen: Settings, job_id: str) -> None:
    """Cancel a job that has not ended."""
    run(chosen, lambda application: application.jobs.cancel(JobId(job_id)))
    click.echo("cancelled")


def _reason(failure: ProcessingFailure | None) -> str:
    return failure.code.value if failure else ""


def _text(value: object) -> str:
    return "" if value is None else str(value)
