import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from mechshare.domain.audit import AuditAction, RequestMetadata
from mechshare.domain.errors import (
    InvalidCredentials,
    InvalidField,
    InvalidToken,
    SessionNotFound,
    TooManyFailedSignIns,
)
from mechshare.domain.ids import SessionId
from mechshare.domain.sessions import (
    ACCESS_TOKEN_LIFETIME,
    RECENT_SIGN_IN,
    REPLAY_GRACE,
    SESSION_LIFETIME,
    RecentSignInRequired,
)
from mechshare.domain.users import Role
from mechshare.services.sessions import (
    FREE_FAILURES,
    MAX_ACCOUNT_FAILURES,
    MAX_ADDRESS_FAILURES,
)
from tests.services.world import HERE, PASSWORD

ABSENT = SessionId("01900000-0000-7000-8000-0000000000ff")


def elsewhere(number: int) -> RequestMetadata:
    return RequestMetadata(address=f"198.51.100.{number}", user_agent="test", request_id="r")


async def refused(world, login, password, request_metadata=HERE):
    with pytest.raises((InvalidCredentials, TooManyFailedSignIns)) as refusal:
        await world.app.sessions.login(login, password, request_metadata)
    return refusal.value


@pytest.mark.parametrize("login", ["mika", " MIKA ", "mika@example.com", "Mika@Example.COM"])
async def test_users_sign_in_by_name_or_email_in_any_spelling(world, login):
    actor = await world.join("mika")
    tokens, caller = await world.sign_in(login)
    assert caller.actor == actor
    assert caller.session_id == tokens.session_id
    assert tokens.expires_in == ACCESS_TOKEN_LIFETIME.total_seconds()


async def test_suspended_absent_and_wrong_are_indistinguishable(world):
    admin, mika = await world.join("admin", Role.ADMIN), await world.join("mika")
    await world.join("other")
    await world.app.users.change_account_status(admin, mika.id, HERE, suspended=True)

    failed_logins = [
        await refused(world, "mika", PASSWORD),
        await refused(world, "mika", "wrong password"),
        await refused(world, "nobody", PASSWORD),
        await refused(world, "other", "wrong password"),
        await refused(world, "", ""),
        await refused(world, "\x00", "\ud800"),
        await refused(world, "\ud800" * 300, "x" * 300),
    ]

    assert {
        (type(failed_login), failed_login.message, str(failed_login.facts)) for failed_login in failed_logins
    } == {(InvalidCredentials, "Wrong user name or password.", "{}")}
    failures = [entry for entry in await world.audited() if entry.action is AuditAction.SIGN_IN_FAILED]
    assert len(failures) == len(failed_logins)


def elsewhere_in_ipv6(number: int) -> RequestMetadata:
    return RequestMetadata(address=f"2001:db8::{number}", user_agent="test", request_id="r")


@pytest.mark.parametrize("name", ["mika", "nobody"])
@pytest.mark.parametrize("where", [elsewhere, elsewhere_in_ipv6])
async def test_guessing_at_one_account_from_one_address_is_delayed_ever_longer(world, name, where):
    await world.join("mika")
    delays = []
    for number in range(FREE_FAILURES + 8):
        place = where(number if where is elsewhere_in_ipv6 else 1)
        assert isinstance(await refused(world, name, "wrong password", place), InvalidCredentials)
        if number >= FREE_FAILURES - 1:
            refusal = await refused(world, name.upper(), PASSWORD, place)
            assert isinstance(refusal, TooManyFailedSignIns)
            delays.append(refusal.retry_after)
            world.clock.advance(timedelta(seconds=refusal.retry_after, milliseconds=1))
    assert delays == [2**n for n in range(9)]


async def test_guessing_does_not_lock_out_sign_ins_from_other_addresses(world):
    await world.join("mika")
    await world.sign_in("mika")
    for number in range(MAX_ACCOUNT_FAILURES + 10):
        await refused(world, "mika", "wrong password", elsewhere(number))
    assert (await world.sign_in("mika"))[1]
    assert isinstance(await refused(world, "mika", PASSWORD, elsewhere(199)), TooManyFailedSignIns)


async def test_guessing_does_not_lock_out_a_user_who_has_signed_out(world):
    await world.join("mika")
    _, caller = await world.sign_in("mika")
    await world.app.sessions.logout(caller, HERE)
    for number in range(MAX_ACCOUNT_FAILURES + 10):
        await refused(world, "mika", "wrong password", elsewhere(number))
    assert (await world.sign_in("mika"))[1]
    assert isinstance(await refused(world, "mika", PASSWORD, elsewhere(199)), TooManyFailedSignIns)


async def test_guesses_by_name_and_by_email_are_counted_together(world):
    await world.join("mika")
    for number in range(FREE_FAILURES):
        await refused(world, ("mika", "mika@example.com")[number % 2], "wrong password", elsewhere(1))
    for name in ("mika", "mika@example.com"):
        assert isinstance(await refused(world, name, PASSWORD, elsewhere(1)), TooManyFailedSignIns)


async def test_guessing_at_many_accounts_blocks_new_sign_ins_from_that_address(world):
    await world.join("mika")
    await world.join("sora")
    await world.sign_in("sora")
    for number in range(MAX_ADDRESS_FAILURES):
        assert isinstance(await refused(world, f"user-{number}", "wrong password"), InvalidCredentials)
    assert isinstance(await refused(world, "mika", PASSWORD), TooManyFailedSignIns)
    assert (await world.sign_in("mika", elsewhere(1)))[1]
    assert (await world.sign_in("sora"))[1]


async def test_concurrent_guesses_do_not_bypass_the_delay(world):
    await world.join("mika")
    guesses = [world.app.sessions.login("mika", "wrong password", elsewhere(1)) for _ in range(40)]
    outcomes = await asyncio.gather(*guesses, return_exceptions=True)
    assert sum(isinstance(outcome, InvalidCredentials) for outcome in outcomes) == FREE_FAILURES
    assert sum(isinstance(outcome, TooManyFailedSignIns) for outcome in outcomes) == 40 - FREE_FAILURES


async def test_refusals_do_not_prolong_the_delay(world):
    await world.join("mika")
    for _ in range(FREE_FAILURES):
        await refused(world, "mika", "wrong password")
    for _ in range(3):
        assert isinstance(await refused(world, "mika", PASSWORD), TooManyFailedSignIns)
    world.clock.advance(timedelta(seconds=1, milliseconds=1))
    assert (await world.sign_in("mika"))[1]


async def test_a_throttled_sign_in_is_audited_as_denied(world):
    for _ in range(FREE_FAILURES + 1):
        await refused(world, "mika", "wrong password")
    entry = (await world.audited())[0]
    assert (entry.action, entry.subject, entry.detail) == (
        AuditAction.DENIED,
        "mika",
        "TOO_MANY_FAILED_SIGN_INS",
    )


async def test_refreshing_gives_new_tokens_for_the_same_session(world):
    await world.join("mika")
    first, caller = await world.sign_in("mika")

    second = await world.app.sessions.refresh(first.refresh_token, HERE)

    assert second.refresh_token != first.refresh_token
    assert second.session_id == first.session_id
    assert await world.app.authentication.authenticate(second.access_token) == caller
    assert await world.app.sessions.refresh(second.refresh_token, HERE)


async def test_a_token_that_was_just_replaced_gets_the_same_successor(world):
    await world.join("mika")
    first, caller = await world.sign_in("mika")
    second = await world.app.sessions.refresh(first.refresh_token, HERE)
    world.clock.advance(REPLAY_GRACE - timedelta(milliseconds=1))

    again = await world.app.sessions.refresh(first.refresh_token, HERE)

    assert again == replace(second, expires_in=second.expires_in - 30)
    assert await world.app.authentication.authenticate(again.access_token) == caller
    assert await world.app.sessions.refresh(again.refresh_token, HERE)


async def test_a_replaced_token_gets_the_newest_successor_so_that_a_late_tab_is_not_signed_out_later(world):
    await world.join("mika")
    first, caller = await world.sign_in("mika")
    second = await world.app.sessions.refresh(first.refresh_token, HERE)
    newest = await world.app.sessions.refresh(second.refresh_token, HERE)

    late = await world.app.sessions.refresh(first.refresh_token, HERE)

    assert late == newest
    world.clock.advance(timedelta(days=1))
    tokens = await world.app.sessions.refresh(late.refresh_token, HERE)
    assert await world.app.authentication.authenticate(tokens.access_token) == caller


async def test_repeated_uses_of_a_replaced_token_do_not_prolong_its_grace(world):
    await world.join("mika")
    first, _ = await world.sign_in("mika")
    await world.app.sessions.refresh(first.refresh_token, HERE)
    for _ in range(2):
        world.clock.advance(REPLAY_GRACE / 2 - timedelta(milliseconds=1))
        await world.app.sessions.refresh(first.refresh_token, HERE)
    world.clock.advance(timedelta(milliseconds=2))
    with pytest.raises(InvalidToken):
        await world.app.sessions.refresh(first.refresh_token, HERE)


async def test_a_replaced_token_of_an_ended_session_is_refused(world):
    await world.join("mika")
    first, caller = await world.sign_in("mika")
    await world.app.sessions.refresh(first.refresh_token, HERE)
    await world.app.sessions.logout(caller, HERE)
    with pytest.raises(InvalidToken):
        await world.app.sessions.refresh(first.refresh_token, HERE)
    assert AuditAction.REFRESH_REUSED not in {entry.action for entry in await world.audited()}


async def test_a_token_used_long_after_its_replacement_ends_its_session_for_good(world):
    await world.join("mika")
    first, caller = await world.sign_in("mika")
    other, _ = await world.sign_in("mika")
    second = await world.app.sessions.refresh(first.refresh_token, HERE)
    world.clock.advance(REPLAY_GRACE)

    with pytest.raises(InvalidToken):
        await world.app.sessions.refresh(first.refresh_token, HERE)

    for token in (first.refresh_token, second.refresh_token):
        with pytest.raises(InvalidToken):
            await world.app.sessions.refresh(token, HERE)
    for token in (first.access_token, second.access_token):
        with pytest.raises(InvalidToken):
            await world.app.authentication.authenticate(token)
    reused = [entry for entry in await world.audited() if entry.action is AuditAction.REFRESH_REUSED]
    assert reused[-1].actor_id == caller.actor.id
    assert reused[-1].subject == first.session_id
    assert await world.app.authentication.authenticate(other.access_token)


@pytest.mark.parametrize("token", ["", "x", "\ud800", "\x00", "é" * 10_000])
async def test_a_token_that_was_never_issued_is_refused_and_counted(world, token):
    with pytest.raises(InvalidToken):
        await world.app.sessions.refresh(token, HERE)
    assert await world.audited() == []
    await world.app.audit.record_refused_tokens()
    (entry,) = await world.audited()
    assert (entry.action, entry.subject, entry.detail) == (AuditAction.TOKENS_REFUSED, "refresh token", "1")


async def test_a_session_lives_a_month_beyond_its_last_refresh(world):
    await world.join("mika")
    tokens, _ = await world.sign_in("mika")

    world.clock.advance(SESSION_LIFETIME - timedelta(seconds=1))
    tokens = await world.app.sessions.refresh(tokens.refresh_token, HERE)
    world.clock.advance(SESSION_LIFETIME)

    with pytest.raises(InvalidToken):
        await world.app.sessions.refresh(tokens.refresh_token, HERE)


async def test_signing_out_ends_only_this_session(world):
    await world.join("mika")
    tokens, caller = await world.sign_in("mika")
    other, _ = await world.sign_in("mika")

    await world.app.sessions.logout(caller, HERE)

    with pytest.raises(InvalidToken):
        await world.app.authentication.authenticate(tokens.access_token)
    with pytest.raises(InvalidToken):
        await world.app.sessions.refresh(tokens.refresh_token, HERE)
    with pytest.raises(SessionNotFound):
        await world.app.sessions.logout(caller, HERE)
    assert await world.app.authentication.authenticate(other.access_token)


async def test_users_list_and_end_only_their_own_sessions(world):
    await world.join("mika")
    await world.join("other")
    tokens, caller = await world.sign_in("mika")
    world.clock.advance(timedelta(seconds=1))
    newer, _ = await world.sign_in("mika", elsewhere(7))
    foreign, _ = await world.sign_in("other")

    sessions = await world.app.sessions.find_sessions(caller)
    assert [session.id for session in sessions] == [newer.session_id, tokens.session_id]
    assert sessions[0].address == "198.51.100.7"
    for id in (foreign.session_id, ABSENT):
        with pytest.raises(SessionNotFound):
            await world.app.sessions.revoke(caller, id, HERE)

    await world.app.sessions.revoke(caller, newer.session_id, HERE)

    with pytest.raises(InvalidToken):
        await world.app.authentication.authenticate(newer.access_token)
    assert await world.app.authentication.authenticate(foreign.access_token)


async def test_ending_all_other_sessions_leaves_the_current_one_and_those_of_others(world):
    await world.join("mika")
    await world.join("other")
    tokens, caller = await world.sign_in("mika")
    ended = [(await world.sign_in("mika"))[0] for _ in range(2)]
    foreign, _ = await world.sign_in("other")

    assert await world.app.sessions.revoke_others(caller, HERE) == 2

    for one in ended:
        with pytest.raises(InvalidToken):
            await world.app.authentication.authenticate(one.access_token)
    assert await world.app.authentication.authenticate(tokens.access_token)
    assert await world.app.authentication.authenticate(foreign.access_token)
    recorded = [entry for entry in await world.audited() if entry.action is AuditAction.SIGNED_OUT]
    assert len(recorded) == 2


async def test_a_new_password_ends_the_other_sessions(world):
    await world.join("mika")
    tokens, caller = await world.sign_in("mika")
    other, _ = await world.sign_in("mika")

    await world.app.sessions.change_password(caller, PASSWORD, "another password", HERE)

    assert await world.app.authentication.authenticate(tokens.access_token)
    with pytest.raises(InvalidToken):
        await world.app.authentication.authenticate(other.access_token)
    with pytest.raises(InvalidToken):
        await world.app.sessions.refresh(other.refresh_token, HERE)
    assert isinstance(await refused(world, "mika", PASSWORD), InvalidCredentials)
    assert await world.app.sessions.login("mika", "another password", HERE)


async def test_a_password_works_in_every_unicode_spelling(world):
    await world.join("mika")
    _, caller = await world.sign_in("mika")
    await world.app.sessions.change_password(caller, PASSWORD, "カ\u3099イト\u3099の歯車です", HERE)
    assert await world.app.sessions.login("mika", "ガイドの歯車です", HERE)


async def test_the_old_password_is_required_and_guessing_it_is_throttled(world):
    await world.join("mika")
    _, caller = await world.sign_in("mika")
    for _ in range(FREE_FAILURES):
        with pytest.raises(InvalidCredentials):
            await world.app.sessions.change_password(caller, "wrong", "another password", elsewhere(1))

    with pytest.raises(TooManyFailedSignIns):
        await world.app.sessions.change_password(caller, PASSWORD, "another password", elsewhere(1))


async def test_a_password_that_breaks_the_rules_changes_nothing(world):
    await world.join("mika")
    _, caller = await world.sign_in("mika")
    with pytest.raises(InvalidField):
        await world.app.sessions.change_password(caller, PASSWORD, "short", HERE)
    assert await world.sign_in("mika")


async def test_one_of_two_concurrent_password_changes_succeeds(world):
    await world.join("mika")
    _, caller = await world.sign_in("mika")

    outcomes = await asyncio.gather(
        world.app.sessions.change_password(caller, PASSWORD, "first new password", elsewhere(1)),
        world.app.sessions.change_password(caller, PASSWORD, "second new password", elsewhere(2)),
        return_exceptions=True,
    )

    assert sum(outcome is None for outcome in outcomes) == 1
    assert sum(isinstance(outcome, InvalidCredentials) for outcome in outcomes) == 1


class Meanwhile:
    """A password hasher that awaits a function once during its work."""

    def __init__(self, inner, happens):
        self.inner, self.happens = inner, happens

    async def hash(self, password):
        return await self.inner.hash(password)

    async def verify(self, password, hash):
        right = await self.inner.verify(password, hash)
        if self.happens is not None:
            happening, self.happens = self.happens, None
            await happening()
        return right

    def needs_rehash(self, hash):
        return True


@pytest.fixture
def meanwhile(world, monkeypatch):
    def during_verification(happens):
        hasher = Meanwhile(world.app.sessions._passwords, happens)
        monkeypatch.setattr(world.app.sessions, "_passwords", hasher)

    return during_verification


async def test_a_password_changed_during_a_sign_in_opens_nothing_and_stays_changed(world, meanwhile):
    await world.join("mika")
    _, caller = await world.sign_in("mika")
    meanwhile(lambda: world.app.sessions.change_password(caller, PASSWORD, "another password", HERE))

    assert isinstance(await refused(world, "mika", PASSWORD), InvalidCredentials)

    assert len(await world.app.sessions.find_sessions(caller)) == 1
    assert await world.app.sessions.login("mika", "another password", HERE)


@pytest.mark.parametrize("fate", ["suspended", "deleted"])
async def test_an_account_that_ends_during_a_sign_in_opens_nothing(world, meanwhile, fate):
    admin, mika = await world.join("admin", Role.ADMIN), await world.join("mika")

    async def happens():
        if fate == "suspended":
            await world.app.users.change_account_status(admin, mika.id, HERE, suspended=True)
        else:
            await world.app.users.delete_user(mika, HERE)

    meanwhile(happens)

    assert isinstance(await refused(world, "mika", PASSWORD), InvalidCredentials)


async def test_a_weak_hash_is_renewed_at_sign_in(world, meanwhile):
    actor = await world.join("mika")

    async def stored_hash():
        async with world.database.read() as tx:
            return await tx.credentials.find(actor.id)

    before = await stored_hash()
    meanwhile(None)
    await world.sign_in("mika")

    assert await stored_hash() != before
    assert await world.sign_in("mika")


async def test_the_user_agent_is_shortened_and_made_readable(world):
    await world.join("mika")
    _, caller = await world.sign_in("mika", replace(HERE, user_agent="x\x00" + "y" * 500))
    (session,) = await world.app.sessions.find_sessions(caller)
    assert session.user_agent == "x\ufffd" + "y" * 198


async def test_a_sign_in_is_recent_for_ten_minutes_and_a_refresh_does_not_prolong_that(world):
    await world.join("mika")
    tokens, caller = await world.sign_in("mika")
    world.clock.advance(RECENT_SIGN_IN - timedelta(seconds=1))
    await world.app.sessions.refresh(tokens.refresh_token, HERE)
    await world.app.sessions.require_recent_sign_in(caller)
    world.clock.advance(timedelta(seconds=1))
    with pytest.raises(RecentSignInRequired):
        await world.app.sessions.require_recent_sign_in(caller)
