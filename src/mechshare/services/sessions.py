"""Opens, refreshes and ends sessions, changes passwords, and throttles password guessing."""

from dataclasses import replace
from datetime import datetime, timedelta

from mechshare.domain.addresses import limited_address
from mechshare.domain.audit import RequestMetadata
from mechshare.domain.errors import (
    InvalidCredentials,
    InvalidToken,
    SessionNotFound,
    TooManyFailedSignIns,
)
from mechshare.domain.ids import SessionId, UserId
from mechshare.domain.invitations import AwaitingApproval
from mechshare.domain.session_events import (
    PasswordChanged,
    RefreshDenied,
    RefreshTokenReused,
    SessionEnded,
    SessionOpened,
    SignInFailed,
    SignInThrottled,
)
from mechshare.domain.sessions import (
    RECENT_SIGN_IN,
    SESSION_LIFETIME,
    RecentSignInRequired,
    RefreshToken,
    Session,
    SignedIn,
    Tokens,
    TokenUse,
)
from mechshare.domain.text import readable_text
from mechshare.domain.users import User, check_password, normal_login, normal_password
from mechshare.ports.clock import Clock
from mechshare.ports.ids import IdSource
from mechshare.ports.passwords import PasswordHasher
from mechshare.ports.persistence.database import UnitOfWork
from mechshare.services.support.refused_tokens import REFRESH_TOKEN, RefusedTokens
from mechshare.services.support.token_pairs import TokenPairs, hash_of
from mechshare.services.transactions import Transaction, Transactions

FAILURE_WINDOW = timedelta(minutes=15)
MAX_CLOCK_LEAD = timedelta(minutes=1)
"""How far the clock of another machine may be ahead. A failure dated later was recorded before the clock was set back.
It does not count: otherwise it would block sign-ins until the clock has caught up."""
FREE_FAILURES = 5
"""Failed sign-ins in the window at one account from one address that cause no delay."""
MAX_ADDRESS_FAILURES = 30
MAX_ACCOUNT_FAILURES = 100
"""Failures in the window from one address at all accounts, and at one account from all addresses. Beyond either,
sign-in is possible only from an address from which the user has signed in before."""
MAX_USER_AGENT_LENGTH = 200


class SessionService:
    def __init__(
        self,
        transactions: Transactions,
        passwords: PasswordHasher,
        pairs: TokenPairs,
        clock: Clock,
        ids: IdSource,
        refused_tokens: RefusedTokens,
    ) -> None:
        self._transactions = transactions
        self._passwords = passwords
        self._pairs = pairs
        self._clock = clock
        self._ids = ids
        self._refused_tokens = refused_tokens

    async def login(self, login: str, password: str, request_metadata: RequestMetadata) -> Tokens:
        """Opens a session for the user with this user name or e-mail address.

        Raises the same InvalidCredentials for an absent account, a wrong password and a suspended account;
        AwaitingApproval only for the right password; and TooManyFailedSignIns (for an account name that does not exist,
        too).
        """
        name = normal_login(login)
        async with self._transactions.read() as tx:
            user = await tx.users.find_by_login(name)
        account = _account(user, name)
        try:
            tokens = await self._sign_in(user, account, normal_password(password), request_metadata)
        except TooManyFailedSignIns:
            await self._transactions.record(SignInThrottled(account, request_metadata))
            raise
        if tokens is None:
            raise InvalidCredentials()
        return tokens

    async def refresh(self, refresh_token: str, request_metadata: RequestMetadata) -> Tokens:
        """Exchanges a refresh token for its successor and an access token.

        Within REPLAY_GRACE after its replacement the token gets the current pair of its session again. A later use
        ends the session, because one of the two holders must have stolen the token; a token issued more than
        SESSION_LIFETIME ago is only refused. Raises InvalidToken.
        """
        now = self._clock.now()
        async with self._transactions.begin() as tx:
            use = await tx.sessions.consume_token(hash_of(refresh_token), now)
            session = await tx.sessions.find_by_id(use.token.session_id) if use else None
            if use is None or session is None:
                self._refused_tokens.count(REFRESH_TOKEN)
            elif not session.is_live(now):
                await tx.record(RefreshDenied(session.user_id, session.id, request_metadata))
            elif use.is_first:
                return await self._renew(tx, session, self._pairs.successor_of(refresh_token), now)
            elif not use.token.is_just_replaced(now):
                await tx.sessions.revoke(session.user_id, now, only=session.id)
                await tx.record(RefreshTokenReused(session.user_id, session.id, request_metadata))
            elif current := self._current_pair(session, use, refresh_token, now):
                return current
            else:
                await tx.record(RefreshDenied(session.user_id, session.id, request_metadata))
        raise InvalidToken()

    async def logout(self, caller: SignedIn, request_metadata: RequestMetadata) -> None:
        """Ends the session in which the request is made."""
        await self._end(caller.actor.id, caller.session_id, request_metadata)

    async def revoke(
        self, caller: SignedIn, session_id: SessionId, request_metadata: RequestMetadata
    ) -> None:
        """Ends one of the caller's sessions. Raises SessionNotFound."""
        await self._end(caller.actor.id, session_id, request_metadata)

    async def revoke_others(self, caller: SignedIn, request_metadata: RequestMetadata) -> int:
        """Ends all of the caller's sessions but the current one; returns how many."""
        async with self._transactions.begin() as tx:
            ended = await self._revoke_others(tx, caller)
            for session_id in ended:
                await tx.record(SessionEnded(caller.actor.id, session_id, request_metadata))
        return len(ended)

    async def require_recent_sign_in(self, caller: SignedIn) -> None:
        """Raises RecentSignInRequired unless the caller signed in within RECENT_SIGN_IN."""
        async with self._transactions.read() as tx:
            session = await tx.sessions.find_by_id(caller.session_id)
        if session is None or not session.is_recent(self._clock.now()):
            raise RecentSignInRequired(minutes=int(RECENT_SIGN_IN.total_seconds() // 60))

    async def find_sessions(self, caller: SignedIn) -> tuple[Session, ...]:
        """Returns the caller's live sessions, the most recently used first."""
        async with self._transactions.read() as tx:
            return await tx.sessions.find_of_user(caller.actor.id, live_at=self._clock.now())

    async def change_password(
        self, caller: SignedIn, old: str, new: str, request_metadata: RequestMetadata
    ) -> None:
        """Replaces the caller's password and ends all other sessions of theirs.

        Raises InvalidField, InvalidCredentials, TooManyFailedSignIns.
        """
        check_password(new)
        user_id = caller.actor.id
        async with self._transactions.read() as tx:
            account = _account(await tx.users.find_by_id(user_id), user_id)
        try:
            changed = await self._replace_password(
                caller, account, normal_password(old), normal_password(new), request_metadata
            )
        except TooManyFailedSignIns:
            await self._transactions.record(SignInThrottled(account, request_metadata))
            raise
        if not changed:
            raise InvalidCredentials()

    async def _sign_in(
        self, user: User | None, account: str, password: str, request_metadata: RequestMetadata
    ) -> Tokens | None:
        """Opens a session; returns None if refused, and records the failure. Raises TooManyFailedSignIns.

        Hashing is slow, so it runs outside any transaction, and the transaction that opens the session repeats all
        checks. So of many concurrent guesses those beyond the limit are refused, and a password or account that changed
        meanwhile opens no session.
        """
        async with self._transactions.read() as tx:
            await self._refuse_guessing(tx, account, user.id if user else None, request_metadata)
            stored = await tx.credentials.find(user.id) if user else None
        is_right = await self._passwords.verify(password, stored)
        renewed = stored
        if is_right and stored is not None and self._passwords.needs_rehash(stored):
            renewed = await self._passwords.hash(password)
        async with self._transactions.begin() as tx:
            await self._refuse_guessing(tx, account, user.id if user else None, request_metadata)
            if is_right and user is not None and await self._admits(tx, user.id, stored):
                if renewed is not None and renewed != stored:
                    await tx.credentials.save(user.id, renewed)
                return await self._open(tx, user.id, account, request_metadata)
            await tx.record(SignInFailed(user.id if user else None, account, request_metadata))
        return None

    async def _replace_password(
        self, caller: SignedIn, account: str, old: str, new: str, request_metadata: RequestMetadata
    ) -> bool:
        """Returns False if `old` is wrong, and records the failure. Raises TooManyFailedSignIns."""
        user_id = caller.actor.id
        async with self._transactions.read() as tx:
            await self._refuse_guessing(tx, account, user_id, request_metadata)
            stored = await tx.credentials.find(user_id)
        is_right = await self._passwords.verify(old, stored)
        password_hash = await self._passwords.hash(new)
        async with self._transactions.begin() as tx:
            await self._refuse_guessing(tx, account, user_id, request_metadata)
            if not (is_right and await self._admits(tx, user_id, stored)):
                await tx.record(SignInFailed(user_id, account, request_metadata))
                return False
            await tx.credentials.save(user_id, password_hash)
            await self._revoke_others(tx, caller)
            await tx.record(PasswordChanged(user_id, request_metadata))
        return True

    async def _revoke_others(self, tx: UnitOfWork, caller: SignedIn) -> list[SessionId]:
        """Ends the caller's live sessions but the current one; returns their ids."""
        user_id, now = caller.actor.id, self._clock.now()
        live = await tx.sessions.find_of_user(user_id, live_at=now)
        others = [session.id for session in live if session.id != caller.session_id]
        for session_id in others:
            await tx.sessions.revoke(user_id, now, only=session_id)
        return others

    async def _refuse_guessing(
        self, tx: UnitOfWork, account: str, user_id: UserId | None, request_metadata: RequestMetadata
    ) -> None:
        """Raises TooManyFailedSignIns if there were too many failures.

        Failures at the account from other addresses do not block an address from which the user has signed in before.
        """
        now, address = self._clock.now(), request_metadata.network
        since, until = now - FAILURE_WINDOW, now + MAX_CLOCK_LEAD
        failures = await tx.audit.failed_sign_ins(since, until, subject=account, address=address)
        delay = _delay_after(failures)
        if delay and await tx.audit.failed_sign_ins(now - delay, until, subject=account, address=address):
            raise TooManyFailedSignIns(retry_after=int(delay.total_seconds()))
        of_account = await tx.audit.failed_sign_ins(since, until, subject=account) if account else 0
        of_address = await tx.audit.failed_sign_ins(since, until, address=address) if address else 0
        if of_account < MAX_ACCOUNT_FAILURES and of_address < MAX_ADDRESS_FAILURES:
            return
        if not await self._has_signed_in_from(tx, user_id, address):
            raise TooManyFailedSignIns(retry_after=int(FAILURE_WINDOW.total_seconds()))

    async def _has_signed_in_from(self, tx: UnitOfWork, user_id: UserId | None, address: str) -> bool:
        """Whether a stored session of the user, live or ended, was opened from this address."""
        if user_id is None or not address:
            return False
        stored = await tx.sessions.find_of_user(user_id)
        return any(limited_address(session.address) == address for session in stored)

    async def _admits(self, tx: UnitOfWork, user_id: UserId, checked: str | None) -> bool:
        """Returns whether the account is active and its password hash is still `checked`. Raises AwaitingApproval."""
        user = await tx.users.find_by_id(user_id)
        if user is None or user.is_suspended or await tx.credentials.find(user_id) != checked:
            return False
        if user.awaits_approval:
            raise AwaitingApproval()
        return True

    async def _open(
        self, tx: Transaction, user_id: UserId, account: str, request_metadata: RequestMetadata
    ) -> Tokens:
        now = self._clock.now()
        session = Session(
            id=SessionId(self._ids.new_id()),
            user_id=user_id,
            created_at=now,
            last_used_at=now,
            expires_at=now + SESSION_LIFETIME,
            user_agent=readable_text(request_metadata.user_agent, max_length=MAX_USER_AGENT_LENGTH),
            address=request_metadata.address,
        )
        await tx.record(SessionOpened(user_id, account, request_metadata))
        return await self._renew(tx, session, self._ids.new_secret(), now)

    async def _renew(self, tx: UnitOfWork, session: Session, secret: str, now: datetime) -> Tokens:
        """Prolongs the session and makes `secret` its refresh token."""
        await tx.sessions.save(replace(session, last_used_at=now, expires_at=now + SESSION_LIFETIME))
        await tx.sessions.add_token(RefreshToken(hash=hash_of(secret), session_id=session.id, issued_at=now))
        return self._pairs.pair(session, secret, now, now)

    def _current_pair(self, session: Session, use: TokenUse, replaced: str, now: datetime) -> Tokens | None:
        """Returns the current pair of the session, which descends from the refresh token `replaced`; None if the key
        that derives successors has changed since."""
        if use.current is None:
            return None
        secret = self._pairs.find_secret(use.current, replaced)
        return self._pairs.pair(session, secret, use.current.issued_at, now) if secret else None

    async def _end(self, user_id: UserId, session_id: SessionId, request_metadata: RequestMetadata) -> None:
        async with self._transactions.begin() as tx:
            if not await tx.sessions.revoke(user_id, self._clock.now(), only=session_id):
                raise SessionNotFound()
            await tx.record(SessionEnded(user_id, session_id, request_metadata))


def _delay_after(failures: int) -> timedelta:
    """Returns the delay between the last of `failures` and the next attempt: 1 s, then doubled per failure, at most
    FAILURE_WINDOW."""
    if failures < FREE_FAILURES:
        return timedelta(0)
    return min(FAILURE_WINDOW, timedelta(seconds=2 ** min(failures - FREE_FAILURES, 20)))


def _account(user: User | None, typed: str) -> str:
    """Returns the name under which failures are counted: one per account, whether the guess names it by user name,
    e-mail address or session."""
    return user.username if user else typed
