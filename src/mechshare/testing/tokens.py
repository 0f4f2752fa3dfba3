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


async def test_an_issued_token_returns_its_claims(tokens: TokenIssuer) -> None:
    issued = claims()
    assert tokens.verify(tokens.issue(issued)) == issued


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
    issued = claims(issued=timedelta(seconds=skew))
    assert tokens.verify(tokens.issue(issued)) == issued


async def test_a_token_with_one_changed_character_is_refused(tokens: TokenIssuer) -> None:
    token = tokens.issue(claims())
    for position in range(0, len(token), 7):
        changed = token[:position] + ("A" if token[position] != "A" else "B") + token[position + 1 :]
        with pytest.raises(InvalidToken):
            tokens.verify(changed)


@pytest.mark.parametrize("text", ["", ".", "..", "a.b.c", "a.b", " ", "\x00", "Ａ.Ｂ.Ｃ", "x" * 100_000])
async def test_text_that_is_not_a_token_is_refused(tokens: TokenIssuer, text: str) -> None:
    with pytest.raises(InvalidToken):
        tokens.verify(text)


async def test_public_keys_contain_no_secret(tokens: TokenIssuer) -> None:
    for key in tokens.public_keys():
        assert not {"d", "k", "p", "q"} & set(key)
        assert key["kid"]
