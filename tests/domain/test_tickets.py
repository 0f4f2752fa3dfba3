from datetime import timedelta

import pytest

from mechshare.domain.errors import InvalidToken
from mechshare.domain.ids import SessionId, UserId
from mechshare.domain.signing_keys import SigningKeys
from mechshare.domain.tickets import TICKET_LIFETIME, TicketHolder, TicketPurpose, TicketSigner
from tests.domain.values import NOW

SIGNER = TicketSigner(SigningKeys((b"k" * 32,)))
HOLDER = TicketHolder(
    UserId("01900000-0000-7000-8000-000000000001"), SessionId("01900000-0000-7000-8000-000000000002")
)
WATCH = TicketPurpose.WATCH_PROCESSING
TICKET = SIGNER.issue(HOLDER, WATCH, "m", NOW)


def test_a_ticket_names_its_holder_until_its_lifetime_ends():
    last = NOW + TICKET_LIFETIME - timedelta(seconds=1)
    assert SIGNER.verify(TICKET, WATCH, "m", NOW) == HOLDER
    assert SIGNER.verify(TICKET, WATCH, "m", last) == HOLDER
    with pytest.raises(InvalidToken):
        SIGNER.verify(TICKET, WATCH, "m", NOW + TICKET_LIFETIME)


@pytest.mark.parametrize("subject", ["", "n", "m ", "m\n", "\ud800"])
def test_a_ticket_is_valid_for_its_subject_only(subject):
    with pytest.raises(InvalidToken):
        SIGNER.verify(TICKET, WATCH, subject, NOW)


def test_a_ticket_is_valid_for_its_purpose_only():
    with pytest.raises(InvalidToken):
        SIGNER.verify(TICKET, "another purpose", "m", NOW)


@pytest.mark.parametrize("ticket", ["", ".", "...", "a.b.c.d", "é" * 90, "\ud800", TICKET[:-1], TICKET + "0"])
def test_an_invalid_ticket_is_refused(ticket):
    with pytest.raises(InvalidToken):
        SIGNER.verify(ticket, WATCH, "m", NOW)


def test_any_changed_character_is_noticed():
    for place in range(len(TICKET)):
        changed = TICKET[:place] + ("0" if TICKET[place] != "0" else "1") + TICKET[place + 1 :]
        with pytest.raises(InvalidToken):
            SIGNER.verify(changed, WATCH, "m", NOW)


def test_another_secret_makes_other_tickets():
    with pytest.raises(InvalidToken):
        TicketSigner(SigningKeys((b"o" * 32,))).verify(TICKET, WATCH, "m", NOW)


def test_a_short_secret_is_refused():
    with pytest.raises(ValueError, match="at least 32 bytes"):
        TicketSigner(SigningKeys((b"x" * 31,)))
