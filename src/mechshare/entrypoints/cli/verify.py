"""`mechshare verify`"""

import asyncio

import click

from mechshare.domain.blobs import DERIVATIVES, Damage
from mechshare.entrypoints.cli.context import open_application, pass_settings
from mechshare.entrypoints.cli.output import json_option, print_json, print_table, progress_bar
from mechshare.services.maintenance.file_scrubbing import Verified
from mechshare.settings import Settings

_MEANINGS = {
    Damage.MISSING: "the store has no such file",
    Damage.ALTERED: "its content differs from the recorded SHA-256",
    Damage.UNREADABLE: "the store responds, but can't read this file",
}


@click.command("verify")
@json_option
@pass_settings
def verify(chosen: Settings, as_json: bool) -> None:
    """Read every stored file now, and list those that are missing or altered.

    Servers and workers may run meanwhile. Each result is stored: damaged files are not served until a verification
    finds them whole. The exit status is 1 if a file is damaged.
    """
    result = asyncio.run(_verified(chosen))
    if as_json:
        print_json(result)
    else:
        _report(result)
    if result.damaged:
        raise SystemExit(1)


async def _verified(chosen: Settings) -> Verified:
    with progress_bar() as bar:
        task = bar.add_task("verifying", total=None)
        async with open_application(chosen) as application:
            return await application.verification.verify_all(lambda more: bar.advance(task, more))


def _report(result: Verified) -> None:
    click.echo(f"{result.files} files read, {result.size} bytes; {len(result.damaged)} damaged")
    if not result.damaged:
        return
    rows = [(one.damage.value, one.key, one.role, one.mechanism_id) for one in result.damaged]
    print_table(("damage", "file", "role", "mechanism"), rows)
    for damage in sorted({one.damage for one in result.damaged}):
        click.echo(f"{damage.value}: {_MEANINGS[damage]}")
    click.echo(
        "-> copy these files from a backup to the same paths of the store, then run 'mechshare verify' again"
    )
    if any(one.role in DERIVATIVES for one in result.damaged):
        click.echo("-> without a backup: the owner can send the file again; its original may be intact")
