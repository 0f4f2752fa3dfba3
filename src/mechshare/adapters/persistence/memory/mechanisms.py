"""Mechanisms in memory."""

import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime

from mechshare.adapters.persistence.memory.access import Access
from mechshare.adapters.persistence.memory.pagination import paged
from mechshare.adapters.persistence.memory.shares import shares_with
from mechshare.adapters.persistence.memory.table import ReferenceViolated
from mechshare.adapters.persistence.memory.tables import DOCUMENT_PAGES, MECHANISMS, USERS
from mechshare.domain.errors import CategoryNotFound, StaleVersion, UserNotFound
from mechshare.domain.failed_originals import failed_since
from mechshare.domain.ids import CategoryId, MechanismId, UserId
from mechshare.domain.mechanism_filters import EVERY_MECHANISM, MechanismFilter
from mechshare.domain.mechanism_sorts import MechanismSort, sort_key
from mechshare.domain.mechanisms import AuthoredMechanism, Mechanism, author_of
from mechshare.domain.pages import MAX_SCANNED_TEXT
from mechshare.domain.pagination import EXACT_TOTAL, Page, PageRequest
from mechshare.domain.statistics import NOTHING_COUNTED
from mechshare.domain.visibility import PUBLIC_SCOPE, ListScope, Visibility
from mechshare.ports.persistence.mechanisms import (
    MechanismBulkRepository,
    MechanismFiles,
    MechanismRepository,
)


class MemoryMechanismRepository(MechanismRepository):
    def __init__(self, access: Access) -> None:
        self._access = access

    async def find_by_id(self, id: MechanismId) -> Mechanism | None:
        return self._access.read(MECHANISMS).find(id)

    async def find_authored(self, ids: Sequence[MechanismId]) -> tuple[AuthoredMechanism, ...]:
        mechanisms = self._access.read(MECHANISMS)
        found = (mechanism for id in ids if (mechanism := mechanisms.find(id)))
        return tuple(map(self._authored, found))

    async def find_all(
        self,
        request: PageRequest,
        filter: MechanismFilter = EVERY_MECHANISM,
        *,
        sort: MechanismSort = MechanismSort.NEWEST,
        scope: ListScope = PUBLIC_SCOPE,
        words: Sequence[str] = (),
        other_names: Sequence[Sequence[str]] = (),
        among: int = 1_000,
    ) -> Page[AuthoredMechanism]:
        narrowed = self._narrowed(filter, scope)
        if words:
            folded = [
                [_folded(each) for each in (word, *names)]
                for word, names in zip(words, other_names or [()] * len(words), strict=True)
            ]
            narrowed.sort(key=lambda item: (item.mechanism.created_at, item.mechanism.id), reverse=True)
            narrowed = [item for item in narrowed[:among] if self._contains_all(item, folded)]
        return paged(
            narrowed,
            request,
            key=lambda item: (sort_key(item.mechanism, sort), item.mechanism.id),
            descending=sort.order.is_descending,
        )

    def _contains_all(self, item: AuthoredMechanism, words: Sequence[Sequence[str]]) -> bool:
        first_page = self._access.read(DOCUMENT_PAGES).find(item.mechanism.id, 1)
        page_text = first_page.text[:MAX_SCANNED_TEXT] if first_page else ""
        searched = (item.mechanism.title, item.mechanism.description, item.author.display_name, page_text)
        texts = list(map(_folded, searched))
        return all(any(name in text for text in texts for name in names) for names in words)

    async def count(
        self, filter: MechanismFilter = EVERY_MECHANISM, *, scope: ListScope = PUBLIC_SCOPE
    ) -> int:
        return min(len(self._narrowed(filter, scope)), EXACT_TOTAL + 1)

    def _narrowed(self, filter: MechanismFilter, scope: ListScope) -> list[AuthoredMechanism]:
        inside = mechanisms_in(self._access, scope)
        return [self._authored(mechanism) for mechanism in inside.values() if filter.admits(mechanism)]

    async def add(self, mechanisms: Sequence[Mechanism]) -> None:
        for mechanism in mechanisms:
            await self.save(mechanism)

    async def save(self, mechanism: Mechanism) -> AuthoredMechanism:
        mechanisms = self._access.write(MECHANISMS)
        stored = mechanisms.find(mechanism.id)
        counts = stored.counts if stored else NOTHING_COUNTED
        try:
            saved = mechanisms.save(replace(mechanism, counts=counts))
        except ReferenceViolated as problem:
            raise (UserNotFound() if problem.field == "user_id" else CategoryNotFound()) from problem
        return self._authored(saved)

    async def delete(self, id: MechanismId, version: int) -> None:
        mechanisms = self._access.write(MECHANISMS)
        if mechanisms.find(id) is None:
            raise StaleVersion()
        mechanisms.check_version((id,), version)
        mechanisms.delete(id)

    def _authored(self, mechanism: Mechanism) -> AuthoredMechanism:
        user = self._access.read(USERS).get(mechanism.user_id)
        return AuthoredMechanism(mechanism=mechanism, author=author_of(user))


class MemoryMechanismBulkRepository(MechanismBulkRepository):
    def __init__(self, access: Access) -> None:
        self._access = access

    async def find_public(
        self, request: PageRequest, filter: MechanismFilter = EVERY_MECHANISM, *, sort: MechanismSort
    ) -> Page[MechanismId]:
        page = await MemoryMechanismRepository(self._access).find_all(request, filter, sort=sort)
        return page.with_items(tuple(item.mechanism.id for item in page.items))

    async def find(
        self,
        *,
        limit: int,
        user_id: UserId | None = None,
        category_id: CategoryId | None = None,
        after: MechanismId | None = None,
    ) -> Sequence[MechanismId]:
        owned = (
            one.id
            for one in self._access.read(MECHANISMS)
            if one.user_id == user_id or category_id in one.categories
        )
        return sorted(id for id in owned if id > (after or ""))[:limit]

    async def renew(self, ids: Sequence[MechanismId]) -> None:
        mechanisms = self._access.write(MECHANISMS)
        for one in [one for id in ids if (one := mechanisms.find(id))]:
            mechanisms.put(replace(one, version=one.version + 1))

    async def move(self, ids: Sequence[MechanismId], source: CategoryId, target: CategoryId) -> None:
        await self.renew(ids)
        mechanisms = self._access.write(MECHANISMS)
        for one in [one for id in ids if (one := mechanisms.find(id))]:
            instead = () if target in one.categories else (target,)
            moved = [id for each in one.categories for id in (instead if each == source else (each,))]
            mechanisms.put(replace(one, categories=tuple(moved)))

    async def withdraw(self, ids: Sequence[MechanismId], reason: str, now: datetime) -> Sequence[MechanismId]:
        return self._change(ids, lambda one: one.is_published, lambda one: one.withdraw_for(reason, now))

    async def reinstate(
        self, ids: Sequence[MechanismId], reason: str, now: datetime
    ) -> Sequence[MechanismId]:
        return self._change(
            ids, lambda one: one.withdrawn_reason == reason, lambda one: one.reinstate(now).publish(now)
        )

    def _change(
        self,
        ids: Sequence[MechanismId],
        is_meant: Callable[[Mechanism], bool],
        changed: Callable[[Mechanism], Mechanism],
    ) -> list[MechanismId]:
        mechanisms = self._access.write(MECHANISMS)
        meant = [one for id in ids if (one := mechanisms.find(id)) and is_meant(one)]
        for one in meant:
            mechanisms.save(changed(one))
        return [one.id for one in meant]

    async def delete(self, ids: Sequence[MechanismId]) -> Sequence[MechanismId]:
        mechanisms = self._access.write(MECHANISMS)
        deleted = [id for id in ids if mechanisms.find(id)]
        for id in deleted:
            mechanisms.delete(id)
        return deleted


class MemoryMechanismFiles(MechanismFiles):
    def __init__(self, access: Access) -> None:
        self._access = access

    async def find_by_original(self, user_id: UserId, sha256: str) -> Mechanism | None:
        same = [
            mechanism
            for mechanism in self._access.read(MECHANISMS)
            if mechanism.user_id == user_id and mechanism.original and mechanism.original.sha256 == sha256
        ]
        return min(same, key=lambda mechanism: (mechanism.created_at, mechanism.id), default=None)

    async def find_failed(self, before: datetime, *, limit: int) -> Sequence[MechanismId]:
        every = self._access.read(MECHANISMS)
        return sorted(one.id for one in every if (since := failed_since(one)) and since < before)[:limit]

    async def count_unfinished(self, user_id: UserId) -> int:
        return sum(
            mechanism.user_id == user_id and not mechanism.processing.has_ended
            for mechanism in self._access.read(MECHANISMS)
        )


def mechanisms_in(access: Access, scope: ListScope) -> dict[MechanismId, Mechanism]:
    """Returns what `scope` has, by id."""
    with_reader = shares_with(access, scope.reader) if scope.reader else []
    shared = {share.mechanism_id for share in with_reader}
    return {one.id: one for one in access.read(MECHANISMS) if _is_in(scope, one, shared)}


def _is_in(scope: ListScope, mechanism: Mechanism, shared: set[MechanismId]) -> bool:
    if scope.is_everything or mechanism.is_public:
        return True
    if scope.reader is None or not mechanism.is_published:
        return False
    if mechanism.visibility is Visibility.PRIVATE:
        return mechanism.user_id == scope.reader or mechanism.id in shared
    return mechanism.visibility is Visibility.INTERNAL


def _folded(text: str) -> str:
    return unicodedata.normalize("NFKC", text).lower()
