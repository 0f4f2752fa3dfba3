"""What a user is notified of, and what the user has muted."""

from collections.abc import Mapping, Sequence

from mechshare.domain.ids import MechanismId
from mechshare.domain.mechanisms import Mechanism
from mechshare.domain.notifications import (
    DIGESTED,
    MAX_COUNTED,
    MAX_MUTED,
    Mute,
    Notification,
    NotificationId,
    NotificationKind,
    NotificationNotFound,
    NotificationWithActor,
    ShownNotification,
    TooManyMuted,
)
from mechshare.domain.pagination import Page, PageRequest
from mechshare.domain.users import Actor
from mechshare.ports.clock import Clock
from mechshare.ports.persistence.database import UnitOfWork
from mechshare.services.support.access import find_visible, visible_among
from mechshare.services.transactions import Transactions


class NotificationService:
    """Notifications about what their receiver may not see at present are neither shown nor counted."""

    def __init__(self, transactions: Transactions, clock: Clock) -> None:
        self._transactions = transactions
        self._clock = clock

    async def find(self, actor: Actor, request: PageRequest) -> Page[ShownNotification]:
        """Returns a page of the actor's notifications, newest first. It lacks what the actor may not see, and likes
        and follows that were all taken back."""
        async with self._transactions.read() as tx:
            page = await tx.notifications.find_of_user(actor.id, request)
            return page.with_items(await shown_among(tx, actor, page.items))

    async def count_unread(self, actor: Actor) -> int:
        """Returns how many of the newest MAX_COUNTED unread notifications are shown to the actor."""
        async with self._transactions.read() as tx:
            return await count_shown(tx, actor)

    async def mark_read(self, actor: Actor, id: NotificationId) -> None:
        """Marks a notification of the actor as read; no-op if it is. Raises NotificationNotFound."""
        async with self._transactions.begin() as tx:
            if not await tx.notifications.mark_read(actor.id, id, self._clock.now()):
                raise NotificationNotFound()

    async def mark_all_read(self, actor: Actor) -> None:
        async with self._transactions.begin() as tx:
            await tx.notifications.mark_read(actor.id, None, self._clock.now())

    async def find_muted(self, actor: Actor) -> frozenset[str]:
        """Returns the kinds, and the identifiers of mechanisms, of which the actor gets no notifications."""
        async with self._transactions.read() as tx:
            return await tx.notification_mutes.find_of_user(actor.id)

    async def find_muted_titles(
        self, actor: Actor, muted: frozenset[str]
    ) -> Mapping[MechanismId, str | None]:
        """Returns the titles of the mechanisms in what `find_muted` has found, oldest first; None for what the actor
        may not see at present."""
        ids = [MechanismId(one) for one in sorted(muted - set(NotificationKind))]
        async with self._transactions.read() as tx:
            items = await tx.mechanisms.find_authored(ids) if ids else ()
            visible = await visible_among(tx, actor, items)
        titles = {item.mechanism.id: item.mechanism.title for item in visible}
        return {id: titles.get(id) for id in ids}

    async def mute_kind(self, actor: Actor, kind: NotificationKind) -> None:
        async with self._transactions.begin() as tx:
            await tx.notification_mutes.put(Mute(user_id=actor.id, subject=kind.value))

    async def mute_mechanism(self, actor: Actor, mechanism_id: MechanismId) -> None:
        """Ends all notifications about a mechanism that the actor sees. Raises MechanismNotFound, TooManyMuted."""
        async with self._transactions.begin() as tx:
            await find_visible(tx, actor, mechanism_id)
            muted = await tx.notification_mutes.find_of_user(actor.id)
            if mechanism_id not in muted and len(muted) >= MAX_MUTED:
                raise TooManyMuted(limit=MAX_MUTED)
            await tx.notification_mutes.put(Mute(user_id=actor.id, subject=mechanism_id))

    async def unmute_kind(self, actor: Actor, kind: NotificationKind) -> None:
        async with self._transactions.begin() as tx:
            await tx.notification_mutes.delete(Mute(user_id=actor.id, subject=kind.value))

    async def unmute_mechanism(self, actor: Actor, mechanism_id: MechanismId) -> None:
        """Unmutes the mechanism; no-op if it is not muted. Raises MechanismNotFound if the actor
        has not muted it and does not see it."""
        mute = Mute(user_id=actor.id, subject=mechanism_id)
        async with self._transactions.begin() as tx:
            if not await tx.notification_mutes.is_muted(actor.id, [mute.subject]):
                await find_visible(tx, actor, mechanism_id)
            await tx.notification_mutes.delete(mute)


async def count_shown(tx: UnitOfWork, actor: Actor) -> int:
    """Returns how many of the newest MAX_COUNTED unread notifications are shown to the actor at present."""
    unread = await tx.unread_notifications.find_newest(actor.id, MAX_COUNTED)
    if not unread:
        return 0
    mechanisms, digested = await _visible(tx, actor, unread), await _digested(tx, unread)
    return sum(_is_shown(one, mechanisms, digested) for one in unread)


async def shown_among(
    tx: UnitOfWork, actor: Actor, items: Sequence[NotificationWithActor]
) -> tuple[ShownNotification, ...]:
    """Returns those of the notifications that are shown to the actor at present, in the same order."""
    found = [item.notification for item in items]
    mechanisms, digested = await _visible(tx, actor, found), await _digested(tx, found)
    return tuple(
        ShownNotification(
            notification=item.notification,
            actor=item.actor,
            mechanism=mechanisms.get(item.notification.mechanism_id or MechanismId("")),
            count=digested.get(item.notification.id, 1),
        )
        for item in items
        if _is_shown(item.notification, mechanisms, digested)
    )


async def _visible(
    tx: UnitOfWork, actor: Actor, notifications: Sequence[Notification]
) -> Mapping[MechanismId, Mechanism]:
    """Returns those of the mechanisms that the actor may see."""
    ids = dict.fromkeys(one.mechanism_id for one in notifications if one.mechanism_id)
    items = await tx.mechanisms.find_authored(list(ids)) if ids else ()
    return {item.mechanism.id: item.mechanism for item in await visible_among(tx, actor, items)}


async def _digested(tx: UnitOfWork, notifications: Sequence[Notification]) -> Mapping[NotificationId, int]:
    ids = [one.id for one in notifications if one.kind in DIGESTED]
    return await tx.notifications.count_digested(ids) if ids else {}


def _is_shown(
    notification: Notification,
    visible: Mapping[MechanismId, Mechanism],
    digested: Mapping[NotificationId, int],
) -> bool:
    if notification.kind in DIGESTED and notification.id not in digested:
        return False
    return notification.mechanism_id is None or notification.mechanism_id in visible
