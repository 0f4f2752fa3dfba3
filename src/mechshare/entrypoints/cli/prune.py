"""`mechshare prune`"""

import asyncio

import click

from mechshare.entrypoints.cli.context import open_application, pass_settings
from mechshare.settings import Settings


@click.command("prune")
@click.option(
    "--keep",
    type=click.IntRange(0, 100),
    default=0,
    show_default=True,
    help="How many former main files of each mechanism stay, the latest ones.",
)
@pass_settings
def prune(chosen: Settings, keep: int) -> None:
    """Delete main files that others replaced, to make room.

    The texts of all revisions stay. Servers and workers may run meanwhile; a worker deletes the files.
    """
    count = asyncio.run(_pruned(chosen, keep))
    click.echo(f"{count} former files deleted")


async def _pruned(chosen: Settings, keep: int) -> int:
    async with open_application(chosen) as application:
        return await application.main_files.prune(keep)
