"""Doing what a request with an Idempotency-Key asks once, however often it is sent."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from mechshare.domain.idempotency import IDEMPOTENCY_LIFETIME, IdempotencyRecord
from mechshare.ports.clock import Clock
from mechshare.ports.persistence.database import UnitOfWork

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class IdempotentRequest(Generic[T]):
    """A request that must take effect once. `render` makes the answer that is kept for its repetitions."""

    scope: str
    key: str
    fingerprint: str
    render: Callable[[T], bytes]


@dataclass(frozen=True, slots=True)
class ReplayedResponse:
    """The answer that the same request got before."""

    response: bytes


async def run_once(
    tx: UnitOfWork, clock: Clock, once: IdempotentRequest[T] | None, do: Callable[[], Awaitable[T]]
) -> T | ReplayedResponse:
    """What `do` gives, its answer being kept in the same transaction; a Replay when it was done before.

    A key is free again after IDEMPOTENCY_LIFETIME. Raises IdempotencyKeyReused when it came with another request.
    """
    if once is None:
        return await do()
    name = (once.scope, once.key)
    # Others that are as old are the sweep's: however many they are, no request waits for them.
    await tx.idempotency_records.delete_expired(*name, older=clock.now() - IDEMPOTENCY_LIFETIME)
    known = await tx.idempotency_records.find(*name)
    if known is not None:
        return ReplayedResponse(known.response_to(once.fingerprint))
    done = await do()
    record = IdempotencyRecord(
        scope=once.scope,
        key=once.key,
        fingerprint=once.fingerprint,
        response=once.render(done),
        created_at=clock.now(),
    )
    await tx.idempotency_records.add(record)
    return done
