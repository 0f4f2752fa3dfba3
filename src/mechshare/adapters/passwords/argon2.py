"""Argon2id (RFC 9106)."""

import asyncio
import os
import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import argon2
import structlog
from argon2.exceptions import InvalidHashError, VerificationError, VerifyMismatchError

from mechshare.domain.overload import Overloaded

T = TypeVar("T")
_MAX_WAITING = 40
"""One takes about 30 ms of a core: the last of them waits a second or two."""
_log = structlog.get_logger("mechshare.passwords")


class Argon2PasswordHasher:
    """Argon2id with OWASP's parameters (19 MiB, 2 passes, 1 lane), in a few threads of its own.

    The threads bound how much memory and how many cores a flood of sign-ins can take, and `max_waiting` how long one
    waits: more than that in the queue are refused. A stored hash that cannot be read is no password's: that is logged,
    and False.
    """

    def __init__(
        self,
        *,
        memory_kib: int = 19 * 1024,
        iterations: int = 2,
        parallelism: int = 1,
        threads: int | None = None,
        max_waiting: int = _MAX_WAITING,
    ) -> None:
        self._hasher = argon2.PasswordHasher(iterations, memory_kib, parallelism)
        self._nobodys = self._hasher.hash(secrets.token_urlsafe())
        workers = threads or max(1, (os.cpu_count() or 1) // 2)
        self._max_unfinished = workers + max_waiting
        self._unfinished = 0
        self._threads = ThreadPoolExecutor(workers, thread_name_prefix="argon2")

    async def hash(self, password: str) -> str:
        return await self._in_thread(lambda: self._hasher.hash(_bytes_of(password)))

    async def verify(self, password: str, hash: str | None) -> bool:
        right = await self._in_thread(lambda: self._matches(password, hash or self._nobodys))
        return right and hash is not None

    def needs_rehash(self, hash: str) -> bool:
        try:
            return self._hasher.check_needs_rehash(hash)
        except InvalidHashError:
            return True

    async def _in_thread(self, work: Callable[[], T]) -> T:
        """What `work` returns. Raises Overloaded. Work that nobody waits for any more is not begun."""
        if self._unfinished >= self._max_unfinished:
            raise Overloaded()
        self._unfinished += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work)
        finally:
            self._unfinished -= 1

    def _matches(self, password: str, hash: str) -> bool:
        try:
            return self._hasher.verify(hash, _bytes_of(password))
        except VerifyMismatchError:
            return False
        except (InvalidHashError, VerificationError, UnicodeEncodeError) as problem:
            _log.error("password_hash_unusable", problem=type(problem).__name__)
            return False


def _bytes_of(password: str) -> bytes:
    """Takes lone surrogates too: they make a wrong password, not a failure."""
    return password.encode("utf-8", "surrogatepass")
