"""Collections of mechanisms."""

from collections.abc import Collection as Some
from collections.abc import Sequence

from mechshare.domain.collections import (
    MAX_COLLECTIONS,
    Collection,
    CollectionId,
    CoveredCollection,
    TooManyCollections,
    clean_collection_title,
    placed,
    require_collector,
    require_entry,
    require_visible_collection,
    visible_collections,
)
from mechshare.domain.ids import MechanismId, UserId
from mechshare.domain.mechanisms import AuthoredMechanism
from mechshare.domain.pagination import Page, PageRequest, Position
from mechshare.domain.policy import Viewer, require_poster, scope_of
from mechshare.domain.users import Actor
from mechshare.domain.versions import require_version
from mechshare.domain.visibility import EVERYTHING, Visibility
from mechshare.ports.clock import Clock
from mechshare.ports.ids import IdSource
from mechshare.ports.persistence.database import UnitOfWork
from mechshare.services.support.access import find_visible, listed_among, visible_among
from mechshare.services.support.idempotency import IdempotentRequest, run_once
from mechshare.services.transactions import Transaction, Transactions


class CollectionService:
    """A collection shows to each viewer what that viewer may see: the rest is absent, from counts as well. Unlisted
    mechanisms show to nobody but who put them in."""

    def __init__(self, transactions: Transactions, clock: Clock, ids: IdSource) -> None:
        self._transactions = transactions
        self._clock = clock
        self._ids = ids

    async def create(
        self,
        actor: Actor,
        title: str,
        visibility: Visibility,
        idempotency: IdempotentRequest[CoveredCollection] | None = None,
    ) -> CoveredCollection:
        """Creates an empty collection.

        Raises InvalidField, UnauthorizedOperation, TooManyCollections, and as `run_once` does.
        """
        now = self._clock.now()
        new = Collection(
            id=CollectionId(self._ids.new_id()),
            user_id=actor.id,
            title=clean_collection_title(title),
            visibility=visibility,
            created_at=now,
            updated_at=now,
        )
        _require_audience(actor, new)
        async with self._transactions.begin() as tx:
            return await run_once(tx, self._clock, idempotency, lambda: _add(tx, new))

    async def get(self, viewer: Viewer, id: CollectionId) -> CoveredCollection:
        """Raises CollectionNotFound."""
        async with self._transactions.read() as tx:
            collection = require_visible_collection(viewer, await tx.collections.find_by_id(id))
            (covered,) = await _covered(tx, viewer, [collection])
            return covered

    async def find_of_user(
        self, viewer: Viewer, user_id: UserId, request: PageRequest
    ) -> Page[CoveredCollection]:
        """Returns a page of the user's collections that lists show to `viewer`, newest first."""
        async with self._transactions.read() as tx:
            page = await tx.collections.find_of_user(user_id, visible_collections(viewer, user_id), request)
            return page.with_items(await _covered(tx, viewer, page.items))

    async def find_holding(self, actor: Actor, mechanism_id: MechanismId) -> frozenset[CollectionId]:
        """Returns which of the actor's collections have the mechanism."""
        async with self._transactions.read() as tx:
            return frozenset(await tx.collection_entries.find_holding(actor.id, mechanism_id))

    async def find_mechanisms(
        self, viewer: Viewer, id: CollectionId, request: PageRequest
    ) -> Page[AuthoredMechanism]:
        """Returns a page of what `viewer` may see in the collection, in its order; positions are (place, id). Raises
        CollectionNotFound."""
        async with self._transactions.read() as tx:
            collection = require_visible_collection(viewer, await tx.collections.find_by_id(id))
            ids = await tx.collection_entries.find_ids(id)
            shown = await _shown(tx, viewer, collection, await tx.mechanisms.find_authored(ids))
        return _page(shown, request)

    async def change(
        self,
        actor: Actor,
        id: CollectionId,
        versions: Some[int] | None = None,
        *,
        title: str | None = None,
        visibility: Visibility | None = None,
        cover_id: MechanismId | None = None,
        resets_cover: bool = False,
    ) -> CoveredCollection:
        """Changes what is given; with `resets_cover`, the first mechanism is the cover again. Raises
        CollectionNotFound, UnauthorizedOperation, InvalidField, StaleVersion, and MechanismNotFound for a cover that
        the actor may not see."""
        async with self._transactions.begin() as tx:
            collection = require_collector(actor, await tx.collections.find_by_id(id))
            require_version(collection.version, versions)
            if cover_id is not None:
                await find_visible(tx, actor, cover_id)
                require_entry(cover_id, await tx.collection_entries.find_ids(id))
            changed = collection.changed(
                self._clock.now(), title=title, visibility=visibility, cover_id=cover_id
            )
            if resets_cover:
                changed = changed.without_cover(changed.updated_at)
            _require_audience(actor, changed)
            (covered,) = await _covered(tx, actor, [await tx.collections.save(changed)])
            return covered

    async def delete(self, actor: Actor, id: CollectionId, versions: Some[int] | None = None) -> None:
        """Deletes the collection; its mechanisms stay. Raises CollectionNotFound, UnauthorizedOperation,
        StaleVersion."""
        async with self._transactions.begin() as tx:
            collection = require_collector(actor, await tx.collections.find_by_id(id))
            require_version(collection.version, versions)
            await tx.collections.delete(id)

    async def put(
        self, actor: Actor, id: CollectionId, mechanism_id: MechanismId, position: int | None = None
    ) -> None:
        """Puts the mechanism at this place, from 0; at the end if there is none. One that is in it already moves there,
        and stays where it is without a place.

        Raises CollectionNotFound, MechanismNotFound, UnauthorizedOperation, InvalidField, CollectionFull.
        """
        async with self._transactions.begin() as tx:
            await _require_changeable(tx, actor, id)
            await find_visible(tx, actor, mechanism_id)
            before = await tx.collection_entries.find_ids(id)
            if position is None and mechanism_id in before:
                return
            await tx.collection_entries.replace(id, placed(before, mechanism_id, position))

    async def remove(self, actor: Actor, id: CollectionId, mechanism_id: MechanismId) -> None:
        """Takes the mechanism out; no-op if it is not in. Raises CollectionNotFound, UnauthorizedOperation."""
        async with self._transactions.begin() as tx:
            collection = await _require_changeable(tx, actor, id)
            before = await tx.collection_entries.find_ids(id)
            if collection.cover_id == mechanism_id:
                await tx.collections.save(collection.without_cover(self._clock.now()))
            if mechanism_id in before:
                await tx.collection_entries.replace(id, [one for one in before if one != mechanism_id])


async def _require_changeable(tx: Transaction, actor: Actor, id: CollectionId) -> Collection:
    """Returns the collection. Raises CollectionNotFound, UnauthorizedOperation.

    What the collection has is no part of its version, by which others would learn that it has more than they see.
    """
    collection = require_collector(actor, await tx.collections.find_by_id(id))
    _require_audience(actor, collection)
    return collection


def _require_audience(actor: Actor, collection: Collection) -> None:
    """Raises UnauthorizedOperation if others would see it and the actor is blocked from making anything public."""
    if collection.visibility is not Visibility.PRIVATE:
        require_poster(actor)


async def _shown(
    tx: UnitOfWork, viewer: Viewer, collection: Collection, items: Sequence[AuthoredMechanism]
) -> tuple[AuthoredMechanism, ...]:
    is_own = viewer is not None and viewer.id == collection.user_id
    return await (visible_among if is_own else listed_among)(tx, viewer, items)


async def _add(tx: UnitOfWork, new: Collection) -> CoveredCollection:
    if await tx.collections.count_of_user(new.user_id) >= MAX_COLLECTIONS:
        raise TooManyCollections(limit=MAX_COLLECTIONS)
    return CoveredCollection(collection=await tx.collections.save(new), cover=None)


async def _covered(
    tx: UnitOfWork, viewer: Viewer, collections: Sequence[Collection]
) -> tuple[CoveredCollection, ...]:
    """Returns collections of one user, each with the chosen cover or, if `viewer` may not see that, the first
    mechanism that `viewer` is shown."""
    is_own = viewer is not None and any(viewer.id == one.user_id for one in collections)
    scope = EVERYTHING if is_own else scope_of(viewer, None)
    first = dict(await tx.collection_entries.find_first([one.id for one in collections], scope))
    ids = {one.id: [id for id in (one.cover_id, first.get(one.id)) if id] for one in collections}
    found = await tx.mechanisms.find_authored(list({id for some in ids.values() for id in some}))
    covers = {item.mechanism.id: item for item in found}
    covered = []
    for one in collections:
        shown = await _shown(tx, viewer, one, [covers[id] for id in ids[one.id] if id in covers])
        covered.append(CoveredCollection(collection=one, cover=shown[0] if shown else None))
    return tuple(covered)


def _page(shown: Sequence[AuthoredMechanism], request: PageRequest) -> Page[AuthoredMechanism]:
    """Returns a page of what is shown. Positions count only that, so that they tell nothing of the rest."""
    start = (
        int(request.after.key) + 1 if request.after and isinstance(request.after.key, int) else request.offset
    )
    items = tuple(shown[start : start + request.limit])
    end = start + len(items)
    return Page(
        items=items,
        page=request.page,
        limit=request.limit,
        total=len(shown),
        next=Position(key=end - 1, id=items[-1].mechanism.id) if items and end < len(shown) else None,
    )
