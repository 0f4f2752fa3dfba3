"""`mechshare copy`"""

import asyncio
import shlex
from collections.abc import Sequence
from dataclasses import dataclass, replace

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from rich.table import Table

from mechshare.bootstrap.maintenance import open_copy
from mechshare.domain.copies import CopyRefused
from mechshare.domain.errors import DomainException
from mechshare.entrypoints.cli.context import run
from mechshare.entrypoints.cli.masking import masked
from mechshare.services.maintenance.blob_copy import Stage
from mechshare.services.maintenance.copy import Copied
from mechshare.settings import PREFIX, Settings

_KINDS = {
    "database": ("sqlite", "postgresql"),
    "blobs": ("file", "azure", "s3", "gs"),
    "search": ("opensearch", "opensearch+https"),
}
_KNOWN = "a database (sqlite:, postgresql:), files (file:, azure:, s3:, gs:) or a search index (opensearch:)"
_LOCKED = "its database is locked until the end."
_STOP_USERS = "let no server or worker use it."
_RUN_AGAIN = "Run the same command again: it goes on where this one stopped."
_console = Console(highlight=False, soft_wrap=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The (source, destination) URLs of each store to copy; `search` is an index to build from the destination."""

    database: tuple[str, str] | None
    blobs: tuple[str, str] | None
    search: str


@click.command("copy")
@click.option(
    "--to",
    "destinations",
    multiple=True,
    required=True,
    metavar="URL",
    help="The store to copy to; repeat the option for database and files.",
)
@click.option(
    "--from",
    "sources",
    multiple=True,
    metavar="URL",
    help="The store to copy from; what is configured if omitted.",
)
@click.pass_obj
def copy(chosen: Settings, destinations: tuple[str, ...], sources: tuple[str, ...]) -> None:
    """Copy all rows and files to other stores, from a laptop to servers or back.

    The scheme of a URL says what it is for: sqlite: and postgresql: are databases, file:, azure:, s3: and gs: are for
    files, opensearch: is a search index, which is rebuilt. Stop every server and worker on both sides first. At the
    end, both sides are compared by SHA-256. After an interruption, run it again: it continues.
    """
    plan = _plan(chosen, sources, destinations)
    for name, pair in (("database", plan.database), ("blobs", plan.blobs)):
        if pair:
            _console.print(f"{name:9} {masked(pair[0])} -> {masked(pair[1])}")
    _console.print(f"The source must not change meanwhile: {_LOCKED if plan.database else _STOP_USERS}")
    try:
        copied = asyncio.run(_copy(chosen, plan))
    except CopyRefused as refusal:
        raise click.ClickException(str(refusal)) from refusal
    except DomainException as problem:
        raise click.ClickException(f"{problem.message} {_RUN_AGAIN}") from problem
    _report(copied)
    if plan.search:
        _reindex(chosen, plan)
    _print_next_steps(chosen, plan)


def _plan(chosen: Settings, sources: Sequence[str], destinations: Sequence[str]) -> Plan:
    old, new = _by_kind("--from", sources), _by_kind("--to", destinations)
    if "search" in old:
        raise click.UsageError("--from: a search index is not copied, but built anew from the database.")
    if unused := sorted(set(old) - set(new)):
        raise click.UsageError(f"--from names {unused[0]} that no --to is given for.")
    pairs = {
        kind: (old.get(kind, getattr(chosen, f"{kind}_url")), new[kind])
        for kind in ("database", "blobs")
        if kind in new
    }
    for source, destination in pairs.values():
        _kind_of("--from", source)
        if source.rstrip("/") == destination.rstrip("/"):
            raise click.UsageError(f"--from and --to are the same: {masked(source)}")
    return Plan(database=pairs.get("database"), blobs=pairs.get("blobs"), search=new.get("search", ""))


def _by_kind(option: str, urls: Sequence[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for url in urls:
        kind = _kind_of(option, url)
        if kind in found:
            raise click.UsageError(f"{option} names two places for {kind}.")
        found[kind] = url
    return found


def _kind_of(option: str, url: str) -> str:
    scheme = url.partition(":")[0]
    for kind, schemes in _KINDS.items():
        if scheme in schemes:
            return kind
    raise click.UsageError(f"{option}: '{masked(url)}' is not {_KNOWN}.")


async def _copy(chosen: Settings, plan: Plan) -> Copied:
    columns = (TextColumn("{task.description:15}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    tasks: dict[Stage, TaskID] = {}
    with Progress(*columns, console=_console) as bar:

        def progress(stage: Stage, more: int, total: int) -> None:
            if stage not in tasks:
                tasks[stage] = bar.add_task(stage.value, total=total)
            bar.advance(tasks[stage], more)

        async with open_copy(chosen, plan.database, plan.blobs) as copying:
            return await copying.copy(progress)


def _report(copied: Copied) -> None:
    if copied.tables is not None:
        table = Table("table", "rows", "there before", "SHA-256 on both sides")
        for one in copied.tables:
            table.add_row(one.table, str(one.rows), str(one.resumed), one.digest[:16])
        _console.print(table)
    if copied.blobs is not None:
        blobs = copied.blobs
        _console.print(
            f"blobs: {blobs.copied} copied and read back, {blobs.existing} were there and equal, "
            f"{blobs.size} bytes in all"
        )
        if not blobs.copied + blobs.existing:
            _console.print("the source holds no blob at all: is its URL right?")
        if blobs.others:
            _console.print(
                f"{blobs.others} blobs of the destination are none of the source's; they were left alone"
            )


def _reindex(chosen: Settings, plan: Plan) -> None:
    database = plan.database[1] if plan.database else chosen.database_url
    at_destination = replace(chosen, database_url=database, search_url=plan.search)
    count = run(at_destination, lambda application: application.search.reindex())
    _console.print(f"search: the index holds {count} mechanisms")


def _print_next_steps(chosen: Settings, plan: Plan) -> None:
    _console.print("\nOn every machine that is to use the destination, with its passwords:")
    for name, pair in (("DATABASE", plan.database), ("BLOBS", plan.blobs)):
        if pair:
            _console.print(f"  export {PREFIX}{name}_URL={masked(pair[1])}")
    if plan.search:
        _console.print(f"  export {PREFIX}SEARCH_URL={masked(plan.search)}")
    if plan.database:
        secret = _secret(chosen, plan.database[0])
        _console.print(
            f"  export {PREFIX}SECRET={secret}   # the source's, or everybody has to sign in again"
        )
    if plan.database and not plan.search:
        _console.print("  mechshare reindex   # the search index is not copied")
    _console.print("  mechshare doctor")


def _secret(chosen: Settings, database: str) -> str:
    """Returns where to find the secret that belongs to `database`, as far as this machine knows."""
    key_file = chosen.data / "secret.key"
    if chosen.secret or database != chosen.database_url or not key_file.exists():
        return "..."
    return f'"$(cat {shlex.quote(str(key_file))})"'
