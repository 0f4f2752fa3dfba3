"""Argon2id (RFC 9106)."""

import asyncio
import os
import secrets
from concurrent.futures import ThreadPoolExecutor

import argon2
import structlog
from argon2.exceptions import InvalidHashError, VerificationError, VerifyMismatchError

_log = structlog.get_logger("mechshare.passwords")


class Argon2PasswordHasher:
    """Argon2id with OWASP's parameters (19 MiB, 2 passes, 1 lane), in a few threads of its own.

    The threads bound how much memory and how many cores a flood of sign-ins can take. A stored hash that cannot be
    read is no password's: that is logged, and False.
    """

    def __init__(
        self,
        *,
        memory_kib: int = 19 * 1024,
        iterations: int = 2,
        parallelism: int = 1,
        threads: int | None = None,
    ) -> None:
        self._hasher = argon2.PasswordHasher(iterations, memory_kib, parallelism)
        self._nobodys = self._hasher.hash(secrets.token_urlsafe())
        workers = threads or max(1, (os.cpu_count() or 1) // 2)
        self._threads = ThreadPoolExecutor(workers, thread_name_prefix="argon2")

    async def hash(self, password: str) -> str:
        return await asyncio.get_running_loop().run_in_executor(
            self._threads, self._hasher.hash, _bytes_of(password)
        )

    async def verify(self, password: str, hash: str | None) -> bool:
        loop = asyncio.get_running_loop()
        right = await loop.run_in_executor(self._threads, self._matches, password, hash or self._nobodys)
        return right and hash is not None

    def needs_rehash(self, hash: str) -> bool:
        try:
            return self._hasher.check_needs_rehash(hash)
        except InvalidHashError:
            return True

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
