"""Tickets: short-lived proofs of a session for requests that can carry no header, such as those of EventSource."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from mechshare.domain.errors import InvalidToken
from mechshare.domain.ids import SessionId, UserId
from mechshare.domain.signing_keys import SigningKeys

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
    """Signs tickets.

    A ticket is `expires.user_id.session_id.signature`. The signature also covers its purpose and subject, so a ticket
    is valid for one purpose and one subject only.
    """

    keys: SigningKeys

    def issue(self, holder: TicketHolder, purpose: TicketPurpose, subject: str, now: datetime) -> str:
        """Returns a ticket that is valid for TICKET_LIFETIME."""
        expires = int((now + TICKET_LIFETIME).timestamp())
        content = f"{expires}.{holder.user_id}.{holder.session_id}"
        return f"{content}.{self.keys.sign(_signed(content, purpose, subject))}"

    def verify(self, ticket: str, purpose: TicketPurpose, subject: str, now: datetime) -> TicketHolder:
        """Returns the holder of `ticket`. Raises InvalidToken if it is expired, altered, or for something else."""
        content, _, signature = ticket.rpartition(".")
        if not ticket.isascii() or not self.keys.is_signature(signature, _signed(content, purpose, subject)):
            raise InvalidToken()
        expires, user_id, session_id = content.split(".")
        if now.timestamp() >= int(expires):
            raise InvalidToken()
        return TicketHolder(UserId(user_id), SessionId(session_id))


def _signed(content: str, purpose: TicketPurpose, subject: str) -> str:
    return f"{purpose}\n{subject}\n{content}"
