"""The content of an installation that the requests refer to."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from random import Random

import numpy
from sqlalchemy import delete, insert, select

from bench.data import SEED, unpublished_batch
from bench.filling import put_batch
from bench.installations import Installation
from mechshare.adapters.persistence.sql.tables import blob_references, mechanisms
from mechshare.domain.blobs import blob_key
from mechshare.domain.pagination import DEFAULT_LIMIT, MAX_OFFSET
from mechshare.entrypoints.http.representations.mechanisms import MEDIA_PATH

DEEP = 40_000
"""The offset of a deep page, if the list is long enough."""
_CLIP_SIZE = 1024 * 1024
_UNPUBLISHED = 5_000
"""Per candidate that publishes; more than any publishes during a measurement."""
_PUBLIC = (
    select(mechanisms.c.id, mechanisms.c.created_at)
    .where(mechanisms.c.is_public)
    .order_by(mechanisms.c.created_at.desc(), mechanisms.c.id.desc())
)
_PLACES = 20_000
"""Different cursors, so that no cache has the list."""


@dataclass(frozen=True, slots=True)
class Place:
    """The position after the mechanism with this rank, time and id, in the list of the newest first."""

    rank: int
    time: datetime
    id: str


class Known:
    """`ids` are the public mechanisms, shuffled; `near` and `deep` are positions at the start and deep in the list,
    shuffled."""

    def __init__(self, installation: Installation) -> None:
        self.installation = installation
        with installation.engine() as engine, engine.connect() as connection:
            rows = [(str(id), time) for id, time in connection.execute(_PUBLIC)]
        random = Random(SEED)
        last = len(rows) - DEFAULT_LIMIT
        self.deep_rank = min(DEEP, len(rows) // 2)
        # In the first half, where pages of a filtered list are full even with few mechanisms.
        self.near = _places(rows, range(1, min(1 + _PLACES, len(rows) // 2)), random)
        self.deep = _places(rows, range(self.deep_rank, min(self.deep_rank + _PLACES, last)), random)
        self.ids: Sequence[str] = [id for id, _ in rows]
        random.shuffle(self.ids)
        self._made = installation.count

    @property
    def is_searchable(self) -> bool:
        return self.installation.is_searchable

    @property
    def deepest_page(self) -> int:
        """The last page that page numbers reach, or the middle page of a shorter list."""
        return min(MAX_OFFSET, len(self.ids) // 2) // DEFAULT_LIMIT + 1

    def clip_path(self) -> str:
        """Creates the file of a public clip and returns its path."""
        id = self.ids[0]
        with self.installation.engine() as engine, engine.begin() as connection:
            url = connection.scalar(select(mechanisms.c.file_url).where(mechanisms.c.id == id))
            key = blob_key(url or "") or ""
            reference = {"key": key, "owner_kind": "mechanism", "owner_id": id, "role": "video"}
            connection.execute(delete(blob_references).where(blob_references.c.key == key))
            connection.execute(insert(blob_references), reference | {"created_at": datetime.now(UTC)})
        self.installation.write_blob(key, Random(SEED).randbytes(_CLIP_SIZE))
        return MEDIA_PATH + key.removeprefix("media/")

    def unpublished(self, parts: int) -> list[list[str]]:
        """Creates unpublished mechanisms of the user who signs in; returns their ids in `parts` lists."""
        batch = unpublished_batch(self._made, parts * _UNPUBLISHED, self.installation.user_id)
        self._made += parts * _UNPUBLISHED
        with self.installation.engine() as engine, engine.connect() as connection, connection.begin():
            put_batch(connection, batch)
        ids = [str(row[0]) for row in batch.mechanisms]
        return [ids[part::parts] for part in range(parts)]


def zipf(ids: Sequence[str], count: int, exponent: float = 1.0) -> list[str]:
    """Returns `count` draws from `ids`, the n-th with a probability proportional to n ** -exponent."""
    ranks = numpy.arange(1, len(ids) + 1, dtype=float)
    shares = numpy.cumsum(ranks**-exponent)
    drawn = numpy.random.default_rng(SEED).random(count) * shares[-1]
    return [ids[place] for place in numpy.searchsorted(shares, drawn)]


def _places(rows: Sequence[tuple[str, datetime]], ranks: range, random: Random) -> list[Place]:
    places = [Place(rank, rows[rank - 1][1], rows[rank - 1][0]) for rank in ranks]
    random.shuffle(places)
    return places
