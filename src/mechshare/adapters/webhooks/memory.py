"""Webhooks whose receivers are functions."""

from collections.abc import Callable, Mapping
from urllib.parse import urlsplit

from mechshare.domain.webhooks import DeliveryError
from mechshare.ports.webhooks import WebhookCall, WebhookOutcome


class MemoryWebhookSender:
    """`receivers` returns a status, from 200 to 599, by host and port as they stand in the URL; there are no others."""

    def __init__(self, receivers: Mapping[str, Callable[[WebhookCall], int]]) -> None:
        self._receivers = receivers

    async def send(self, call: WebhookCall) -> WebhookOutcome:
        receiver = self._receivers.get(urlsplit(call.url).netloc)
        if receiver is None:
            return WebhookOutcome(error=DeliveryError.UNREACHABLE)
        status = receiver(call)
        if status < 300:
            return WebhookOutcome(status=status)
        error = DeliveryError.REDIRECTED if status < 400 else DeliveryError.REFUSED
        return WebhookOutcome(status=status, error=error)
