"""The contract suite of token issuers."""

from datetime import UTC, datetime, timedelta

import pytest

from mechshare.domain.errors import InvalidToken
from mechshare.domain.ids import SessionId, UserId
from mechshare.domain.sessions import Claims
from mechshare.ports.tokens import TokenIssuer


def claims(**changes: timedelta) -> Claims:
    now = datetime.now(UTC).replace(microsecond=0)
    return Claims(
        user_id=UserId("01900000-0000-7000-8000-000000000001"),
        session_id=SessionId("01900000-0000-7000-8000-000000000002"),
        token_id="01900000-0000-7000-8000-000000000003",
        issued_at=now + changes.get("issued", timedelta(0)),
        expires_at=now + changes.get("expires", timedelta(minutes=15)),
    )


async def test_what_was_issued_is_read_back(tokens: TokenIssuer) -> None:
    said = claims()
    assert tokens.verify(tokens.issue(said)) == said


async def test_an_expired_token_is_refused(tokens: TokenIssuer) -> None:
    token = tokens.issue(claims(issued=timedelta(hours=-1), expires=timedelta(seconds=-1)))
    with pytest.raises(InvalidToken):
        tokens.verify(token)


async def test_a_token_from_the_future_is_refused(tokens: TokenIssuer) -> None:
    token = tokens.issue(claims(issued=timedelta(hours=1), expires=timedelta(hours=2)))
    with pytest.raises(InvalidToken):
        tokens.verify(token)


@pytest.mark.parametrize("skew", [1, 25])
async def test_the_clock_of_the_issuer_may_be_a_little_ahead(tokens: TokenIssuer, skew: int) -> None:
    said = claims(issued=timedelta(seconds=skew))
    assert tokens.verify(tokens.issue(said)) == said


async def test_any_changed_character_is_noticed(tokens: TokenIssuer) -> None:
    token = tokens.issue(claims())
    for place in range(0, len(token), 7):
        changed = token[:place] + ("A" if token[place] != "A" else "B") + token[place + 1 :]
        with pytest.raises(InvalidToken):
            tokens.verify(changed)


@pytest.mark.parametrize("text", ["", ".", "..", "a.b.c", "a.b", " ", "\x00", "Ａ.Ｂ.Ｃ", "x" * 100_000])
async def test_what_is_no_token_is_refused(tokens: TokenIssuer, text: str) -> None:
    with pytest.raises(InvalidToken):
        tokens.verify(text)


async def test_public_keys_hold_no_secret(tokens: TokenIssuer) -> None:
    for key in tokens.public_keys():
        assert not {"d", "k", "p", "q"} & set(key)
        assert key["kid"]
