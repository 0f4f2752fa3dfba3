"""Everything that a user has stored or said here, as files."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import Enum
from functools import partial
from pathlib import PurePosixPath
from typing import Any

from mechshare.domain.attachments import Attachment
from mechshare.domain.audit import AuditFilter
from mechshare.domain.errors import UserNotFound
from mechshare.domain.ids import MechanismId, UserId
from mechshare.domain.marks import MarkKind
from mechshare.domain.mechanism_filters import MechanismFilter
from mechshare.domain.mechanism_sorts import MechanismSort
from mechshare.domain.mechanisms import Mechanism
from mechshare.domain.named_values import lines_of
from mechshare.domain.pagination import Page, PageRequest
from mechshare.domain.thumbnails import own_thumbnail_of
from mechshare.domain.visibility import EVERYTHING, Visibility
from mechshare.ports.blobs import BlobStore
from mechshare.ports.persistence.database import Database, UnitOfWork
from mechshare.services.support.manifest_fields import manifest_fields
from mechshare.services.support.paging import items_of
from mechshare.services.support.zip_stream import ZipMember

_MAX_REPORTS = 10_000
_MAX_CHANGES = 10_000
_MAX_NAME_BYTES = 100


class PersonalData:
    def __init__(self, database: Database, blobs: BlobStore) -> None:
        self._database = database
        self._blobs = blobs

    async def files_of(self, user_id: UserId) -> AsyncIterator[ZipMember]:
        """Yields the files: what the user said and did as JSON, and the mechanisms with their originals, attachments
        and the manifest that `mechshare import` reads. No passwords, texts of tokens and secrets of webhooks are in it.

        A file that the store has lost is left out. Raises UserNotFound, Unavailable.
        """
        for name, read in _TABLES.items():
            async with self._database.read() as tx:
                yield _json_file(name, await read(tx, user_id))
        mechanisms: list[dict[str, Any]] = []
        manifest: dict[MechanismId, dict[str, Any]] = {}
        async for mechanism in self._mechanisms_of(user_id):
            async with self._database.read() as tx:
                attachments = await tx.attachments.find_of(mechanism.id)
                mechanisms.append(await _described(tx, mechanism, attachments))
            files = _files(mechanism, attachments)
            stored = [one for one in files if await self._blobs.stat(one.key) is not None]
            for one in stored:
                yield ZipMember(one.path, self._blobs.read(one.key))
            if entry := _manifest_entry(mechanism, stored):
                manifest[mechanism.id] = entry
        yield _json_file("mechanisms", mechanisms)
        async with self._database.read() as tx:
            collected = await _collected(tx, user_id, manifest)
        yield _json_file("manifest", {"mechanisms": list(manifest.values()), "collections": collected})

    async def _mechanisms_of(self, user_id: UserId) -> AsyncIterator[Mechanism]:
        filter = MechanismFilter(user_id=user_id)

        async def find_page(request: PageRequest) -> Page[Any]:
            async with self._database.read() as tx:
                return await tx.mechanisms.find_all(
                    request, filter, sort=MechanismSort.OLDEST, scope=EVERYTHING
                )

        async for item in items_of(find_page):
            yield item.mechanism


class _Kind(Enum):
    ORIGINAL = "original"
    ATTACHMENT = "attachment"
    THUMBNAIL = "thumbnail"
    """The picture that was sent for the thumbnail."""


@dataclass(frozen=True, slots=True)
class _File:
    """A file of a mechanism: its key in the store, and its path in the export."""

    kind: _Kind
    key: str
    path: str


def _files(mechanism: Mechanism, attachments: Iterable[Attachment]) -> list[_File]:
    folder = f"mechanisms/{mechanism.id}"
    files = []
    if mechanism.original is not None:
        path = f"{folder}/{_safe(mechanism.original.name)}"
        files.append(_File(_Kind.ORIGINAL, mechanism.original.key, path))
    for one in attachments:
        files.append(_File(_Kind.ATTACHMENT, one.key, f"{folder}/attachments/{one.id}/{_safe(one.name)}"))
    if picture := own_thumbnail_of(mechanism):
        files.append(_File(_Kind.THUMBNAIL, picture.key, f"{folder}/thumbnail/{_safe(picture.name)}"))
    return files


def _manifest_entry(mechanism: Mechanism, stored: Iterable[_File]) -> dict[str, Any] | None:
    """Returns the entry of a mechanism whose original is `stored`; None for another one."""
    paths: dict[_Kind, list[str]] = {kind: [] for kind in _Kind}
    for one in stored:
        paths[one.kind].append(one.path)
    if not paths[_Kind.ORIGINAL]:
        return None
    return {
        "file": paths[_Kind.ORIGINAL][0],
        "attachments": paths[_Kind.ATTACHMENT],
        "thumbnail": next(iter(paths[_Kind.THUMBNAIL]), ""),
        **manifest_fields(mechanism),
    }


async def _collected(
    tx: UnitOfWork, user_id: UserId, entries: Mapping[MechanismId, dict[str, Any]]
) -> list[dict[str, Any]]:
    """Returns the collections for the manifest, oldest first, with those of their mechanisms that are in it."""
    found = []
    async for one in items_of(partial(tx.collections.find_of_user, user_id, tuple(Visibility))):
        ids = await tx.collection_entries.find_ids(one.id)
        files = [entries[id]["file"] for id in ids if id in entries]
        chosen = entries.get(one.cover_id) if one.cover_id else None
        cover = chosen["file"] if chosen else ""
        found.append({"title": one.title, "visibility": one.visibility, "files": files, "cover": cover})
    return found[::-1]


async def _described(
    tx: UnitOfWork, mechanism: Mechanism, attachments: Iterable[Attachment]
) -> dict[str, Any]:
    changes = await tx.reliability_history.find_of(mechanism.id, limit=_MAX_CHANGES)
    return {
        "id": mechanism.id,
        "title": mechanism.title,
        "description": mechanism.description,
        "kind": mechanism.kind,
        "file_name": mechanism.original.name if mechanism.original else None,
        "created_at": mechanism.created_at,
        "updated_at": mechanism.updated_at,
        "is_published": mechanism.is_published,
        "published_at": mechanism.published_at,
        "visibility": mechanism.visibility,
        "withdrawn_reason": mechanism.withdrawn_reason,
        "categories": mechanism.categories,
        "reliability": asdict(mechanism.reliability) if mechanism.reliability else None,
        "parameters": lines_of(mechanism.parameters),
        "license": mechanism.license,
        "original_offered": mechanism.original_offered,
        "stated_period_s": mechanism.stated_period,
        "attachments": [{"id": one.id, "name": one.name, "caption": one.caption} for one in attachments],
        "revisions": [asdict(one) for one in await tx.revisions.find_former(mechanism.id)],
        "reliability_history": [asdict(one.change) for one in changes],
        "shares": [asdict(one) for one in await tx.shares.find_all([mechanism.id])],
    }


async def _account(tx: UnitOfWork, user_id: UserId) -> object:
    user = await tx.users.find_by_id(user_id)
    if user is None:
        raise UserNotFound()
    return asdict(user)


async def _claims(tx: UnitOfWork, user_id: UserId) -> object:
    return [asdict(one) for one in await tx.writings.find_claims(user_id)]


async def _comments(tx: UnitOfWork, user_id: UserId) -> object:
    return [asdict(one) for one in await tx.writings.find_comments(user_id)]


async def _marks(tx: UnitOfWork, user_id: UserId) -> object:
    return [
        asdict(one)
        for kind in MarkKind
        async for one in items_of(partial(tx.marks.find_of_user, user_id, kind))
    ]


async def _collections(tx: UnitOfWork, user_id: UserId) -> object:
    find_page = partial(tx.collections.find_of_user, user_id, tuple(Visibility))
    return [
        {**asdict(one), "mechanism_ids": await tx.collection_entries.find_ids(one.id)}
        async for one in items_of(find_page)
    ]


async def _follows(tx: UnitOfWork, user_id: UserId) -> object:
    return asdict(await tx.follows.find_interests(user_id))


async def _notifications(tx: UnitOfWork, user_id: UserId) -> object:
    find_page = partial(tx.notifications.find_of_user, user_id)
    return [asdict(one.notification) async for one in items_of(find_page)]


async def _muted(tx: UnitOfWork, user_id: UserId) -> object:
    return sorted(await tx.notification_mutes.find_of_user(user_id))


async def _webhooks(tx: UnitOfWork, user_id: UserId) -> object:
    webhooks = await tx.webhooks.find_of_user(user_id)
    return [{name: value for name, value in asdict(one).items() if name != "secret"} for one in webhooks]


async def _groups(tx: UnitOfWork, user_id: UserId) -> object:
    memberships = await tx.memberships.find_of_user(user_id)
    groups = await tx.groups.find_by_ids([one.group_id for one in memberships])
    names = {one.id: one.name for one in groups}
    return [{**asdict(one), "name": names.get(one.group_id)} for one in memberships]


async def _tokens(tx: UnitOfWork, user_id: UserId) -> object:
    tokens = await tx.personal_access_tokens.find_of_user(user_id)
    return [{name: value for name, value in asdict(one).items() if name != "hash"} for one in tokens]


async def _reports(tx: UnitOfWork, user_id: UserId) -> object:
    return [asdict(one) for one in await tx.reports.find_of_reporter(user_id, limit=_MAX_REPORTS)]


async def _sessions(tx: UnitOfWork, user_id: UserId) -> object:
    return [asdict(one) for one in await tx.sessions.find_of_user(user_id)]


async def _audit(tx: UnitOfWork, user_id: UserId) -> object:
    own = AuditFilter(actor_id=user_id)
    return [asdict(one) async for one in items_of(lambda request: tx.audit.find_all(request, own))]


_TABLES: dict[str, Callable[[UnitOfWork, UserId], Awaitable[object]]] = {
    "account": _account,
    "claims": _claims,
    "comments": _comments,
    "marks": _marks,
    "collections": _collections,
    "follows": _follows,
    "notifications": _notifications,
    "muted-notifications": _muted,
    "webhooks": _webhooks,
    "groups": _groups,
    "tokens": _tokens,
    "reports": _reports,
    "sign-ins": _sessions,
    "actions": _audit,
}
"""The JSON files by their names; `actions` are the user's entries of the audit log."""


def _json_file(name: str, value: object) -> ZipMember:
    text = json.dumps(value, ensure_ascii=False, indent=2, default=_plain)
    return ZipMember(f"{name}.json", _chunk(text.encode(errors="replace")))


async def _chunk(content: bytes) -> AsyncIterator[bytes]:
    yield content


def _plain(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _safe(name: str) -> str:
    """Returns a file name that stays in its folder, is not hidden, and is not too long."""
    plain = PurePosixPath(name.replace("\\", "/")).name.lstrip(".") or "file"
    path = PurePosixPath(plain)
    stem = path.stem.encode(errors="replace")[:_MAX_NAME_BYTES].decode(errors="ignore")
    return stem + path.suffix[:20]
