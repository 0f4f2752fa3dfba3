"""`mechshare backup` and `mechshare restore`"""

import asyncio
import shlex
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import click
from rich.progress import TaskID

from mechshare.bootstrap.maintenance import open_backup
from mechshare.domain.backups import BackupRefused, Manifest
from mechshare.domain.copies import CopyRefused
from mechshare.domain.errors import DomainException
from mechshare.entrypoints.cli.context import pass_settings
from mechshare.entrypoints.cli.explanations import explained
from mechshare.entrypoints.cli.masking import masked
from mechshare.entrypoints.cli.output import print_table, progress_bar
from mechshare.services.maintenance.backup import BackedUp, BackupService
from mechshare.services.maintenance.blob_copy import Progress as Heard
from mechshare.services.maintenance.blob_copy import Stage
from mechshare.services.maintenance.restore import Restored, RestoreService
from mechshare.settings import Settings

T = TypeVar("T")
_RUN_AGAIN = "Run the same command again: it goes on where this one stopped."
_MAX_KEYS_PRINTED = 10
_FOLDER = click.Path(path_type=Path, file_okay=False, resolve_path=True)


@click.command("backup")
@click.argument("folder", type=_FOLDER)
@pass_settings
def backup(chosen: Settings, folder: Path) -> None:
    """Back up all rows and files into FOLDER while servers and workers run.

    FOLDER is new, empty, or holds an earlier backup, whose good files are reused. The backup has all rows as of one
    moment and every file that they name, each read back and compared by SHA-256. After an interruption, run it
    again. The exit status is also 1 if the installation has lost or altered files; the command names them.
    """
    click.echo(f"{masked(chosen.database_url)} and {masked(chosen.blobs_url)} -> {folder}")
    with _refusals_as_messages():
        done = asyncio.run(
            _with_bar(chosen, folder, lambda services, progress: services[0].back_up(progress))
        )
    _report(done)
    click.echo(
        "\nThe secret that signs tokens and links is not in it: keep a copy of it, apart from the backup."
    )
    click.echo(f"To look whether it is whole:  mechshare restore --check {shlex.quote(str(folder))}")
    if done.manifest.missing or done.manifest.altered:
        raise SystemExit(1)


@click.command("restore")
@click.argument("folder", type=_FOLDER)
@click.option("--check", is_flag=True, help="Only read the whole backup and compare it with its manifest.")
@click.option(
    "--keep-files",
    is_flag=True,
    help="Leave other files in place: for when the database was lost and the files were not.",
)
@pass_settings
def restore(chosen: Settings, folder: Path, check: bool, keep_files: bool) -> None:
    """Restore the backup in FOLDER into the configured database and place for files, which must be empty.

    The whole backup is read and compared with its manifest first; if anything is damaged, nothing is written. Then
    rows and files are written, and compared by SHA-256. Stop every server and worker first. After an interruption,
    run it again: it continues.
    """
    with _refusals_as_messages():
        if check:
            manifest = asyncio.run(
                _with_bar(chosen, folder, lambda services, progress: services[1].check(progress))
            )
            _describe("The backup is whole", manifest)
            return
        click.echo(f"{folder} -> {masked(chosen.database_url)} and {masked(chosen.blobs_url)}")
        done = asyncio.run(
            _with_bar(
                chosen,
                folder,
                lambda services, progress: services[1].restore(progress, keep_others=keep_files),
            )
        )
    _report_restored(done)
    _print_next_steps(chosen)


@contextmanager
def _refusals_as_messages() -> Iterator[None]:
    try:
        yield
    except (BackupRefused, CopyRefused) as refusal:
        raise click.ClickException(str(refusal)) from refusal
    except DomainException as problem:
        raise click.ClickException(f"{masked(explained(problem))} {_RUN_AGAIN}") from problem


async def _with_bar(
    chosen: Settings,
    folder: Path,
    work: Callable[[tuple[BackupService, RestoreService], Heard], Awaitable[T]],
) -> T:
    tasks: dict[tuple[Stage, int], TaskID] = {}
    with progress_bar() as bar:

        def progress(stage: Stage, more: int, total: int) -> None:
            if (stage, total) not in tasks and total:
                tasks[stage, total] = bar.add_task(stage.value, total=total)
            if total:
                bar.advance(tasks[stage, total], more)

        async with open_backup(chosen, folder) as services:
            return await work(services, progress)


def _report(done: BackedUp) -> None:
    manifest = done.manifest
    print_table(
        ("table", "rows", "SHA-256"), [(one.table, str(one.rows), one.digest) for one in manifest.tables]
    )
    click.echo(
        f"files: {done.copied} copied and read back, {len(manifest.blobs) - done.copied} were there and good, "
        f"{done.removed} removed"
    )
    _describe("The backup is finished", manifest)


def _describe(first: str, manifest: Manifest) -> None:
    rows = sum(table.rows for table in manifest.tables)
    click.echo(
        f"{first}: as of {manifest.taken_at:%Y-%m-%d %H:%M:%S} UTC, schema {manifest.schema}, mechshare "
        f"{manifest.program}; {rows} rows, {len(manifest.blobs)} files, {manifest.size} bytes"
    )
    for damage, keys in (
        ("were lost already, and are not in it", manifest.missing),
        ("were not what was acknowledged, and are in it as they were found", manifest.altered),
    ):
        if keys:
            more = ", ..." if len(keys) > _MAX_KEYS_PRINTED else ""
            click.echo(f"!! {len(keys)} files {damage}: {', '.join(keys[:_MAX_KEYS_PRINTED])}{more}")


def _report_restored(done: Restored) -> None:
    print_table(
        ("table", "rows", "there before", "SHA-256 on both sides"),
        [(one.table, str(one.rows), str(one.resumed), one.digest) for one in done.tables],
    )
    click.echo(
        f"files: {done.copied} copied and read back, "
        f"{len(done.manifest.blobs) - done.copied} were there and equal"
    )
    if done.others:
        click.echo(
            f"{done.others} files there are none of the backup's; no row names them, and workers remove such files "
            "after a day"
        )
    _describe("Everything is restored", done.manifest)


def _print_next_steps(chosen: Settings) -> None:
    click.echo("\nBefore the servers start:")
    if not chosen.secret:
        key_file = shlex.quote(str(chosen.data / "secret.key"))
        click.echo(f"  cp .../secret.key {key_file}   # the copy you kept, or everybody has to sign in again")
    if not chosen.cache_url.startswith("memory:"):
        click.echo("  redis-cli flushdb   # answers from before; or give another namespace")
    click.echo("  mechshare reindex   # the search index is not in a backup")
    click.echo("  mechshare doctor")
