"""Executes a request with an Idempotency-Key once, however often it is sent."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from mechshare.domain.idempotency import IDEMPOTENCY_LIFETIME, IdempotencyRecord
from mechshare.ports.clock import Clock
from mechshare.ports.persistence.database import UnitOfWork

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class IdempotentRequest(Generic[T]):
    """A request that must take effect once. `render` encodes the response that is stored for repetitions."""

    scope: str
    key: str
    fingerprint: str
    render: Callable[[T], bytes]


@dataclass(frozen=True, slots=True)
class ReplayedResponse:
    """The stored response to an earlier request with the same key."""

    response: bytes


async def run_once(
    tx: UnitOfWork, clock: Clock, once: IdempotentRequest[T] | None, do: Callable[[], Awaitable[T]]
) -> T | ReplayedResponse:
    """Returns the result of `do` and stores its response in the same transaction; a ReplayedResponse if it was done
    before.

    A key can be used again after IDEMPOTENCY_LIFETIME. Raises IdempotencyKeyReused if the key came with another
    request.
    """
    if once is None:
        return await do()
    name = (once.scope, once.key)
    # Only this record: garbage collection deletes the other expired ones, so no request waits for them.
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
