"""What is known of an installation, for requests to ask for."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from random import Random

import numpy
from sqlalchemy import select

from bench.data import SEED
from bench.installations import Installation
from mechshare.adapters.persistence.sql.tables import mechanisms
from mechshare.domain.pages import DEEPEST_OFFSET, DEFAULT_LIMIT

DEEP = 40_000
"""How many rows into the list a deep page begins, where the list is as long."""
_PLACES = 20_000
"""Different places that lists are entered at, from which the caches can know none."""


@dataclass(frozen=True, slots=True)
class Place:
    """Just after the mechanism that has `rank` others before it in the list, newest first."""

    rank: int
    time: datetime
    id: str


@dataclass(frozen=True, slots=True)
class Known:
    """`ids` of what is public, shuffled; `near` and `deep` are places at the list's begin and far down, shuffled."""

    ids: Sequence[str]
    near: Sequence[Place]
    deep: Sequence[Place]
    deep_rank: int

    @property
    def deepest_page(self) -> int:
        """The number of the last page that page numbers reach, or of the one half-way through a shorter list."""
        return min(DEEPEST_OFFSET, len(self.ids) // 2) // DEFAULT_LIMIT + 1


def know(installation: Installation) -> Known:
    public = (
        select(mechanisms.c.id, mechanisms.c.created_at)
        .where(mechanisms.c.is_published)
        .order_by(mechanisms.c.created_at.desc(), mechanisms.c.id.desc())
    )
    with installation.engine() as engine, engine.connect() as connection:
        rows = [(str(id), time) for id, time in connection.execute(public)]
    random = Random(SEED)
    deep_rank = min(DEEP, len(rows) // 2)
    last = len(rows) - DEFAULT_LIMIT
    near = _places(rows, range(1, min(1 + _PLACES, last)), random)
    deep = _places(rows, range(deep_rank, min(deep_rank + _PLACES, last)), random)
    ids = [id for id, _ in rows]
    random.shuffle(ids)
    return Known(ids=ids, near=near, deep=deep, deep_rank=deep_rank)


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
