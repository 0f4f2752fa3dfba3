"""Collections: mechanisms that a user collects, in an order of their choice."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import NewType

from mechshare.domain.errors import Conflict, InvalidField, NotFound
from mechshare.domain.ids import MechanismId, UserId
from mechshare.domain.mechanisms import AuthoredMechanism
from mechshare.domain.policy import Viewer, require_permission
from mechshare.domain.text import clean_text
from mechshare.domain.users import Actor, Permission
from mechshare.domain.visibility import Visibility

CollectionId = NewType("CollectionId", str)
MAX_COLLECTIONS = 200
"""Collections of one user."""
MAX_ENTRIES = 500
"""Mechanisms in one collection."""


class CollectionNotFound(NotFound):
    code = "COLLECTION_NOT_FOUND"
    messages = {
        "en": "The collection does not exist, or you have no access to it.",
        "ja": "コレクションが存在しないか、アクセス権がありません。",
    }


class TooManyCollections(Conflict):
    code = "TOO_MANY_COLLECTIONS"
    messages = {
        "en": "You have {limit} collections, which is the maximum. Delete one first.",
        "ja": "コレクションが上限の {limit} 件に達しています。先に不要なものを削除してください。",
    }


class CollectionFull(Conflict):
    code = "COLLECTION_FULL"
    messages = {
        "en": "The collection has {limit} mechanisms, which is the maximum. Remove one first, or begin another one.",
        "ja": "コレクションの機構が上限の {limit} 件に達しています。先に不要なものを外すか、"
        "別のコレクションを作成してください。",
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Collection:
    """Its audience sees it at once. `cover_id` is the mechanism in it whose thumbnail stands for it; None for the first
    one. `updated_at` and `version` change with these fields, not with the mechanisms in it."""

    id: CollectionId
    user_id: UserId
    title: str
    visibility: Visibility = Visibility.PRIVATE
    cover_id: MechanismId | None = None
    created_at: datetime
    updated_at: datetime
    version: int = 0

    def changed(
        self,
        now: datetime,
        *,
        title: str | None = None,
        visibility: Visibility | None = None,
        cover_id: MechanismId | None = None,
    ) -> "Collection":
        """Returns the collection with what is given in place of what it has. Raises InvalidField."""
        return replace(
            self,
            title=self.title if title is None else clean_collection_title(title),
            visibility=visibility or self.visibility,
            cover_id=cover_id or self.cover_id,
            updated_at=now,
        )

    def without_cover(self, now: datetime) -> "Collection":
        """Returns the collection with its first mechanism as the cover."""
        return replace(self, cover_id=None, updated_at=now)


@dataclass(frozen=True, slots=True, kw_only=True)
class CollectionEntry:
    """A mechanism in a collection, at a position that counts from 0."""

    collection_id: CollectionId
    mechanism_id: MechanismId
    position: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CoveredCollection:
    """A collection with the mechanism of its cover; None if it has none that the viewer may see."""

    collection: Collection
    cover: AuthoredMechanism | None


def clean_collection_title(title: str) -> str:
    return clean_text("title", title, min_length=1, max_length=200)


def require_entry(id: MechanismId, ids: Sequence[MechanismId]) -> None:
    """Raises InvalidField for a cover that is not among `ids`, the mechanisms in the collection."""
    if id not in ids:
        raise InvalidField(
            "cover_id",
            en="must be a mechanism in this collection. Put it in first.",
            ja="このコレクションに入っている機構を指定してください。先に追加してください。",
        )


def placed(ids: Sequence[MechanismId], id: MechanismId, position: int | None) -> list[MechanismId]:
    """Returns `ids` with `id` once, at `position`; at the end if there is none. Raises InvalidField, CollectionFull."""
    others = [one for one in ids if one != id]
    if len(others) >= MAX_ENTRIES:
        raise CollectionFull(limit=MAX_ENTRIES)
    place = len(others) if position is None else position
    if not 0 <= place <= len(others):
        raise InvalidField(
            "position",
            en=f"must be 0 to {len(others)} in this collection.",
            ja=f"このコレクションでは 0〜{len(others)} で指定してください。",
        )
    return [*others[:place], id, *others[place:]]


def visible_collections(viewer: Viewer, owner: UserId) -> frozenset[Visibility]:
    """Returns which collections of `owner` lists show to `viewer`."""
    if viewer is None:
        return frozenset({Visibility.PUBLIC})
    return (
        frozenset(Visibility) if viewer.id == owner else frozenset({Visibility.PUBLIC, Visibility.INTERNAL})
    )


def require_visible_collection(viewer: Viewer, collection: Collection | None) -> Collection:
    """Returns `collection` if `viewer` belongs to its audience, owns it or is an admin. Raises CollectionNotFound."""
    if collection is None or not _can_see(viewer, collection):
        raise CollectionNotFound()
    return collection


def _can_see(viewer: Viewer, collection: Collection) -> bool:
    if collection.visibility in (Visibility.PUBLIC, Visibility.UNLISTED) or _can_manage(viewer, collection):
        return True
    return viewer is not None and collection.visibility is Visibility.INTERNAL


def require_collector(actor: Actor, collection: Collection | None) -> Collection:
    """Returns `collection` if `actor` owns it or is an admin.

    Raises CollectionNotFound if `actor` may not see it, otherwise UnauthorizedOperation.
    """
    visible = require_visible_collection(actor, collection)
    if not _can_manage(actor, visible):
        require_permission(actor, Permission.MANAGE_ANY_MECHANISM)
    return visible


def _can_manage(viewer: Viewer, collection: Collection) -> bool:
    if viewer is None:
        return False
    return viewer.id == collection.user_id or viewer.has_permission(Permission.MANAGE_ANY_MECHANISM)
