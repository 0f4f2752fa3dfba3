"""`mechshare analyse` and `similar`"""

from collections.abc import AsyncIterator, Sequence

import click

from mechshare.application import Application
from mechshare.domain.ids import MechanismId
from mechshare.entrypoints.cli.context import pass_settings, run
from mechshare.entrypoints.cli.output import json_option, print_json, print_table
from mechshare.services.motions import MAX_SIMILAR, SimilarMechanism
from mechshare.settings import Settings

_BATCH_SIZE = 200


@click.command()
@click.argument("ids", nargs=-1, metavar="[ID]...")
@click.option("--missing", is_flag=True, help="All clips that the present analysis has not seen.")
@click.option("--all", "everything", is_flag=True, help="All clips.")
@json_option
@pass_settings
def analyse(chosen: Settings, ids: tuple[str, ...], missing: bool, everything: bool, as_json: bool) -> None:
    """Have workers analyse how clips move: the clips ID..., those that --missing names, or --all.

    Each clip is a job. What is interrupted goes on with the same command: a clip that waits for its analysis is not
    added again, and --missing passes over those that are done.
    """
    if sum((bool(ids), missing, everything)) != 1:
        raise click.UsageError("name clips, or give --missing or --all.")

    async def command(application: Application) -> int:
        added = 0
        async for batch in _batches(application, [MechanismId(id) for id in ids], everything=everything):
            await application.analyses.request(batch)
            added += len(batch)
        return added

    count = run(chosen, command)
    if as_json:
        print_json({"requested": count})
    else:
        click.echo(f"{count} clips wait for their analysis; 'mechshare doctor' says how many are left")


async def _batches(
    application: Application, ids: Sequence[MechanismId], *, everything: bool
) -> AsyncIterator[Sequence[MechanismId]]:
    if ids:
        yield ids
        return
    after: MechanismId | None = None
    while batch := await application.analyses.find_unanalysed(after, limit=_BATCH_SIZE, all=everything):
        yield batch
        after = batch[-1]


@click.command()
@click.argument("id")
@click.option(
    "--limit", type=click.IntRange(1, MAX_SIMILAR), default=12, show_default=True, help="Mechanisms to list."
)
@json_option
@pass_settings
def similar(chosen: Settings, id: str, limit: int, as_json: bool) -> None:
    """List the published mechanisms that move as the published mechanism ID does, most alike first."""

    async def command(application: Application) -> tuple[SimilarMechanism, ...]:
        return await application.motions.find_similar(None, MechanismId(id), limit)

    found = run(chosen, command)
    rows = [(one.item.mechanism, one.likeness, one.is_duplicate) for one in found]
    if as_json:
        print_json(
            [
                {"id": mechanism.id, "title": mechanism.title, "likeness": likeness, "duplicate": duplicate}
                for mechanism, likeness, duplicate in rows
            ]
        )
        return
    print_table(
        ("mechanism", "likeness", "duplicate", "title"),
        [
            (mechanism.id, f"{likeness:.3f}", "yes" if duplicate else "", mechanism.title)
            for mechanism, likeness, duplicate in rows
        ],
    )
