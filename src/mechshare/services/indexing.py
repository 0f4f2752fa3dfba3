"""Keeps the search index in step with the database."""

from collections.abc import AsyncIterator, Iterable

from mechshare.domain.categories import Category
from mechshare.domain.events import DeletionIndexed, IndexRebuilt, MechanismIndexed
from mechshare.domain.ids import CategoryId, MechanismId
from mechshare.domain.jobs import Job, JobKind
from mechshare.domain.mechanisms import AuthoredMechanism, MechanismSort
from mechshare.domain.media import ProcessingFailure
from mechshare.domain.pagination import MAX_LIMIT, PageRequest
from mechshare.domain.search import SearchDocument, document_of
from mechshare.ports.search import SearchIndex
from mechshare.services.jobs import Completion, Progress, write_nothing
from mechshare.services.transactions import Transaction, Transactions

_DELETED = 2**62
"""The version under which a deleted mechanism leaves the index; higher than any version of a mechanism."""


async def _all_documents(transactions: Transactions) -> AsyncIterator[SearchDocument]:
    """Yields the documents of all mechanisms, oldest first, reading the database page by page."""
    request: PageRequest | None = PageRequest(limit=MAX_LIMIT)
    while request is not None:
        async with transactions.read() as tx:
            page = await tx.mechanisms.find_all(request, sort=MechanismSort.OLDEST, published_only=False)
            names = _names(await tx.categories.find_all())
        for item in page.items:
            yield _document(item, names)
        request = PageRequest(limit=MAX_LIMIT, after=page.next) if page.next else None


async def rebuild(transactions: Transactions, index: SearchIndex) -> int:
    """Rebuilds the index, then invalidates the searches; returns how many mechanisms the index holds."""
    count = await index.rebuild(_all_documents(transactions))
    await transactions.record(IndexRebuilt())
    return count


class IndexMechanism:
    """The jobs `index_mechanism` and `index_draft`: update the index and the caches for one mechanism.

    Lists and searches stay cached if the mechanism was a draft and still is one.
    """

    def __init__(self, transactions: Transactions, index: SearchIndex) -> None:
        self._transactions = transactions
        self._index = index

    async def run(self, job: Job, progress: Progress) -> Completion:
        mechanism_id = MechanismId(job.subject)
        # A transaction, not a plain read: it waits for a concurrent rename of a category that did not see this
        # mechanism.
        async with self._transactions.begin() as tx:
            found = await tx.mechanisms.find_authored([mechanism_id])
            categories = sorted(found[0].mechanism.categories) if found else ()
            names = _names([one for id in categories if (one := await tx.categories.find_by_id(id))])
        if found:
            await self._index.put([_document(found[0], names)])
        else:
            await self._index.remove(mechanism_id, _DELETED)
        was_public = job.kind is not JobKind.INDEX_DRAFT
        if found:
            await self._transactions.record(MechanismIndexed(found[0].mechanism, was_public))
        else:
            await self._transactions.record(DeletionIndexed(mechanism_id, was_public))
        return write_nothing

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


def _names(categories: Iterable[Category]) -> dict[CategoryId, tuple[str, str]]:
    return {each.id: (each.name_en, each.name_ja) for each in categories}


def _document(item: AuthoredMechanism, names: dict[CategoryId, tuple[str, str]]) -> SearchDocument:
    category_names = tuple(name for id in item.mechanism.categories for name in names.get(id, ()))
    return document_of(item, category_names)
