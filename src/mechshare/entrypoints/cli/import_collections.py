"""The collections of a manifest, once its files are shared."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from mechshare.application import Application
from mechshare.domain.collections import Collection
from mechshare.domain.errors import DomainException
from mechshare.domain.ids import MechanismId
from mechshare.domain.users import Actor
from mechshare.entrypoints.cli.importer import Report, why
from mechshare.entrypoints.cli.manifests import ManifestCollection
from mechshare.services.support.paging import items_of


@dataclass(frozen=True, slots=True)
class NamedCollection:
    """A collection that the manifest names, whose folder the files are relative to."""

    manifest: Path
    named: ManifestCollection


async def import_collections(
    application: Application,
    actor: Actor,
    collections: Sequence[NamedCollection],
    found: Mapping[Path, MechanismId],
    report: Report,
) -> None:
    """Fills the collections of the actor that have these titles, and creates those that are missing. Adds nothing
    twice, and leaves out files that were refused."""
    for one in collections:
        folder = one.manifest.parent
        ids = {file: found[folder / file] for file in one.named.files if folder / file in found}
        try:
            await _fill(application, actor, one.named, ids)
        except DomainException as refusal:
            report.refused.append((one.manifest, f"collection {one.named.title!r}: {why(refusal)}"))
        else:
            report.collections.append(one.named.title)


async def _fill(
    application: Application, actor: Actor, named: ManifestCollection, ids: Mapping[str, MechanismId]
) -> None:
    """`ids` are the mechanisms of its files, in its order."""
    collection = await _find(application, actor, named.title)
    if collection is None:
        collection = (await application.collections.create(actor, named.title, named.visibility)).collection
    for id in ids.values():
        await application.collections.put(actor, collection.id, id)
    if named.cover in ids and collection.cover_id is None:
        await application.collections.change(actor, collection.id, cover_id=ids[named.cover])


async def _find(application: Application, actor: Actor, title: str) -> Collection | None:
    """Returns the actor's collection with this title; the newest of several."""
    async for one in items_of(partial(application.collections.find_of_user, actor, actor.id)):
        if one.collection.title == title:
            return one.collection
    return None
