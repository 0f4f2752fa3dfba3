"""Domain events of webhooks: a part of the union `mechshare.domain.events.Event`."""

from dataclasses import dataclass

from mechshare.domain.audit import RequestMetadata
from mechshare.domain.notifications import NotificationId
from mechshare.domain.webhooks import Webhook


@dataclass(frozen=True, slots=True)
class WebhookCreated:
    webhook: Webhook
    request_metadata: RequestMetadata


@dataclass(frozen=True, slots=True)
class WebhookDeleted:
    webhook: Webhook
    request_metadata: RequestMetadata


@dataclass(frozen=True, slots=True)
class DeliveryDue:
    """There is a notification for the webhook, or its user asked for a test (None)."""

    webhook: Webhook
    notification_id: NotificationId | None
    request_id: str = ""


WebhookEvent = WebhookCreated | WebhookDeleted | DeliveryDue
