"""`mechshare analyse`, `similar`, `search` and `motion`"""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import click

from mechshare.application import Application
from mechshare.bootstrap.application import file_motions
from mechshare.domain.ids import MechanismId
from mechshare.domain.motion import Motion, MotionAnalysis
from mechshare.entrypoints.cli.context import pass_settings, run
from mechshare.entrypoints.cli.output import json_option, print_json, print_table, progress_bar
from mechshare.entrypoints.cli.similarity_chart import similarity_chart
from mechshare.services.motions import MAX_SIMILAR
from mechshare.services.support.similar_motions import SimilarMechanism
from mechshare.settings import Settings

_BATCH_SIZE = 200
_POLL_INTERVAL = 1.0
"""Seconds between two checks of the progress."""


@click.command()
@click.argument("ids", nargs=-1, metavar="[ID]...")
@click.option(
    "--missing", is_flag=True, help="All clips that the current version of the analysis has not analysed."
)
@click.option("--all", "everything", is_flag=True, help="All clips.")
@click.option(
    "--wait", is_flag=True, help="Show the progress until no clip waits; stopping it stops no analysis."
)
@json_option
@pass_settings
def analyse(
    chosen: Settings, ids: tuple[str, ...], missing: bool, everything: bool, wait: bool, as_json: bool
) -> None:
    """Have workers analyse how clips move: the clips ID..., those that --missing names, or --all.

    Each clip is a job. After an interruption, run it again: a clip that waits for its analysis is not added again, and
    --missing skips those that are done.
    """
    if sum((bool(ids), missing, everything)) != 1:
        raise click.UsageError("name clips, or give --missing or --all.")

    async def command(application: Application) -> int:
        added = 0
        async for batch in _batches(application, [MechanismId(id) for id in ids], everything=everything):
            await application.analyses.request(batch)
            added += len(batch)
        if wait:
            await _wait(application)
        return added

    count = run(chosen, command)
    if as_json:
        print_json({"requested": count})
    elif wait:
        click.echo(f"{count} clips were to be analysed, and none waits")
    else:
        click.echo(f"{count} clips wait for their analysis; 'mechshare doctor' says how many are left")


async def _wait(application: Application) -> None:
    """Shows the progress of the workers until no clip waits for its analysis."""
    total = await application.analyses.count_waiting()
    with progress_bar() as bar:
        task = bar.add_task("analysing", total=total)
        while waiting := await application.analyses.count_waiting():
            total = max(total, waiting)
            bar.update(task, total=total, completed=total - waiting)
            await asyncio.sleep(_POLL_INTERVAL)


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
    """List the published mechanisms that move like the published mechanism ID, the most similar first."""

    async def command(application: Application) -> tuple[SimilarMechanism, ...]:
        return await application.motions.find_similar(None, MechanismId(id), limit)

    _print_similar(run(chosen, command), as_json=as_json)


@click.command()
@click.option(
    "--by-motion",
    "file",
    required=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The clip whose motion to look for; it is not stored.",
)
@click.option(
    "--limit", type=click.IntRange(1, MAX_SIMILAR), default=12, show_default=True, help="Mechanisms to list."
)
@json_option
@pass_settings
def search(chosen: Settings, file: Path, limit: int, as_json: bool) -> None:
    """List the published mechanisms that move like a clip on this machine, the most similar first."""
    found = asyncio.run(_read(file))

    async def command(application: Application) -> tuple[SimilarMechanism, ...]:
        if found.vector is None:
            return ()
        return await application.motion_searches.find_near(None, found.vector, limit)

    _print_similar(run(chosen, command), as_json=as_json)


def _print_similar(found: Sequence[SimilarMechanism], *, as_json: bool) -> None:
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


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--chart",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write a PNG that plots the similarity of two pictures over the time between them.",
)
@json_option
@pass_settings
def motion(_chosen: Settings, file: Path, chart: Path | None, as_json: bool) -> None:
    """Print how the clip FILE moves: its period, whether it loops, and the part that a player repeats.

    Needs no server and no installation, and stores nothing.
    """
    found = asyncio.run(_read(file))
    if chart is not None:
        similarity_chart(found).save(chart, "PNG")
    if as_json:
        print_json(found.motion)
    else:
        print_table(("what", "value"), _facts(found.motion))


async def _read(file: Path) -> MotionAnalysis:
    with tempfile.TemporaryDirectory(prefix="mechshare-motion-") as folder:
        return await file_motions().read(file, Path(folder))


def _facts(motion: Motion) -> list[tuple[str, str]]:
    facts = [("motion", motion.kind.value), ("confidence", f"{motion.confidence:.2f}")]
    if motion.period is not None:
        facts.append(("period", f"{motion.period:.3f} s"))
    if motion.cycles is not None:
        facts.append(("periods in the clip", f"{motion.cycles:.2f}"))
    facts.append(("loops", "yes" if motion.loops else "no"))
    if motion.cut is not None:
        facts.append(("part to repeat", f"{motion.cut.start:.3f} s to {motion.cut.end:.3f} s"))
    if motion.seam is not None:
        facts.append(("step at the seam", f"{motion.seam:.2f} usual steps"))
    if motion.there_and_back is not None:
        facts.append(("returns the way it came", "yes" if motion.there_and_back else "no"))
    return facts
