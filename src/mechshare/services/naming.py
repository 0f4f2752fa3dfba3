"""What a changed name means for the mechanisms that are shown and found under it."""

from collections.abc import AsyncIterator, Sequence

from mechshare.domain.ids import CategoryId, JobId, MechanismId, UserId
from mechshare.domain.jobs import JobKind, new_job
from mechshare.domain.mechanisms import Mechanism
from mechshare.domain.pages import LARGEST_LIMIT, PageRequest
from mechshare.ports.clock import Clock
from mechshare.ports.ids import IdSource
from mechshare.ports.persistence import UnitOfWork


async def every_mechanism(
    tx: UnitOfWork, *, user_id: UserId | None = None, category_ids: Sequence[CategoryId] = ()
) -> AsyncIterator[Mechanism]:
    """All of a user's mechanisms, or all in these categories, published or not; each may be deleted as it comes, and is
    held: a worker that is at its clip does not change it before the end of the transaction."""
    request: PageRequest | None = PageRequest(limit=LARGEST_LIMIT)
    while request is not None:
        page = await tx.mechanisms.find_all(
            request, user_id=user_id, category_ids=category_ids, published_only=False
        )
        for item in page.items:
            mechanism = await tx.mechanisms.find_by_id(item.mechanism.id)
            if mechanism is not None:
                yield mechanism
        request = PageRequest(limit=LARGEST_LIMIT, after=page.next) if page.next else None


async def show_new_name(
    tx: UnitOfWork,
    clock: Clock,
    ids: IdSource,
    *,
    user_id: UserId | None = None,
    category_ids: Sequence[CategoryId] = (),
) -> list[MechanismId]:
    """Gives each of these mechanisms a new version and promises it to the index; which they were.

    The new version keeps two index jobs in order, and tells holders of an old answer that it is old.
    """
    shown: list[MechanismId] = []
    async for mechanism in every_mechanism(tx, user_id=user_id, category_ids=category_ids):
        await tx.mechanisms.save(mechanism)
        await tx.ledger.add(
            new_job(JobId(ids.new_id()), JobKind.INDEX_MECHANISM, mechanism.id, now=clock.now())
        )
        shown.append(mechanism.id)
    return shown
