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

from mechshare.domain.overload import ConcurrencyLimit

T = TypeVar("T")
_MAX_WAITING = 40
"""One hash takes about 30 ms of a core, so the last in the queue waits one or two seconds."""
_log = structlog.get_logger("mechshare.passwords")


class Argon2PasswordHasher:
    """Argon2id with OWASP's parameters (19 MiB, 2 passes, 1 lane), in a small thread pool of its own.

    The threads bound the memory and the cores that a flood of sign-ins can use; `max_waiting` bounds the queue, and
    requests beyond it are refused. A stored hash that cannot be read matches no password and is logged.
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
        self._dummy_hash = self._hasher.hash(secrets.token_urlsafe())
        workers = threads or max(1, (os.cpu_count() or 1) // 2)
        self._limit = ConcurrencyLimit(workers + max_waiting)
        self._threads = ThreadPoolExecutor(workers, thread_name_prefix="argon2")

    async def hash(self, password: str) -> str:
        return await self._in_thread(lambda: self._hasher.hash(_bytes_of(password)))

    async def verify(self, password: str, hash: str | None) -> bool:
        right = await self._in_thread(lambda: self._matches(password, hash or self._dummy_hash))
        return right and hash is not None

    def needs_rehash(self, hash: str) -> bool:
        try:
            return self._hasher.check_needs_rehash(hash)
        except InvalidHashError:
            return True

    async def _in_thread(self, work: Callable[[], T]) -> T:
        """Runs `work` in the pool. Raises Overloaded. Work that is cancelled in the queue is not started."""
        with self._limit.admit():
            return await asyncio.get_running_loop().run_in_executor(self._threads, work)

    def _matches(self, password: str, hash: str) -> bool:
        try:
            return self._hasher.verify(hash, _bytes_of(password))
        except VerifyMismatchError:
            return False
        except (InvalidHashError, VerificationError, UnicodeEncodeError) as problem:
            _log.error("password_hash_unusable", problem=type(problem).__name__)
            return False


def _bytes_of(password: str) -> bytes:
    """Encodes lone surrogates too, so that they make a wrong password rather than an error."""
    return password.encode("utf-8", "surrogatepass")
