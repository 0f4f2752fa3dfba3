"""`mechshare backup` and `mechshare restore`"""

import asyncio
import shlex
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import click
from rich.progress import TaskID

from mechshare.bootstrap.maintenance import open_backup
from mechshare.domain.backups import BackupRefused, Manifest
from mechshare.domain.copies import CopyRefused
from mechshare.domain.errors import DomainException
from mechshare.entrypoints.cli.context import pass_settings
from mechshare.entrypoints.cli.explanations import explained
from mechshare.entrypoints.cli.output import json_option, print_json, print_table, progress_bar
from mechshare.entrypoints.masking import masked
from mechshare.services.maintenance.backup import BackedUp, BackupService
from mechshare.services.maintenance.blob_copy import Progress as Heard
from mechshare.services.maintenance.blob_copy import Stage
from mechshare.services.maintenance.restore import Restored, RestoreService
from mechshare.settings import Settings

T = TypeVar("T")
_RUN_AGAIN = "Run the same command again: it continues where this run stopped."
_MAX_KEYS_PRINTED = 10
_FOLDER = click.Path(path_type=Path, file_okay=False, resolve_path=True)


@click.command("backup")
@click.argument("folder", type=_FOLDER)
@json_option
@pass_settings
def backup(chosen: Settings, folder: Path, as_json: bool) -> None:
    """Back up all rows and files into FOLDER while servers and workers run.

    FOLDER is new, empty, or holds an earlier backup, whose good files are reused. The backup has all rows as of one
    moment and every file that they name, each read back and compared by SHA-256. Files of the installation are read
    each time, too. After an interruption, run it again. The exit status is also 1 if the installation has lost or
    altered files; the command names them, and good copies of an earlier backup stay.
    """
    if not as_json:
        click.echo(f"{masked(chosen.database_url)} and {masked(chosen.blobs_url)} -> {folder}")
    with _refusals_as_messages():
        done = asyncio.run(
            _with_bar(chosen, folder, lambda services, progress: services[0].back_up(progress))
        )
    if as_json:
        print_json(_backup_facts(done))
    else:
        _report(done, folder)
    if not done.is_whole:
        raise SystemExit(1)


@click.command("restore")
@click.argument("folder", type=_FOLDER)
@click.option(
    "--check",
    is_flag=True,
    help="Only read the whole backup and compare it with its manifest; change nothing.",
)
@click.option(
    "--keep-files",
    is_flag=True,
    help="Leave other files in place; for a database that was lost beside files that were not.",
)
@json_option
@pass_settings
def restore(chosen: Settings, folder: Path, check: bool, keep_files: bool, as_json: bool) -> None:
    """Restore the backup in FOLDER into the configured database and blob store, which must be empty.

    The whole backup is read and compared with its manifest first; if anything is damaged, nothing is written. Then
    rows and files are written, and compared by SHA-256. Stop every server and worker first. After an interruption,
    run it again: it continues.
    """
    if check:
        _check(chosen, folder, as_json)
        return
    if not as_json:
        click.echo(f"{folder} -> {masked(chosen.database_url)} and {masked(chosen.blobs_url)}")
    with _refusals_as_messages():
        done = asyncio.run(
            _with_bar(
                chosen,
                folder,
                lambda services, progress: services[1].restore(progress, keep_others=keep_files),
            )
        )
    if as_json:
        print_json(_restore_facts(done))
        return
    _report_restored(done)
    _print_next_steps(chosen)


def _check(chosen: Settings, folder: Path, as_json: bool) -> None:
    with _refusals_as_messages():
        manifest = asyncio.run(
            _with_bar(chosen, folder, lambda services, progress: services[1].check(progress))
        )
    if as_json:
        print_json(_manifest_facts(manifest))
    else:
        _describe("Backup verified", manifest)


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


def _manifest_facts(manifest: Manifest) -> dict[str, Any]:
    """Returns the manifest without the list of all files, which may be a million."""
    return {
        "taken_at": manifest.taken_at,
        "schema": manifest.schema,
        "program": manifest.program,
        "rows": sum(table.rows for table in manifest.tables),
        "files": len(manifest.blobs),
        "bytes": manifest.size,
        "tables": manifest.tables,
        "missing": manifest.missing,
        "altered": manifest.altered,
    }


def _backup_facts(done: BackedUp) -> dict[str, Any]:
    unchanged = len(done.manifest.blobs) - done.copied
    counts = {"copied": done.copied, "unchanged": unchanged, "removed": done.removed}
    damage = {"lost": done.lost, "damaged": done.damaged}
    return {**_manifest_facts(done.manifest), **counts, **damage}


def _restore_facts(done: Restored) -> dict[str, Any]:
    existing = len(done.manifest.blobs) - done.copied
    counts = {"copied": done.copied, "existing": existing, "others": done.others}
    return {**_manifest_facts(done.manifest), "tables": done.tables, **counts}


def _report(done: BackedUp, folder: Path) -> None:
    manifest = done.manifest
    print_table(
        ("table", "rows", "SHA-256"), [(one.table, str(one.rows), one.digest) for one in manifest.tables]
    )
    click.echo(
        f"files: {done.copied} copied and verified, {len(manifest.blobs) - done.copied} unchanged, "
        f"{done.removed} removed"
    )
    _describe("Backup complete", manifest)
    _print_keys("were lost by the installation; the backup still has them", done.lost)
    _print_keys("were altered in the installation; the backup has them as they were", done.damaged)
    if done.lost or done.damaged:
        click.echo(
            f"   To bring one back, copy it from {shlex.quote(str(folder / 'blobs'))} to the same path of the store; "
            "then run 'mechshare verify'"
        )
    click.echo(
        "\nThe backup does not contain the secret that signs tokens and links: store a copy of it elsewhere."
    )
    click.echo(f"To verify the backup:  mechshare restore --check {shlex.quote(str(folder))}")


def _describe(first: str, manifest: Manifest) -> None:
    rows = sum(table.rows for table in manifest.tables)
    click.echo(
        f"{first}: as of {manifest.taken_at:%Y-%m-%d %H:%M:%S} UTC, schema {manifest.schema}, mechshare "
        f"{manifest.program}; {rows} rows, {len(manifest.blobs)} files, {manifest.size} bytes"
    )
    for damage, keys in (
        ("are missing from the installation and therefore from the backup", manifest.missing),
        ("differ from their recorded SHA-256; the backup contains them as they are", manifest.altered),
    ):
        _print_keys(damage, keys)


def _print_keys(damage: str, keys: Sequence[str]) -> None:
    if keys:
        more = ", ..." if len(keys) > _MAX_KEYS_PRINTED else ""
        click.echo(f"!! {len(keys)} files {damage}: {', '.join(keys[:_MAX_KEYS_PRINTED])}{more}")


def _report_restored(done: Restored) -> None:
    print_table(
        ("table", "rows", "copied before", "SHA-256 on both sides"),
        [(one.table, str(one.rows), str(one.resumed), one.digest) for one in done.tables],
    )
    click.echo(
        f"files: {done.copied} copied and verified, "
        f"{len(done.manifest.blobs) - done.copied} existed with equal content"
    )
    if done.others:
        click.echo(
            f"{done.others} files at the destination are not in the backup; no row refers to them, and workers delete "
            "such files after a day"
        )
    _describe("Restore complete", done.manifest)


def _print_next_steps(chosen: Settings) -> None:
    click.echo("\nBefore the servers start:")
    if not chosen.secret:
        key_file = shlex.quote(str(chosen.data / "secret.key"))
        click.echo(f"  cp .../secret.key {key_file}   # your copy; without it, all users must sign in again")
    if not chosen.cache_url.startswith("memory:"):
        click.echo(
            "  redis-cli flushdb   # cached responses of the previous database; or choose another namespace"
        )
    click.echo("  mechshare reindex   # the search index is not in a backup")
    click.echo("  mechshare doctor")
