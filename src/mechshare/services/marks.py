"""Likes and bookmarks of users."""

from mechshare.domain.ids import MechanismId
from mechshare.domain.mark_events import MechanismLiked
from mechshare.domain.marks import MAX_BOOKMARKS, Mark, MarkKind, Marks, TooManyBookmarks
from mechshare.domain.mechanisms import AuthoredMechanism, Mechanism
from mechshare.domain.notifications import NotificationKind
from mechshare.domain.pagination import Page, PageRequest
from mechshare.domain.policy import Viewer
from mechshare.domain.users import Actor
from mechshare.ports.clock import Clock
from mechshare.services.support.access import find_visible, visible_among
from mechshare.services.transactions import Transaction, Transactions


class MarkService:
    """Marks change neither the version of a mechanism nor what caches hold of it."""

    def __init__(self, transactions: Transactions, clock: Clock) -> None:
        self._transactions = transactions
        self._clock = clock

    async def find(self, viewer: Viewer, mechanism_id: MechanismId) -> Marks:
        """Returns the number of likes and the viewer's own marks. Raises MechanismNotFound."""
        async with self._transactions.read() as tx:
            await find_visible(tx, viewer, mechanism_id)
            return await tx.marks.find_marks(mechanism_id, viewer.id if viewer else None)

    async def add(self, actor: Actor, mechanism_id: MechanismId, kind: MarkKind) -> Marks:
        """Marks the mechanism; no-op if the actor has done so before. Raises MechanismNotFound, TooManyBookmarks."""
        async with self._transactions.begin() as tx:
            mechanism = await find_visible(tx, actor, mechanism_id)
            before = await tx.marks.find_marks(mechanism_id, actor.id)
            if kind in before.own:
                return before
            # Only now: the likes of a mechanism then have their times in the order in which they are stored.
            mark = Mark(mechanism_id=mechanism_id, user_id=actor.id, kind=kind, created_at=self._clock.now())
            if await tx.marks.add(mark):  # else a concurrent call has done so
                await _added(tx, mark, mechanism)
            return before.having(kind)

    async def remove(self, actor: Actor, mechanism_id: MechanismId, kind: MarkKind) -> Marks:
        """Removes the actor's mark, if there is one. Raises MechanismNotFound."""
        async with self._transactions.begin() as tx:
            mechanism = await find_visible(tx, actor, mechanism_id)
            before = await tx.marks.find_marks(mechanism_id, actor.id)
            if kind not in before.own:
                return before
            await tx.marks.delete(mechanism_id, actor.id, kind)
            if kind is MarkKind.LIKE:
                # In the order in which a like takes its locks.
                await tx.notifications.delete_empty(mechanism.user_id, NotificationKind.LIKE, mechanism_id)
                await tx.counts.mark_stale(mechanism_id)
            return before.without(kind)

    async def find_bookmarked(self, actor: Actor, request: PageRequest) -> Page[AuthoredMechanism]:
        """Returns a page of what the actor has bookmarked, the newest bookmark first.

        A page lacks what the actor may not see at present; the bookmark stays.
        """
        async with self._transactions.read() as tx:
            page = await tx.marks.find_of_user(actor.id, MarkKind.BOOKMARK, request)
            found = await tx.mechanisms.find_authored([mark.mechanism_id for mark in page.items])
            visible = {item.mechanism.id: item for item in await visible_among(tx, actor, found)}
        return page.with_items(
            tuple(visible[mark.mechanism_id] for mark in page.items if mark.mechanism_id in visible)
        )


async def _added(tx: Transaction, mark: Mark, mechanism: Mechanism) -> None:
    if mark.kind is MarkKind.LIKE:
        await tx.record(MechanismLiked(mark, mechanism.user_id))
        await tx.counts.mark_stale(mechanism.id)
    elif await tx.marks.count_of_user(mark.user_id, MarkKind.BOOKMARK) > MAX_BOOKMARKS:
        raise TooManyBookmarks(limit=MAX_BOOKMARKS)
