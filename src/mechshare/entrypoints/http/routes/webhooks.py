"""/users/me/webhooks"""

from datetime import datetime
from typing import Annotated, Any

from litestar import Request, Response, Router, delete, get, post
from litestar.openapi.spec import Tag
from litestar.params import FromPath
from msgspec import Struct

from mechshare.domain.errors import Conflict, Invalid, NotFound
from mechshare.domain.external_hosts import MAX_URL_LENGTH
from mechshare.domain.ids import is_id
from mechshare.domain.webhooks import (
    DeliveryError,
    Webhook,
    WebhookDelivery,
    WebhookId,
    WebhookNotFound,
)
from mechshare.entrypoints.http.protocol.auth import (
    actor_of,
    application_of,
    limits,
    request_metadata_of,
    require_permissions,
)
from mechshare.entrypoints.http.protocol.openapi import NOT_MODIFIED, body_of, documented, refuses
from mechshare.entrypoints.http.protocol.request_body import decoded_body, refuse_body
from mechshare.entrypoints.http.protocol.responses import no_content, resource
from mechshare.entrypoints.http.protocol.schema_names import published
from mechshare.entrypoints.http.representations.users import USERS_PATH
from mechshare.services.rate_limits import CostlyOperation

Req = Request[Any, Any, Any]
TAG = Tag("webhooks", "Your notifications, sent to a program of yours")


@published("NewWebhook")
class NewWebhook(Struct, forbid_unknown_fields=True):
    """`url` is https and names a public host, without user name, password and fragment."""

    url: Annotated[str, documented(minLength=1, maxLength=MAX_URL_LENGTH)]


@published("Webhook")
class WebhookResponse(Struct):
    """`failures` is how many deliveries failed since the last that succeeded. From 10 on the webhook is disabled, until
    a test delivery succeeds."""

    id: str
    url: str
    created_at: datetime
    failures: int
    disabled_at: datetime | None


@published("CreatedWebhook")
class CreatedWebhookResponse(WebhookResponse):
    """`secret` is the key of the signatures, which no other response contains."""

    secret: str


@published("WebhookList")
class WebhooksResponse(Struct):
    items: list[WebhookResponse]


@published("WebhookDelivery")
class WebhookDeliveryResponse(Struct):
    """A delivery as its last attempt left it. `status` is that of the response, if there was one. `error` is null if
    the receiver accepted the delivery; `is_given_up` says that no further attempt follows. `notification_id` is null
    for a test."""

    id: str
    notification_id: str | None
    created_at: datetime
    attempts: int
    attempted_at: datetime
    status: int | None
    error: DeliveryError | None
    error_message: str | None
    is_given_up: bool


@published("WebhookDeliveryList")
class WebhookDeliveriesResponse(Struct):
    items: list[WebhookDeliveryResponse]


@get(
    "/",
    guards=[require_permissions()],
    operation_id="listWebhooks",
    summary="List your webhooks",
    responses=NOT_MODIFIED,
)
async def find_webhooks(request: Req) -> Response[WebhooksResponse]:
    """Returns your webhooks, oldest first."""
    found = await application_of(request).webhooks.find(actor_of(request))
    return resource(request, WebhooksResponse([WebhookResponse(**_fields(one)) for one in found]))


@post(
    "/",
    status_code=201,
    guards=[require_permissions()],
    operation_id="createWebhook",
    summary="Create a webhook",
    opt=refuses(Invalid, Conflict),
    operation_class=body_of(NewWebhook, example={"url": "https://hooks.example/mechshare"}),
)
async def create_webhook(request: Req) -> Response[CreatedWebhookResponse]:
    """Sends your notifications to this URL from now on, as signed POST requests. Store the secret: it is shown once."""
    body = await decoded_body(request, NewWebhook)
    webhook = await application_of(request).webhooks.create(
        actor_of(request), body.url, request_metadata_of(request)
    )
    created = CreatedWebhookResponse(**_fields(webhook), secret=webhook.secret)
    return resource(request, created, status=201, cache="no-store")


@delete(
    "/{webhook_id:str}",
    status_code=204,
    guards=[require_permissions()],
    operation_id="deleteWebhook",
    summary="Delete a webhook",
    opt=refuses(NotFound),
)
async def delete_webhook(request: Req, webhook_id: FromPath[str]) -> Response[None]:
    """Ends one of your webhooks: what was not yet delivered is not sent."""
    webhooks, known = application_of(request).webhooks, webhook_id_in(webhook_id)
    await webhooks.delete(actor_of(request), known, request_metadata_of(request))
    return no_content()


@post(
    "/{webhook_id:str}/test",
    status_code=202,
    guards=[require_permissions()],
    before_request=limits(CostlyOperation.RETRIES),
    operation_id="testWebhook",
    summary="Send a test to a webhook",
    opt=refuses(NotFound),
)
async def test_webhook(request: Req, webhook_id: FromPath[str]) -> Response[None]:
    """Sends a delivery whose `type` is `test`; read at `deliveries` how it went."""
    await refuse_body(request)
    webhooks, known = application_of(request).webhooks, webhook_id_in(webhook_id)
    await webhooks.send_test(actor_of(request), known, request_metadata_of(request).request_id)
    return Response(None, status_code=202)


@get(
    "/{webhook_id:str}/deliveries",
    guards=[require_permissions()],
    operation_id="listWebhookDeliveries",
    summary="List the deliveries of a webhook",
    responses=NOT_MODIFIED,
    opt=refuses(NotFound),
)
async def find_deliveries(request: Req, webhook_id: FromPath[str]) -> Response[WebhookDeliveriesResponse]:
    """Returns the latest 50 deliveries that were tried, newest first."""
    webhooks, known = application_of(request).webhooks, webhook_id_in(webhook_id)
    found = await webhooks.find_deliveries(actor_of(request), known)
    return resource(request, WebhookDeliveriesResponse([_delivery(one) for one in found]))


def webhook_id_in(text: str) -> WebhookId:
    """Raises WebhookNotFound for what is not an identifier."""
    if not is_id(text):
        raise WebhookNotFound()
    return WebhookId(text)


def _fields(webhook: Webhook) -> dict[str, Any]:
    return {
        "id": webhook.id,
        "url": webhook.url,
        "created_at": webhook.created_at,
        "failures": webhook.failures,
        "disabled_at": webhook.disabled_at,
    }


def _delivery(delivery: WebhookDelivery) -> WebhookDeliveryResponse:
    return WebhookDeliveryResponse(
        id=delivery.id,
        notification_id=delivery.notification_id,
        created_at=delivery.created_at,
        attempts=delivery.attempts,
        attempted_at=delivery.attempted_at,
        status=delivery.status,
        error=delivery.error,
        error_message=delivery.error.message("en") if delivery.error else None,
        is_given_up=delivery.is_given_up,
    )


router = Router(
    USERS_PATH + "/me/webhooks",
    tags=[TAG.name],
    route_handlers=[find_webhooks, create_webhook, delete_webhook, test_webhook, find_deliveries],
)
