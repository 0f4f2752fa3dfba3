"""Many concurrent uses of refresh tokens, over every database."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from mechshare.adapters.cache.memory import MemoryCache
from mechshare.adapters.clock.frozen import FrozenClock
from mechshare.adapters.doorbell.memory import MemoryDoorbell
from mechshare.adapters.ids.uuid7 import Uuid7IdSource
from mechshare.adapters.passwords.fast import FastPasswordHasher
from mechshare.adapters.tokens.jwt import JwtTokenIssuer
from mechshare.domain.audit import RequestMetadata
from mechshare.domain.errors import InvalidToken, Unavailable
from mechshare.domain.invitations import RegistrationMode
from mechshare.domain.sessions import REPLAY_GRACE, Tokens
from mechshare.domain.signing_keys import SigningKeys
from mechshare.ports.persistence.database import Database
from mechshare.services.sessions import SessionService
from mechshare.services.support.admissions import Admissions
from mechshare.services.support.refused_tokens import RefusedTokens
from mechshare.services.support.token_pairs import TokenPairs
from mechshare.services.transactions import Transactions
from mechshare.services.users import Registration, UserService
from mechshare.testing.bounds import MAX_WAIT

SECRET = b"a secret for tests, of thirty-two bytes and more"
HERE = RequestMetadata(address="192.0.2.1", user_agent="test", request_id="r-1")
REGISTRATION = Registration(username="mika", email="mika@example.com", password="four-bar linkage")


class Accounts:
    """The services of accounts over one database."""

    def __init__(self, database: Database) -> None:
        self.clock, ids, passwords = FrozenClock(), Uuid7IdSource(), FastPasswordHasher()
        transactions = Transactions(database, MemoryCache(), MemoryDoorbell(), self.clock, ids)
        pairs = TokenPairs(JwtTokenIssuer.from_secret(SECRET, self.clock), SigningKeys((SECRET,)))
        admissions = Admissions(transactions, self.clock, RegistrationMode.OPEN)
        self.users = UserService(transactions, passwords, self.clock, ids, admissions)
        self.sessions = SessionService(transactions, passwords, pairs, self.clock, ids, RefusedTokens())

    async def sign_in(self) -> Tokens:
        return await self.sessions.login(REGISTRATION.username, REGISTRATION.password, HERE)

    async def refresh(self, token: str) -> Tokens:
        """Refreshes like a client: again after 503, which a busy database may cause."""
        while True:
            try:
                return await self.sessions.refresh(token, HERE)
            except Unavailable:
                await asyncio.sleep(0.1)


@pytest.fixture
async def accounts(database: Any) -> Accounts:
    accounts = Accounts(database)
    await accounts.users.register(REGISTRATION, HERE)
    return accounts


@pytest.mark.timeout(900)
async def test_sessions_survive_concurrent_uses_of_their_token_and_end_at_a_late_one(
    accounts: Accounts, long: bool
) -> None:
    sessions, uses = (100, 50) if long else (3, 12)
    first = [await accounts.sign_in() for _ in range(sessions)]

    async with asyncio.timeout(800 if long else MAX_WAIT):
        pairs = [
            await asyncio.gather(*(accounts.refresh(one.refresh_token) for _ in range(uses))) for one in first
        ]
        successors = [{pair.refresh_token for pair in pairs_of_one} for pairs_of_one in pairs]
        assert [len(one) for one in successors] == [1] * sessions
        second = [await accounts.refresh(successor.pop()) for successor in successors]
        accounts.clock.advance(REPLAY_GRACE + timedelta(seconds=1))
        third = [await accounts.refresh(one.refresh_token) for one in second]

    accounts.clock.advance(REPLAY_GRACE)
    late = [accounts.refresh(one.refresh_token) for one in (*first, *second)]
    refused = await asyncio.gather(*late, return_exceptions=True)
    assert {type(outcome) for outcome in refused} == {InvalidToken}
    for one in third:
        with pytest.raises(InvalidToken):
            await accounts.refresh(one.refresh_token)
