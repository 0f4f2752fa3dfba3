"""`mechshare import`"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any, BinaryIO

import click

from mechshare.application import Application
from mechshare.domain.errors import DomainException, Unavailable
from mechshare.domain.ids import CategoryId, MechanismId
from mechshare.domain.jobs import JobKind
from mechshare.domain.mechanisms import AuthoredMechanism, ProcessingState
from mechshare.domain.statements import Statement
from mechshare.domain.users import Actor, User
from mechshare.entrypoints.cli.context import pass_settings, run
from mechshare.entrypoints.cli.explanations import explained
from mechshare.entrypoints.cli.output import json_option, print_json, progress_bar
from mechshare.services.mechanisms import Draft
from mechshare.settings import Settings

_CHUNK = 256 * 1024
_MAX_TITLE_LENGTH = 200


class _Unreadable(Exception):
    """A file can't be read; the message says why."""


@dataclass(slots=True)
class Report:
    """The outcome for each file: (path, reason) for those that were refused or failed.

    `left` are mechanisms that existed before and are not published. `processed` are the ids of mechanisms that this
    run has processed but whose files it has not reached yet.
    """

    added: list[MechanismId] = field(default_factory=list)
    known: int = 0
    left: list[tuple[Path, MechanismId]] = field(default_factory=list)
    processed: set[str] = field(default_factory=set)
    refused: list[tuple[Path, str]] = field(default_factory=list)


@click.command("import")
@click.argument("paths", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@click.option("--as", "username", required=True, help="The user who shares the clips.")
@click.option(
    "--category", "categories", multiple=True, help="A category of all clips; repeat the option for several."
)
@click.option("--publish", is_flag=True, help="Publish each new mechanism as soon as it is ready.")
@json_option
@pass_settings
def import_clips(
    chosen: Settings,
    paths: tuple[Path, ...],
    username: str,
    categories: tuple[str, ...],
    publish: bool,
    as_json: bool,
) -> None:
    """Share the clips in folders or files. After an interruption, run it again: it adds nothing twice."""

    async def command(application: Application) -> Report:
        user = await application.users.find_by_login(username)
        return await _import(application, user, list(_files(paths)), categories, publish)

    report = run(chosen, command)
    if as_json:
        print_json(_report_facts(report))
    else:
        _print_report(report)
    if report.refused:
        raise SystemExit(1)


def _report_facts(report: Report) -> dict[str, Any]:
    return {
        "added": report.added,
        "existing": report.known,
        "unpublished": [{"path": click.format_filename(path), "id": id} for path, id in report.left],
        "refused": [
            {"path": click.format_filename(path), "reason": reason} for path, reason in report.refused
        ],
    }


def _print_report(report: Report) -> None:
    click.echo(f"{len(report.added)} added, {report.known} existed, {len(report.refused)} refused")
    for path, id in report.left:
        click.echo(
            f"  {path}: existed and is not published; to publish it: POST /api/v1/mechanisms/{id}/publish"
        )
    for path, reason in report.refused:
        click.echo(f"  {path}: {reason}")


def _why(refusal: Exception) -> str:
    return explained(refusal) if isinstance(refusal, DomainException) else str(refusal)


def _files(paths: tuple[Path, ...]) -> Iterator[Path]:
    """Every file that is not hidden, in the order of names."""
    for path in paths:
        if path.is_dir():
            found = (file for file in path.rglob("*") if file.is_file() and not file.name.startswith("."))
            yield from sorted(found)
        else:
            yield path


async def _import(
    application: Application, user: User, files: list[Path], categories: tuple[str, ...], publish: bool
) -> Report:
    report = Report()
    actor = Actor(id=user.id, role=user.role)
    with progress_bar() as bar:
        task = bar.add_task("importing", total=len(files))
        for path in files:
            bar.update(task, description=path.name)
            try:
                await _import_one(application, actor, path, categories, publish, report)
            except (DomainException, _Unreadable) as refusal:
                report.refused.append((path, _why(refusal)))
            bar.advance(task)
    return report


async def _import_one(
    application: Application,
    actor: Actor,
    path: Path,
    categories: tuple[str, ...],
    publish: bool,
    report: Report,
) -> None:
    digest = await asyncio.to_thread(_digest_of, path)
    existing = await application.mechanisms.find_by_original(actor.id, digest)
    if existing is None:
        created = await _share(application, actor, path, categories)
        report.added.append(created.mechanism.id)
        id = created.mechanism.id
    else:
        report.known += 1
        id = existing.id
    mechanism = (await _processed(application, actor, id, report)).mechanism
    # A mechanism that was ready before may have been withdrawn; one that was not ready was left by an interrupted
    # run.
    is_new = (
        existing is None or existing.processing.state is not ProcessingState.READY or id in report.processed
    )
    report.processed.discard(id)  # a second file with this content finds a mechanism that is no longer new
    if mechanism.processing.failure is not None:
        report.refused.append((path, mechanism.processing.failure.message("en")))
    elif publish and not mechanism.is_published:
        if is_new and mechanism.withdrawn_reason is None:
            await application.mechanisms.publish(actor, id)
        else:
            report.left.append((path, id))


async def _share(
    application: Application, actor: Actor, path: Path, categories: tuple[str, ...]
) -> AuthoredMechanism:
    original = await application.uploads.receive(actor, _chunks_of(path), path.name, has_quota=False)
    statement = Statement(
        title=path.stem.replace("_", " ").strip()[:_MAX_TITLE_LENGTH] or path.name,
        categories=[CategoryId(category) for category in categories],
    )
    draft = Draft(statement=statement, media=original)
    try:
        return await application.mechanisms.import_mechanism(actor, draft)
    except Unavailable:
        raise  # the mechanism may have been committed, so its file must stay
    except DomainException:
        await application.uploads.discard(original)
        raise


async def _processed(
    application: Application, actor: Actor, id: MechanismId, report: Report
) -> AuthoredMechanism:
    """Waits until the mechanism is ready or failed and returns it; meanwhile runs jobs of the ledger."""
    while True:
        found = await application.mechanisms.get_mechanism(actor, id)
        if found.mechanism.processing.state in (ProcessingState.READY, ProcessingState.FAILED):
            return found
        job = await application.runner.run_one()
        if job is None or job.kind is not JobKind.PROCESS_MECHANISM_FILE:
            await application.runner.reap()
            await asyncio.sleep(0.05)
        else:
            report.processed.add(job.subject)


def _digest_of(path: Path) -> str:
    digest = sha256()
    with _reading(path) as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


async def _chunks_of(path: Path) -> AsyncIterator[bytes]:
    with _reading(path) as file:
        while chunk := await asyncio.to_thread(file.read, _CHUNK):
            yield chunk


@contextmanager
def _reading(path: Path) -> Iterator[BinaryIO]:
    try:
        with path.open("rb") as file:
            yield file
    except OSError as problem:
        raise _Unreadable(f"It can't be read: {problem.strerror}.") from problem
