"""The derivatives of clips, read directly from the database and the blob store."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from mechshare import settings
from mechshare.bootstrap.adapters import choose_adapters
from mechshare.domain.blobs import blob_key, derivative_prefix
from mechshare.domain.ids import MechanismId
from mechshare.domain.jobs import JobKind
from tests.chaos.installation import Installation

_FENCE = re.compile(r"media/[^/]+/(\d+)-")


@dataclass(frozen=True)
class Made:
    """The derivatives of one mechanism.

    `named` are the keys in the mechanism's row, whose version is `version`; `fence` is that of the last attempt.
    `stored` may hold more keys: derivatives of lost attempts are removed a day later.
    """

    version: int
    fence: int
    named: frozenset[str]
    stored: frozenset[str]

    @property
    def is_one_set(self) -> bool:
        """Whether the row names three files, all of them stored and all made by the last attempt."""
        fences = {int(found[1]) for key in self.named if (found := _FENCE.match(key))}
        return len(self.named) == 3 and self.named <= self.stored and fences == {self.fence}


async def made_of(installation: Installation, ids: Iterable[str]) -> list[Made]:
    adapters = choose_adapters(settings.load(installation.environ))
    found = []
    try:
        for id in map(MechanismId, ids):
            async with adapters.database.read() as tx:
                mechanism = await tx.mechanisms.find_by_id(id)
                (job,) = await tx.jobs.find_latest(JobKind.PROCESS_MECHANISM_FILE, id)
            assert mechanism is not None
            stored = frozenset([key async for key in adapters.blobs.list(derivative_prefix(id))])
            urls = (mechanism.file_url, mechanism.thumbnail_url, mechanism.preview_url)
            named = frozenset(key for url in urls if url and (key := blob_key(url)))
            found.append(Made(mechanism.version, job.fence, named, stored))
    finally:
        await adapters.close()
    return found
