"""The contract suite of what sends webhooks.

The fixture `webhooks` is the sender, and the address of a receiver that responds with the status at the end of the
path.
"""

import pytest

from mechshare.domain.webhooks import DeliveryError
from mechshare.ports.webhooks import WebhookCall, WebhookOutcome, WebhookSender
from mechshare.testing.bounds import bounded

Webhooks = tuple[WebhookSender, str]


def a_call(url: str) -> WebhookCall:
    return WebhookCall(url=url, headers={"Content-Type": "application/json"}, body=b"{}")


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (200, None),
        (204, None),
        (302, DeliveryError.REDIRECTED),
        (404, DeliveryError.REFUSED),
        (503, DeliveryError.REFUSED),
    ],
)
async def test_the_status_says_whether_the_receiver_accepted(
    webhooks: Webhooks, status: int, error: DeliveryError | None
) -> None:
    sender, receiver = webhooks
    async with bounded():
        outcome = await sender.send(a_call(f"{receiver}/{status}"))
    assert outcome == WebhookOutcome(status=status, error=error)


async def test_a_receiver_that_does_not_exist_is_unreachable(webhooks: Webhooks) -> None:
    sender, _ = webhooks
    async with bounded():
        outcome = await sender.send(a_call("http://127.0.0.1:1/in"))
    assert outcome == WebhookOutcome(error=DeliveryError.UNREACHABLE)
