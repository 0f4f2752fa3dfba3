"""Sends notifications to the programs that users name."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from mechshare.domain.webhooks import DeliveryError


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookCall:
    """A POST request. `headers` are all but Host, Content-Length and Connection."""

    url: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookOutcome:
    """`status` is that of the response, if there was one; `error` is None if it is from 200 to 299."""

    status: int | None = None
    error: DeliveryError | None = None


class WebhookSender(Protocol):
    async def send(self, call: WebhookCall) -> WebhookOutcome:
        """Sends the request once and returns how it went, after a bounded time whatever the receiver does. Follows no
        redirect."""
