"""`mechshare export`"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from hashlib import file_digest
from pathlib import Path

import click

from mechshare.application import Application
from mechshare.domain.errors import DomainException
from mechshare.domain.ids import MechanismId
from mechshare.domain.mechanism_filters import MechanismFilter
from mechshare.domain.mechanism_sorts import MechanismSort
from mechshare.domain.mechanisms import Mechanism
from mechshare.domain.thumbnails import own_thumbnail_of
from mechshare.domain.users import Actor
from mechshare.entrypoints.cli.context import pass_settings, run
from mechshare.entrypoints.cli.explanations import explained
from mechshare.entrypoints.cli.manifests import (
    MANIFEST_NAMES,
    Manifest,
    ManifestAttachment,
    ManifestCollection,
    ManifestEntry,
    write_manifest,
)
from mechshare.entrypoints.cli.output import progress_bar
from mechshare.services.media import StoredMedia
from mechshare.services.support.manifest_fields import manifest_fields
from mechshare.services.support.paging import items_of
from mechshare.settings import Settings

_MAX_NAME_BYTES = 200
_TEMPORARY = ".part"


@dataclass(slots=True)
class _Report:
    """`skipped` are mechanisms without a file here, and those whose files can't be read, with the reason."""

    entries: dict[MechanismId, ManifestEntry] = field(default_factory=dict)
    collections: list[ManifestCollection] = field(default_factory=list)
    skipped: list[tuple[MechanismId, str]] = field(default_factory=list)


@click.command("export")
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@click.option("--as", "username", required=True, help="The user whose mechanisms are exported.")
@pass_settings
def export(chosen: Settings, folder: Path, username: str) -> None:
    """Write the mechanisms of a user to FOLDER: originals, attachments, and the manifest that `mechshare import` reads,
    with the user's collections. After an interruption, run it again: it writes only what is missing."""

    async def command(application: Application) -> _Report:
        user = await application.users.find_by_login(username)
        return await _export(application, Actor(id=user.id, role=user.role), folder)

    report = run(chosen, command)
    click.echo(
        f"{len(report.entries)} exported, {len(report.skipped)} skipped; collections: {len(report.collections)}"
    )
    for id, reason in report.skipped:
        click.echo(f"  {id}: {reason}")
    if report.skipped:
        raise SystemExit(1)


async def _export(application: Application, actor: Actor, folder: Path) -> _Report:
    report = _Report()
    await asyncio.to_thread(folder.mkdir, parents=True, exist_ok=True)
    with progress_bar() as bar:
        task = bar.add_task("exporting", total=None)
        async for mechanism in _mechanisms_of(application, actor):
            try:
                report.entries[mechanism.id] = await _written(application, actor, mechanism, folder)
            except DomainException as problem:
                report.skipped.append((mechanism.id, explained(problem)))
            bar.advance(task)
    report.collections = await _collections(application, actor, report.entries)
    manifest = Manifest(list(report.entries.values()), report.collections)
    await asyncio.to_thread(write_manifest, folder / MANIFEST_NAMES[0], manifest)
    return report


async def _mechanisms_of(application: Application, actor: Actor) -> AsyncIterator[Mechanism]:
    """Yields all mechanisms of the actor, oldest first."""
    find_page = partial(
        application.mechanisms.find_all,
        actor,
        filter=MechanismFilter(user_id=actor.id),
        sort=MechanismSort.OLDEST,
    )
    async for item in items_of(find_page):
        yield item.mechanism


async def _collections(
    application: Application, actor: Actor, entries: Mapping[MechanismId, ManifestEntry]
) -> list[ManifestCollection]:
    """Returns the collections of the actor, oldest first, with those of their mechanisms that are exported."""
    found = []
    async for one in items_of(partial(application.collections.find_of_user, actor, actor.id)):
        collection = one.collection
        find_page = partial(application.collections.find_mechanisms, actor, collection.id)
        ids = [item.mechanism.id async for item in items_of(find_page)]
        files = [entries[id].file for id in ids if id in entries]
        chosen = entries.get(collection.cover_id) if collection.cover_id else None
        cover = chosen.file if chosen else ""
        found.append(ManifestCollection(collection.title, files, collection.visibility, cover))
    return found[::-1]


async def _written(
    application: Application, actor: Actor, mechanism: Mechanism, folder: Path
) -> ManifestEntry:
    """Writes the files of the mechanism, and returns its entry. Raises MechanismNotFound if it has no file here."""
    original = await application.media.find_original(actor, mechanism.id)
    file = Path(mechanism.id) / _safe_name(original)
    await _write(application, original, folder / file)
    return ManifestEntry(
        file=str(file),
        attachments=await _written_attachments(application, actor, mechanism.id, folder),
        thumbnail=await _written_thumbnail(application, actor, mechanism, folder),
        **manifest_fields(mechanism),
    )


async def _written_thumbnail(
    application: Application, actor: Actor, mechanism: Mechanism, folder: Path
) -> str:
    """Writes the picture that the author has sent for the thumbnail, and returns its path; "" if there is none."""
    if own_thumbnail_of(mechanism) is None:
        return ""
    stored = await application.media.find_own_thumbnail(actor, mechanism.id)
    file = Path(mechanism.id) / "thumbnail" / _safe_name(stored)
    await _write(application, stored, folder / file)
    return str(file)


async def _written_attachments(
    application: Application, actor: Actor, id: MechanismId, folder: Path
) -> list[ManifestAttachment | str]:
    written: list[ManifestAttachment | str] = []
    for one in await application.attachments.find_all(actor, id):
        stored = await application.media.find_attachment(actor, id, one.id)
        file = Path(id) / "attachments" / one.id / _safe_name(stored)
        await _write(application, stored, folder / file)
        written.append(ManifestAttachment(str(file), one.caption))
    return written


async def _write(application: Application, stored: StoredMedia, path: Path) -> None:
    """Writes the file, unless it is there already. A file that is cut off never has its final name."""
    if await asyncio.to_thread(_is_there, path, stored):
        return
    await asyncio.to_thread(path.parent.mkdir, parents=True, exist_ok=True)
    part = path.with_name(path.name + _TEMPORARY)
    with part.open("wb") as file:
        async for chunk in application.media.read(stored, 0, stored.size):
            await asyncio.to_thread(file.write, chunk)
    await asyncio.to_thread(part.replace, path)


def _is_there(path: Path, stored: StoredMedia) -> bool:
    if not path.is_file() or path.stat().st_size != stored.size:
        return False
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest() == stored.sha256


def _safe_name(stored: StoredMedia) -> str:
    """Returns a name under which the file may lie in a folder of its own: not hidden, and not too long."""
    name = Path(stored.download_name or "").name.lstrip(".") or "file"
    stem, suffix = Path(name).stem, Path(name).suffix
    if len(name.encode()) > _MAX_NAME_BYTES:
        stem = stem.encode()[: _MAX_NAME_BYTES // 2].decode(errors="ignore")
    return stem + suffix[:20]
