"""Tickets: short-lived proofs of a session for requests that can carry no header, such as those of EventSource."""

import hmac
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import sha256

from mechshare.domain.errors import InvalidToken
from mechshare.domain.ids import SessionId, UserId

TICKET_LIFETIME = timedelta(seconds=60)


class TicketPurpose(StrEnum):
    WATCH_PROCESSING = "watch processing"


@dataclass(frozen=True, slots=True)
class TicketHolder:
    """The session for which a ticket was issued, and its user."""

    user_id: UserId
    session_id: SessionId


@dataclass(frozen=True, slots=True)
class TicketSigner:
    """Signs tickets with HMAC-SHA-256 (RFC 2104) under a secret of at least 32 bytes.

    A ticket is `expires.user_id.session_id.signature`. The signature also covers its purpose and subject, so a ticket
    is valid for one purpose and one subject only.
    """

    secret: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if len(self.secret) < 32:
            raise ValueError("the secret for signing tickets must be at least 32 bytes long")

    def issue(self, holder: TicketHolder, purpose: TicketPurpose, subject: str, now: datetime) -> str:
        """Returns a ticket that is valid for TICKET_LIFETIME."""
        expires = int((now + TICKET_LIFETIME).timestamp())
        content = f"{expires}.{holder.user_id}.{holder.session_id}"
        return f"{content}.{self._signature(content, purpose, subject)}"

    def verify(self, ticket: str, purpose: TicketPurpose, subject: str, now: datetime) -> TicketHolder:
        """Returns the holder of `ticket`. Raises InvalidToken if it is expired, altered, or for something else."""
        content, _, signature = ticket.rpartition(".")
        expected = self._signature(content, purpose, subject)
        if not ticket.isascii() or not hmac.compare_digest(expected, signature):
            raise InvalidToken()
        expires, user_id, session_id = content.split(".")
        if now.timestamp() >= int(expires):
            raise InvalidToken()
        return TicketHolder(UserId(user_id), SessionId(session_id))

    def _signature(self, content: str, purpose: TicketPurpose, subject: str) -> str:
        signed = f"{purpose}\n{subject}\n{content}".encode("utf-8", "surrogatepass")
        return hmac.new(self.secret, signed, sha256).hexdigest()
