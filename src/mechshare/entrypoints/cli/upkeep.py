"""`mechshare migrate`, `reindex` and `doctor`"""

import asyncio
import os
import platform
import shutil
import tempfile
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import click
from PIL import Image

from mechshare.application import Application
from mechshare.domain.media import MediaFormat
from mechshare.entrypoints.cli.opening import open_application, run
from mechshare.ports.media import MediaRejected
from mechshare.settings import PREFIX, Settings

_LITTLE_SPACE = 1024 * 1024 * 1024
_PARTS = ("litestar", "granian", "sqlalchemy", "av")
_REMEDIES = {
    "database": "run 'mechshare migrate'; if that fails, check MECHSHARE_DATABASE_URL and who may write there",
    "blobs": "check MECHSHARE_BLOBS_URL: that the place exists and may be written to",
    "search": "run 'mechshare reindex'; nothing is lost, the index is only a copy",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """What was looked at. `remedy` says what to do and stands where something is wrong."""

    name: str
    told: str
    remedy: str = ""
    is_essential: bool = True


@click.command()
@click.pass_obj
def migrate(chosen: Settings) -> None:
    """Bring the database's schema up to date. Safe to run at any time, from any number of machines."""
    click.echo(run(chosen, lambda application: application.database.check()))


@click.command()
@click.pass_obj
def reindex(chosen: Settings) -> None:
    """Rebuild the search index from the database, while it goes on answering."""
    count = run(chosen, lambda application: application.search.reindex())
    click.echo(f"the index holds {count} mechanisms")


@click.command()
@click.pass_obj
def doctor(chosen: Settings) -> None:
    """Say what is configured, what answers, and what to do about what doesn't."""

    async def examine() -> list[Finding]:
        async with open_application(chosen) as application:
            return [*_configured(chosen), *await _answering(application), *await _able(application)]

    findings = asyncio.run(examine())
    for finding in findings:
        click.echo(click.style("!!", fg="red") if finding.remedy else click.style("ok", fg="green"), nl=False)
        click.echo(f"  {finding.name}: {finding.told}")
        if finding.remedy:
            click.echo(f"      {finding.remedy}")
    if any(finding.remedy and finding.is_essential for finding in findings):
        raise SystemExit(1)


def _configured(chosen: Settings) -> list[Finding]:
    parts = ", ".join(f"{part} {version(part)}" for part in _PARTS)
    free = shutil.disk_usage(chosen.data).free
    told = f"{chosen.data} ({free / 1024**3:.1f} GiB free)"
    remedy = "" if free > _LITTLE_SPACE else "make room: uploads are refused when the disk is full"
    secret = "set" if chosen.secret else f"made here, kept in {chosen.data / 'secret.key'}"
    return [
        Finding("versions", f"mechshare {version('mechshare')}, Python {platform.python_version()}, {parts}"),
        Finding(f"{PREFIX}DATA", told, remedy, is_essential=False),
        Finding(f"{PREFIX}SECRET", secret),
        *(
            Finding(f"{PREFIX}{name.upper()}_URL", getattr(chosen, f"{name}_url"))
            for name in ("database", "blobs", "search", "jobs", "cache", "limits")
        ),
    ]


async def _answering(application: Application) -> list[Finding]:
    return [
        Finding(check.name, check.detail, "" if check.is_up else _REMEDIES[check.name], check.is_essential)
        for check in await application.health.check()
    ]


async def _able(application: Application) -> list[Finding]:
    """Whether clips can be processed, tried on one that is made here."""
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "dot.gif"
        frames = [Image.new("RGB", (64, 48), color) for color in ("white", "black")]
        frames[0].save(source, save_all=True, append_images=frames[1:], duration=100, loop=0)
        try:
            made = await application.processor.process(source, MediaFormat.GIF, Path(folder), _unheard)
        except MediaRejected as problem:
            remedy = "reinstall mechshare's dependencies (av); see the log for what the child process said"
            return [Finding("processing", str(problem), remedy)]
    told = f"{made.facts.frame_count} frames, {made.facts.duration_ms} ms, on {os.cpu_count()} processors"
    return [Finding("processing", told)]


async def _unheard(step: str, fraction: float) -> None:
    """Nobody watches the doctor's own clip."""
