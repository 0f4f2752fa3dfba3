"""The contract of webhooks and of the log of their deliveries."""

from dataclasses import replace
from datetime import timedelta

import pytest

from mechshare.domain.errors import UserNotFound
from mechshare.domain.ids import UserId
from mechshare.domain.mechanisms import author_of
from mechshare.domain.notifications import NotificationId, NotificationWithActor
from mechshare.domain.users import User
from mechshare.domain.webhooks import (
    MAX_DELIVERIES,
    DeliveryError,
    Webhook,
    WebhookDelivery,
    WebhookDeliveryId,
    WebhookId,
)
from mechshare.ports.persistence.database import Database
from mechshare.testing.persistence.notifications import a_notification
from mechshare.testing.persistence.values import NOW, new_id, save_user


def a_webhook(user: User, minutes: int = 0) -> Webhook:
    return Webhook(
        id=WebhookId(new_id()),
        user_id=user.id,
        url="https://hooks.example/in",
        secret="秘密",
        created_at=NOW + timedelta(minutes=minutes),
    )


def a_delivery(webhook: Webhook, minutes: int = 0) -> WebhookDelivery:
    at = NOW + timedelta(minutes=minutes)
    return WebhookDelivery(
        id=WebhookDeliveryId(new_id()),
        webhook_id=webhook.id,
        notification_id=None,
        created_at=at,
        attempts=1,
        attempted_at=at,
        status=500,
        error=DeliveryError.REFUSED,
    )


async def save_webhooks(database: Database, *webhooks: Webhook) -> None:
    async with database.begin() as tx:
        for webhook in webhooks:
            await tx.webhooks.add(webhook)


async def test_webhooks_are_listed_oldest_first_and_keep_their_failures(database: Database) -> None:
    mika, ana = await save_user(database), await save_user(database)
    first, second = a_webhook(mika), a_webhook(mika, minutes=1)
    await save_webhooks(database, second, first, a_webhook(ana))
    failed = replace(first, failures=10, disabled_at=NOW)
    async with database.begin() as tx:
        assert await tx.webhooks.find_by_id(first.id) == first
        await tx.webhooks.save(failed)
    async with database.read() as tx:
        assert await tx.webhooks.find_of_user(mika.id) == (failed, second)


async def test_a_webhook_needs_its_user_and_ends_with_it(database: Database) -> None:
    mika = await save_user(database)
    webhook = a_webhook(mika)
    with pytest.raises(UserNotFound):
        await save_webhooks(database, replace(webhook, user_id=UserId(new_id())))
    await save_webhooks(database, webhook)
    delivery = a_delivery(webhook)
    async with database.begin() as tx:
        await tx.webhook_deliveries.put(delivery)
    async with database.begin() as tx:
        await tx.users.delete(mika.id)
    async with database.read() as tx:
        assert await tx.webhooks.find_by_id(webhook.id) is None
        assert await tx.webhook_deliveries.find_by_id(delivery.id) is None


async def test_deliveries_end_with_their_webhook(database: Database) -> None:
    webhook = a_webhook(await save_user(database))
    await save_webhooks(database, webhook)
    async with database.begin() as tx:
        await tx.webhook_deliveries.put(a_delivery(webhook))
    async with database.begin() as tx:
        await tx.webhooks.delete(webhook.id)
        await tx.webhooks.delete(webhook.id)
    async with database.read() as tx:
        assert await tx.webhooks.find_by_id(webhook.id) is None
        assert await tx.webhook_deliveries.find_of_webhook(webhook.id) == ()


async def test_a_delivery_is_stored_as_its_last_attempt_left_it(database: Database) -> None:
    webhook = a_webhook(await save_user(database))
    await save_webhooks(database, webhook)
    first = a_delivery(webhook)
    second = replace(first, attempts=2, status=None, error=None, is_given_up=True)
    async with database.begin() as tx:
        await tx.webhook_deliveries.put(first)
        assert await tx.webhook_deliveries.find_by_id(first.id) == first
        await tx.webhook_deliveries.put(second)
    async with database.read() as tx:
        assert await tx.webhook_deliveries.find_of_webhook(webhook.id) == (second,)


async def test_a_notification_is_found_with_who_caused_it_while_it_exists(database: Database) -> None:
    mika, ana = await save_user(database), await save_user(database)
    notification = a_notification(mika, actor=ana)
    async with database.begin() as tx:
        assert await tx.notifications.add(notification)
    async with database.read() as tx:
        found = await tx.webhook_deliveries.find_notification(notification.id)
        assert found == NotificationWithActor(notification=notification, actor=author_of(ana))
        assert await tx.webhook_deliveries.find_notification(NotificationId(new_id())) is None


async def test_the_log_keeps_the_latest_deliveries_of_each_webhook(database: Database) -> None:
    mika = await save_user(database)
    busy, other = a_webhook(mika), a_webhook(mika)
    await save_webhooks(database, busy, other)
    deliveries = [a_delivery(busy, minutes) for minutes in range(MAX_DELIVERIES + 2)]
    of_other = a_delivery(other)
    async with database.begin() as tx:
        for delivery in (of_other, *deliveries):
            await tx.webhook_deliveries.put(delivery)
        assert await tx.webhook_deliveries.find_of_webhook(busy.id) == tuple(deliveries[:1:-1])
        assert await tx.webhook_deliveries.find_of_webhook(other.id) == (of_other,)
