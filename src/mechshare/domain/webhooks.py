"""Webhooks: the addresses to which the notifications of a user are sent, and how each delivery went."""

import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import NewType
from urllib.parse import urlsplit

from mechshare.domain.errors import Conflict, InvalidField, NotFound
from mechshare.domain.external_hosts import MAX_URL_LENGTH, is_public
from mechshare.domain.ids import UserId
from mechshare.domain.notifications import NotificationId
from mechshare.domain.text import clean_text

WebhookId = NewType("WebhookId", str)
WebhookDeliveryId = NewType("WebhookDeliveryId", str)
MAX_WEBHOOKS = 5
"""Webhooks of one user."""
MAX_DELIVERIES = 50
"""Deliveries of a webhook that the log keeps: the latest ones."""
MAX_FAILURES = 10
"""Deliveries that fail one after the other until their webhook is disabled."""
SECRET_PREFIX = "mswh_"  # noqa: S105  a prefix, not a secret
_TEST = "test"
_IN_URLS = re.compile(r"[!-~]+", re.ASCII)


class WebhookNotFound(NotFound):
    code = "WEBHOOK_NOT_FOUND"
    messages = {"en": "Webhook not found.", "ja": "Webhook が見つかりません。"}


class TooManyWebhooks(Conflict):
    code = "TOO_MANY_WEBHOOKS"
    messages = {
        "en": "You have {limit} webhooks, which is the maximum. Delete one first.",
        "ja": "Webhook が上限の {limit} 件に達しています。先にどれかを削除してください。",
    }


class DeliveryError(StrEnum):
    """Why an attempt to deliver failed."""

    UNRESOLVED = "unresolved"
    PRIVATE_ADDRESS = "private_address"
    UNREACHABLE = "unreachable"
    TLS_FAILED = "tls_failed"
    TIMED_OUT = "timed_out"
    MALFORMED = "malformed"
    REDIRECTED = "redirected"
    REFUSED = "refused"

    @property
    def is_permanent(self) -> bool:
        """Whether another attempt can't help."""
        return self is DeliveryError.PRIVATE_ADDRESS

    def message(self, language: str) -> str:
        """Returns what happened and what to do, in `language`; in English if it has no translation."""
        messages = _ERROR_MESSAGES[self]
        return messages.get(language, messages["en"])


_ERROR_MESSAGES: Mapping[DeliveryError, Mapping[str, str]] = {
    DeliveryError.UNRESOLVED: {
        "en": "The host name has no address. Check the URL.",
        "ja": "ホスト名のアドレスが見つかりません。URL を確認してください。",
    },
    DeliveryError.PRIVATE_ADDRESS: {
        "en": "The host name leads to a local or private network, to which this site sends nothing.",
        "ja": "ホスト名がローカルまたはプライベートネットワークを指しているため、送信しません。",
    },
    DeliveryError.UNREACHABLE: {
        "en": "The receiver accepts no connection, or ended it. Check that it runs.",
        "ja": "受信側に接続できないか、接続が切られました。受信側が動いているか確認してください。",
    },
    DeliveryError.TLS_FAILED: {
        "en": "The certificate of the receiver is not valid for its host name.",
        "ja": "受信側の証明書がホスト名に対して有効ではありません。",
    },
    DeliveryError.TIMED_OUT: {
        "en": "The receiver did not respond in time. Respond first, and process the notification afterwards.",
        "ja": "受信側が時間内に応答しませんでした。先に応答を返し、その後で通知を処理してください。",
    },
    DeliveryError.MALFORMED: {
        "en": "The response of the receiver is not HTTP.",
        "ja": "受信側の応答が HTTP ではありません。",
    },
    DeliveryError.REDIRECTED: {
        "en": "The receiver redirects to another address, which is not followed. Register that address.",
        "ja": "受信側が別のアドレスに転送しましたが、転送先には送信しません。転送先のアドレスを登録してください。",
    },
    DeliveryError.REFUSED: {
        "en": "The receiver responded with an error; only a status from 200 to 299 accepts a notification.",
        "ja": "受信側がエラーを返しました。通知を受け取るときは 200〜299 のステータスを返してください。",
    },
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """`secret` is the key of the signatures. `failures` is how many deliveries failed since the last that succeeded.

    While it is disabled, only test deliveries are sent.
    """

    id: WebhookId
    user_id: UserId
    url: str
    secret: str = field(repr=False)
    created_at: datetime
    failures: int = 0
    disabled_at: datetime | None = None

    def succeeded(self) -> "Webhook":
        """Returns the webhook after a delivery that its receiver accepted, which enables it again."""
        return replace(self, failures=0, disabled_at=None)

    def failed(self, now: datetime) -> "Webhook":
        """Returns the webhook after a delivery that failed for good; disabled from MAX_FAILURES on."""
        failures = self.failures + 1
        is_too_many = failures >= MAX_FAILURES
        return replace(
            self, failures=failures, disabled_at=self.disabled_at or (now if is_too_many else None)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookDelivery:
    """The delivery of a notification, or a test (None), as its last attempt left it.

    `status` is that of the response, if there was one. Without `error` it succeeded; with `is_given_up` no further
    attempt follows.
    """

    id: WebhookDeliveryId
    webhook_id: WebhookId
    notification_id: NotificationId | None
    created_at: datetime
    attempts: int
    attempted_at: datetime
    status: int | None
    error: DeliveryError | None
    is_given_up: bool = False


def clean_webhook_url(url: str, *, allows_private: bool) -> str:
    """Returns an https URL that names a public host, without credentials; `allows_private` admits http and any host.

    Raises InvalidField.
    """
    cleaned = clean_text("url", url, min_length=1, max_length=MAX_URL_LENGTH)
    host = _host_of(cleaned, schemes=("https", "http") if allows_private else ("https",))
    if host is None:
        raise InvalidField(
            "url",
            en="must be an https URL in ASCII with a host and without user name, password and fragment.",
            ja="ホスト名を含む ASCII の https の URL にしてください（ユーザー名、パスワード、# は不可）。",
        )
    if not allows_private and not is_public(host):
        raise InvalidField(
            "url",
            en="must name a public host, not an address or name of a local or private network.",
            ja="ローカルまたはプライベートネットワークのアドレスや名前ではなく、公開されているホストを指定してください。",
        )
    return cleaned


def _host_of(url: str, *, schemes: tuple[str, ...]) -> str | None:
    try:
        parts = urlsplit(url)
        has_port = parts.port is None or parts.port > 0
    except ValueError:
        return None
    is_plain = bool(_IN_URLS.fullmatch(url)) and "@" not in parts.netloc and "#" not in url
    return parts.hostname if is_plain and has_port and parts.scheme in schemes else None


def signature_of(secret: str, time: int, body: bytes) -> str:
    """Returns `v1=` and the HMAC-SHA256 of `time`, in seconds since 1970, a full stop and the body, in hexadecimal."""
    signed = f"{time}.".encode() + body
    return "v1=" + hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()


def delivery_subject(webhook_id: WebhookId, notification_id: NotificationId | None) -> str:
    """Returns the subject of the job that delivers the notification, or a test (None)."""
    return f"{webhook_id} {notification_id or _TEST}"


def delivery_parts(subject: str) -> tuple[WebhookId, NotificationId | None]:
    """Returns what `delivery_subject` was made of."""
    webhook_id, _, notification_id = subject.partition(" ")
    return WebhookId(webhook_id), None if notification_id == _TEST else NotificationId(notification_id)
