"""Collections in memory."""

from collections.abc import Collection as Some
from collections.abc import Sequence

from mechshare.adapters.persistence.memory.access import Access
from mechshare.adapters.persistence.memory.mechanisms import mechanisms_in
from mechshare.adapters.persistence.memory.pagination import paged
from mechshare.adapters.persistence.memory.table import Column, ReferenceViolated, Table
from mechshare.adapters.persistence.memory.tables import KEY, MECHANISMS, USERS
from mechshare.domain.collections import Collection, CollectionEntry, CollectionId
from mechshare.domain.errors import MechanismNotFound, UserNotFound
from mechshare.domain.ids import MechanismId, UserId
from mechshare.domain.pagination import Page, PageRequest
from mechshare.domain.visibility import ListScope, Visibility
from mechshare.ports.persistence.collections import CollectionEntryRepository, CollectionRepository

COLLECTIONS = Table("collections", Collection, id=KEY, user_id=Column(refers_to=USERS, cascades=True))
COLLECTION_ENTRIES = Table(
    "collection_entries",
    CollectionEntry,
    collection_id=Column(primary_key=True, refers_to=COLLECTIONS, cascades=True),
    mechanism_id=Column(primary_key=True, refers_to=MECHANISMS, cascades=True),
)


class MemoryCollectionRepository(CollectionRepository):
    def __init__(self, access: Access) -> None:
        self._access = access

    async def find_by_id(self, id: CollectionId) -> Collection | None:
        return self._access.read(COLLECTIONS).find(id)

    async def find_of_user(
        self, user_id: UserId, visibilities: Some[Visibility], request: PageRequest
    ) -> Page[Collection]:
        own = [one for one in self._of_user(user_id) if one.visibility in visibilities]
        return paged(own, request, key=lambda one: (one.created_at, one.id), descending=True)

    async def count_of_user(self, user_id: UserId) -> int:
        return len(self._of_user(user_id))

    async def save(self, collection: Collection) -> Collection:
        try:
            return self._access.write(COLLECTIONS).save(collection)
        except ReferenceViolated as problem:
            raise UserNotFound() from problem

    async def delete(self, id: CollectionId) -> None:
        self._access.write(COLLECTIONS).delete(id)

    def _of_user(self, user_id: UserId) -> list[Collection]:
        return [one for one in self._access.read(COLLECTIONS) if one.user_id == user_id]


class MemoryCollectionEntryRepository(CollectionEntryRepository):
    def __init__(self, access: Access) -> None:
        self._access = access

    async def find_ids(self, id: CollectionId) -> Sequence[MechanismId]:
        return [one.mechanism_id for one in self._in(id)]

    async def find_first(
        self, ids: Sequence[CollectionId], scope: ListScope
    ) -> Sequence[tuple[CollectionId, MechanismId]]:
        inside = mechanisms_in(self._access, scope)
        found = {id: [one.mechanism_id for one in self._in(id) if one.mechanism_id in inside] for id in ids}
        return [(id, entries[0]) for id, entries in found.items() if entries]

    async def find_holding(self, user_id: UserId, mechanism_id: MechanismId) -> Sequence[CollectionId]:
        collections = self._access.read(COLLECTIONS)
        return [
            one.collection_id
            for one in self._access.read(COLLECTION_ENTRIES)
            if one.mechanism_id == mechanism_id and collections.get(one.collection_id).user_id == user_id
        ]

    async def replace(self, id: CollectionId, mechanism_ids: Sequence[MechanismId]) -> None:
        entries = self._access.write(COLLECTION_ENTRIES)
        for one in self._in(id):
            entries.delete(id, one.mechanism_id)
        try:
            for position, one_id in enumerate(mechanism_ids):
                entries.insert(CollectionEntry(collection_id=id, mechanism_id=one_id, position=position))
        except ReferenceViolated as problem:
            raise MechanismNotFound() from problem

    def _in(self, id: CollectionId) -> list[CollectionEntry]:
        found = [one for one in self._access.read(COLLECTION_ENTRIES) if one.collection_id == id]
        return sorted(found, key=lambda one: one.position)
