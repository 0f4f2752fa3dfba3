"""Updates the search index after changes of the database."""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from typing import NamedTuple

from mechshare.domain.categories import Category
from mechshare.domain.errors import Unavailable
from mechshare.domain.events import DeletionIndexed, Event, IndexRebuilt, MechanismIndexed
from mechshare.domain.ids import CategoryId, MechanismId
from mechshare.domain.jobs import Job, JobKind
from mechshare.domain.mechanism_sorts import MechanismSort
from mechshare.domain.mechanisms import AuthoredMechanism
from mechshare.domain.media import ProcessingFailure
from mechshare.domain.pagination import MAX_LIMIT, PageRequest
from mechshare.domain.search_documents import SearchDocument, document_of
from mechshare.domain.shares import Share
from mechshare.domain.visibility import EVERYTHING, Visibility
from mechshare.ports.persistence.database import UnitOfWork
from mechshare.ports.search import SearchIndex
from mechshare.services.jobs import Completion, Progress, write_nothing
from mechshare.services.support.claims import MAX_INDEX_BATCH
from mechshare.services.support.data_loader import DataLoader
from mechshare.services.transactions import Transaction, Transactions

_DELETED = 2**62
"""The version under which a deleted mechanism leaves the index; higher than any version of a mechanism."""


async def _all_documents(transactions: Transactions) -> AsyncIterator[SearchDocument]:
    """Yields the documents of all mechanisms, oldest first, reading the database page by page."""
    request: PageRequest | None = PageRequest(limit=MAX_LIMIT)
    while request is not None:
        async with transactions.read() as tx:
            page = await tx.mechanisms.find_all(request, sort=MechanismSort.OLDEST, scope=EVERYTHING)
            categories = _by_id(await tx.categories.find_all())
            listed = [item for item in page.items if _is_indexed(item)]
            parts = await _texts_and_shares(tx, listed)
        for item in listed:
            yield _document(item, categories, parts)
        request = PageRequest(limit=MAX_LIMIT, after=page.next) if page.next else None


async def rebuild(transactions: Transactions, index: SearchIndex) -> int:
    """Rebuilds the index, then invalidates the searches; returns how many mechanisms the index holds."""
    count = await index.rebuild(_all_documents(transactions))
    await transactions.record(IndexRebuilt())
    return count


class _Change(NamedTuple):
    """A mechanism whose last change the index may lack. `was_public`: whether public lists may show it as it was."""

    id: MechanismId
    was_public: bool


class IndexMechanism:
    """The jobs `index_mechanism` and `index_draft`: update the index and the caches for one mechanism.

    Lists and searches stay cached if the mechanism was a draft and still is one. Jobs that run at the same time share
    one read of the database, one write of the index and one change of the caches.
    """

    def __init__(self, transactions: Transactions, index: SearchIndex) -> None:
        self._transactions = transactions
        self._index = index
        self._batches = DataLoader(self._index_each, max_batches=1, max_size=MAX_INDEX_BATCH)

    async def run(self, job: Job, progress: Progress) -> Completion:
        change = _Change(MechanismId(job.subject), was_public=job.kind is not JobKind.INDEX_DRAFT)
        return await self._batches.load(change)

    async def _index_each(self, changes: Sequence[_Change]) -> Sequence[Completion | Exception]:
        """Indexes these mechanisms together, or each by itself if that fails: one may be the cause."""
        try:
            await self._index_all(changes)
        except Unavailable:
            raise
        except Exception as problem:
            if len(changes) == 1:
                return [problem]
            return [await self._index_one(change) for change in changes]
        return [write_nothing] * len(changes)

    async def _index_one(self, change: _Change) -> Completion | Exception:
        try:
            await self._index_all([change])
        except Exception as problem:  # the runner records it with the job
            return problem
        return write_nothing

    async def _index_all(self, changes: Sequence[_Change]) -> None:
        ids = list(dict.fromkeys(change.id for change in changes))
        # A transaction, not a plain read: it waits for a concurrent rename of a category that did not see a mechanism.
        async with self._transactions.begin() as tx:
            found = {item.mechanism.id: item for item in await tx.mechanisms.find_authored(ids)}
            categories = await _with_parents(
                tx, {id for item in found.values() for id in item.mechanism.categories}
            )
            indexed = [item for item in found.values() if _is_indexed(item)]
            parts = await _texts_and_shares(tx, indexed)
        if indexed:
            await self._index.put([_document(item, categories, parts) for item in indexed])
        for id in ids:
            if id not in found:
                await self._index.remove(id, _DELETED)
            elif not _is_indexed(found[id]):
                await self._index.remove(id, found[id].mechanism.version)
        await self._transactions.record(*(_indexed(change, found.get(change.id)) for change in changes))

    async def on_failed(self, tx: Transaction, job: Job, failure: ProcessingFailure) -> None:
        """Writes nothing: these jobs are tried until they are done."""

    async def on_retry(self, tx: Transaction, job: Job) -> None:
        """Writes nothing: the job reads its input from the database."""

    async def on_lost(self, job: Job) -> None:
        """Does nothing: the worker that owns the job now writes the same document."""


class RebuildIndex:
    """The job `rebuild_index`: fills a new or wiped index from the database."""

    def __init__(self, transactions: Transactions, index: SearchIndex) -> None:
        self._transactions = transactions
        self._index = index

    async def run(self, job: Job, progress: Progress) -> Completion:
        if await self._index.needs_rebuild():
            await progress("rebuild", 0.0)
            await rebuild(self._transactions, self._index)
        return write_nothing

    async def on_failed(self, tx: Transaction, job: Job, failure: ProcessingFailure) -> None:
        """Writes nothing: searches continue on the current index, and the failed job tells the operator why."""

    async def on_retry(self, tx: Transaction, job: Job) -> None:
        """Writes nothing: the job reads its input from the database."""

    async def on_lost(self, job: Job) -> None:
        """Does nothing: the worker that owns the job now rebuilds the index again."""


def _by_id(categories: Iterable[Category]) -> dict[CategoryId, Category]:
    return {each.id: each for each in categories}


async def _with_parents(tx: UnitOfWork, ids: Iterable[CategoryId]) -> dict[CategoryId, Category]:
    """Returns the categories with these ids and their parents, which it locks in the order of their ids."""
    found = [one for id in sorted(ids) if (one := await tx.categories.find_by_id(id))]
    parents = sorted({one.parent_id for one in found if one.parent_id})
    return _by_id([*found, *[one for id in parents if (one := await tx.categories.find_by_id(id))]])


def _indexed(change: _Change, found: AuthoredMechanism | None) -> Event:
    if found:
        return MechanismIndexed(found.mechanism, change.was_public)
    return DeletionIndexed(change.id, change.was_public)


def _is_indexed(item: AuthoredMechanism) -> bool:
    return item.mechanism.visibility is not Visibility.UNLISTED


class _Parts(NamedTuple):
    """The texts of the pages, and the shares, of mechanisms that have them."""

    pages: Mapping[MechanismId, tuple[str, ...]]
    shares: Mapping[MechanismId, Sequence[Share]]


async def _texts_and_shares(tx: UnitOfWork, items: Sequence[AuthoredMechanism]) -> _Parts:
    """Reads only the shares of private mechanisms; those of others have no effect."""
    private = [item.mechanism.id for item in items if item.mechanism.visibility is Visibility.PRIVATE]
    shares: dict[MechanismId, list[Share]] = {}
    for share in await tx.shares.find_all(private) if private else ():
        shares.setdefault(share.mechanism_id, []).append(share)
    return _Parts(await tx.pages.find_texts([item.mechanism.id for item in items]), shares)


def _document(
    item: AuthoredMechanism, categories: Mapping[CategoryId, Category], parts: _Parts
) -> SearchDocument:
    own = [categories[id] for id in item.mechanism.categories if id in categories]
    parents = [categories[one.parent_id] for one in own if one.parent_id and one.parent_id in categories]
    distinct = _by_id([*own, *parents])
    id = item.mechanism.id
    return document_of(
        item, list(distinct.values()), pages=parts.pages.get(id, ()), shares=parts.shares.get(id, ())
    )
