"""Likes and bookmarks in memory."""

from mechshare.adapters.persistence.memory.access import Access
from mechshare.adapters.persistence.memory.pagination import paged
from mechshare.adapters.persistence.memory.table import Column, ReferenceViolated, Table, UniqueViolated
from mechshare.adapters.persistence.memory.tables import KEY, MECHANISMS, USERS
from mechshare.domain.errors import MechanismNotFound
from mechshare.domain.ids import MechanismId, UserId
from mechshare.domain.marks import Mark, MarkKind, Marks
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

    async def add(self, mark: Mark) -> bool:
        try:
            self._access.write(MARKS).insert(mark)
        except UniqueViolated:
            return False
        except ReferenceViolated as problem:
            raise MechanismNotFound() from problem
        return True

    async def delete(self, mechanism_id: MechanismId, user_id: UserId, kind: MarkKind) -> None:
        marks = self._access.write(MARKS)
        if marks.find(mechanism_id, user_id, kind) is not None:
            marks.delete(mechanism_id, user_id, kind)

    async def find_marks(self, mechanism_id: MechanismId, user_id: UserId | None) -> Marks:
        found = [mark for mark in self._access.read(MARKS) if mark.mechanism_id == mechanism_id]
        return Marks(
            likes=sum(mark.kind is MarkKind.LIKE for mark in found),
            own=frozenset(mark.kind for mark in found if mark.user_id == user_id),
        )

    async def count_of_user(self, user_id: UserId, kind: MarkKind) -> int:
        return len(self._of_user(user_id, kind))

    async def find_of_user(self, user_id: UserId, kind: MarkKind, request: PageRequest) -> Page[Mark]:
        own = self._of_user(user_id, kind)
        return paged(own, request, key=lambda mark: (mark.created_at, mark.mechanism_id), descending=True)

    def _of_user(self, user_id: UserId, kind: MarkKind) -> list[Mark]:
        return [mark for mark in self._access.read(MARKS) if mark.user_id == user_id and mark.kind is kind]
