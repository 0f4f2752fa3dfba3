"""Webhooks of users, and the log of their deliveries."""

from typing import Protocol

from mechshare.domain.ids import UserId
from mechshare.domain.notifications import NotificationId, NotificationWithActor
from mechshare.domain.webhooks import Webhook, WebhookDelivery, WebhookDeliveryId, WebhookId


class WebhookRepository(Protocol):
    """Webhooks are deleted with the account of their user."""

    async def add(self, webhook: Webhook) -> None:
        """Stores a new webhook. Raises UserNotFound."""

    async def find_by_id(self, id: WebhookId) -> Webhook | None:
        """Returns the webhook; in a transaction it stays as it is until the end."""

    async def find_of_user(self, user_id: UserId) -> tuple[Webhook, ...]:
        """Returns the webhooks of the user, oldest first, without waiting for other transactions."""

    async def save(self, webhook: Webhook) -> None:
        """Stores `failures` and `disabled_at` of a webhook that `find_by_id` returned."""

    async def delete(self, id: WebhookId) -> None:
        """Deletes the webhook with its deliveries, if it exists."""


class WebhookDeliveryRepository(Protocol):
    """Deliveries are deleted with their webhook."""

    async def put(self, delivery: WebhookDelivery) -> None:
        """Stores the delivery in place of what was stored of it, and deletes all but the latest MAX_DELIVERIES of the
        webhook. Call it for a webhook that `find_by_id` returned in the same transaction."""

    async def find_by_id(self, id: WebhookDeliveryId) -> WebhookDelivery | None: ...

    async def find_notification(self, id: NotificationId) -> NotificationWithActor | None:
        """Returns the notification that is to be delivered, if it still exists."""

    async def find_of_webhook(self, webhook_id: WebhookId) -> tuple[WebhookDelivery, ...]:
        """Returns the deliveries, newest first."""
