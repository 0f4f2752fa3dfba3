"""What is known of an installation, for requests to ask for."""

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
"""How many rows into the list a deep page begins, where the list is as long."""
_CLIP_SIZE = 1024 * 1024
_UNPUBLISHED = 5_000
"""For each candidate that publishes; more than any does while it is measured."""
_PUBLIC = (
    select(mechanisms.c.id, mechanisms.c.created_at)
    .where(mechanisms.c.is_published)
    .order_by(mechanisms.c.created_at.desc(), mechanisms.c.id.desc())
)
_PLACES = 20_000
"""Different places that lists are entered at, from which the caches can know none."""


@dataclass(frozen=True, slots=True)
class Place:
    """Just after the mechanism that has `rank` others before it in the list, newest first."""

    rank: int
    time: datetime
    id: str


class Known:
    """`ids` of what is public, shuffled; `near` and `deep` are places at the list's begin and far down, shuffled."""

    def __init__(self, installation: Installation) -> None:
        self.installation = installation
        with installation.engine() as engine, engine.connect() as connection:
            rows = [(str(id), time) for id, time in connection.execute(_PUBLIC)]
        random = Random(SEED)
        last = len(rows) - DEFAULT_LIMIT
        self.deep_rank = min(DEEP, len(rows) // 2)
        # In the first half: pages of a narrowed list are whole there, however few mechanisms there are.
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
        """The number of the last page that page numbers reach, or of the one half-way through a shorter list."""
        return min(MAX_OFFSET, len(self.ids) // 2) // DEFAULT_LIMIT + 1

    def clip_path(self) -> str:
        """Of a public clip, whose file is there from now on."""
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
        """Mechanisms that are there from now on, wait to be published, and belong to who signs in."""
        batch = unpublished_batch(self._made, parts * _UNPUBLISHED, self.installation.user_id)
        self._made += parts * _UNPUBLISHED
        with self.installation.engine() as engine, engine.connect() as connection, connection.begin():
            put_batch(connection, batch)
        ids = [str(row[0]) for row in batch.mechanisms]
        return [ids[part::parts] for part in range(parts)]


def zipf(ids: Sequence[str], count: int, exponent: float = 1.0) -> list[str]:
    """`count` of `ids`, the n-th of which is asked for in proportion to n ** -exponent."""
    ranks = numpy.arange(1, len(ids) + 1, dtype=float)
    shares = numpy.cumsum(ranks**-exponent)
    drawn = numpy.random.default_rng(SEED).random(count) * shares[-1]
    return [ids[place] for place in numpy.searchsorted(shares, drawn)]


def _places(rows: Sequence[tuple[str, datetime]], ranks: range, random: Random) -> list[Place]:
    places = [Place(rank, rows[rank - 1][1], rows[rank - 1][0]) for rank in ranks]
    random.shuffle(places)
    return places
