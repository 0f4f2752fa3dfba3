"""Likes and bookmarks in memory."""

from mechshare.adapters.persistence.memory.access import Access
from mechshare.adapters.persistence.memory.pagination import paged
from mechshare.adapters.persistence.memory.table import Column, ReferenceViolated, Table, UniqueViolated
from mechshare.adapters.persistence.memory.tables import KEY, MECHANISMS, USERS
from mechshare.domain.errors import MechanismNotFound
from mechshare.domain.ids import MechanismId, UserId
from mechshare.domain.marks import Mark, MarkKind
from mechshare.domain.pagination import Page, PageRequest
from mechshare.ports.persistence.marks import MarkRepository

MARKS = Table(
    "marks",
    Mark,
    mechanism_id=Column(primary_key=True, refers_to=MECHANISMS, cascades=True),
    user_id=Column(primary_key=True, refers_to=USERS, cascades=True),
    kind=KEY,
)


class MemoryMarkRepository(MarkRepository):
    def __init__(self, access: Access) -> None:
        self._access = access

    async def add(self, mark: Mark) -> None:
        try:
            self._access.write(MARKS).insert(mark)
        except UniqueViolated:
            return
        except ReferenceViolated as problem:
            raise MechanismNotFound() from problem

    async def delete(self, mechanism_id: MechanismId, user_id: UserId, kind: MarkKind) -> None:
        marks = self._access.write(MARKS)
        if marks.find(mechanism_id, user_id, kind) is not None:
            marks.delete(mechanism_id, user_id, kind)

    async def count(self, mechanism_id: MechanismId, kind: MarkKind) -> int:
        marks = self._access.read(MARKS)
        return sum(mark.mechanism_id == mechanism_id and mark.kind is kind for mark in marks)

    async def count_of_user(self, user_id: UserId, kind: MarkKind) -> int:
        return len(self._of_user(user_id, kind))

    async def find_own(self, mechanism_id: MechanismId, user_id: UserId) -> frozenset[MarkKind]:
        marks = self._access.read(MARKS)
        return frozenset(kind for kind in MarkKind if marks.find(mechanism_id, user_id, kind) is not None)

    async def find_of_user(self, user_id: UserId, kind: MarkKind, request: PageRequest) -> Page[Mark]:
        own = self._of_user(user_id, kind)
        return paged(own, request, key=lambda mark: (mark.created_at, mark.mechanism_id), descending=True)

    def _of_user(self, user_id: UserId, kind: MarkKind) -> list[Mark]:
        return [mark for mark in self._access.read(MARKS) if mark.user_id == user_id and mark.kind is kind]
