"""`mechshare copy`"""

import asyncio
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import click
from rich.progress import TaskID

from mechshare.bootstrap.maintenance import ROWS_COPIED, open_copy
from mechshare.bootstrap.schemes import copied_roles
from mechshare.domain.copies import CopyRefused
from mechshare.domain.errors import DomainException
from mechshare.entrypoints.cli.context import pass_settings, run
from mechshare.entrypoints.cli.explanations import explained
from mechshare.entrypoints.cli.output import json_option, print_json, print_table, progress_bar
from mechshare.entrypoints.masking import masked
from mechshare.services.maintenance.blob_copy import Stage
from mechshare.services.maintenance.copy import Copied
from mechshare.setting_values import PREFIX
from mechshare.settings import COPIED, Settings, side_of_copy
from mechshare.urls import canonical, scheme_of

_LOCKED = "its database is locked until the copy ends."
_STOP_USERS = "stop every server and worker that uses it."
_RUN_AGAIN = "Run the same command again: it continues where this run stopped."


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The settings of both sides, and the roles of the stores to copy; an index (`search`) is rebuilt."""

    source: Settings
    destination: Settings
    roles: frozenset[str]

    def pairs(self) -> list[tuple[str, str, str]]:
        """Returns (role, source URL, destination URL) of each store to copy."""
        return [
            (role, getattr(self.source, f"{role}_url"), getattr(self.destination, f"{role}_url"))
            for role in ("database", "blobs")
            if role in self.roles
        ]


@click.command("copy")
@click.option(
    "--to",
    "destinations",
    multiple=True,
    metavar="URL",
    help="The store to copy to; repeat it for database and files. Or set MECHSHARE_COPY_TO_DATABASE_URL and the like.",
)
@click.option(
    "--from",
    "sources",
    multiple=True,
    metavar="URL",
    help="The store to copy from; by default the configured one. Or set MECHSHARE_COPY_FROM_DATABASE_URL and the like.",
)
@json_option
@pass_settings
def copy(chosen: Settings, destinations: tuple[str, ...], sources: tuple[str, ...], as_json: bool) -> None:
    """Copy all rows and files to other stores, from a laptop to servers or back.

    The scheme of a URL says what it is for: sqlite: and postgresql: are databases, file:, azure:, s3:, gs: and the
    schemes of adapters from other packages are for files, opensearch: is a search index, which is rebuilt. Other
    users of the machine can read arguments, so put a URL with a password into the environment,
    MECHSHARE_COPY_TO_DATABASE_URL, ..._BLOBS_URL or ..._SEARCH_URL, or into a file that ..._URL_FILE names. Stop
    every server and worker on both sides first. At the end, both sides are compared by SHA-256. After an
    interruption, run it again: it continues.
    """
    plan = _plan(chosen, sources, destinations)
    if not as_json:
        _announce(plan)
    try:
        copied = asyncio.run(_copy(plan))
    except CopyRefused as refusal:
        raise click.ClickException(str(refusal)) from refusal
    except DomainException as problem:
        raise click.ClickException(f"{masked(explained(problem))} {_RUN_AGAIN}") from problem
    indexed = _reindex(plan) if "search" in plan.roles else None
    if as_json:
        print_json({"tables": copied.tables, "blobs": copied.blobs, "indexed": indexed})
        return
    _report(copied)
    if indexed is not None:
        click.echo(f"search: the index holds {indexed} mechanisms")
    _print_next_steps(chosen, plan)


def _announce(plan: Plan) -> None:
    for role, source, destination in plan.pairs():
        click.echo(f"{role:9} {masked(source)} -> {masked(destination)}")
    click.echo(
        f"The source must not change during the copy: {_LOCKED if 'database' in plan.roles else _STOP_USERS}"
    )


def _plan(chosen: Settings, sources: Sequence[str], destinations: Sequence[str]) -> Plan:
    old, new = _by_role(chosen, "from", sources), _by_role(chosen, "to", destinations)
    if not new:
        raise click.UsageError(
            "Name the store to copy to: --to URL, or MECHSHARE_COPY_TO_DATABASE_URL and the like."
        )
    if "search" in old:
        raise click.UsageError("--from: a search index is not copied; it is rebuilt from the database.")
    if unused := sorted(set(old) - set(new)):
        raise click.UsageError(f"--from names {unused[0]} but there is no --to for it.")
    plan = Plan(source=_side(chosen, "from", old), destination=_side(chosen, "to", new), roles=frozenset(new))
    for role, source, destination in plan.pairs():
        _require_role("--from", source, role)
        _require_role("--to", destination, role)
        if source.rstrip("/") == destination.rstrip("/"):
            raise click.UsageError(f"--from and --to are the same: {masked(source)}")
    return plan


def _side(chosen: Settings, side: str, urls: Mapping[str, str]) -> Settings:
    """Returns the settings of one side; a URL among the arguments takes precedence over the environment."""
    named = {f"{role}_url": url for role, url in urls.items()}
    return replace(side_of_copy(chosen, side), **named)  # type: ignore[arg-type]


def _by_role(chosen: Settings, side: str, arguments: Sequence[str]) -> dict[str, str]:
    """Returns the URLs of one side by role. Raises click.UsageError."""
    given = side_of_copy(chosen, side)
    found = {
        role: getattr(given, f"{role}_url") for role in COPIED if f"{role}_url" in chosen.copies.get(side, {})
    }
    named: dict[str, str] = {}
    for url in map(canonical, arguments):
        role = _role_of(f"--{side}", url)
        if role in named:
            raise click.UsageError(f"--{side} names two stores for {role}.")
        named[role] = url
    return found | named


def _role_of(option: str, url: str) -> str:
    """Returns the only role that the URL's scheme has. Raises click.UsageError."""
    roles = copied_roles(scheme_of(url))
    if len(roles) == 1:
        return roles[0]
    if roles:
        names = " or ".join(f"MECHSHARE_COPY_{option[2:]}_{role}_URL".upper() for role in roles)
        raise click.UsageError(
            f"{option}: '{masked(url)}' may be for {' or '.join(roles)}: set {names} instead."
        )
    raise click.UsageError(
        f"{option}: '{masked(url)}' is not a database (sqlite:, postgresql:), files (file:, azure:, s3:, gs:), a "
        "search index (opensearch:) or the URL of an adapter from another package that is installed."
    )


def _require_role(option: str, url: str, role: str) -> None:
    if role == "database" and scheme_of(url) not in ROWS_COPIED:
        raise click.UsageError(
            f"{option}: rows can only be copied between sqlite: and postgresql:, not '{masked(url)}'."
        )
    if role == "blobs" and scheme_of(url) == "memory":
        raise click.UsageError(
            f"{option}: memory: exists in one process only, so nothing can be copied from or to it."
        )


async def _copy(plan: Plan) -> Copied:
    tasks: dict[Stage, TaskID] = {}
    with progress_bar() as bar:

        def progress(stage: Stage, more: int, total: int) -> None:
            if stage not in tasks:
                tasks[stage] = bar.add_task(stage.value, total=total)
            bar.advance(tasks[stage], more)

        async with open_copy(plan.source, plan.destination, plan.roles) as copying:
            return await copying.copy(progress)


def _report(copied: Copied) -> None:
    if copied.tables is not None:
        print_table(
            ("table", "rows", "copied before", "SHA-256 on both sides"),
            [(one.table, str(one.rows), str(one.resumed), one.digest) for one in copied.tables],
        )
    if copied.blobs is not None:
        blobs = copied.blobs
        click.echo(
            f"blobs: {blobs.copied} copied and verified, {blobs.existing} existed with equal content, "
            f"{blobs.size} bytes in all"
        )
        if not blobs.copied + blobs.existing:
            click.echo("the source has no blobs: check its URL.")
        if blobs.others:
            click.echo(f"{blobs.others} other blobs are at the destination; they were not changed")


def _reindex(plan: Plan) -> int:
    return run(plan.destination, lambda application: application.search.reindex())


def _print_next_steps(chosen: Settings, plan: Plan) -> None:
    click.echo("\nOn every machine that will use the destination (insert its passwords):")
    for role, _, destination in plan.pairs():
        click.echo(f"  export {PREFIX}{role.upper()}_URL={masked(destination)}")
    if "search" in plan.roles:
        click.echo(f"  export {PREFIX}SEARCH_URL={masked(plan.destination.search_url)}")
    if "database" in plan.roles:
        secret = _secret(chosen, plan.source.database_url)
        click.echo(
            f"  export {PREFIX}SECRET={secret}   # the source's; without it, all users must sign in again"
        )
    if "database" in plan.roles and "search" not in plan.roles:
        click.echo("  mechshare reindex   # the search index is not copied")
    click.echo("  mechshare doctor")


def _secret(chosen: Settings, database: str) -> str:
    """Returns where to find the secret that belongs to `database`, as far as this machine knows."""
    key_file = chosen.data / "secret.key"
    if chosen.secret or database != chosen.database_url or not key_file.exists():
        return "..."
    return f'"$(cat {shlex.quote(str(key_file))})"'
