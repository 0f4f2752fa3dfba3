"""Compares the search index with the published mechanisms, version by version."""

from mechshare.domain.ids import MechanismId
from mechshare.domain.jobs import JobKind
from mechshare.domain.pagination import EXACT_TOTAL, PageRequest
from mechshare.domain.search import SearchQuery, SearchSort
from mechshare.ports.persistence.database import Database
from mechshare.ports.search import SearchIndex

_PAGE_SIZE = 1_000
Versions = dict[MechanismId, int]
Difference = tuple[MechanismId, int | None, int | None]
"""A mechanism with its version in the index and in the database; None where it is not, or not public."""


async def find_differences(database: Database, index: SearchIndex) -> frozenset[Difference]:
    """Returns the differences that no waiting job will remove. Raises Unavailable.

    Compares the newest EXACT_TOTAL mechanisms; if there are more, only those that both have among their newest.
    """
    found = await _differences(database, index)
    # A change between the two reads looks like a difference, but not twice.
    return found & await _differences(database, index) if found else found


async def _differences(database: Database, index: SearchIndex) -> frozenset[Difference]:
    indexed = await _indexed(index)
    published = await _published(database)
    compared = indexed.keys() | published.keys()
    if max(len(indexed), len(published)) >= EXACT_TOTAL:
        compared = indexed.keys() & published.keys()
    async with database.read() as tx:
        waiting = await tx.undone_jobs.find_subjects(JobKind.INDEX_MECHANISM, EXACT_TOTAL)
    return frozenset(
        (id, indexed.get(id), published.get(id))
        for id in compared.difference(map(MechanismId, waiting))
        if indexed.get(id) != published.get(id)
    )


async def _indexed(index: SearchIndex) -> Versions:
    versions: Versions = {}
    for offset in range(0, EXACT_TOTAL, _PAGE_SIZE):
        query = SearchQuery(sort=SearchSort.NEWEST, offset=offset, limit=_PAGE_SIZE)
        hits = (await index.search(query)).hits
        versions |= {hit.mechanism_id: hit.version for hit in hits}
        if len(hits) < _PAGE_SIZE:
            break
    return versions


async def _published(database: Database) -> Versions:
    versions: Versions = {}
    request: PageRequest | None = PageRequest(limit=_PAGE_SIZE)
    while request is not None and len(versions) < EXACT_TOTAL:
        async with database.read() as tx:
            page = await tx.mechanisms.find_all(request)
        versions |= {item.mechanism.id: item.mechanism.version for item in page.items}
        request = PageRequest(limit=_PAGE_SIZE, after=page.next) if page.next else None
    return versions
