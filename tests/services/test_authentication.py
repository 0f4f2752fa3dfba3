from datetime import timedelta

import pytest

from mechshare.domain.errors import InvalidToken
from mechshare.domain.ids import SessionId, UserId
from mechshare.domain.role_seals import SEAL_LIFETIME, BrokenSeal, RoleSeal
from mechshare.domain.sessions import ACCESS_TOKEN_LIFETIME, Claims
from mechshare.domain.signing_keys import SigningKeys
from mechshare.domain.tickets import TicketSigner
from mechshare.domain.users import Role
from mechshare.services import authentication
from mechshare.services.authentication import AuthenticationService
from mechshare.services.support.invalidation import access_tag
from mechshare.services.support.refused_tokens import RefusedTokens
from mechshare.services.support.token_uses import TokenUses
from tests.services.world import HERE

KEYS = SigningKeys((bytes(32),))


async def refused(world, token):
    with pytest.raises(InvalidToken):
        await world.app.authentication.authenticate(token)


async def test_a_token_is_valid_until_its_expiry_and_no_longer(world):
    await world.join("mika")
    tokens, caller = await world.sign_in("mika")

    world.clock.advance(ACCESS_TOKEN_LIFETIME - timedelta(seconds=1))
    assert await world.app.authentication.authenticate(tokens.access_token) == caller

    world.clock.advance(timedelta(seconds=1))
    await refused(world, tokens.access_token)
    await refused(world, tokens.access_token)


async def test_a_token_first_seen_after_its_expiry_is_refused(world):
    await world.join("mika")
    tokens = await world.app.sessions.login("mika", "correct horse battery", HERE)
    world.clock.advance(ACCESS_TOKEN_LIFETIME)
    await refused(world, tokens.access_token)


@pytest.mark.parametrize("token", ["", "x", "a.b.c", "é", "\ud800", "a" * 10_000])
async def test_an_invalid_token_is_refused(world, token):
    await refused(world, token)


async def test_an_altered_token_is_refused_after_the_valid_one_was_cached(world):
    await world.join("mika")
    tokens, _ = await world.sign_in("mika")
    head, claims, signature = tokens.access_token.split(".")
    await refused(world, f"{head}.{claims}.{signature[::-1]}")
    await refused(world, f"{head}.{claims}.")
    await refused(world, tokens.access_token + "A")


@pytest.mark.parametrize("end", ["signed out", "suspended", "deleted"])
async def test_a_cached_caller_is_refused_as_soon_as_their_status_changes(world, end):
    admin, mika = await world.join("admin", Role.ADMIN), await world.join("mika")
    tokens, caller = await world.sign_in("mika")
    assert await world.app.authentication.authenticate(tokens.access_token) == caller

    if end == "signed out":
        await world.app.sessions.logout(caller, HERE)
    elif end == "suspended":
        await world.app.users.change_account_status(admin, mika.id, HERE, suspended=True)
    else:
        await world.app.users.delete_user(mika, HERE)

    await refused(world, tokens.access_token)


async def test_the_end_of_one_users_sessions_leaves_others_alone(world):
    await world.join("mika")
    await world.join("other")
    _, caller = await world.sign_in("mika")
    tokens, other = await world.sign_in("other")

    await world.app.sessions.logout(caller, HERE)

    assert await world.app.authentication.authenticate(tokens.access_token) == other


class CountingTokens:
    """A token issuer whose tokens are session ids; counts verifications."""

    def __init__(self, callers, now):
        self._callers = {caller.session_id: caller for caller in callers}
        self._now = now
        self.verified = 0

    def verify(self, token):
        self.verified += 1
        return Claims(
            user_id=self._callers[token].actor.id,
            session_id=token,
            token_id=token,
            issued_at=self._now,
            expires_at=self._now + ACCESS_TOKEN_LIFETIME,
        )


async def test_the_number_of_cached_tokens_is_bounded(world, monkeypatch):
    monkeypatch.setattr(authentication, "MAX_TOKENS", 2)
    await world.join("mika")
    callers = [(await world.sign_in("mika"))[1] for _ in range(3)]
    tokens = CountingTokens(callers, world.clock.now())
    service = AuthenticationService(
        world.database,
        tokens,
        TicketSigner(KEYS),
        RoleSeal(KEYS),
        world.adapters.cache,
        world.clock,
        RefusedTokens(),
        TokenUses(),
    )
    first, second, third = callers

    for caller in (first, second, third, third, second):
        assert await service.authenticate(caller.session_id) == caller
    assert tokens.verified == 3

    await service.authenticate(first.session_id)
    assert tokens.verified == 4


@pytest.mark.parametrize(
    "forged", [b"admin", b"", b"admin.0.", b"admin.1795000000." + b"0" * 64, b"\xff.x.y"]
)
async def test_a_role_that_others_wrote_into_the_cache_counts_for_nothing(world, forged):
    await world.join("mika")
    tokens, caller = await world.sign_in("mika")

    async def load() -> bytes:
        return forged

    tag = access_tag(caller.actor.id)
    await world.adapters.cache.get_or_load(tag, caller.session_id, load, timedelta(minutes=1))
    assert await world.app.authentication.authenticate(tokens.access_token) == caller


async def test_a_role_of_another_session_in_the_cache_counts_for_nothing(world):
    await world.join("mika")
    _, caller = await world.sign_in("mika")
    seal = RoleSeal(KEYS)
    now = world.clock.now()
    sealed = seal.seal(Role.ADMIN, caller.actor.id, caller.session_id, now)
    assert seal.open(sealed, caller.actor.id, caller.session_id, now) is Role.ADMIN
    for user_id, session_id, at in (
        (UserId("other"), caller.session_id, now),
        (caller.actor.id, SessionId("other"), now),
        (caller.actor.id, caller.session_id, now + 2 * SEAL_LIFETIME),
        (caller.actor.id, caller.session_id, now - 2 * SEAL_LIFETIME),
    ):
        with pytest.raises(BrokenSeal):
            seal.open(sealed, user_id, session_id, at)
