"""Webhooks: what users register, and the job that delivers their notifications to it."""

import json
from dataclasses import asdict, replace
from datetime import datetime
from functools import partial
from typing import Any

from mechshare.domain.audit import RequestMetadata
from mechshare.domain.errors import UserNotFound
from mechshare.domain.jobs import AttemptFailed, Job
from mechshare.domain.mechanisms import Author
from mechshare.domain.media import FailureCode, ProcessingFailure
from mechshare.domain.notifications import NotificationId
from mechshare.domain.personal_access_tokens import restricted
from mechshare.domain.users import Actor
from mechshare.domain.webhook_events import DeliveryDue, WebhookCreated, WebhookDeleted
from mechshare.domain.webhooks import (
    MAX_WEBHOOKS,
    SECRET_PREFIX,
    TooManyWebhooks,
    Webhook,
    WebhookDelivery,
    WebhookDeliveryId,
    WebhookId,
    WebhookNotFound,
    clean_webhook_url,
    delivery_parts,
    signature_of,
)
from mechshare.ports.clock import Clock
from mechshare.ports.ids import IdSource
from mechshare.ports.persistence.database import UnitOfWork
from mechshare.ports.webhooks import WebhookCall, WebhookOutcome, WebhookSender
from mechshare.services.jobs import Completion, Progress
from mechshare.services.notifications import shown_among
from mechshare.services.transactions import Transaction, Transactions


class WebhookService:
    """`allows_private` admits receivers in local and private networks, and http."""

    def __init__(
        self, transactions: Transactions, clock: Clock, ids: IdSource, *, allows_private: bool = False
    ) -> None:
        self._transactions = transactions
        self._clock = clock
        self._ids = ids
        self._allows_private = allows_private

    async def create(self, actor: Actor, url: str, request_metadata: RequestMetadata) -> Webhook:
        """Registers a webhook of the actor with a new secret. Raises InvalidField, UserNotFound, TooManyWebhooks."""
        webhook = Webhook(
            id=WebhookId(self._ids.new_id()),
            user_id=actor.id,
            url=clean_webhook_url(url, allows_private=self._allows_private),
            secret=SECRET_PREFIX + self._ids.new_secret(),
            created_at=self._clock.now(),
        )
        async with self._transactions.begin() as tx:
            if await tx.users.find_by_id(actor.id) is None:
                raise UserNotFound()
            if len(await tx.webhooks.find_of_user(actor.id)) >= MAX_WEBHOOKS:
                raise TooManyWebhooks(limit=MAX_WEBHOOKS)
            await tx.webhooks.add(webhook)
            await tx.record(WebhookCreated(webhook, request_metadata))
        return webhook

    async def find(self, actor: Actor) -> tuple[Webhook, ...]:
        """Returns the webhooks of the actor, oldest first."""
        async with self._transactions.read() as tx:
            return await tx.webhooks.find_of_user(actor.id)

    async def find_deliveries(self, actor: Actor, id: WebhookId) -> tuple[WebhookDelivery, ...]:
        """Returns the latest deliveries of a webhook of the actor, newest first. Raises WebhookNotFound."""
        async with self._transactions.read() as tx:
            await _own(tx, actor, id)
            return await tx.webhook_deliveries.find_of_webhook(id)

    async def delete(self, actor: Actor, id: WebhookId, request_metadata: RequestMetadata) -> None:
        """Deletes a webhook of the actor; what was not yet delivered is not sent. Raises WebhookNotFound."""
        async with self._transactions.begin() as tx:
            webhook = await _own(tx, actor, id)
            await tx.webhooks.delete(id)
            await tx.record(WebhookDeleted(webhook, request_metadata))

    async def send_test(self, actor: Actor, id: WebhookId, request_id: str) -> None:
        """Enqueues a delivery without a notification; one that succeeds enables the webhook. Raises WebhookNotFound."""
        async with self._transactions.begin() as tx:
            webhook = await _own(tx, actor, id)
            await tx.record(DeliveryDue(webhook, None, request_id))


class DeliverWebhook:
    """The job `deliver_webhook`: sends the notification that its subject names, or a test.

    It sends what a token without the scope `admin` reads at that time, and nothing that the user may no longer see.
    """

    def __init__(self, transactions: Transactions, sender: WebhookSender, clock: Clock) -> None:
        self._transactions = transactions
        self._sender = sender
        self._clock = clock

    async def run(self, job: Job, progress: Progress) -> Completion:
        webhook_id, notification_id = delivery_parts(job.subject)
        async with self._transactions.read() as tx:
            webhook = await tx.webhooks.find_by_id(webhook_id)
            content = await _content(tx, webhook, notification_id) if webhook else None
        if webhook is None or content is None:
            return partial(_mark_given_up, job=job)
        await progress("send", 0.0)
        now = self._clock.now()
        outcome = await self._sender.send(_signed(webhook, job, content, now))
        delivery = _delivery(job, outcome, now)
        if outcome.error is not None:
            async with self._transactions.begin() as tx:
                await _log(tx, delivery)
            failure = ProcessingFailure(code=FailureCode.NOT_DELIVERED, detail=outcome.error.value)
            raise AttemptFailed(failure, permanent=outcome.error.is_permanent)

        async def accept(tx: Transaction) -> None:
            if current := await _log(tx, delivery):
                await tx.webhooks.save(current.succeeded())

        return accept

    async def on_failed(self, tx: Transaction, job: Job, failure: ProcessingFailure) -> None:
        webhook_id, _ = delivery_parts(job.subject)
        webhook = await tx.webhooks.find_by_id(webhook_id)
        if webhook is None:
            return
        await tx.webhooks.save(webhook.failed(self._clock.now()))
        await _mark_given_up(tx, job)

    async def on_retry(self, tx: Transaction, job: Job) -> None:
        """Does nothing: the next attempt writes what follows."""

    async def on_lost(self, job: Job) -> None:
        """Does nothing: the receiver knows a repeated delivery by its identifier."""


async def _own(tx: UnitOfWork, actor: Actor, id: WebhookId) -> Webhook:
    webhook = await tx.webhooks.find_by_id(id)
    if webhook is None or webhook.user_id != actor.id:
        raise WebhookNotFound()
    return webhook


async def _content(
    tx: UnitOfWork, webhook: Webhook, notification_id: NotificationId | None
) -> dict[str, Any] | None:
    """Returns what is to be sent; None if it is nothing."""
    if notification_id is None:
        return {"type": "test", "notification": None}
    user = await tx.users.find_by_id(webhook.user_id)
    item = await tx.webhook_deliveries.find_notification(notification_id)
    if webhook.disabled_at is not None or user is None or user.is_suspended or item is None:
        return None
    actor = restricted(Actor(id=user.id, role=user.role), ())
    shown = await shown_among(tx, actor, [item])
    return {"type": "notification", "notification": shown[0].fields()} if shown else None


def _signed(webhook: Webhook, job: Job, content: dict[str, Any], now: datetime) -> WebhookCall:
    sent = {"id": job.id, "webhook_id": webhook.id, **content}
    body = json.dumps(sent, ensure_ascii=False, default=_plain).encode()
    time = int(now.timestamp())
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "mechshare",
        "Mechshare-Delivery": job.id,
        "Mechshare-Time": str(time),
        "Mechshare-Signature": signature_of(webhook.secret, time, body),
    }
    return WebhookCall(url=webhook.url, headers=headers, body=body)


def _delivery(job: Job, outcome: WebhookOutcome, now: datetime) -> WebhookDelivery:
    webhook_id, notification_id = delivery_parts(job.subject)
    return WebhookDelivery(
        id=WebhookDeliveryId(job.id),
        webhook_id=webhook_id,
        notification_id=notification_id,
        created_at=job.created_at,
        attempts=job.attempt,
        attempted_at=now,
        status=outcome.status,
        error=outcome.error,
    )


async def _mark_given_up(tx: UnitOfWork, job: Job) -> None:
    """States in the log of the webhook, if there was an attempt, that no further one follows."""
    delivery = await tx.webhook_deliveries.find_by_id(WebhookDeliveryId(job.id))
    if delivery is not None:
        await _log(tx, replace(delivery, is_given_up=True))


async def _log(tx: UnitOfWork, delivery: WebhookDelivery) -> Webhook | None:
    """Stores the delivery, unless its webhook was deleted meanwhile; returns the webhook."""
    webhook = await tx.webhooks.find_by_id(delivery.webhook_id)
    if webhook is not None:
        await tx.webhook_deliveries.put(delivery)
    return webhook


def _plain(value: datetime | Author) -> str | dict[str, Any]:
    """Returns a value as JSON has it in responses of the API."""
    return value.isoformat().replace("+00:00", "Z") if isinstance(value, datetime) else asdict(value)
