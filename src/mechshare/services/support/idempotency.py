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


async def find_response(tx: UnitOfWork, idempotency: IdempotentRequest[T]) -> ReplayedResponse | None:
    """Returns the stored response if the request took effect before. Raises IdempotencyKeyReused."""
    record = await tx.idempotency_records.find(idempotency.scope, idempotency.key)
    return ReplayedResponse(record.response_to(idempotency.fingerprint)) if record else None


async def run_once(
    tx: UnitOfWork,
    clock: Clock,
    idempotency: IdempotentRequest[T] | None,
    operation: Callable[[], Awaitable[T]],
) -> T | ReplayedResponse:
    """Runs `operation`, stores its response in the same transaction and returns its result.

    Returns a ReplayedResponse instead if the request took effect before.

    A key can be used again after IDEMPOTENCY_LIFETIME. Raises IdempotencyKeyReused if the key came with another
    request.
    """
    if idempotency is None:
        return await operation()
    name = (idempotency.scope, idempotency.key)
    # Only this record: garbage collection deletes the other expired ones, so no request waits for them.
    await tx.idempotency_records.delete_expired(*name, older=clock.now() - IDEMPOTENCY_LIFETIME)
    if replayed := await find_response(tx, idempotency):
        return replayed
    result = await operation()
    record = IdempotencyRecord(
        scope=idempotency.scope,
        key=idempotency.key,
        fingerprint=idempotency.fingerprint,
        response=idempotency.render(result),
        created_at=clock.now(),
    )
    await tx.idempotency_records.add(record)
    return result
