"""Webhooks in memory."""

from mechshare.adapters.persistence.memory.access import Access
from mechshare.adapters.persistence.memory.notifications import NOTIFICATIONS, notification_with_actor
from mechshare.adapters.persistence.memory.table import Column, ReferenceViolated, Table
from mechshare.adapters.persistence.memory.tables import KEY, USERS
from mechshare.domain.errors import UserNotFound
from mechshare.domain.ids import UserId
from mechshare.domain.notifications import NotificationId, NotificationWithActor
from mechshare.domain.webhooks import (
    MAX_DELIVERIES,
    Webhook,
    WebhookDelivery,
    WebhookDeliveryId,
    WebhookId,
)
from mechshare.ports.persistence.webhooks import WebhookDeliveryRepository, WebhookRepository

WEBHOOKS = Table("webhooks", Webhook, id=KEY, user_id=Column(refers_to=USERS, cascades=True))
WEBHOOK_DELIVERIES = Table(
    "webhook_deliveries", WebhookDelivery, id=KEY, webhook_id=Column(refers_to=WEBHOOKS, cascades=True)
)


class MemoryWebhookRepository(WebhookRepository):
    def __init__(self, access: Access) -> None:
        self._access = access

    async def add(self, webhook: Webhook) -> None:
        try:
            self._access.write(WEBHOOKS).insert(webhook)
        except ReferenceViolated as problem:
            raise UserNotFound() from problem

    async def find_by_id(self, id: WebhookId) -> Webhook | None:
        return self._access.read(WEBHOOKS).find(id)

    async def find_of_user(self, user_id: UserId) -> tuple[Webhook, ...]:
        own = [one for one in self._access.read(WEBHOOKS) if one.user_id == user_id]
        return tuple(sorted(own, key=lambda one: (one.created_at, one.id)))

    async def save(self, webhook: Webhook) -> None:
        self._access.write(WEBHOOKS).put(webhook)

    async def delete(self, id: WebhookId) -> None:
        self._access.write(WEBHOOKS).delete(id)


class MemoryWebhookDeliveryRepository(WebhookDeliveryRepository):
    def __init__(self, access: Access) -> None:
        self._access = access

    async def put(self, delivery: WebhookDelivery) -> None:
        rows = self._access.write(WEBHOOK_DELIVERIES)
        rows.put(delivery)
        for old in (await self.find_of_webhook(delivery.webhook_id))[MAX_DELIVERIES:]:
            rows.delete(old.id)

    async def find_by_id(self, id: WebhookDeliveryId) -> WebhookDelivery | None:
        return self._access.read(WEBHOOK_DELIVERIES).find(id)

    async def find_notification(self, id: NotificationId) -> NotificationWithActor | None:
        found = self._access.read(NOTIFICATIONS).find(id)
        return notification_with_actor(self._access, found) if found else None

    async def find_of_webhook(self, webhook_id: WebhookId) -> tuple[WebhookDelivery, ...]:
        own = [one for one in self._access.read(WEBHOOK_DELIVERIES) if one.webhook_id == webhook_id]
        return tuple(sorted(own, key=lambda one: (one.created_at, one.id), reverse=True))
