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


class ReplayedResponse(Exception):
    """Raised in place of a second effect: `response` is the stored one to an earlier request with the same key."""

    def __init__(self, response: bytes) -> None:
        super().__init__(response)
        self.response = response


async def require_first(tx: UnitOfWork, clock: Clock, idempotency: IdempotentRequest[T] | None) -> None:
    """Raises ReplayedResponse if the request took effect before, and IdempotencyKeyReused if its key came with another
    one."""
    if idempotency is None:
        return
    record = await tx.idempotency_records.find(idempotency.scope, idempotency.key)
    if record is not None and not record.is_expired(clock.now()):
        raise ReplayedResponse(record.response_to(idempotency.fingerprint))


async def run_once(
    tx: UnitOfWork,
    clock: Clock,
    idempotency: IdempotentRequest[T] | None,
    operation: Callable[[], Awaitable[T]],
) -> T:
    """Runs `operation`, stores its response in the same transaction and returns its result.

    Check before the call what a repeated request must be allowed to do, too. A key can be used again after
    IDEMPOTENCY_LIFETIME. Raises as `require_first` does.
    """
    if idempotency is None:
        return await operation()
    name = (idempotency.scope, idempotency.key)
    # Only this record: garbage collection deletes the other expired ones, so no request waits for them.
    await tx.idempotency_records.delete_expired(*name, older=clock.now() - IDEMPOTENCY_LIFETIME)
    await require_first(tx, clock, idempotency)
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
