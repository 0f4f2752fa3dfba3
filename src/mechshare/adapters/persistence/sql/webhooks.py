"""Webhooks in SQL."""

from sqlalchemy import (
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
    bindparam,
    delete,
    insert,
    select,
    update,
)

from mechshare.adapters.persistence.sql.errors import ForeignKeyViolated
from mechshare.adapters.persistence.sql.notifications.rows import NOTIFICATION_BY_ID, notification_with_actor
from mechshare.adapters.persistence.sql.records import record_of
from mechshare.adapters.persistence.sql.statements import Statements
from mechshare.adapters.persistence.sql.tables import metadata
from mechshare.adapters.persistence.sql.types import Id, UtcTime
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

webhooks = Table(
    "webhooks",
    metadata,
    Column("id", Id, primary_key=True),
    Column("user_id", Id, ForeignKey("users.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("url", Text, nullable=False),
    Column("secret", String(64), nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("failures", Integer, nullable=False),
    Column("disabled_at", UtcTime),
)
webhook_deliveries = Table(
    "webhook_deliveries",
    metadata,
    Column("id", Id, primary_key=True),
    Column("webhook_id", Id, ForeignKey("webhooks.id", ondelete="CASCADE"), nullable=False),
    # A delivery stays in the log when its notification is deleted.
    Column("notification_id", Id),
    Column("created_at", UtcTime, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("attempted_at", UtcTime, nullable=False),
    Column("status", Integer),
    Column("error", String(32)),
    Column("is_given_up", Boolean, nullable=False),
    Index("ix_webhook_deliveries_of_webhook", "webhook_id", "created_at", "id"),
)

_WEBHOOK = record_of(Webhook, webhooks)
_INSERT = insert(webhooks)
_BY_ID = select(webhooks).where(webhooks.c.id == bindparam("id"))
_OF_USER = (
    select(webhooks)
    .where(webhooks.c.user_id == bindparam("owner"))
    .order_by(webhooks.c.created_at, webhooks.c.id)
)
_SAVE = (
    update(webhooks)
    .where(webhooks.c.id == bindparam("same_id"))
    .values({name: bindparam(name) for name in ("failures", "disabled_at")})
)
_DELETE = delete(webhooks).where(webhooks.c.id == bindparam("gone"))


class SqlWebhookRepository(WebhookRepository):
    def __init__(self, statements: Statements) -> None:
        self._statements = statements

    async def add(self, webhook: Webhook) -> None:
        try:
            await self._statements.change(_INSERT, _WEBHOOK.values(webhook))
        except ForeignKeyViolated as problem:
            raise UserNotFound() from problem

    async def find_by_id(self, id: WebhookId) -> Webhook | None:
        await self._statements.lock_row(webhooks.c.id, id)
        row = await self._statements.row(_BY_ID, {"id": id})
        return _WEBHOOK.value(row) if row else None

    async def find_of_user(self, user_id: UserId) -> tuple[Webhook, ...]:
        rows = await self._statements.rows(_OF_USER, {"owner": user_id})
        return tuple(map(_WEBHOOK.value, rows))

    async def save(self, webhook: Webhook) -> None:
        values = _WEBHOOK.values(webhook)
        changes = {name: values[name] for name in ("failures", "disabled_at")}
        await self._statements.change(_SAVE, {**changes, "same_id": webhook.id})

    async def delete(self, id: WebhookId) -> None:
        await self._statements.change(_DELETE, {"gone": id})


_DELIVERY = record_of(WebhookDelivery, webhook_deliveries)
_INSERT_DELIVERY = insert(webhook_deliveries)
_DELIVERY_BY_ID = select(webhook_deliveries).where(webhook_deliveries.c.id == bindparam("id"))
_DELETE_DELIVERY = delete(webhook_deliveries).where(webhook_deliveries.c.id == bindparam("replaced"))
_OF_WEBHOOK = webhook_deliveries.c.webhook_id == bindparam("of_webhook")
_NEWEST = (webhook_deliveries.c.created_at.desc(), webhook_deliveries.c.id.desc())
_DELIVERIES = select(webhook_deliveries).where(_OF_WEBHOOK).order_by(*_NEWEST)
_DELETE_OLDER = delete(webhook_deliveries).where(
    _OF_WEBHOOK,
    webhook_deliveries.c.id.not_in(
        select(webhook_deliveries.c.id).where(_OF_WEBHOOK).order_by(*_NEWEST).limit(MAX_DELIVERIES)
    ),
)


class SqlWebhookDeliveryRepository(WebhookDeliveryRepository):
    def __init__(self, statements: Statements) -> None:
        self._statements = statements

    async def put(self, delivery: WebhookDelivery) -> None:
        await self._statements.change(_DELETE_DELIVERY, {"replaced": delivery.id})
        await self._statements.change(_INSERT_DELIVERY, _DELIVERY.values(delivery))
        await self._statements.change(_DELETE_OLDER, {"of_webhook": delivery.webhook_id})

    async def find_by_id(self, id: WebhookDeliveryId) -> WebhookDelivery | None:
        row = await self._statements.row(_DELIVERY_BY_ID, {"id": id})
        return _DELIVERY.value(row) if row else None

    async def find_notification(self, id: NotificationId) -> NotificationWithActor | None:
        row = await self._statements.row(NOTIFICATION_BY_ID, {"id": id})
        return notification_with_actor(row) if row else None

    async def find_of_webhook(self, webhook_id: WebhookId) -> tuple[WebhookDelivery, ...]:
        rows = await self._statements.rows(_DELIVERIES, {"of_webhook": webhook_id})
        return tuple(map(_DELIVERY.value, rows))
